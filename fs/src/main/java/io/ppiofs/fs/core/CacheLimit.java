package io.ppiofs.fs.core;

/**
 * How much of what a core answers may be remembered by who asked, for drivers that tell the kernel.
 *
 * @param seconds longest validity of names and attributes
 * @param keepPages whether cached pages of a file are still right when it is opened again
 */
public record CacheLimit(double seconds, boolean keepPages) {
    /** Every change goes through the driver itself: it may remember as long as it likes. */
    public static final CacheLimit NONE = new CacheLimit(Double.POSITIVE_INFINITY, true);
}
