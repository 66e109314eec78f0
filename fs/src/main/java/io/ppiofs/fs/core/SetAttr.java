package io.ppiofs.fs.core;

import org.jspecify.annotations.Nullable;

/**
 * A change of attributes; null leaves a field alone. Times are resolved ({@code UTIME_NOW} by the driver or by {@link
 * #NOW}).
 *
 * @param mode permission bits (07777); type bits are ignored
 * @param ctime of a kernel that keeps a file's times itself (writeback cache); null: the core's clock
 */
public record SetAttr(
        @Nullable Integer mode,
        @Nullable Integer uid,
        @Nullable Integer gid,
        @Nullable Long size,
        @Nullable Timestamp atime,
        @Nullable Timestamp mtime,
        @Nullable Timestamp ctime) {
    /** Stands for the core's own clock at the moment of the change (compared by identity). */
    public static final Timestamp NOW = new Timestamp(Long.MIN_VALUE, 0);

    /** A change whose time is the core's own. */
    public SetAttr(
            @Nullable Integer mode,
            @Nullable Integer uid,
            @Nullable Integer gid,
            @Nullable Long size,
            @Nullable Timestamp atime,
            @Nullable Timestamp mtime) {
        this(mode, uid, gid, size, atime, mtime, null);
    }
}
