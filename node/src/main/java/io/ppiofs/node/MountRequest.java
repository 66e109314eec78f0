package io.ppiofs.node;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.node.control.Request;
import java.nio.file.Path;
import java.util.List;

/**
 * A mount as a command asks for it.
 *
 * @param directory absolute
 * @param kernelOptions already checked by the command
 * @param threads FUSE workers, 0: the node's configuration decides
 * @param swarmSync fsync returns when peers have the data, too
 * @param attached unmount when the asker goes away
 */
public record MountRequest(
        String volume,
        Path directory,
        boolean readOnly,
        List<String> kernelOptions,
        int threads,
        boolean swarmSync,
        boolean attached,
        Unlock unlock) {
    /** The volume that {@code ppiofs mount DIR} means; it is created at its first mount. */
    public static final String DEFAULT_VOLUME = "default";

    /** Before the volume in the source of a mount. No colon: GNU programs know remote filesystems by that. */
    public static final String SOURCE = "ppiofs#";

    public MountRequest {
        kernelOptions = List.copyOf(kernelOptions);
    }

    /** Whether a volume is given by its capability. */
    public static boolean isCapability(String volume) {
        return volume.startsWith("ppiofs:ro:")
                || volume.startsWith("ppiofs:rw:")
                || volume.startsWith("ppiofs:verify:");
    }

    /** The request on the wire. */
    public Request toRequest() {
        Request request = new Request("mount")
                .with("volume", volume)
                .with("dir", directory.toString())
                .with("readOnly", readOnly)
                .with("options", kernelOptions)
                .with("threads", (long) threads)
                .with("swarmSync", swarmSync)
                .with("attached", attached);
        return withUnlock(request, unlock);
    }

    static MountRequest of(Request request) {
        Path directory = Path.of(request.text("dir"));
        if (!directory.isAbsolute()) {
            throw new PpiofsException(ErrorKind.INVALID, "mount", directory.toString(), "is not an absolute path");
        }
        Long threads = request.numberOrNull("threads");
        if (threads != null && (threads < 0 || threads > 256)) {
            throw new PpiofsException(ErrorKind.INVALID, "mount", "threads", "must be from 0 to 256");
        }
        return new MountRequest(
                request.text("volume"),
                directory,
                request.flag("readOnly"),
                request.texts("options"),
                threads == null ? 0 : threads.intValue(),
                request.flag("swarmSync"),
                request.flag("attached"),
                unlockOf(request));
    }

    /** Adds what opens a volume to a request; it travels only over the owner's socket. */
    public static Request withUnlock(Request request, Unlock unlock) {
        Request more = request;
        if (unlock.passphrase() != null) {
            more = more.with("passphrase", new String(unlock.passphrase()));
        }
        if (unlock.keyFile() != null) {
            more = more.with("keyFile", unlock.keyFile().toString());
        }
        return more;
    }

    static Unlock unlockOf(Request request) {
        String passphrase = request.textOrNull("passphrase");
        String keyFile = request.textOrNull("keyFile");
        return new Unlock(
                passphrase == null ? null : passphrase.toCharArray(), keyFile == null ? null : Path.of(keyFile));
    }
}
