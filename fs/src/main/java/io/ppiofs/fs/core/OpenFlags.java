package io.ppiofs.fs.core;

/**
 * How a file is opened.
 *
 * @param append each write goes to the end, whatever its offset
 * @param truncate the content goes at open
 * @param sync each write is durable when it returns (O_SYNC, O_DSYNC)
 * @param accessTimes NEVER with O_NOATIME, which the kernel allows the owner and root
 */
public record OpenFlags(
        boolean read, boolean write, boolean append, boolean truncate, boolean sync, AccessTimes accessTimes) {
    /** From open(2) flags of Linux (asm-generic/fcntl.h). */
    public static OpenFlags ofLinux(int flags) {
        int access = flags & 3;
        return new OpenFlags(
                access != 1,
                access != 0,
                (flags & 0x400) != 0,
                (flags & 0x200) != 0,
                (flags & 0x1000) != 0,
                (flags & 0x40000) != 0 ? AccessTimes.NEVER : AccessTimes.RELATIVE);
    }

    /** The flags of open(2) that {@link #ofLinux} reads, but O_TRUNC, which is done with. */
    public int toLinux() {
        int access = read ? write ? 2 : 0 : 1;
        return access | (append ? 0x400 : 0) | (sync ? 0x1000 : 0) | (accessTimes == AccessTimes.NEVER ? 0x40000 : 0);
    }

    /** By the rule of a mount; what the file was opened with (O_NOATIME) goes before it. */
    public OpenFlags by(AccessTimes rule) {
        return rule == accessTimes || accessTimes == AccessTimes.NEVER
                ? this
                : new OpenFlags(read, write, append, truncate, sync, rule);
    }

    /** For a driver whose kernel appends by itself. */
    public OpenFlags withoutAppend() {
        return append ? new OpenFlags(read, write, false, truncate, sync, accessTimes) : this;
    }
}
