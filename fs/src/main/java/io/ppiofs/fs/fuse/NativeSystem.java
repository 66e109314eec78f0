package io.ppiofs.fs.fuse;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import jnr.ffi.LibraryLoader;
import jnr.ffi.Pointer;
import jnr.ffi.Runtime;

/**
 * The C library as the drivers need it: mounting, unmounting, polling, and memory for arguments. Calls answer 0 or an
 * errno unless they say otherwise. Thread-safe.
 */
public final class NativeSystem {
    private static final short POLLIN = 1;
    private static final short POLLPRI = 2;
    private static final int O_CLOEXEC = 02000000;
    private static final int MNT_DETACH = 2;
    private static final int UMOUNT_NOFOLLOW = 8;

    private final LibC libc;
    private final Runtime runtime;

    private NativeSystem(LibC libc) {
        this.libc = libc;
        this.runtime = Runtime.getRuntime(libc);
    }

    public static NativeSystem load() {
        return new NativeSystem(LibraryLoader.create(LibC.class).load("c"));
    }

    public Runtime runtime() {
        return runtime;
    }

    /** The calls themselves; errno of the last failed one is the runtime's last error on the same thread. */
    public LibC calls() {
        return libc;
    }

    public boolean root() {
        return libc.geteuid() == 0;
    }

    /** Memory that lives as long as the returned object; zeroed. */
    public Pointer allocate(int size) {
        return Pointer.wrap(runtime, ByteBuffer.allocateDirect(size).order(ByteOrder.nativeOrder()));
    }

    public Pointer cString(byte[] bytes) {
        Pointer p = allocate(bytes.length + 1);
        p.put(0, bytes, 0, bytes.length);
        return p;
    }

    public Pointer cString(Path path) {
        return cString(path.toString().getBytes(pathCharset()));
    }

    /** What the JDK turns path bytes into characters with. */
    public static Charset pathCharset() {
        String name = System.getProperty("sun.jnu.encoding", "UTF-8");
        return Charset.isSupported(name) ? Charset.forName(name) : StandardCharsets.UTF_8;
    }

    private int umount(Path target, int flags) {
        Pointer path = cString(target);
        int result = libc.umount2(path.address(), flags);
        int errno = result == 0 ? 0 : runtime.getLastError();
        Reference.reachabilityFence(path);
        return errno;
    }

    /** Takes a mount out of the tree, whoever uses it; @return 0 or errno. */
    public int detach(Path mountPoint) {
        return root() ? umount(mountPoint, MNT_DETACH | UMOUNT_NOFOLLOW) : Fusermount.unmount(mountPoint, true);
    }

    /** Unmounts if nobody uses it; @return 0 or errno. */
    public int unmount(Path mountPoint) {
        return root() ? umount(mountPoint, UMOUNT_NOFOLLOW) : Fusermount.unmount(mountPoint, false);
    }

    /** statfs(2), which is never answered from a cache; @return 0 or errno. */
    public int statfs(Path target) {
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
    public boolean readable(int descriptor, ByteBuffer cell, long cellAddress) {
        cell.putInt(0, descriptor);
        cell.putShort(4, POLLIN);
        cell.putShort(6, (short) 0);
        return libc.poll(cellAddress, 1, 0) > 0;
    }

    /** @return a descriptor, or -errno */
    public int openForRead(Path path) {
        Pointer name = cString(path);
        int descriptor = libc.open(name.address(), O_CLOEXEC);
        int result = descriptor < 0 ? -runtime.getLastError() : descriptor;
        Reference.reachabilityFence(name);
        return result;
    }

    /**
     * Waits until a file of /proc that tells of changes (POLLPRI) does.
     *
     * @param cell as in {@link #readable}
     */
    public void awaitChange(int descriptor, ByteBuffer cell, long cellAddress) {
        cell.putInt(0, descriptor);
        cell.putShort(4, POLLPRI);
        cell.putShort(6, (short) 0);
        libc.poll(cellAddress, 1, -1);
    }

    /** mount(2) without flags or data; @return 0 or errno. */
    public int mountPlain(String type, Path target) {
        Pointer source = cString(type.getBytes(StandardCharsets.US_ASCII));
        Pointer path = cString(target);
        int result = libc.mount(source.address(), path.address(), source.address(), 0, 0);
        int errno = result == 0 ? 0 : runtime.getLastError();
        Reference.reachabilityFence(source);
        Reference.reachabilityFence(path);
        return errno;
    }
}
