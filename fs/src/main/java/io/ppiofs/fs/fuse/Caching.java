package io.ppiofs.fs.fuse;

/**
 * What the kernel may remember, and for how long. With libfuse 2.9 (protocol 7.19) the kernel itself drops or updates
 * what its own operations change, on the inode, so every name of a hard link sees it ({@code fs/fuse}): attributes of the
 * directory after create, mkdir, mknod, symlink, link, unlink, rmdir and rename; change time of the inode after unlink,
 * rename, setxattr and removexattr; everything about the inode after setattr and link (their answers carry it); size and
 * times after write, fallocate and truncating open; access time after a read that reached the driver. So while one mount
 * is the only door to a volume, both times may be long. Where several mounts share a core they must be 0.
 *
 * @param attrSeconds validity of attributes
 * @param entrySeconds validity of a name; absent names are never remembered
 * @param keepsPages whether pages of a file that is opened again are still right; not where somebody else changes it
 * @param updatesAccessTime whether the first read after a change must reach the core so that it can set the access time
 */
public record Caching(double attrSeconds, double entrySeconds, boolean keepsPages, boolean updatesAccessTime) {}
