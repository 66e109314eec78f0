package io.ppiofs.blockstore.segment;

import io.ppiofs.blockstore.Cid;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/** The numbers of segment files, version 1; all integers big-endian. */
final class RecordFormat {
    static final int VERSION = 1;

    static final long SEGMENT_MAGIC = 0x5050494f53454731L; // "PPIOSEG1"
    static final int SEGMENT_HEADER = 64;
    static final int SALT = 16;
    static final int AT_SEGMENT_SALT = 16;
    static final int AT_SEGMENT_CRC = 60;

    static final int RECORD_MAGIC = 0x50524543; // "PREC"
    static final int RECORD_HEADER = 56;
    static final int ALIGNMENT = 8;

    /** A stored form; the digest in the header is its name and the payload's protection. */
    static final int KIND_BLOCK = 1;

    /** Names records that are dead: payload of {@link #KILL_LENGTH}-byte entries, protected by a CRC. */
    static final int KIND_KILL = 2;

    /** Everything in front of the offset in the digest field was on disk before this record was written. */
    static final int KIND_SYNCED = 4;

    /** Digest, segment, offset of a dead record. */
    static final int KILL_LENGTH = 40;

    static final long FOOTER_MAGIC = 0x5050494f53465431L; // "PPIOSFT1"
    static final int FOOTER_ENTRY = 44;
    static final int TRAILER = 64;
    static final int AT_TRAILER_CRC = 60;

    /** In the length field of a footer entry: the entry names a dead record. */
    static final int DEAD = -1;

    /** The longest payload anybody may claim: a 4 MiB block with its overhead, or a batch of kills. */
    static final int LARGEST_PAYLOAD = (4 << 20) + (256 << 10);

    private RecordFormat() {}

    static int align(int length) {
        return length + ALIGNMENT - 1 & -ALIGNMENT;
    }

    /** Bytes that a record with such a payload takes in the file. */
    static int recordLength(int payloadLength) {
        return align(RECORD_HEADER + payloadLength);
    }

    /**
     * A record's header: kind, payload length, payload CRC (0 for blocks) and, for blocks, the digest.
     *
     * @param cid a block's name; for {@link #KIND_SYNCED} its first word is the offset
     */
    record Header(int kind, int length, int payloadCrc, Cid cid) {}

    /** Appends 56 bytes. The CRC starts from the segment's salt, so that payload bytes cannot pose as records. */
    static void writeHeader(ByteBuffer out, byte[] salt, Header header) {
        int start = out.position();
        out.putInt(0)
                .putInt(RECORD_MAGIC)
                .put((byte) header.kind)
                .put((byte) 0)
                .putShort((short) 0)
                .putInt(header.length)
                .putInt(header.payloadCrc)
                .putInt(0);
        header.cid.writeDigest(out);
        out.putInt(start, crc(salt, out, start + 4, RECORD_HEADER - 4));
    }

    /**
     * Reads 56 bytes at {@code at}; the position does not move.
     *
     * @return null if they are no header of this segment
     */
    static @Nullable Header readHeader(ByteBuffer in, int at, byte[] salt) {
        if (in.getInt(at + 4) != RECORD_MAGIC || in.getInt(at) != crc(salt, in, at + 4, RECORD_HEADER - 4)) {
            return null;
        }
        int length = in.getInt(at + 12);
        if (length < 0 || length > LARGEST_PAYLOAD) {
            return null;
        }
        Cid cid = Cid.ofWords(in.getLong(at + 24), in.getLong(at + 32), in.getLong(at + 40), in.getLong(at + 48));
        return new Header(in.get(at + 8), length, in.getInt(at + 16), cid);
    }

    static int crc(byte[] salt, ByteBuffer bytes, int at, int length) {
        CRC32C crc = new CRC32C();
        crc.update(salt);
        crc.update(bytes.duplicate().position(at).limit(at + length));
        return (int) crc.getValue();
    }
}
