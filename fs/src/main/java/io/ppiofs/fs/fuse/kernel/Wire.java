package io.ppiofs.fs.fuse.kernel;

/**
 * Numbers and offsets of linux/fuse.h. Integers are in the machine's byte order. {@code X_IN} and {@code X_OUT} are sizes
 * of the structures behind the header; offsets of a request count from the start of the message ({@link #IN_HEADER}
 * included), offsets of an answer from the end of its header.
 */
final class Wire {
    private Wire() {}

    static final int MAJOR = 7;
    /** The oldest minor version that is spoken (Linux 5.4). */
    static final int OLDEST_MINOR = 31;
    /** The newest minor version that is spoken (Linux 6.18). */
    static final int NEWEST_MINOR = 45;

    // struct fuse_in_header
    static final int IN_HEADER = 40;
    static final int IN_LENGTH = 0;
    static final int IN_OPCODE = 4;
    static final int IN_UNIQUE = 8;
    static final int IN_NODE = 16;
    static final int IN_UID = 24;
    static final int IN_GID = 28;
    static final int IN_PID = 32;
    /** 16 bits: extensions at the end of the message, in units of 8 bytes; 0 before {@link #EXTENSIONS_SINCE}. */
    static final int IN_EXTENSIONS = 36;

    static final int EXTENSIONS_SINCE = 38;

    // struct fuse_ext_header: size, type; fuse_secctx_header: size, how many; fuse_secctx: size, padding, name, value
    static final int EXT_HEADER = 8;
    static final int EXT_MAX_SECURITY_CONTEXTS = 31;
    static final int EXT_GROUPS = 32;
    static final int SECURITY_CONTEXT = 8;

    // struct fuse_out_header
    static final int OUT_HEADER = 16;
    static final int OUT_LENGTH = 0;
    static final int OUT_ERROR = 4;
    static final int OUT_UNIQUE = 8;

    // struct fuse_init_in
    static final int INIT_MAJOR = IN_HEADER;
    static final int INIT_MINOR = IN_HEADER + 4;
    static final int INIT_MAX_READAHEAD = IN_HEADER + 8;
    static final int INIT_FLAGS = IN_HEADER + 12;
    static final int INIT_FLAGS2 = IN_HEADER + 16;

    // struct fuse_init_out
    static final int INIT_OUT = 64;
    static final int INIT_OUT_MAJOR = 0;
    static final int INIT_OUT_MINOR = 4;
    static final int INIT_OUT_MAX_READAHEAD = 8;
    static final int INIT_OUT_FLAGS = 12;
    static final int INIT_OUT_MAX_BACKGROUND = 16;
    static final int INIT_OUT_CONGESTION = 18;
    static final int INIT_OUT_MAX_WRITE = 20;
    static final int INIT_OUT_TIME_GRANULARITY = 24;
    static final int INIT_OUT_MAX_PAGES = 28;
    static final int INIT_OUT_FLAGS2 = 32;

    // flags of INIT; bits from 32 on travel in flags2
    static final long ASYNC_READ = 1;
    static final long ATOMIC_O_TRUNC = 1 << 3;
    static final long EXPORT_SUPPORT = 1 << 4;
    static final long BIG_WRITES = 1 << 5;
    static final long DONT_MASK = 1 << 6;
    static final long AUTO_INVAL_DATA = 1 << 12;
    static final long DO_READDIRPLUS = 1 << 13;
    static final long READDIRPLUS_AUTO = 1 << 14;
    static final long ASYNC_DIO = 1 << 15;
    static final long WRITEBACK_CACHE = 1 << 16;
    static final long PARALLEL_DIROPS = 1 << 18;
    static final long POSIX_ACL = 1 << 20;
    static final long ABORT_ERROR = 1 << 21;
    static final long MAX_PAGES = 1 << 22;
    static final long CACHE_SYMLINKS = 1 << 23;
    static final long HANDLE_KILLPRIV_V2 = 1 << 28;
    static final long SETXATTR_EXT = 1 << 29;
    static final long INIT_EXT = 1 << 30;
    static final long SECURITY_CTX = 1L << 32;
    static final long CREATE_SUPP_GROUP = 1L << 34;

