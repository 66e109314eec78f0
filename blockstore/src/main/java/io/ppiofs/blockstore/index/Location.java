package io.ppiofs.blockstore.index;

/**
 * Where a block's record lies.
 *
 * @param segment id of the segment file
 * @param offset bytes from the start of the file to the record
 * @param length bytes of the stored form
 * @param epoch write epoch of the last put, for garbage collection
 */
public record Location(int segment, int offset, int length, long epoch) {
    public Location withEpoch(long newEpoch) {
        return new Location(segment, offset, length, newEpoch);
    }

    /** Whether both name the same record, whatever the epoch. */
    public boolean samePlace(Location o) {
        return segment == o.segment && offset == o.offset;
    }
}
