package io.ppiofs.fs.core;

/**
 * How a file is opened.
 *
 * @param append each write goes to the end, whatever its offset
 * @param truncate the content goes at open
 * @param sync each write is durable when it returns (O_SYNC, O_DSYNC)
 * @param noAtime reads leave the access time alone (O_NOATIME, which the kernel allows the owner and root; noatime)
 */
public record OpenFlags(boolean read, boolean write, boolean append, boolean truncate, boolean sync, boolean noAtime) {
    /** From open(2) flags of Linux (asm-generic/fcntl.h). */
    public static OpenFlags ofLinux(int flags) {
        int access = flags & 3;
        return new OpenFlags(
                access != 1,
                access != 0,
                (flags & 0x400) != 0,
                (flags & 0x200) != 0,
                (flags & 0x1000) != 0,
                (flags & 0x40000) != 0);
    }

    /** The flags of open(2) that {@link #ofLinux} reads, but O_TRUNC, which is done with. */
    public int toLinux() {
        int access = read ? write ? 2 : 0 : 1;
        return access | (append ? 0x400 : 0) | (sync ? 0x1000 : 0) | (noAtime ? 0x40000 : 0);
    }

    /** For a mount that keeps no access times. */
    public OpenFlags withNoAtime() {
        return noAtime ? this : new OpenFlags(read, write, append, truncate, sync, true);
    }

    /** For a driver whose kernel appends by itself. */
    public OpenFlags withoutAppend() {
        return append ? new OpenFlags(read, write, false, truncate, sync, noAtime) : this;
    }
}