    // struct fuse_attr
    static final int ATTR = 88;
    static final int ATTR_INO = 0;
    static final int ATTR_SIZE = 8;
    static final int ATTR_BLOCKS = 16;
    static final int ATTR_ATIME = 24;
    static final int ATTR_MTIME = 32;
    static final int ATTR_CTIME = 40;
    static final int ATTR_ATIME_NANOS = 48;
    static final int ATTR_MTIME_NANOS = 52;
    static final int ATTR_CTIME_NANOS = 56;
    static final int ATTR_MODE = 60;
    static final int ATTR_NLINK = 64;
    static final int ATTR_UID = 68;
    static final int ATTR_GID = 72;
    static final int ATTR_RDEV = 76;
    static final int ATTR_BLOCK_SIZE = 80;
    static final int ATTR_FLAGS = 84;

    // struct fuse_attr_out
    static final int ATTR_OUT = 104;
    static final int ATTR_OUT_VALID = 0;
    static final int ATTR_OUT_VALID_NANOS = 8;
    static final int ATTR_OUT_ATTR = 16;

    // struct fuse_entry_out
    static final int ENTRY_OUT = 128;
    static final int ENTRY_NODE = 0;
    static final int ENTRY_GENERATION = 8;
    static final int ENTRY_VALID = 16;
    static final int ENTRY_ATTR_VALID = 24;
    static final int ENTRY_VALID_NANOS = 32;
    static final int ENTRY_ATTR_VALID_NANOS = 36;
    static final int ENTRY_ATTR = 40;

    // struct fuse_open_out
    static final int OPEN_OUT = 16;
    static final int OPEN_HANDLE = 0;
    static final int OPEN_FLAGS = 8;
    static final int FOPEN_DIRECT_IO = 1;
    static final int FOPEN_KEEP_CACHE = 1 << 1;

    // struct fuse_forget_in, fuse_batch_forget_in, fuse_forget_one
    static final int FORGET_COUNT = IN_HEADER;
    static final int BATCH_COUNT = IN_HEADER;
    static final int BATCH_FIRST = IN_HEADER + 8;
    static final int FORGET_ONE = 16;
    static final int FORGET_ONE_COUNT = 8;

    // struct fuse_setattr_in
    static final int SETATTR_VALID = IN_HEADER;
    static final int SETATTR_SIZE = IN_HEADER + 16;
    static final int SETATTR_ATIME = IN_HEADER + 32;
    static final int SETATTR_MTIME = IN_HEADER + 40;
    static final int SETATTR_CTIME = IN_HEADER + 48;
    static final int SETATTR_ATIME_NANOS = IN_HEADER + 56;
    static final int SETATTR_MTIME_NANOS = IN_HEADER + 60;
    static final int SETATTR_CTIME_NANOS = IN_HEADER + 64;
    static final int SETATTR_MODE = IN_HEADER + 68;
    static final int SETATTR_UID = IN_HEADER + 76;
    static final int SETATTR_GID = IN_HEADER + 80;

    static final int FATTR_MODE = 1;
    static final int FATTR_UID = 1 << 1;
    static final int FATTR_GID = 1 << 2;
    static final int FATTR_SIZE = 1 << 3;
    static final int FATTR_ATIME = 1 << 4;
    static final int FATTR_MTIME = 1 << 5;
    static final int FATTR_ATIME_NOW = 1 << 7;
    static final int FATTR_MTIME_NOW = 1 << 8;
    static final int FATTR_CTIME = 1 << 10;
    static final int FATTR_KILL_SUIDGID = 1 << 11;

    // struct fuse_mknod_in
    static final int MKNOD_MODE = IN_HEADER;
    static final int MKNOD_RDEV = IN_HEADER + 4;
    static final int MKNOD_UMASK = IN_HEADER + 8;
    static final int MKNOD_NAME = IN_HEADER + 16;

