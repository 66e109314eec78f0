package io.ppiofs.fs.fuse;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.core.AccessTimes;
import io.ppiofs.fs.core.Attr;
import io.ppiofs.fs.core.Caller;
import io.ppiofs.fs.core.FileName;
import io.ppiofs.fs.core.FileSystemCore;
import io.ppiofs.fs.core.FileSystemCore.AllocateMode;
import io.ppiofs.fs.core.FileSystemCore.XattrMode;
import io.ppiofs.fs.core.FileType;
import io.ppiofs.fs.core.Ino;
import io.ppiofs.fs.core.InodeFlags;
import io.ppiofs.fs.core.OpenDirectory;
import io.ppiofs.fs.core.OpenFile;
import io.ppiofs.fs.core.OpenFlags;
import io.ppiofs.fs.core.RenameMode;
import io.ppiofs.fs.core.SetAttr;
import io.ppiofs.fs.core.Timestamp;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import jnr.ffi.Pointer;
import jnr.ffi.Runtime;
import jnr.ffi.provider.ClosureManager;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The callbacks of {@code struct fuse_lowlevel_ops}: each decodes its arguments, calls the core and answers exactly
 * once; whatever is thrown becomes an errno (EIO for a defect). They run on {@link FuseWorker} threads, concurrently.
 *
 * <p>Not registered, so that libfuse answers ENOSYS and the kernel does it alone from then on: access (the mount has
 * {@code default_permissions}), locks (local to the machine, which is where all users of a mount are), bmap, poll,
 * ioctl.
 */
final class KernelRequests {
    private static final Logger LOG = LoggerFactory.getLogger(KernelRequests.class);

    private static final int SET_MODE = 1;
    private static final int SET_UID = 1 << 1;
    private static final int SET_GID = 1 << 2;
    private static final int SET_SIZE = 1 << 3;
    private static final int SET_ATIME = 1 << 4;
    private static final int SET_MTIME = 1 << 5;
    private static final int SET_ATIME_NOW = 1 << 7;
    private static final int SET_MTIME_NOW = 1 << 8;

    private static final int SET_UID_BIT = 04000;
    private static final int SET_GID_BIT = 02000;
    private static final int GROUP_EXECUTE = 010;

    private static final int XATTR_CREATE = 1;
    private static final int XATTR_REPLACE = 2;

    private static final int FALLOC_KEEP_SIZE = 1;
    private static final int FALLOC_PUNCH_HOLE = 2;
    private static final int FALLOC_ZERO_RANGE = 0x10;

    private static final byte[][] NAMESPACES = {
        "user.".getBytes(StandardCharsets.US_ASCII),
        "security.".getBytes(StandardCharsets.US_ASCII),
        "trusted.".getBytes(StandardCharsets.US_ASCII)
    };

    private final FileSystemCore core;
    private final FuseLayout layout;
    private final LibFuse fuse;
    private final Caching caching;
    private final OpenHandles handles;
    /** The callbacks; libfuse holds only machine code that dies with these objects. */
    private final Map<LowLevelOp, Object> callbacks = new EnumMap<>(LowLevelOp.class);

    KernelRequests(FileSystemCore core, FuseLayout layout, LibFuse fuse, Caching caching) {
        this.core = core;
        this.handles = new OpenHandles(core);
        this.layout = layout;
        this.fuse = fuse;
        this.caching = caching;
    }

