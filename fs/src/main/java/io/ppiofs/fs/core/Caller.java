package io.ppiofs.fs.core;

/** Who asks: effective uid and gid, and the process id for reports. Permissions are checked by the kernel. */
public record Caller(int uid, int gid, int pid) {
    public static final Caller ROOT = new Caller(0, 0, 0);
}
