package io.ppiofs.blockstore.sealed;

import io.ppiofs.blockstore.BlockType;
import java.nio.ByteBuffer;

/** The numbers of the stored form, version 1, and the arithmetic on them. */
final class StoredForm {
    static final int MAGIC = 0x50504253; // "PPBS"
    static final int VERSION = 1;
    static final int HEADER_LENGTH = 16;
    static final int FRAME_LOG = 15;
    static final int FRAME = 1 << FRAME_LOG;
    static final int TAG = 16;
    static final int TABLE_ENTRY = 4;

    /** Every frame is stored as it is; there is no table, positions are computed. */
    static final int CODEC_RAW = 0;

    /** Frames are zstd or raw, as the sealed table says. */
    static final int CODEC_ZSTD = 1;

    static final int AT_VERSION = 4;
    static final int AT_CODEC = 6;

    /** In a table entry: this frame is compressed. The other 31 bits are where the frame ends. */
    static final int COMPRESSED = 0x80000000;

    private StoredForm() {}

    static int frames(int plaintextLength) {
        return plaintextLength == 0 ? 1 : (plaintextLength + FRAME - 1) >>> FRAME_LOG;
    }

    /** Plaintext bytes of frame {@code index}. */
    static int frameLength(int plaintextLength, int index) {
        return Math.min(FRAME, plaintextLength - (index << FRAME_LOG));
    }

    static int tableLength(int frames) {
        return frames * TABLE_ENTRY;
    }

    /** Length, before padding, of a block whose frames are all stored as they are and that has no table. */
    static int rawLength(int plaintextLength) {
        return HEADER_LENGTH + plaintextLength + frames(plaintextLength) * TAG;
    }

    /** The longest unpadded form: sealed table and all frames raw. */
    static int maxLength(int plaintextLength) {
        return rawLength(plaintextLength) + tableLength(frames(plaintextLength)) + TAG;
    }

    static void writeHeader(byte[] out, BlockType type, int codec, int epoch) {
        ByteBuffer.wrap(out)
                .putInt(MAGIC)
                .put((byte) VERSION)
                .put((byte) type.code())
                .put((byte) codec)
                .put((byte) FRAME_LOG)
                .putShort((short) epoch)
                .putShort((short) 0)
                .putInt(0);
    }

    /** Padmé (Nikitin et al., PETS 2019): keeps log2(log2(n)) leading bits, so at most 12 % and O(log log) lengths. */
    static long padme(long length) {
        if (length < 2) {
            return length;
        }
        int e = 63 - Long.numberOfLeadingZeros(length);
        int s = 32 - Integer.numberOfLeadingZeros(e);
        long mask = (1L << Math.max(0, e - s)) - 1;
        return length + mask & ~mask;
    }

    /**
     * Padmé, but never beyond what a full incompressible block takes: that length is public anyway, and most blocks of
     * most volumes have it.
     */
    static int padded(int length, int blockSize) {
        return (int) Math.max(length, Math.min(padme(length), rawLength(blockSize)));
    }
}