    /** Fills the table of function pointers. It is valid while this object is reachable. */
    void register(Runtime runtime, Pointer table) {
        Registrar r = new Registrar(runtime.getClosureManager(), table);
        r.two(LowLevelOp.INIT, this::init);
        r.three(LowLevelOp.LOOKUP, this::lookup);
        r.three(LowLevelOp.FORGET, this::forget);
        r.three(LowLevelOp.FORGET_MULTI, this::forgetMulti);
        r.three(LowLevelOp.GETATTR, this::getattr);
        r.five(LowLevelOp.SETATTR, this::setattr);
        r.two(LowLevelOp.READLINK, this::readlink);
        r.five(LowLevelOp.MKNOD, this::mknod);
        r.four(LowLevelOp.MKDIR, this::mkdir);
        r.three(LowLevelOp.UNLINK, this::unlink);
        r.three(LowLevelOp.RMDIR, this::rmdir);
        r.four(LowLevelOp.SYMLINK, this::symlink);
        r.five(LowLevelOp.RENAME, this::rename);
        r.four(LowLevelOp.LINK, this::link);
        r.three(LowLevelOp.OPEN, this::open);
        r.five(LowLevelOp.CREATE, this::create);
        r.five(LowLevelOp.READ, this::read);
        r.six(LowLevelOp.WRITE, this::write);
        r.three(LowLevelOp.FLUSH, this::flush);
        r.three(LowLevelOp.RELEASE, this::release);
        r.four(LowLevelOp.FSYNC, this::fsync);
        r.three(LowLevelOp.OPENDIR, this::opendir);
        r.five(LowLevelOp.READDIR, this::readdir);
        r.three(LowLevelOp.RELEASEDIR, this::releasedir);
        r.four(LowLevelOp.FSYNCDIR, this::fsyncdir);
        r.two(LowLevelOp.STATFS, this::statfs);
        r.six(LowLevelOp.SETXATTR, this::setxattr);
        r.four(LowLevelOp.GETXATTR, this::getxattr);
        r.three(LowLevelOp.LISTXATTR, this::listxattr);
        r.three(LowLevelOp.REMOVEXATTR, this::removexattr);
        r.six(LowLevelOp.FALLOCATE, this::fallocate);
    }

    /** Writes callbacks into the table; one method per shape, because jnr-ffi wants the interface's class. */
    private final class Registrar {
        private final ClosureManager closures;
        private final Pointer table;

        Registrar(ClosureManager closures, Pointer table) {
            this.closures = closures;
            this.table = table;
        }

        void two(LowLevelOp op, NativeCall.Two f) {
            put(op, NativeCall.Two.class, f);
        }

        void three(LowLevelOp op, NativeCall.Three f) {
            put(op, NativeCall.Three.class, f);
        }

        void four(LowLevelOp op, NativeCall.Four f) {
            put(op, NativeCall.Four.class, f);
        }

        void five(LowLevelOp op, NativeCall.Five f) {
            put(op, NativeCall.Five.class, f);
        }

        void six(LowLevelOp op, NativeCall.Six f) {
            put(op, NativeCall.Six.class, f);
        }

        private <T> void put(LowLevelOp op, Class<T> shape, T f) {
            callbacks.put(op, Objects.requireNonNull(f));
            table.putPointer(op.offset(), closures.getClosurePointer(shape, f));
        }
    }

    /** Gives back what the kernel still held when the session ended. No callback runs any more. */
    void releaseEverything() {
        handles.releaseEverything();
    }

    // ---- session

    private void init(long userData, long conn) {
        LOG.debug("the kernel speaks FUSE 7.{}", pointer(conn).getInt(FuseLayout.CONN_MINOR));
    }

    private static Pointer pointer(long address) {
        return FuseWorker.current().memory().at(address);
    }

    // ---- names and inodes

    private void lookup(long req, long parent, long name) {
        FuseWorker w = FuseWorker.current();
        w.begin(req);
        try {
            replyEntry(w, core.lookup(new Ino(parent), w.memory().name(name)));
        } catch (Throwable t) {
            w.fail("lookup", t);
        }
    }

    /** Counts before the answer: a forget may overtake it on another thread. */
    private void replyEntry(FuseWorker w, Attr attr) {
        long ino = attr.ino().value();
        handles.known(ino);
        if (!w.replyEntry(attr)) {
            handles.forget(ino, 1);
        }
    }

    private void forget(long req, long ino, long count) {
        FuseWorker w = FuseWorker.current();
        w.begin(req);
        try {
            handles.forget(ino, count);
        } catch (Throwable t) {
            LOG.error("forget failed", t);
        } finally {
            w.replyNone();
        }
    }

    private void forgetMulti(long req, long count, long forgets) {
        FuseWorker w = FuseWorker.current();
        w.begin(req);
        try {
            ByteBuffer list = w.memory().view(forgets, count * FuseLayout.FORGET_SIZE);
            for (int at = 0; at < list.capacity(); at += FuseLayout.FORGET_SIZE) {
                handles.forget(list.getLong(at + FuseLayout.FORGET_INO), list.getLong(at + FuseLayout.FORGET_COUNT));
            }
        } catch (Throwable t) {
            LOG.error("forget_multi failed", t);
        } finally {
            w.replyNone();
        }
    }