    // struct fuse_mkdir_in
    static final int MKDIR_MODE = IN_HEADER;
    static final int MKDIR_UMASK = IN_HEADER + 4;
    static final int MKDIR_NAME = IN_HEADER + 8;

    // struct fuse_rename_in, fuse_rename2_in
    static final int RENAME_DIRECTORY = IN_HEADER;
    static final int RENAME_NAMES = IN_HEADER + 8;
    static final int RENAME2_FLAGS = IN_HEADER + 8;
    static final int RENAME2_NAMES = IN_HEADER + 16;
    static final int RENAME_NOREPLACE = 1;
    static final int RENAME_EXCHANGE = 2;
    static final int RENAME_WHITEOUT = 4;

    // struct fuse_link_in
    static final int LINK_NODE = IN_HEADER;
    static final int LINK_NAME = IN_HEADER + 8;

    // struct fuse_open_in, fuse_create_in
    static final int OPEN_IN_FLAGS = IN_HEADER;
    static final int OPEN_IN_OPEN_FLAGS = IN_HEADER + 4;
    static final int OPEN_KILL_SUIDGID = 1;
    static final int CREATE_FLAGS = IN_HEADER;
    static final int CREATE_MODE = IN_HEADER + 4;
    static final int CREATE_UMASK = IN_HEADER + 8;
    static final int CREATE_NAME = IN_HEADER + 16;

    // struct fuse_read_in (also readdir), fuse_release_in, fuse_flush_in, fuse_fsync_in: the handle comes first
    static final int HANDLE = IN_HEADER;
    static final int READ_OFFSET = IN_HEADER + 8;
    static final int READ_SIZE = IN_HEADER + 16;
    static final int FSYNC_FLAGS = IN_HEADER + 8;
    static final int FSYNC_DATA_ONLY = 1;

    // struct fuse_write_in
    static final int WRITE_IN = 40;
    static final int WRITE_OFFSET = IN_HEADER + 8;
    static final int WRITE_SIZE = IN_HEADER + 16;
    static final int WRITE_FLAGS = IN_HEADER + 20;
    static final int WRITE_OPEN_FLAGS = IN_HEADER + 32;
    static final int WRITE_DATA = IN_HEADER + WRITE_IN;
    /** Written back from the page cache: any descriptor of the file may carry it. */
    static final int WRITE_CACHE = 1;

    static final int WRITE_KILL_SUIDGID = 1 << 2;
    static final int WRITE_OUT = 8;

    // struct fuse_statfs_out
    static final int STATFS_OUT = 80;
    static final int STATFS_BLOCKS = 0;
    static final int STATFS_FREE = 8;
    static final int STATFS_AVAILABLE = 16;
    static final int STATFS_FILES = 24;
    static final int STATFS_FILES_FREE = 32;
    static final int STATFS_BLOCK_SIZE = 40;
    static final int STATFS_NAME_MAX = 44;
    static final int STATFS_FRAGMENT = 48;

    // struct fuse_setxattr_in (with SETXATTR_EXT), fuse_getxattr_in, fuse_getxattr_out
    static final int SETXATTR_SIZE = IN_HEADER;
    static final int SETXATTR_FLAGS = IN_HEADER + 4;
    static final int SETXATTR_NAME = IN_HEADER + 8;
    static final int SETXATTR_EXT_FLAGS = IN_HEADER + 8;
    static final int SETXATTR_EXT_NAME = IN_HEADER + 16;
    static final int SETXATTR_ACL_KILL_SGID = 1;
    static final int GETXATTR_SIZE = IN_HEADER;
    static final int GETXATTR_NAME = IN_HEADER + 8;
    static final int GETXATTR_OUT = 8;

    // struct fuse_dirent, fuse_direntplus
    static final int DIRENT_INO = 0;
    static final int DIRENT_COOKIE = 8;
    static final int DIRENT_NAME_LENGTH = 16;
    static final int DIRENT_TYPE = 20;
    static final int DIRENT_NAME = 24;

