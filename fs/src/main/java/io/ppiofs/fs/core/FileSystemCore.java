package io.ppiofs.fs.core;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.io.Closeable;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.function.IntPredicate;

/**
 * One mounted view of a volume in the shape of FUSE's low-level interface. All calls are thread-safe, operations on
 * different inodes run in parallel. Every failure is a {@link io.ppiofs.error.PpiofsException} whose kind maps to the
 * errno.
 *
 * <p>Calls that return an {@link Attr} by name (lookup, create, mknod, mkdir, symlink, link) add one to the inode's
 * lookup count; {@link #forget} takes it back. An inode lives while it has a name, a lookup count or an open file.
 *
 * <p>Permissions against mode bits are the kernel's business (the drivers mount with {@code default_permissions});
 * what the kernel cannot do (set-id clearing by chown, inheritance of gid and ACLs) is done here. ACLs are the extended
 * attributes of {@link PosixAcl}: they and the mode bits follow each other.
 */
public interface FileSystemCore extends Closeable {
    Attr lookup(Ino parent, FileName name);

    /** Attributes of an inode known by its number, for a driver that looks it up again; counts as a lookup. */
    Attr reference(Ino ino);

    /** The directory that holds a directory; the root's is itself. */
    Ino parent(Ino directory);

    /** A name in its directory. */
    record Name(Ino parent, FileName name) {}

    /**
     * Names that lead to an inode, {@code most} at most; the root has none. One that comes or goes meanwhile may be left
     * out. A core that nobody changes through a driver need not know.
     */
    default List<Name> names(Ino ino, int most) {
        return List.of();
    }

    /** Takes {@code count} off the lookup count. */
    void forget(Ino ino, long count);

    Attr getattr(Ino ino);

    Attr setattr(Caller caller, Ino ino, SetAttr change);

    /**
     * Somebody without CAP_FSETID changes the content: set-user-ID goes, and set-group-ID where it means execution or he
     * is not of that group. Nothing of the file changes if there is nothing to clear.
     *
     * @param memberOf whether the caller is of a group
     * @return whether there was something to clear
     */
    default boolean dropSetIds(Caller caller, Ino ino, IntPredicate memberOf) {
        Attr attr = getattr(ino);
        int without = SetIds.dropped(attr, memberOf);
        if (without == attr.mode()) {
            return false;
        }
        setattr(caller, ino, new SetAttr(without & 07777, null, null, null, null, null));
        return true;
    }

    /** Whether {@link #dropSetIds} would find something to clear. */
    static boolean losesSetIds(Attr attr, IntPredicate memberOf) {
        return SetIds.dropped(attr, memberOf) != attr.mode();
    }

    /** Somebody outside the file's group sets its ACL: set-group-ID goes. */
    default void dropSetGid(Caller caller, Ino ino) {
        int mode = getattr(ino).mode();
        if ((mode & SetIds.SET_GID) != 0) {
            setattr(caller, ino, new SetAttr(mode & 07777 & ~SetIds.SET_GID, null, null, null, null, null));
        }
    }

    /** What chattr(1) has set on a file or directory. */
    default InodeFlags inodeFlags(Ino ino) {
        return InodeFlags.NONE;
    }

    /**
     * Sets what chattr(1) sets; from then on the calls that it forbids are NOT_PERMITTED. {@link #open} does not look, for a
     * core does not see O_APPEND: that is {@link InodeFlags#refuseOpen}.
     *
     * @throws io.ppiofs.error.PpiofsException NOT_PERMITTED if that is a change and the caller is not root
     */
    default void inodeFlags(Caller caller, Ino ino, InodeFlags flags) {
        throw PpiofsException.expected(ErrorKind.NOT_SUPPORTED, "ioctl", "file flags");
    }

    /** The target of a symbolic link, 1–4095 bytes. */
    byte[] readlink(Ino ino);

    /** As {@link #readlink}, and leaves the access time alone. */
    default byte[] readlinkNoAtime(Ino ino) {
        return readlink(ino);
    }

    /** @param mode type (regular, fifo, socket, device) and permission bits, the caller's umask is applied here */
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

    /** Makes a file without a name and opens it; it gets one by {@link #link}, or goes with its last user. */
    Created tmpfile(Caller caller, Ino directory, int mode, OpenFlags flags);

    /** @return bytes put into {@code dst}, fewer than it has room for only at the end of the file */
    int read(OpenFile file, long offset, ByteBuffer dst);

    /** Where the bytes of a write go, and what may hinder it. */
    enum WriteMode {
        /** To the offset; to the end if the file was opened with append. */
        PLACED,
        /** To the end of the file, wherever that is by now. */
        APPENDED,
        /** To the offset: what the kernel took before and writes now, also into a file that has become immutable meanwhile. */
        WRITTEN_BACK
    }

    /**
     * Takes all remaining bytes of {@code src}.
     *
     * @return the offset where they are
     */
    long write(OpenFile file, long offset, ByteBuffer src, WriteMode mode);

    /** {@link WriteMode#PLACED}. @return the number of bytes, which all are taken */
    default int write(OpenFile file, long offset, ByteBuffer src) {
        int n = src.remaining();
        write(file, offset, src, WriteMode.PLACED);
        return n;
    }

    /** At each close(2) of a descriptor. */
    void flush(OpenFile file);

    /** Whether {@link #flush} does anything; a driver need not call it otherwise. */
    default boolean observesFlush() {
        return true;
    }

    /** How long a driver may let the kernel remember what this core answered. */
    default CacheLimit cacheLimit() {
        return CacheLimit.NONE;
    }

    /** Durable when it returns: on this machine's disk, and on others where the volume promises that. */
    void fsync(OpenFile file, boolean dataOnly);

    void release(OpenFile file);

    OpenDirectory opendir(Ino ino);

    /** As {@link #opendir(Ino)}, whose rule is RELATIVE. */
    default OpenDirectory opendir(Ino ino, AccessTimes rule) {
        return opendir(ino);
    }

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

    /**
     * Copies up to {@code length} bytes inside the volume, sharing what is stored where it can; ends at the end of {@code
     * from}. Ranges in one file do not overlap (the kernel sees to it).
     *
     * @return bytes copied, 0 at or behind the end
     */
    long copyRange(OpenFile from, long fromOffset, OpenFile to, long toOffset, long length);

    /** What lseek(2) looks for. */
    enum Seek {
        DATA,
        HOLE
    }

    /** @throws io.ppiofs.error.PpiofsException NO_SUCH_DEVICE behind the end, or behind the last data */
    long seek(OpenFile file, long offset, Seek what);

    /** Everything done so far is durable when it returns. */
    void syncfs();

    /** Everything done so far is durable on this machine when it returns, whatever the volume promises besides. */
    default void syncHere() {
        syncfs();
    }

    /** Files without a name that may still get one (O_TMPFILE): only memory knows that they may. */
    default List<Ino> unnamed() {
        return List.of();
    }

    /**
     * For a core that goes on for another one, before {@link #resumed}: the kernel knows {@code ino} from {@code count}
     * lookups.
     */
    default void known(Ino ino, long count) {
        // a core without a need to count does not
    }

    /**
     * For a core that goes on for another one, after its users have opened again what they had open.
     *
     * @param unnamed {@link #unnamed} of the other one
     */
    default void resumed(List<Ino> unnamed) {
        // nothing was kept back
    }

    /** Checkpoint, then let go of everything; further calls fail with NOT_CONNECTED. */
    @Override
    void close();
}