    private void getattr(long req, long ino, long fileInfo) {
        FuseWorker w = FuseWorker.current();
        w.begin(req);
        try {
            w.replyAttr(core.getattr(new Ino(ino)));
        } catch (Throwable t) {
            w.fail("getattr", t);
        }
    }

    private void setattr(long req, long ino, long stat, long toSet, long fileInfo) {
        FuseWorker w = FuseWorker.current();
        w.begin(req);
        try {
            SetAttr change = change(w.memory().at(stat), (int) toSet);
            w.replyAttr(core.setattr(w.caller(), new Ino(ino), change));
        } catch (Throwable t) {
            w.fail("setattr", t);
        }
    }

    private SetAttr change(Pointer stat, int toSet) {
        return new SetAttr(
                (toSet & SET_MODE) != 0 ? (Integer) (int) (layout.mode.get(stat) & 07777) : null,
                (toSet & SET_UID) != 0 ? (Integer) (int) layout.uid.get(stat) : null,
                (toSet & SET_GID) != 0 ? (Integer) (int) layout.gid.get(stat) : null,
                (toSet & SET_SIZE) != 0 ? (Long) layout.size.get(stat) : null,
                time(toSet, SET_ATIME, SET_ATIME_NOW, layout.atimeSeconds, layout.atimeNanos, stat),
                time(toSet, SET_MTIME, SET_MTIME_NOW, layout.mtimeSeconds, layout.mtimeNanos, stat));
    }

    private static @Nullable Timestamp time(
            int toSet, int given, int now, FuseLayout.Field seconds, FuseLayout.Field nanos, Pointer stat) {
        if ((toSet & now) != 0) {
            return SetAttr.NOW;
        }
        return (toSet & given) != 0 ? new Timestamp(seconds.get(stat), (int) nanos.get(stat)) : null;
    }

    private void readlink(long req, long ino) {
        FuseWorker w = FuseWorker.current();
        w.begin(req);
        try {
            Ino link = new Ino(ino);
            replyBytes(
                    w, caching.rules().files() != AccessTimes.NEVER ? core.readlink(link) : core.readlinkNoAtime(link));
        } catch (Throwable t) {
            w.fail("readlink", t);
        }
    }

    private static void replyBytes(FuseWorker w, byte[] bytes) {
        w.memory().reply(bytes.length).put(bytes);
        w.replyData(bytes.length);
    }

    private void mknod(long req, long parent, long name, long mode, long rdev) {
        FuseWorker w = FuseWorker.current();
        w.begin(req);
        try {
            FileName n = w.memory().name(name);
            replyEntry(w, core.mknod(w.caller(), new Ino(parent), n, (int) mode, (int) rdev));
        } catch (Throwable t) {
            w.fail("mknod", t);
        }
    }

    private void mkdir(long req, long parent, long name, long mode) {
        FuseWorker w = FuseWorker.current();
        w.begin(req);
        try {
            FileName n = w.memory().name(name);
            replyEntry(w, core.mkdir(w.caller(), new Ino(parent), n, (int) mode & 07777));
        } catch (Throwable t) {
            w.fail("mkdir", t);
        }
    }

    private void unlink(long req, long parent, long name) {
        FuseWorker w = FuseWorker.current();
        w.begin(req);
        try {
            core.unlink(w.caller(), new Ino(parent), w.memory().name(name));
            w.replyOk();
        } catch (Throwable t) {
            w.fail("unlink", t);
        }
    }

    private void rmdir(long req, long parent, long name) {
        FuseWorker w = FuseWorker.current();
        w.begin(req);
        try {
            core.rmdir(w.caller(), new Ino(parent), w.memory().name(name));
            w.replyOk();
        } catch (Throwable t) {
            w.fail("rmdir", t);
        }
    }

