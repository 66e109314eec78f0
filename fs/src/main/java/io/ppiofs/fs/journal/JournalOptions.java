package io.ppiofs.fs.journal;

/**
 * @param maxPendingBytes appenders wait when more is buffered than this; the journal takes up to twice as much heap
 *     (buffered, and being written)
 */
public record JournalOptions(long maxPendingBytes) {
    /** 8 MiB. */
    public static final long DEFAULT_MAX_PENDING_BYTES = 8L << 20;

    public JournalOptions {
        if (maxPendingBytes < 1 || maxPendingBytes > 1L << 30) {
            throw new IllegalArgumentException("maxPendingBytes " + maxPendingBytes + " is not in 1 … 1 GiB");
        }
    }

    public static JournalOptions defaults() {
        return new JournalOptions(DEFAULT_MAX_PENDING_BYTES);
    }
}
