package io.ppiofs.fs.fuse;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import jnr.ffi.LibraryLoader;
import jnr.ffi.Pointer;
import jnr.ffi.Runtime;

/** The loaded native libraries and what needs their memory rules: strings, argument vectors, errno. Thread-safe. */
final class NativeFuse {
    private static final int VERSION_2_9 = 29;
    private static final short POLLIN = 1;
    private static final int MNT_DETACH = 2;
    private static final int UMOUNT_NOFOLLOW = 8;

    private final LibFuse fuse;
    private final LibC libc;
    private final Runtime runtime;
    private final FuseLayout layout;

    private NativeFuse(LibFuse fuse, LibC libc) {
        this.fuse = fuse;
        this.libc = libc;
        this.runtime = Runtime.getRuntime(fuse);
        this.layout = new FuseLayout(runtime);
    }

    /** @throws PpiofsException NOT_SUPPORTED if libfuse 2.9 is not there */
    static NativeFuse load() {
        LibFuse fuse;
        try {
            fuse = LibraryLoader.create(LibFuse.class).failImmediately().load("libfuse.so.2");
        } catch (UnsatisfiedLinkError e) {
            throw new PpiofsException(
                    ErrorKind.NOT_SUPPORTED,
                    "mount",
                    "libfuse.so.2",
                    "libfuse 2.9 is not installed; install it with `apt-get install libfuse2`",
                    e);
        }
        if (fuse.fuse_version() < VERSION_2_9) {
            throw new PpiofsException(
                    ErrorKind.NOT_SUPPORTED,
                    "mount",
                    "libfuse.so.2",
                    "version " + fuse.fuse_version() / 10.0 + " is too old, 2.9 is needed");
        }
        return new NativeFuse(fuse, LibraryLoader.create(LibC.class).load("c"));
    }

    LibFuse fuse() {
        return fuse;
    }

    Runtime runtime() {
        return runtime;
    }

    FuseLayout layout() {
        return layout;
    }

    boolean root() {
        return libc.geteuid() == 0;
    }

    /** Memory that lives as long as the returned object; zeroed. */
    Pointer allocate(int size) {
        return Pointer.wrap(runtime, ByteBuffer.allocateDirect(size).order(ByteOrder.nativeOrder()));
    }

    private Pointer cString(byte[] bytes) {
        Pointer p = allocate(bytes.length + 1);
        p.put(0, bytes, 0, bytes.length);
        return p;
    }

    private Pointer cString(Path path) {
        return cString(path.toString().getBytes(pathCharset()));
    }

    /** What the JDK turns path bytes into characters with. */
    private static Charset pathCharset() {
        String name = System.getProperty("sun.jnu.encoding", "UTF-8");
        return Charset.isSupported(name) ? Charset.forName(name) : StandardCharsets.UTF_8;
    }

    /** A {@code struct fuse_args}; libfuse replaces the vector by one of its own, to be freed with it. */
    final class Arguments implements AutoCloseable {
        private final Pointer struct = allocate(FuseLayout.ARGS_SIZE);
        private final List<Pointer> keptAlive = new ArrayList<>();

        Arguments(List<String> words) {
            Pointer argv = allocate((words.size() + 1) * Long.BYTES);
            keptAlive.add(argv);
            for (int i = 0; i < words.size(); i++) {
                Pointer word = cString(words.get(i).getBytes(pathCharset()));
                keptAlive.add(word);
                argv.putAddress((long) i * Long.BYTES, word.address());
            }
            struct.putInt(0, words.size());
            struct.putAddress(FuseLayout.ARGS_ARGV, argv.address());
        }

        long address() {
            return struct.address();
        }

        @Override
        public void close() {
            fuse.fuse_opt_free_args(struct.address());
            Reference.reachabilityFence(keptAlive);
        }
    }

    /** @return the channel, 0 on failure */
    long mount(Path mountPoint, Arguments arguments) {
        Pointer path = cString(mountPoint);
        long chan = fuse.fuse_mount(path.address(), arguments.address());
        Reference.reachabilityFence(path);
        return chan;
    }

    /** Closes the descriptor and unmounts: only for a channel that no session owns. */
    void unmountChannel(Path mountPoint, long chan) {
        Pointer path = cString(mountPoint);
        fuse.fuse_unmount(path.address(), chan);
        Reference.reachabilityFence(path);
    }

    private int umount(Path target, int flags) {
        Pointer path = cString(target);
        int result = libc.umount2(path.address(), flags);
        int errno = result == 0 ? 0 : runtime.getLastError();
        Reference.reachabilityFence(path);
        return errno;
    }

    /** Takes a mount out of the tree, whoever uses it; @return 0 or errno. */
    int detach(Path mountPoint) {
        return root() ? umount(mountPoint, MNT_DETACH | UMOUNT_NOFOLLOW) : Fusermount.unmount(mountPoint, true);
    }

    /** Unmounts if nobody uses it; @return 0 or errno. */
    int unmount(Path mountPoint) {
        return root() ? umount(mountPoint, UMOUNT_NOFOLLOW) : Fusermount.unmount(mountPoint, false);
    }

    /** statfs(2), which is never answered from a cache; @return 0 or errno. */
    int statfs(Path target) {
        Pointer path = cString(target);
        Pointer buffer = allocate(256);
        int result = libc.statfs(path.address(), buffer.address());
        int errno = result == 0 ? 0 : runtime.getLastError();
        Reference.reachabilityFence(path);
        Reference.reachabilityFence(buffer);
        return errno;
    }

    /**
     * Whether a read would not block, by poll(2).
     *
     * @param cell eight bytes at {@code cellAddress} for struct pollfd; overwritten
     */
    boolean readable(int descriptor, ByteBuffer cell, long cellAddress) {
        cell.putInt(0, descriptor);
        cell.putShort(4, POLLIN);
        cell.putShort(6, (short) 0);
        return libc.poll(cellAddress, 1, 0) > 0;
    }

    /** mount(2) without flags or data; @return 0 or errno. */
    int mountPlain(String type, Path target) {
        Pointer source = cString(type.getBytes(StandardCharsets.US_ASCII));
        Pointer path = cString(target);
        int result = libc.mount(source.address(), path.address(), source.address(), 0, 0);
        int errno = result == 0 ? 0 : runtime.getLastError();
        Reference.reachabilityFence(source);
        Reference.reachabilityFence(path);
        return errno;
    }
}