    private void symlink(long req, long target, long parent, long name) {
        FuseWorker w = FuseWorker.current();
        w.begin(req);
        try {
            FileName n = w.memory().name(name);
            byte[] to = w.memory().string(target);
            replyEntry(w, core.symlink(w.caller(), new Ino(parent), n, to));
        } catch (Throwable t) {
            w.fail("symlink", t);
        }
    }

    /** libfuse 2.9 knows no flags: the kernel answers renameat2 with flags EINVAL itself. */
    private void rename(long req, long parent, long name, long newParent, long newName) {
        FuseWorker w = FuseWorker.current();
        w.begin(req);
        try {
            FileName from = w.memory().name(name);
            FileName to = w.memory().name(newName);
            core.rename(w.caller(), new Ino(parent), from, new Ino(newParent), to, RenameMode.REPLACE);
            w.replyOk();
        } catch (Throwable t) {
            w.fail("rename", t);
        }
    }

    private void link(long req, long ino, long newParent, long newName) {
        FuseWorker w = FuseWorker.current();
        w.begin(req);
        try {
            FileName n = w.memory().name(newName);
            replyEntry(w, core.link(w.caller(), new Ino(ino), new Ino(newParent), n));
        } catch (Throwable t) {
            w.fail("link", t);
        }
    }

    // ---- files

    private void open(long req, long ino, long fileInfo) {
        FuseWorker w = FuseWorker.current();
        w.begin(req);
        try {
            int linux = w.memory().at(fileInfo).getInt(FuseLayout.FILE_FLAGS);
            OpenFlags flags = caching.flags(linux);
            Ino i = new Ino(ino);
            InodeFlags.refuseOpen(core, i, linux);
            boolean keep = caching.keepsPages(core, i, flags);
            long handle = handles.files().add(core.open(w.caller(), i, flags));
            if (flags.truncate()) {
                dropSetIds(w, i);
            }
            if (!w.replyOpen(handle, keep)) {
                core.release(handles.files().remove(handle));
            }
        } catch (Throwable t) {
            w.fail("open", t);
        }
    }

    /**
     * An unprivileged writer takes set-uid and set-gid away. The kernel sees to it at write, truncate and chown, but not
     * when truncating is part of open.
     */
    private void dropSetIds(FuseWorker w, Ino ino) {
        Caller caller = w.caller();
        int mode = core.getattr(ino).mode();
        int without = mode & ~SET_UID_BIT & ((mode & GROUP_EXECUTE) != 0 ? ~SET_GID_BIT : ~0);
        if (caller.uid() != 0 && without != mode) {
            core.setattr(caller, ino, new SetAttr(without & 07777, null, null, null, null, null));
            w.forgetAttributes(ino.value());
        }
    }

    private void create(long req, long parent, long name, long mode, long fileInfo) {
        FuseWorker w = FuseWorker.current();
        w.begin(req);
        try {
            OpenFlags flags = caching.flags(w.memory().at(fileInfo).getInt(FuseLayout.FILE_FLAGS));
            FileName n = w.memory().name(name);
            int permissions = (int) mode & 07777;
            FileSystemCore.Created c =
                    core.create(w.caller(), new Ino(parent), n, FileType.REGULAR.bits() | permissions, flags);
            long handle = handles.files().add(c.file());
            long ino = c.attr().ino().value();
            handles.known(ino);
            if (!w.replyCreate(c.attr(), handle)) {
                core.release(handles.files().remove(handle));
                handles.forget(ino, 1);
            }
        } catch (Throwable t) {
            w.fail("create", t);
        }
    }

    private OpenFile file(long fileInfo) {
        return handles.files().get(pointer(fileInfo).getLong(FuseLayout.FILE_FH));
    }

    private void read(long req, long ino, long size, long offset, long fileInfo) {
        FuseWorker w = FuseWorker.current();
        w.begin(req);
        try {
            ByteBuffer to = w.memory().reply(Math.toIntExact(size));
            w.replyData(core.read(file(fileInfo), offset, to));
        } catch (Throwable t) {
            w.fail("read", t);
        }
    }

    private void write(long req, long ino, long data, long size, long offset, long fileInfo) {
        FuseWorker w = FuseWorker.current();
        w.begin(req);
        try {
            core.write(file(fileInfo), offset, w.memory().view(data, size));
            w.replyWritten(size);
        } catch (Throwable t) {
            w.fail("write", t);
        }
    }

