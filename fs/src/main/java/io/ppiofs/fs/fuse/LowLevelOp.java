package io.ppiofs.fs.fuse;

import java.util.Locale;

/**
 * The members of {@code struct fuse_lowlevel_ops} (libfuse 2.9, {@code fuse_lowlevel.h}) in the order of the header:
 * pointers without gaps, so the offset is the ordinal times the size of a pointer.
 */
enum LowLevelOp {
    INIT,
    DESTROY,
    LOOKUP,
    FORGET,
    GETATTR,
    SETATTR,
    READLINK,
    MKNOD,
    MKDIR,
    UNLINK,
    RMDIR,
    SYMLINK,
    RENAME,
    LINK,
    OPEN,
    READ,
    WRITE,
    FLUSH,
    RELEASE,
    FSYNC,
    OPENDIR,
    READDIR,
    RELEASEDIR,
    FSYNCDIR,
    STATFS,
    SETXATTR,
    GETXATTR,
    LISTXATTR,
    REMOVEXATTR,
    ACCESS,
    CREATE,
    GETLK,
    SETLK,
    BMAP,
    IOCTL,
    POLL,
    WRITE_BUF,
    RETRIEVE_REPLY,
    FORGET_MULTI,
    FLOCK,
    FALLOCATE;

    /** Size of the whole table, bytes. */
    static final int TABLE_SIZE = values().length * Long.BYTES;

    /** Offset of the function pointer, bytes. */
    int offset() {
        return ordinal() * Long.BYTES;
    }

    /** The member's name in the header. */
    String member() {
        return name().toLowerCase(Locale.ROOT);
    }
}
