package io.ppiofs.blockstore.segment;

/**
 * How a store on disk works.
 *
 * @param segmentBytes length at which a segment is sealed, 4 MiB … 1 GiB; 0: a 32nd of the disk, 4 … 256 MiB
 * @param indexEntriesPerShard first capacity of an index shard; 0: by the size of the disk
 * @param compactBelowLive a sealed segment whose live share falls under this is compacted, 0…1
 */
public record SegmentOptions(int segmentBytes, long indexEntriesPerShard, double compactBelowLive) {
    public static final int SMALLEST_SEGMENT = 4 << 20;
    public static final int LARGEST_SEGMENT = 1 << 30;

    public SegmentOptions {
        if (segmentBytes != 0 && (segmentBytes < SMALLEST_SEGMENT || segmentBytes > LARGEST_SEGMENT)) {
            throw new IllegalArgumentException("segments of " + segmentBytes + " bytes, not 4 MiB … 1 GiB");
        }
        if (compactBelowLive < 0 || compactBelowLive > 1) {
            throw new IllegalArgumentException("live share " + compactBelowLive);
        }
    }

    public static SegmentOptions defaults() {
        return new SegmentOptions(0, 0, 0.7);
    }

    public SegmentOptions withSegmentBytes(int bytes) {
        return new SegmentOptions(bytes, indexEntriesPerShard, compactBelowLive);
    }

    public SegmentOptions withIndexEntriesPerShard(long entries) {
        return new SegmentOptions(segmentBytes, entries, compactBelowLive);
    }

    /** The segment length on a disk of {@code diskBytes}. */
    int segmentBytesOn(long diskBytes) {
        return segmentBytes != 0
                ? segmentBytes
                : (int) Math.max(SMALLEST_SEGMENT, Math.min(256L << 20, diskBytes / 32));
    }

    /** The first capacity of a shard on a disk of {@code diskBytes}: one block in 64 KiB. */
    long indexEntriesOn(long diskBytes) {
        return indexEntriesPerShard != 0
                ? indexEntriesPerShard
                : Math.max(2 << 10, Math.min(64 << 10, diskBytes >> 18));
    }
}