    private void flush(long req, long ino, long fileInfo) {
        FuseWorker w = FuseWorker.current();
        w.begin(req);
        try {
            core.flush(file(fileInfo));
            w.replyOk();
        } catch (Throwable t) {
            w.fail("flush", t);
        }
    }

    private void release(long req, long ino, long fileInfo) {
        FuseWorker w = FuseWorker.current();
        w.begin(req);
        try {
            core.release(handles.files().remove(pointer(fileInfo).getLong(FuseLayout.FILE_FH)));
            w.replyOk();
        } catch (Throwable t) {
            w.fail("release", t);
        }
    }

    private void fsync(long req, long ino, long dataOnly, long fileInfo) {
        FuseWorker w = FuseWorker.current();
        w.begin(req);
        try {
            core.fsync(file(fileInfo), (int) dataOnly != 0);
            w.replyOk();
        } catch (Throwable t) {
            w.fail("fsync", t);
        }
    }

    private void fallocate(long req, long ino, long mode, long offset, long length, long fileInfo) {
        FuseWorker w = FuseWorker.current();
        w.begin(req);
        try {
            core.fallocate(file(fileInfo), allocateMode((int) mode), offset, length);
            w.replyOk();
        } catch (Throwable t) {
            w.fail("fallocate", t);
        }
    }

    private static AllocateMode allocateMode(int mode) {
        return switch (mode) {
            case 0 -> AllocateMode.RESERVE;
            case FALLOC_KEEP_SIZE -> AllocateMode.RESERVE_KEEP_SIZE;
            case FALLOC_PUNCH_HOLE | FALLOC_KEEP_SIZE -> AllocateMode.PUNCH_HOLE;
            case FALLOC_ZERO_RANGE -> AllocateMode.ZERO_RANGE;
            case FALLOC_ZERO_RANGE | FALLOC_KEEP_SIZE -> AllocateMode.ZERO_RANGE_KEEP_SIZE;
            default ->
                throw PpiofsException.expected(
                        ErrorKind.NOT_SUPPORTED, "fallocate", "mode " + Integer.toHexString(mode));
        };
    }

    // ---- directories

    private void opendir(long req, long ino, long fileInfo) {
        FuseWorker w = FuseWorker.current();
        w.begin(req);
        try {
            Ino directory = new Ino(ino);
            int flags = w.memory().at(fileInfo).getInt(FuseLayout.FILE_FLAGS);
            long handle = handles.directories().add(core.opendir(directory, caching.directory(flags)));
            if (!w.replyOpen(handle, false)) {
                core.releasedir(handles.directories().remove(handle));
            }
        } catch (Throwable t) {
            w.fail("opendir", t);
        }
    }

    private OpenDirectory directory(long fileInfo) {
        return handles.directories().get(pointer(fileInfo).getLong(FuseLayout.FILE_FH));
    }

    private void readdir(long req, long ino, long size, long cookie, long fileInfo) {
        FuseWorker w = FuseWorker.current();
        w.begin(req);
        try {
            ByteBuffer to = w.memory().reply(Math.toIntExact(size));
            core.readdir(directory(fileInfo), cookie, (n, i, type, next) -> putEntry(to, n, i, type, next));
            w.replyData(to.position());
        } catch (Throwable t) {
            w.fail("readdir", t);
        }
    }

    /** Appends one {@code struct fuse_dirent}: what fuse_add_direntry does, for a name that may hold any byte. */
    private static boolean putEntry(ByteBuffer to, FileName name, Ino ino, FileType type, long nextCookie) {
        byte[] bytes = name.bytes();
        int at = to.position();
        int length = FuseLayout.DIRENT_NAME + bytes.length;
        int padded = (length + Long.BYTES - 1) & -Long.BYTES;
        if (padded > to.remaining()) {
            return false;
        }
        to.putLong(at + FuseLayout.DIRENT_INO, ino.value());
        to.putLong(at + FuseLayout.DIRENT_COOKIE, nextCookie);
        to.putInt(at + FuseLayout.DIRENT_NAME_LENGTH, bytes.length);
        to.putInt(at + FuseLayout.DIRENT_TYPE, type.bits() >>> 12);
        to.put(at + FuseLayout.DIRENT_NAME, bytes);
        for (int i = at + length; i < at + padded; i++) {
            to.put(i, (byte) 0);
        }
        to.position(at + padded);
        return true;
    }

