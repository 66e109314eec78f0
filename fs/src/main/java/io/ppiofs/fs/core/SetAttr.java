package io.ppiofs.fs.core;

import org.jspecify.annotations.Nullable;

/**
 * A change of attributes; null leaves a field alone. Times are resolved ({@code UTIME_NOW} by the driver or by {@link
 * #NOW}).
 *
 * @param mode permission bits (07777); type bits are ignored
 */
public record SetAttr(
        @Nullable Integer mode,
        @Nullable Integer uid,
        @Nullable Integer gid,
        @Nullable Long size,
        @Nullable Timestamp atime,
        @Nullable Timestamp mtime) {
    /** Stands for the core's own clock at the moment of the change (compared by identity). */
    public static final Timestamp NOW = new Timestamp(Long.MIN_VALUE, 0);
}
