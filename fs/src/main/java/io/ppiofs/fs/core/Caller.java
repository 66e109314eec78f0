package io.ppiofs.fs.core;

import java.util.List;

/**
 * Who asks: effective uid and gid, and the process id for reports. Permissions are checked by the kernel.
 *
 * @param umask permission bits that a new file shall not have unless its directory has a default ACL (acl(5)); 0 where the
 *     driver's kernel has taken them away itself
 * @param labels of each inode that the call makes
 */
public record Caller(int uid, int gid, int pid, int umask, List<SecurityLabel> labels) {
    public static final Caller ROOT = new Caller(0, 0, 0);

    public Caller {
        labels = List.copyOf(labels);
    }

    /** One whose umask has been applied, under no security module. */
    public Caller(int uid, int gid, int pid) {
        this(uid, gid, pid, 0, List.of());
    }
}
