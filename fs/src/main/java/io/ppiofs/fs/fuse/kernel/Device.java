package io.ppiofs.fs.fuse.kernel;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.fuse.LibC;
import io.ppiofs.fs.fuse.NativeSystem;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import jnr.ffi.Pointer;
import jnr.ffi.Runtime;

/** An open descriptor of {@code /dev/fuse}. {@link #close} must come after the last use by any thread. */
final class Device implements AutoCloseable {
    static final Path PATH = Path.of("/dev/fuse");
    private static final int O_RDWR = 2;
    private static final int O_CLOEXEC = 02000000;

    private final NativeSystem system;
    private final LibC calls;
    private final Runtime runtime;
    private final int descriptor;
    private boolean closed;

    private Device(NativeSystem system, int descriptor) {
        this.system = system;
        this.calls = system.calls();
        this.runtime = system.runtime();
        this.descriptor = descriptor;
    }

    /** @param descriptor taken over */
    static Device of(NativeSystem system, int descriptor) {
        return new Device(system, descriptor);
    }

    static Device open(NativeSystem system) {
        Pointer path = system.cString(PATH);
        int fd = system.calls().open(path.address(), O_RDWR | O_CLOEXEC);
        int errno = fd < 0 ? system.runtime().getLastError() : 0;
        Reference.reachabilityFence(path);
        if (fd < 0) {
            throw new PpiofsException(
                    ErrorKind.NOT_SUPPORTED,
                    "mount",
                    PATH.toString(),
                    "cannot be opened (errno " + errno + "); load the kernel module with `modprobe fuse`");
        }
        return new Device(system, fd);
    }

    /** Another door to the same mount, with a queue of its own for requests in work. */
    Device cloned() {
        Device fresh = open(system);
        ByteBuffer cell = ByteBuffer.allocateDirect(Integer.BYTES).order(ByteOrder.nativeOrder());
        cell.putInt(0, descriptor);
        Pointer argument = Pointer.wrap(runtime, cell);
        int result = calls.ioctl(fresh.descriptor, Wire.DEV_IOC_CLONE, argument.address());
        int errno = result == 0 ? 0 : runtime.getLastError();
        Reference.reachabilityFence(cell);
        if (errno != 0) {
            fresh.close();
            throw new PpiofsException(
                    ErrorKind.IO, "mount", PATH.toString(), "its descriptor cannot be cloned (errno " + errno + ")");
        }
        return fresh;
    }

    Runtime runtime() {
        return runtime;
    }

    int descriptor() {
        return descriptor;
    }

    /** @return bytes read, or a negative errno */
    int read(long buffer, int size) {
        int n = (int) calls.read(descriptor, buffer, size);
        return n < 0 ? -runtime.getLastError() : n;
    }

    /** @return 0 or an errno */
    int write(long buffer, int size) {
        return calls.write(descriptor, buffer, size) < 0 ? runtime.getLastError() : 0;
    }

    /** Gives the open descriptor away: {@link #close} does nothing any more. */
    int take() {
        closed = true;
        return descriptor;
    }

    /** Idempotent. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            calls.close(descriptor);
        }
    }
}
