package io.ppiofs.fs.core;

import org.jspecify.annotations.Nullable;

/**
 * What stat(2) tells.
 *
 * @param mode type and permission bits
 * @param rdev device number of a special file in the kernel's 32-bit encoding (FUSE's), else 0
 * @param blocks of 512 bytes really held by content (holes hold none; unflushed data counts)
 * @param btime when the inode was made; null if that is not known
 */
public record Attr(
        Ino ino,
        int mode,
        int nlink,
        int uid,
        int gid,
        int rdev,
        long size,
        long blocks,
        Timestamp atime,
        Timestamp mtime,
        Timestamp ctime,
        @Nullable Timestamp btime) {
    public FileType type() {
        return FileType.ofMode(mode);
    }
}
