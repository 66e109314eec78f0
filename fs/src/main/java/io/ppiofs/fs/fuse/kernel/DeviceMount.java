package io.ppiofs.fs.fuse.kernel;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.fuse.DescriptorSocket;
import io.ppiofs.fs.fuse.Fusermount;
import io.ppiofs.fs.fuse.KernelOptions;
import io.ppiofs.fs.fuse.NativeSystem;
import java.lang.ref.Reference;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import jnr.ffi.Pointer;

/**
 * Mounts and gives the device that serves the mount. Root opens the device and calls mount(2); everybody else, and a root
 * that may not mount (a container without CAP_SYS_ADMIN), starts fusermount3, which has the right and passes the opened
 * device back over a socket (cmsg(3), SCM_RIGHTS).
 */
final class DeviceMount {
    private static final String TYPE = "fuse.ppiofs";
    private static final int EPERM = 1;
    private static final int EINTR = 4;
    private static final int AF_UNIX = 1;
    private static final int SOCK_STREAM = 1;
    private static final int F_SETFD = 2;
    private static final int FD_CLOEXEC = 1;

    private final NativeSystem system;

    DeviceMount(NativeSystem system) {
        this.system = system;
    }

    Device mount(Path mountPoint, KernelOptions options, String source) {
        return system.root() ? asRoot(mountPoint, options, source) : asUser(mountPoint, options, source);
    }

    private Device asRoot(Path mountPoint, KernelOptions options, String source) {
        Device device = Device.open(system);
        Pointer from = system.cString(source.getBytes(StandardCharsets.UTF_8));
        Pointer place = system.cString(mountPoint);
        Pointer type = system.cString(TYPE.getBytes(StandardCharsets.US_ASCII));
        String words = "fd=" + device.descriptor() + ",rootmode=40000,user_id="
                + system.calls().getuid() + ",group_id=" + system.calls().getgid()
                + options.mountData();
        Pointer data = system.cString(words.getBytes(StandardCharsets.US_ASCII));
        int result = system.calls()
                .mount(from.address(), place.address(), type.address(), options.mountFlags(), data.address());
        int errno = result == 0 ? 0 : system.runtime().getLastError();
        Reference.reachabilityFence(List.of(from, place, type, data));
        if (errno != 0) {
            device.close();
        }
        if (errno == EPERM && Fusermount.present()) {
            return asUser(mountPoint, options, source);
        }
        if (errno != 0) {
            throw new PpiofsException(
                    ErrorKind.NOT_PERMITTED,
                    "mount",
                    mountPoint.toString(),
                    errno == EPERM
                            ? "the kernel refused the mount; are we in a container without CAP_SYS_ADMIN?"
                            : "the kernel refused the mount (errno " + errno + ")");
        }
        return device;
    }

    private Device asUser(Path mountPoint, KernelOptions options, String source) {
        Path program = Fusermount.program();
        Pointer pair = system.allocate(2 * Integer.BYTES);
        if (system.calls().socketpair(AF_UNIX, SOCK_STREAM, 0, pair.address()) != 0) {
            throw refused(
                    mountPoint,
                    "no socket for fusermount (errno " + system.runtime().getLastError() + ")");
        }
        int ours = pair.getInt(0);
        int theirs = pair.getInt(Integer.BYTES);
        system.calls().fcntl(ours, F_SETFD, FD_CLOEXEC);
        try {
            int pid;
            try {
                pid = spawn(
                        List.of(
                                program.toString(),
                                "-o",
                                options.fusermountOptions(source),
                                "--",
                                mountPoint.toString()),
                        "_FUSE_COMMFD=" + theirs);
            } finally {
                // With our copy closed, an end of fusermount without an answer is the end of the stream.
                system.calls().close(theirs);
            }
            // one byte with the descriptor; the end of the stream without one is a refusal
            DescriptorSocket from = DescriptorSocket.of(system, ours);
            int descriptor = from.receive(system.allocate(1).address(), 1) > 0 ? from.takeDescriptor() : -1;
            int status = await(pid);
            if (descriptor < 0 || status != 0) {
                if (descriptor >= 0) {
                    system.calls().close(descriptor);
                }
                throw refused(
                        mountPoint,
                        "fusermount refused the mount, see its message on standard error; allow_other needs"
                                + " user_allow_other in /etc/fuse.conf");
            }
            return Device.of(system, descriptor);
        } finally {
            system.calls().close(ours);
        }
    }

    private static PpiofsException refused(Path mountPoint, String detail) {
        return new PpiofsException(ErrorKind.NOT_PERMITTED, "mount", mountPoint.toString(), detail);
    }

    /** posix_spawn(3): ProcessBuilder would close the socket in the child. @return the process id */
    private int spawn(List<String> words, String variable) {
        List<Pointer> kept = new ArrayList<>();
        Pointer argv = vector(words, kept);
        List<String> environment = new ArrayList<>(List.of(variable, "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"));
        Pointer envp = vector(environment, kept);
        Pointer path = system.cString(words.get(0).getBytes(NativeSystem.pathCharset()));
        Pointer pid = system.allocate(Long.BYTES);
        int errno = system.calls().posix_spawn(pid.address(), path.address(), 0, 0, argv.address(), envp.address(), 0);
        Reference.reachabilityFence(List.of(kept, argv, envp, path));
        if (errno != 0) {
            throw new PpiofsException(ErrorKind.IO, "mount", words.get(0), "cannot be started (errno " + errno + ")");
        }
        return pid.getInt(0);
    }

    private Pointer vector(List<String> words, List<Pointer> kept) {
        Pointer v = system.allocate((words.size() + 1) * Long.BYTES);
        for (int i = 0; i < words.size(); i++) {
            Pointer word = system.cString(words.get(i).getBytes(NativeSystem.pathCharset()));
            kept.add(word);
            v.putAddress((long) i * Long.BYTES, word.address());
        }
        return v;
    }

    /** @return the exit status, 0 if another waiter has taken it */
    private int await(int pid) {
        Pointer status = system.allocate(Integer.BYTES);
        while (system.calls().waitpid(pid, status.address(), 0) < 0) {
            if (system.runtime().getLastError() != EINTR) {
                return 0;
            }
        }
        return status.getInt(0);
    }
}
