package io.ppiofs.fs.testing;

import io.ppiofs.fs.core.FileType;
import java.lang.ref.Reference;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.function.IntSupplier;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import jnr.ffi.LibraryLoader;
import jnr.ffi.Pointer;
import jnr.ffi.Runtime;
import jnr.ffi.Struct;
import ru.serce.jnrfuse.struct.FileStat;
import ru.serce.jnrfuse.struct.Statvfs;

/**
 * System calls on files, as any user: {@link #as} sets the filesystem ids of the calling thread around each call, so
 * root's JVM needs no child process. Calls return 0 or an errno; those that return a descriptor give it or a negative
 * errno. Not thread-safe: one thread owns an instance.
 */
final class PosixSystem {
    static final int O_RDONLY = 0;
    static final int O_WRONLY = 1;
    static final int O_RDWR = 2;
    static final int O_CREAT = 0100;
    static final int O_EXCL = 0200;
    static final int O_TRUNC = 01000;
    static final int O_APPEND = 02000;
    static final int O_NONBLOCK = 04000;
    static final int O_DIRECTORY = arm() ? 040000 : 0200000;
    static final int O_NOATIME = 01000000;
    static final int O_NOFOLLOW = arm() ? 0100000 : 0400000;
    static final int AT_FDCWD = -100;
    static final int AT_SYMLINK_NOFOLLOW = 0x100;
    private static final int AT_SYMLINK_FOLLOW = 0x400;
    static final long UTIME_NOW = 0x3fffffff;
    static final long UTIME_OMIT = 0x3ffffffe;

    private static final int BUFFER = 1 << 20;

    private final PosixCalls calls;
    private final Runtime runtime;
    private final ByteBuffer memory = ByteBuffer.allocateDirect(BUFFER).order(ByteOrder.nativeOrder());
    private final long address;
    private int uid;
    private int gid;
    private int[] groups = {};

    PosixSystem() {
        this(calls -> calls);
    }

    private PosixSystem(UnaryOperator<PosixCalls> way) {
        PosixCalls library = LibraryLoader.create(PosixCalls.class).load("c");
        this.calls = way.apply(library);
        this.runtime = Runtime.getRuntime(library);
        this.address = Pointer.wrap(runtime, memory).address();
    }

    /**
     * For two directories that show the same files: of the calls with paths below {@code here}, half go to the same place
     * below {@code there}. Which ones follows from the seed and from how often a path was used, so that waiting for the
     * clock, which uses a path of its own, moves nothing.
     */
    static PosixSystem across(String here, String there, long seed) {
        Map<String, Random> choices = new HashMap<>();
        return new PosixSystem(library -> (PosixCalls) Proxy.newProxyInstance(
                PosixCalls.class.getClassLoader(), new Class<?>[] {PosixCalls.class}, (proxy, method, arguments) -> {
                    // what a symbolic link says is not for us to change
                    int first = method.getName().equals("symlink") ? 1 : 0;
                    Boolean crosses = null;
                    for (int i = first; i < arguments.length; i++) {
                        if (arguments[i] instanceof String path && path.startsWith(here + "/")) {
                            String below = path.substring(here.length());
                            if (crosses == null) {
                                crosses = choices.computeIfAbsent(below, b -> new Random(seed * 31 + b.hashCode()))
                                        .nextBoolean();
                            }
                            arguments[i] = crosses ? there + below : path;
                        }
                    }
                    return method.invoke(library, arguments);
                }));
    }

    private static boolean arm() {
        return System.getProperty("os.arch").equals("aarch64");
    }

    // ---- identity

    <T> T as(int asUid, int asGid, int[] asGroups, Supplier<T> action) {
        int oldUid = uid;
        int oldGid = gid;
        int[] oldGroups = groups;
        uid = asUid;
        gid = asGid;
        groups = asGroups;
        try {
            return action.get();
        } finally {
            uid = oldUid;
            gid = oldGid;
            groups = oldGroups;
        }
    }

