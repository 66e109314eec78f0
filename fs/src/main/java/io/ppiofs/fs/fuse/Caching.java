package io.ppiofs.fs.fuse;

import io.ppiofs.fs.core.AccessTimes;
import io.ppiofs.fs.core.Attr;
import io.ppiofs.fs.core.FileSystemCore;
import io.ppiofs.fs.core.Ino;
import io.ppiofs.fs.core.OpenFlags;

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
 * @param rules when reading moves access times
 */
public record Caching(double attrSeconds, double entrySeconds, boolean keepsPages, AccessRules rules) {
    /**
     * The flags of an open as the core gets them. Appending is the kernel's: it knows the size and sends the offset, also
     * after fcntl(F_SETFL), and it sends written-back pages of a mapping through any descriptor, whose offset must then
     * count. Where another mount may have moved the end, the driver asks the core to append, write by write.
     *
     * @param linux as in {@code fcntl.h}
     */
    public OpenFlags flags(int linux) {
        return OpenFlags.ofLinux(linux).withoutAppend().by(rules.files());
    }

    /**
     * The rule for a directory that is opened with these flags.
     *
     * @param linux as in {@code fcntl.h}
     */
    public AccessTimes directory(int linux) {
        return OpenFlags.ofLinux(linux).by(rules.directories()).accessTimes();
    }

    /**
     * Whether pages that the kernel has of a file stay when it is opened. They are always right where {@link #keepsPages},
     * for whatever changes the file goes through the mount. They are dropped all the same when the next read must be seen
     * by the core for the access time: with strictatime at every open, so there each open and read counts, and not what one
     * descriptor reads again.
     *
     * @param flags from {@link #flags}
     */
    public boolean keepsPages(FileSystemCore core, Ino ino, OpenFlags flags) {
        if (!keepsPages) {
            return false;
        }
        if (!flags.read() || flags.accessTimes() == AccessTimes.NEVER || flags.truncate()) {
            return true;
        }
        if (flags.accessTimes() == AccessTimes.ALWAYS) {
            return false;
        }
        Attr a = core.getattr(ino);
        return a.atime().compareTo(a.mtime()) > 0 && a.atime().compareTo(a.ctime()) > 0;
    }
}
