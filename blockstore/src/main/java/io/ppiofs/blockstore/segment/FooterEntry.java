package io.ppiofs.blockstore.segment;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.index.Location;
import java.nio.ByteBuffer;

/**
 * What one record says about one block: it lies here, or (length {@link RecordFormat#DEAD}) the record there is dead.
 *
 * @param segment the segment itself, or the one that holds the dead record
 */
record FooterEntry(Cid cid, int segment, int offset, int length) {
    static FooterEntry dead(Cid cid, Location at) {
        return new FooterEntry(cid, at.segment(), at.offset(), RecordFormat.DEAD);
    }

    boolean kills() {
        return length == RecordFormat.DEAD;
    }

    /** @param epoch what the segment does not know */
    Location location(long epoch) {
        return new Location(segment, offset, length, epoch);
    }

    void writeTo(ByteBuffer out) {
        cid.writeDigest(out);
        out.putInt(segment).putInt(offset).putInt(length);
    }

    static FooterEntry readFrom(ByteBuffer in) {
        return new FooterEntry(Cid.readDigest(in), in.getInt(), in.getInt(), in.getInt());
    }
}