    private int errno(IntSupplier call) {
        return result(() -> call.getAsInt()) < 0 ? lastError : 0;
    }

    private int lastError;

    /** Only the call itself runs with other ids: the JVM may load a class at any moment. */
    private long result(java.util.function.LongSupplier call) {
        boolean other = uid != 0 || gid != 0;
        if (other) {
            setIds(uid, gid, groups);
        }
        try {
            long r = call.getAsLong();
            lastError = r < 0 ? runtime.getLastError() : 0;
            return r;
        } finally {
            if (other) {
                setIds(0, 0, new int[] {});
            }
        }
    }

    /** The raw calls act on this thread alone; the C library's setgroups would change all threads. */
    private void setIds(int toUid, int toGid, int[] toGroups) {
        ByteBuffer list = ByteBuffer.allocateDirect(64).order(ByteOrder.nativeOrder());
        for (int i = 0; i < toGroups.length; i++) {
            list.putInt(4 * i, toGroups[i]);
        }
        int[] numbers = arm() ? new int[] {159, 152, 151} : new int[] {116, 123, 122};
        calls.syscall(numbers[0], toGroups.length, Pointer.wrap(runtime, list).address());
        calls.syscall(numbers[1], toGid, 0);
        calls.syscall(numbers[2], toUid, 0);
        Reference.reachabilityFence(list);
    }

    void umask(int mask) {
        calls.umask(mask);
    }

    // ---- names

    int open(String path, int flags, int mode) {
        int fd = (int) result(() -> calls.open(path, flags, mode));
        return fd < 0 ? -lastError : fd;
    }

    /** Opens and closes; @return 0 or errno. */
    int tryOpen(String path, int flags, int mode) {
        int fd = open(path, flags, mode);
        if (fd < 0) {
            return -fd;
        }
        close(fd);
        return 0;
    }

    void close(int fd) {
        calls.close(fd);
    }

    int create(String path, int mode) {
        return tryOpen(path, O_CREAT | O_EXCL | O_WRONLY, mode);
    }

    int mkdir(String path, int mode) {
        return errno(() -> calls.mkdir(path, mode));
    }

    int mkfifo(String path, int mode) {
        return mknod(path, FileType.FIFO.bits() | mode, 0);
    }

    int mknod(String path, int mode, long device) {
        return errno(() -> calls.mknod(path, mode, device));
    }

    int symlink(String target, String path) {
        return errno(() -> calls.symlink(target, path));
    }

    int link(String from, String to) {
        return errno(() -> calls.link(from, to));
    }

    int rename(String from, String to) {
        return errno(() -> calls.rename(from, to));
    }

    int renameat2(String from, String to, int flags) {
        return errno(() -> calls.renameat2(AT_FDCWD, from, AT_FDCWD, to, flags));
    }

    /** Gives an open file a name. */
    int linkOpen(int fd, String name) {
        return errno(() -> calls.linkat(AT_FDCWD, "/proc/self/fd/" + fd, AT_FDCWD, name, AT_SYMLINK_FOLLOW));
    }

    int unlink(String path) {
        return errno(() -> calls.unlink(path));
    }

    int rmdir(String path) {
        return errno(() -> calls.rmdir(path));
    }

    /** The target, or null with the reason in {@link #lastErrno}. */
    String readlink(String path) {
        long n = result(() -> calls.readlink(path, address, BUFFER));
        return n < 0 ? null : new String(bytes((int) n), StandardCharsets.UTF_8);
    }

    int lastErrno() {
        return lastError;
    }

    private byte[] bytes(int n) {
        byte[] b = new byte[n];
        memory.get(0, b);
        return b;
    }

    // ---- attributes

    /** Times in nanoseconds since 1970. */
    record Stat(
            long ino,
            int mode,
            long nlink,
            int uid,
            int gid,
            long rdev,
            long size,
            long blocks,
            long atime,
            long mtime,
            long ctime) {
        int permissions() {
            return mode & 07777;
        }

        FileType type() {
            return FileType.ofMode(mode);
        }
    }

