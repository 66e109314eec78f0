package io.ppiofs.fs.core;

import java.io.Closeable;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * One mounted view of a volume in the shape of FUSE's low-level interface. All calls are thread-safe, operations on
 * different inodes run in parallel. Every failure is a {@link io.ppiofs.error.PpiofsException} whose kind maps to the
 * errno.
 *
 * <p>Calls that return an {@link Attr} by name (lookup, create, mknod, mkdir, symlink, link) add one to the inode's
 * lookup count; {@link #forget} takes it back. An inode lives while it has a name, a lookup count or an open file.
 *
 * <p>Permissions against mode bits are the kernel's business (the drivers mount with {@code default_permissions});
 * what the kernel cannot do (set-id clearing by chown, sticky inheritance of gid) is done here.
 */
public interface FileSystemCore extends Closeable {
    Attr lookup(Ino parent, FileName name);

    /** Takes {@code count} off the lookup count. */
    void forget(Ino ino, long count);

    Attr getattr(Ino ino);

    Attr setattr(Caller caller, Ino ino, SetAttr change);

    /** The target of a symbolic link, 1–4095 bytes. */
    byte[] readlink(Ino ino);

    /** @param mode type (regular, fifo, socket, device) and permission bits, umask already applied */
    Attr mknod(Caller caller, Ino parent, FileName name, int mode, int rdev);

    Attr mkdir(Caller caller, Ino parent, FileName name, int mode);

    Attr symlink(Caller caller, Ino parent, FileName name, byte[] target);

    Attr link(Caller caller, Ino ino, Ino newParent, FileName newName);

    void unlink(Caller caller, Ino parent, FileName name);

    void rmdir(Caller caller, Ino parent, FileName name);

    void rename(Caller caller, Ino parent, FileName name, Ino newParent, FileName newName, RenameMode mode);

    OpenFile open(Caller caller, Ino ino, OpenFlags flags);

    /** A created file: its attributes and an open file on it. */
    record Created(Attr attr, OpenFile file) {}

    /** Makes the file and opens it; EXISTS if the name is taken. */
    Created create(Caller caller, Ino parent, FileName name, int mode, OpenFlags flags);

    /** @return bytes put into {@code dst}, fewer than it has room for only at the end of the file */
    int read(OpenFile file, long offset, ByteBuffer dst);

    /** Takes all remaining bytes of {@code src}. With append the offset is ignored. */
    int write(OpenFile file, long offset, ByteBuffer src);

    /** At each close(2) of a descriptor. */
    void flush(OpenFile file);

    /** Durable on this machine's disk when it returns. */
    void fsync(OpenFile file, boolean dataOnly);

    void release(OpenFile file);

    OpenDirectory opendir(Ino ino);

    /** Entries behind {@code cookie} (0: from the start), "." and ".." first. */
    void readdir(OpenDirectory directory, long cookie, DirectorySink sink);

    void releasedir(OpenDirectory directory);

    void fsyncdir(OpenDirectory directory);

    SpaceInfo statfs();

    /** What setxattr(2) does with a name that is, or is not, there. */
    enum XattrMode {
        SET,
        CREATE,
        REPLACE
    }

    void setxattr(Caller caller, Ino ino, FileName name, byte[] value, XattrMode mode);

    /** @throws io.ppiofs.error.PpiofsException NO_DATA if the attribute is not there */
    byte[] getxattr(Ino ino, FileName name);

    List<FileName> listxattr(Ino ino);

    void removexattr(Caller caller, Ino ino, FileName name);

    /** What fallocate(2) does. */
    enum AllocateMode {
        RESERVE,
        RESERVE_KEEP_SIZE,
        PUNCH_HOLE,
        ZERO_RANGE,
        ZERO_RANGE_KEEP_SIZE
    }

    void fallocate(OpenFile file, AllocateMode mode, long offset, long length);

    /** What lseek(2) looks for. */
    enum Seek {
        DATA,
        HOLE
    }

    /** @throws io.ppiofs.error.PpiofsException NO_SUCH_DEVICE behind the end, or behind the last data */
    long seek(OpenFile file, long offset, Seek what);

    /** Everything done so far is durable when it returns. */
    void syncfs();

    /** Checkpoint, then let go of everything; further calls fail with NOT_CONNECTED. */
    @Override
    void close();
}