    private void releasedir(long req, long ino, long fileInfo) {
        FuseWorker w = FuseWorker.current();
        w.begin(req);
        try {
            core.releasedir(handles.directories().remove(pointer(fileInfo).getLong(FuseLayout.FILE_FH)));
            w.replyOk();
        } catch (Throwable t) {
            w.fail("releasedir", t);
        }
    }

    private void fsyncdir(long req, long ino, long dataOnly, long fileInfo) {
        FuseWorker w = FuseWorker.current();
        w.begin(req);
        try {
            core.fsyncdir(directory(fileInfo));
            w.replyOk();
        } catch (Throwable t) {
            w.fail("fsyncdir", t);
        }
    }

    private void statfs(long req, long ino) {
        FuseWorker w = FuseWorker.current();
        w.begin(req);
        try {
            w.replyStatfs(core.statfs());
        } catch (Throwable t) {
            w.fail("statfs", t);
        }
    }

    // ---- extended attributes

    /**
     * The name of an attribute in one of the namespaces that there are; the kernel lets any name through to FUSE. POSIX
     * ACLs ({@code system.}) would be stored but not obeyed, because the kernel enforces them only for drivers of a later
     * protocol: refusing is honest and what filesystems without ACLs do.
     */
    private static FileName attribute(FuseWorker w, long address) {
        byte[] name = w.memory().string(address);
        for (byte[] namespace : NAMESPACES) {
            int n = namespace.length;
            if (name.length >= n && Arrays.equals(name, 0, n, namespace, 0, n)) {
                return FileName.of(name);
            }
        }
        throw PpiofsException.expected(ErrorKind.NOT_SUPPORTED, "xattr", "namespace");
    }

    private void setxattr(long req, long ino, long name, long value, long size, long flags) {
        FuseWorker w = FuseWorker.current();
        w.begin(req);
        try {
            FileName n = attribute(w, name);
            ByteBuffer view = w.memory().view(value, size);
            byte[] bytes = new byte[view.remaining()];
            view.get(bytes);
            core.setxattr(w.caller(), new Ino(ino), n, bytes, xattrMode((int) flags));
            w.replyOk();
        } catch (Throwable t) {
            w.fail("setxattr", t);
        }
    }

    private static XattrMode xattrMode(int flags) {
        return switch (flags) {
            case 0 -> XattrMode.SET;
            case XATTR_CREATE -> XattrMode.CREATE;
            case XATTR_REPLACE -> XattrMode.REPLACE;
            default ->
                throw PpiofsException.expected(ErrorKind.INVALID, "setxattr", "flags " + Integer.toHexString(flags));
        };
    }

    private void getxattr(long req, long ino, long name, long size) {
        FuseWorker w = FuseWorker.current();
        w.begin(req);
        try {
            replyXattr(w, core.getxattr(new Ino(ino), attribute(w, name)), size);
        } catch (Throwable t) {
            w.fail("getxattr", t);
        }
    }

    /** {@code size} 0 asks for the length only. */
    private static void replyXattr(FuseWorker w, byte[] value, long size) {
        if (size == 0) {
            w.replyXattrSize(value.length);
        } else if (value.length > size) {
            w.replyErrno(ErrorKind.RANGE.errno());
        } else {
            replyBytes(w, value);
        }
    }

    private void listxattr(long req, long ino, long size) {
        FuseWorker w = FuseWorker.current();
        w.begin(req);
        try {
            replyXattr(
                    w,
                    AttributeNames.listed(
                            core.listxattr(new Ino(ino)), w.caller().uid()),
                    size);
        } catch (Throwable t) {
            w.fail("listxattr", t);
        }
    }

    private void removexattr(long req, long ino, long name) {
        FuseWorker w = FuseWorker.current();
        w.begin(req);
        try {
            core.removexattr(w.caller(), new Ino(ino), attribute(w, name));
            w.replyOk();
        } catch (Throwable t) {
            w.fail("removexattr", t);
        }
    }
}