    Stat stat(String path) {
        return statOf(path, result(() -> calls.stat(path, address)));
    }

    Stat lstat(String path) {
        return statOf(path, result(() -> calls.lstat(path, address)));
    }

    Stat fstat(int fd) {
        return statOf("descriptor " + fd, result(() -> calls.fstat(fd, address)));
    }

    int statErrno(String path) {
        return errno(() -> calls.stat(path, address));
    }

    int lstatErrno(String path) {
        return errno(() -> calls.lstat(path, address));
    }

    private Stat statOf(String what, long result) {
        if (result < 0) {
            throw new IllegalStateException("stat " + what + ": " + Errno.name(lastError));
        }
        FileStat s = FileStat.of(Pointer.wrap(runtime, address));
        return new Stat(
                s.st_ino.longValue(),
                s.st_mode.intValue(),
                s.st_nlink.longValue(),
                s.st_uid.intValue(),
                s.st_gid.intValue(),
                s.st_rdev.longValue(),
                s.st_size.longValue(),
                s.st_blocks.longValue(),
                nanos(s.st_atim.tv_sec.longValue(), s.st_atim.tv_nsec.longValue()),
                nanos(s.st_mtim.tv_sec.longValue(), s.st_mtim.tv_nsec.longValue()),
                nanos(s.st_ctim.tv_sec.longValue(), s.st_ctim.tv_nsec.longValue()));
    }

    private static long nanos(long seconds, long nanos) {
        return seconds * 1_000_000_000L + nanos;
    }

    int chmod(String path, int mode) {
        return errno(() -> calls.chmod(path, mode));
    }

    int fchmod(int fd, int mode) {
        return errno(() -> calls.fchmod(fd, mode));
    }

    int chown(String path, int toUid, int toGid) {
        return errno(() -> calls.chown(path, toUid, toGid));
    }

    int lchown(String path, int toUid, int toGid) {
        return errno(() -> calls.lchown(path, toUid, toGid));
    }

    int fchown(int fd, int toUid, int toGid) {
        return errno(() -> calls.fchown(fd, toUid, toGid));
    }

    /** Times as pairs of seconds and nanoseconds (or UTIME_NOW, UTIME_OMIT). */
    int utimens(String path, long aSeconds, long aNanos, long mSeconds, long mNanos, int flags) {
        memory.putLong(0, aSeconds).putLong(8, aNanos).putLong(16, mSeconds).putLong(24, mNanos);
        return errno(() -> calls.utimensat(AT_FDCWD, path, address, flags));
    }

    int truncate(String path, long size) {
        return errno(() -> calls.truncate(path, size));
    }

    int ftruncate(int fd, long size) {
        return errno(() -> calls.ftruncate(fd, size));
    }

    long nameMax(String path) {
        if (calls.statvfs(path, address) != 0) {
            throw new IllegalStateException("statvfs " + path);
        }
        Statvfs s = new Statvfs(runtime);
        s.useMemory(Pointer.wrap(runtime, address, Struct.size(s)));
        return s.f_namemax.longValue();
    }

    // ---- data

    int write(int fd, byte[] data) {
        memory.put(0, data);
        return errno(() -> (int) calls.write(fd, address, data.length));
    }

    int pwrite(int fd, byte[] data, long offset) {
        memory.put(0, data);
        return errno(() -> (int) calls.pwrite(fd, address, data.length, offset));
    }

    byte[] pread(int fd, int length, long offset) {
        long n = result(() -> calls.pread(fd, address, length, offset));
        if (n < 0) {
            throw new IllegalStateException("pread: " + Errno.name(lastError));
        }
        return bytes((int) n);
    }

    int readErrno(int fd) {
        return errno(() -> (int) calls.read(fd, address, 1));
    }

