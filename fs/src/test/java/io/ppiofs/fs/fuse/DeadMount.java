package io.ppiofs.fs.fuse;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import jnr.ffi.LibraryLoader;

/** Makes what a crashed daemon leaves: a FUSE mount whose /dev/fuse descriptor is closed. */
final class DeadMount {
    /** Public only because of jnr-ffi's generated code. */
    public interface Calls {
        int open(String path, int flags);

        int close(int fd);

        int mount(String source, String target, String type, long flags, byte[] data);
    }

    private static final int O_RDWR = 2;

    private DeadMount() {}

    static void at(Path directory) {
        Calls libc = LibraryLoader.create(Calls.class).load("c");
        int fd = libc.open("/dev/fuse", O_RDWR);
        String data = "fd=" + fd + ",rootmode=40000,user_id=0,group_id=0\0";
        int result = libc.mount(
                "ppiofs:dead", directory.toString(), "fuse.ppiofs", 0, data.getBytes(StandardCharsets.US_ASCII));
        libc.close(fd);
        if (result != 0) {
            throw new IllegalStateException("mount failed");
        }
    }
}
