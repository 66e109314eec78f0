package io.ppiofs.fs.fuse;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** The set-id helper of libfuse, through which ordinary users unmount. */
public final class Fusermount {
    private static final List<Path> PLACES = List.of(
            Path.of("/usr/bin/fusermount3"),
            Path.of("/bin/fusermount3"),
            Path.of("/usr/bin/fusermount"),
            Path.of("/bin/fusermount"));
    private static final int EBUSY = 16;
    private static final int EPERM = 1;

    private Fusermount() {}

    /** @return 0 or errno */
    public static int unmount(Path mountPoint, boolean lazy) {
        List<String> command = new ArrayList<>();
        command.add(program().toString());
        command.add(lazy ? "-uz" : "-u");
        command.add("--");
        command.add(mountPoint.toString());
        try {
            Process p = new ProcessBuilder(command).redirectErrorStream(true).start();
            String output = new String(p.getInputStream().readAllBytes(), Charset.defaultCharset());
            if (p.waitFor() == 0) {
                return 0;
            }
            return output.toLowerCase(Locale.ROOT).contains("busy") ? EBUSY : EPERM;
        } catch (IOException e) {
            throw new PpiofsException(
                    ErrorKind.IO, "umount", mountPoint.toString(), "fusermount failed: " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new PpiofsException(ErrorKind.INTERRUPTED, "umount", mountPoint.toString(), "interrupted", e);
        }
    }

    /** Whether there is one. */
    public static boolean present() {
        return PLACES.stream().anyMatch(Files::isExecutable);
    }

    /** @throws PpiofsException NOT_SUPPORTED if there is none */
    public static Path program() {
        return PLACES.stream()
                .filter(Files::isExecutable)
                .findFirst()
                .orElseThrow(() -> new PpiofsException(
                        ErrorKind.NOT_SUPPORTED,
                        "mount",
                        "fusermount",
                        "is not installed; install it with `apt-get install fuse3`"));
    }
}