    long lseek(int fd, long offset, int whence) {
        long at = result(() -> calls.lseek(fd, offset, whence));
        return at < 0 ? -lastError : at;
    }

    int fsync(int fd) {
        return errno(() -> calls.fsync(fd));
    }

    private static final long GET_FLAGS = 0x80086601L;
    private static final long SET_FLAGS = 0x40086602L;

    /** Sets the flags of chattr(1) to what they are. */
    int keepFlags(int fd) {
        return changeFlags(fd, 0, 0);
    }

    /** Sets and clears flags of chattr(1), and leaves the others. */
    int changeFlags(int fd, int set, int clear) {
        int read = errno(() -> calls.ioctl(fd, GET_FLAGS, address));
        if (read != 0) {
            return read;
        }
        memory.putInt(0, memory.getInt(0) & ~clear | set);
        return errno(() -> calls.ioctl(fd, SET_FLAGS, address));
    }

    /** The flags of chattr(1), or a negative errno. */
    int flags(int fd) {
        int read = errno(() -> calls.ioctl(fd, GET_FLAGS, address));
        return read != 0 ? -read : memory.getInt(0);
    }

    int fallocate(int fd, int mode, long offset, long length) {
        return errno(() -> calls.fallocate(fd, mode, offset, length));
    }

    /** @return bytes copied, or a negative errno */
    long copyRange(int from, long fromOffset, int to, long toOffset, long length) {
        memory.putLong(0, fromOffset).putLong(8, toOffset);
        long n = result(() -> calls.copy_file_range(from, address, to, address + 8, length, 0, 0));
        return n < 0 ? -lastError : n;
    }

    private static final long PAGE = 4096;
    private static final int PROT_READ_WRITE = 3;
    private static final int MAP_SHARED = 1;
    private static final int MS_SYNC = 4;

    /** Stores one byte of the first page through a mapping and syncs it. */
    int storeMapped(int fd, int at, byte value) {
        long page = calls.mmap(0, PAGE, PROT_READ_WRITE, MAP_SHARED, fd, 0, 0);
        if (page == -1) {
            return runtime.getLastError();
        }
        Pointer.wrap(runtime, page, PAGE).putByte(at, value);
        int synced = errno(() -> calls.msync(page, PAGE, MS_SYNC));
        calls.munmap(page, PAGE);
        return synced;
    }

    /** Loads one byte of the first page through a mapping. */
    byte loadMapped(int fd, int at) {
        long page = calls.mmap(0, PAGE, PROT_READ_WRITE, MAP_SHARED, fd, 0, 0);
        if (page == -1) {
            throw new IllegalStateException("mmap: " + Errno.name(runtime.getLastError()));
        }
        byte value = Pointer.wrap(runtime, page, PAGE).getByte(at);
        calls.munmap(page, PAGE);
        return value;
    }

    // ---- extended attributes

    int setxattr(String path, String name, byte[] value, int flags) {
        memory.put(0, value);
        return errno(() -> calls.setxattr(path, name, address, value.length, flags));
    }

    /** The value, or null with the reason in {@link #lastErrno}. */
    byte[] getxattr(String path, String name, int size) {
        long n = result(() -> calls.getxattr(path, name, address, size));
        return n < 0 ? null : bytes(size == 0 ? 0 : (int) n);
    }

    long xattrSize(String path, String name) {
        return result(() -> calls.getxattr(path, name, address, 0));
    }

    /** Names that begin with "user.", sorted. */
    String[] listxattr(String path) {
        long n = result(() -> calls.listxattr(path, address, BUFFER));
        if (n < 0) {
            throw new IllegalStateException("listxattr: " + Errno.name(lastError));
        }
        return Arrays.stream(new String(bytes((int) n), StandardCharsets.UTF_8).split("\0"))
                .filter(s -> s.startsWith("user."))
                .sorted()
                .toArray(String[]::new);
    }

    int removexattr(String path, String name) {
        return errno(() -> calls.removexattr(path, name));
    }
}
