package io.ppiofs.fs.fuse.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.fs.fuse.NativeSystem;
import jnr.ffi.Pointer;

/** The two ends of a device whose kernel a test plays: a socket that keeps messages apart. */
final class DevicePair implements AutoCloseable {
    private static final int AF_UNIX = 1;
    private static final int SOCK_SEQPACKET = 5;

    final Device driver;
    final Device kernel;

    DevicePair(NativeSystem system) {
        Pointer pair = system.allocate(8);
        assertThat(system.calls().socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair.address()))
                .isZero();
        driver = Device.of(system, pair.getInt(0));
        kernel = Device.of(system, pair.getInt(4));
    }

    @Override
    public void close() {
        driver.close();
        kernel.close();
    }
}