    // struct fuse_fallocate_in
    static final int FALLOCATE_OFFSET = IN_HEADER + 8;
    static final int FALLOCATE_LENGTH = IN_HEADER + 16;
    static final int FALLOCATE_MODE = IN_HEADER + 24;

    // struct fuse_lseek_in, fuse_lseek_out
    // struct fuse_statx_out, with struct fuse_statx behind 32 bytes
    static final int STATX_OUT = 288;
    static final int STATX_VALID = 0;
    static final int STATX_VALID_NANOS = 8;
    static final int STATX_MASK = 32;
    static final int STATX_BLOCK_SIZE = 36;
    static final int STATX_NLINK = 48;
    static final int STATX_UID = 52;
    static final int STATX_GID = 56;
    /** 16 bits. */
    static final int STATX_MODE = 60;

    static final int STATX_INO = 64;
    static final int STATX_SIZE = 72;
    static final int STATX_BLOCKS = 80;
    /** Each time: seconds, 32 bits of nanoseconds, 32 that are not used. */
    static final int STATX_ATIME = 96;

    static final int STATX_BTIME = 112;
    static final int STATX_CTIME = 128;
    static final int STATX_MTIME = 144;
    static final int STATX_RDEV_MAJOR = 160;
    static final int STATX_RDEV_MINOR = 164;

    // masks of statx(2)
    static final int BASIC_STATS = 0x7ff;
    static final int BIRTH_TIME = 0x800;

    static final int LSEEK_OFFSET = IN_HEADER + 8;
    static final int LSEEK_WHENCE = IN_HEADER + 16;
    static final int LSEEK_OUT = 8;
    static final int SEEK_DATA = 3;
    static final int SEEK_HOLE = 4;

    // struct fuse_copy_file_range_in, fuse_copy_file_range_out (7.45)
    static final int COPY_FROM_OFFSET = IN_HEADER + 8;
    static final int COPY_TO_HANDLE = IN_HEADER + 24;
    static final int COPY_TO_NODE = IN_HEADER + 16;
    static final int COPY_TO_OFFSET = IN_HEADER + 32;
    static final int COPY_LENGTH = IN_HEADER + 40;
    static final int COPY_FLAGS = IN_HEADER + 48;
    static final int COPY_OUT_64 = 8;

    // struct fuse_ioctl_in, fuse_ioctl_out
    static final int IOCTL_COMMAND = IN_HEADER + 12;
    static final int IOCTL_IN_SIZE = IN_HEADER + 24;
    static final int IOCTL_OUT_SIZE = IN_HEADER + 28;
    static final int IOCTL_DATA = IN_HEADER + 32;
    static final int IOCTL_OUT = 16;
    // linux/fs.h, for 64-bit callers
    static final int FS_IOC_GETFLAGS = 0x80086601;
    static final int FS_IOC_SETFLAGS = 0x40086602;
    static final int FS_IOC_FSGETXATTR = 0x801c581f;
    static final int FS_IOC_FSSETXATTR = 0x401c5820;
    static final int FS_IMMUTABLE_FL = 0x10;
    static final int FS_APPEND_FL = 0x20;
    static final int FS_XFLAG_IMMUTABLE = 8;
    static final int FS_XFLAG_APPEND = 0x10;

    // notifications: the code stands where an answer has its error
    static final int NOTIFY_INVAL_INODE = 2;
    static final int NOTIFY_INVAL_INODE_OUT = 24;
    static final int NOTIFY_INVAL_ENTRY = 3;
    static final int NOTIFY_INVAL_ENTRY_OUT = 16;
    /** The name is looked up again at its next use, and nothing more; kernels before {@link #EXPIRES_SINCE} take it out. */
    static final int EXPIRE_ONLY = 1;

    static final int EXPIRES_SINCE = 38;

    /** {@code _IOR(229, 0, uint32_t)}: makes a fresh descriptor of the device another door to the same mount. */
    static final long DEV_IOC_CLONE = 0x8004e500L;

    /** Length of a directory entry, padded to 8 bytes. */
    static int padded(int length) {
        return (length + Long.BYTES - 1) & -Long.BYTES;
    }
}
