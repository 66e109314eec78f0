package io.ppiofs.fs.fuse;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import jnr.ffi.Pointer;
import jnr.ffi.Runtime;
import jnr.ffi.Struct;
import ru.serce.jnrfuse.struct.FileStat;
import ru.serce.jnrfuse.struct.Statvfs;

/**
 * Where the fields of libfuse 2.9's structures sit (64-bit). {@code struct stat} and {@code struct statvfs} differ
 * between machines and are asked of jnr-fuse's classes once; the structures of libfuse itself are the same on every
 * LP64 machine and are constants here, because jnr-fuse puts the bit fields of {@code fuse_file_info} at the wrong
 * place. A test compares every number with the C header.
 */
final class FuseLayout {
    /** struct fuse_entry_param. */
    static final int ENTRY_INO = 0;

    static final int ENTRY_GENERATION = 8;
    static final int ENTRY_ATTR = 16;

    /** struct fuse_file_info. */
    static final int FILE_FLAGS = 0;

    static final int FILE_WRITEPAGE = 16;
    /** Holds the bits direct_io (0), keep_cache (1), flush (2), nonseekable (3), flock_release (4). */
    static final int FILE_BITS = 20;

    static final int FILE_KEEP_CACHE = 1 << 1;
    static final int FILE_FH = 24;
    static final int FILE_SIZE = 40;

    /** struct fuse_ctx. */
    static final int CTX_UID = 0;

    static final int CTX_GID = 4;
    static final int CTX_PID = 8;

    /** struct fuse_forget_data. */
    static final int FORGET_INO = 0;

    static final int FORGET_COUNT = 8;
    static final int FORGET_SIZE = 16;

    /** struct fuse_conn_info. */
    static final int CONN_MINOR = 4;

    /** struct fuse_args: argc, argv, allocated. */
    static final int ARGS_ARGV = 8;

    static final int ARGS_SIZE = 24;

    /** struct fuse_dirent of the kernel ({@code linux/fuse.h}): what fuse_add_direntry writes. */
    static final int DIRENT_INO = 0;

    static final int DIRENT_COOKIE = 8;
    static final int DIRENT_NAME_LENGTH = 16;
    static final int DIRENT_TYPE = 20;
    static final int DIRENT_NAME = 24;

    /** One integer field of a C structure. */
    record Field(int offset, int width) {
        void put(ByteBuffer struct, int base, long value) {
            if (width == Long.BYTES) {
                struct.putLong(base + offset, value);
            } else {
                struct.putInt(base + offset, (int) value);
            }
        }

        long get(Pointer struct) {
            return width == Long.BYTES ? struct.getLong(offset) : struct.getInt(offset);
        }
    }

    final Field ino;
    final Field mode;
    final Field nlink;
    final Field uid;
    final Field gid;
    final Field rdev;
    final Field size;
    final Field blockSize;
    final Field blocks;
    final Field atimeSeconds;
    final Field atimeNanos;
    final Field mtimeSeconds;
    final Field mtimeNanos;
    final Field ctimeSeconds;
    final Field ctimeNanos;
    final int statSize;

    final Field vfsBlockSize;
    final Field vfsFragmentSize;
    final Field vfsBlocks;
    final Field vfsFree;
    final Field vfsAvailable;
    final Field vfsFiles;
    final Field vfsFilesFree;
    final Field vfsFilesAvailable;
    final Field vfsNameMax;
    final int statvfsSize;

    /** struct fuse_entry_param behind the attributes. */
    final int entryAttrTimeout;

    final int entryTimeout;
    final int entrySize;

    FuseLayout(Runtime runtime) {
        FileStat stat = new FileStat(runtime);
        Probe probe = new Probe(runtime, stat);
        ino = probe.field(stat.st_ino);
        mode = probe.field(stat.st_mode);
        nlink = probe.field(stat.st_nlink);
        uid = probe.field(stat.st_uid);
        gid = probe.field(stat.st_gid);
        rdev = probe.field(stat.st_rdev);
        size = probe.field(stat.st_size);
        blockSize = probe.field(stat.st_blksize);
        blocks = probe.field(stat.st_blocks);
        atimeSeconds = probe.field(stat.st_atim.tv_sec);
        atimeNanos = probe.field(stat.st_atim.tv_nsec);
        mtimeSeconds = probe.field(stat.st_mtim.tv_sec);
        mtimeNanos = probe.field(stat.st_mtim.tv_nsec);
        ctimeSeconds = probe.field(stat.st_ctim.tv_sec);
        ctimeNanos = probe.field(stat.st_ctim.tv_nsec);
        statSize = Struct.size(stat);

        Statvfs vfs = new Statvfs(runtime);
        probe = new Probe(runtime, vfs);
        vfsBlockSize = probe.field(vfs.f_bsize);
        vfsFragmentSize = probe.field(vfs.f_frsize);
        vfsBlocks = probe.field(vfs.f_blocks);
        vfsFree = probe.field(vfs.f_bfree);
        vfsAvailable = probe.field(vfs.f_bavail);
        vfsFiles = probe.field(vfs.f_files);
        vfsFilesFree = probe.field(vfs.f_ffree);
        vfsFilesAvailable = probe.field(vfs.f_favail);
        vfsNameMax = probe.field(vfs.f_namemax);
        statvfsSize = Struct.size(vfs);

        entryAttrTimeout = ENTRY_ATTR + statSize;
        entryTimeout = entryAttrTimeout + Double.BYTES;
        entrySize = entryTimeout + Double.BYTES;
    }

    /** Finds a field's place and width by writing all ones through jnr-fuse's accessor and looking where they land. */
    private static final class Probe {
        private final ByteBuffer memory;

        Probe(Runtime runtime, Struct struct) {
            memory = ByteBuffer.allocateDirect(Struct.size(struct)).order(ByteOrder.nativeOrder());
            struct.useMemory(Pointer.wrap(runtime, memory));
        }

        Field field(Struct.NumberField member) {
            for (int i = 0; i < memory.capacity(); i++) {
                memory.put(i, (byte) 0);
            }
            member.set(-1L);
            int first = 0;
            while (memory.get(first) == 0) {
                first++;
            }
            int end = first;
            while (end < memory.capacity() && memory.get(end) != 0) {
                end++;
            }
            int width = end - first;
            if (width != Integer.BYTES && width != Long.BYTES) {
                throw new IllegalStateException("a field of " + width + " bytes at " + first);
            }
            return new Field(first, width);
        }
    }
}
