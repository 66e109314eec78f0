package io.ppiofs.blockstore.sealed;

import com.github.luben.zstd.ZstdDecompressCtx;
import com.github.luben.zstd.ZstdException;
import io.ppiofs.blockstore.BlockRef;
import io.ppiofs.blockstore.BlockType;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** Stored form to plaintext, frame by frame. Owns reusable buffers; one per thread. */
final class BlockOpener {
    private final FrameCipher cipher;
    private final ZstdDecompressCtx zstd = new ZstdDecompressCtx();
    private final byte[] compressed = new byte[StoredForm.FRAME];
    private final byte[] frame = new byte[StoredForm.FRAME];
    private byte[] stored = {};

    BlockOpener(CryptoProvider provider) {
        this.cipher = new FrameCipher(provider);
    }

    /** A buffer for stored bytes, valid until the next call. */
    byte[] storedBuffer(int length) {
        if (stored.length < length) {
            stored = new byte[Math.max(length, StoredForm.FRAME * 5)];
        }
        return stored;
    }

    /** A buffer for one plaintext frame that is copied on at once. */
    byte[] frameBuffer() {
        return frame;
    }

    /** Bytes from the start of a block that {@link #layout} may need. */
    static int layoutLength(int plaintextLength) {
        return StoredForm.HEADER_LENGTH + StoredForm.tableLength(StoredForm.frames(plaintextLength)) + StoredForm.TAG;
    }

    /**
     * Reads header and table.
     *
     * @param in the block from its start
     * @param available bytes of it
     * @return null if they are not what was sealed under {@code ref}
     */
    @Nullable
    BlockLayout layout(BlockType type, BlockRef ref, byte[] in, int available) {
        if (available < StoredForm.HEADER_LENGTH) {
            return null;
        }
        byte[] header = new byte[StoredForm.HEADER_LENGTH];
        int codec = in[StoredForm.AT_CODEC];
        StoredForm.writeHeader(header, type, codec, ref.epoch());
        for (int i = 0; i < header.length; i++) {
            if (header[i] != in[i]) {
                return null;
            }
        }
        if (codec == StoredForm.CODEC_RAW) {
            return BlockLayout.raw(header, ref.length());
        }
        int tableLength = StoredForm.tableLength(StoredForm.frames(ref.length()));
        if (codec != StoredForm.CODEC_ZSTD || available < StoredForm.HEADER_LENGTH + tableLength + StoredForm.TAG) {
            return null;
        }
        byte[] table = new byte[tableLength];
        cipher.begin(ref.key(), header);
        if (!cipher.open(FrameCipher.TABLE, false, in, StoredForm.HEADER_LENGTH, tableLength, table, 0)) {
            return null;
        }
        return BlockLayout.compressed(header, ref.length(), table);
    }

    void begin(BlockRef ref, BlockLayout layout) {
        cipher.begin(ref.key(), layout.header());
    }

    /**
     * Opens one frame into {@code out} at {@code outOffset}, where its plaintext must fit. Call {@link #begin} first.
     *
     * @param inOffset where the frame starts in {@code in}
     * @return false if a byte is not what was sealed
     */
    boolean openFrame(BlockLayout layout, int index, byte[] in, int inOffset, byte[] out, int outOffset) {
        int plain = StoredForm.frameLength(layout.length(), index);
        int sealed = layout.end(index) - layout.start(index) - StoredForm.TAG;
        boolean last = layout.last(index);
        if (!layout.compressed(index)) {
            return cipher.open(index, last, in, inOffset, sealed, out, outOffset);
        }
        if (!cipher.open(index, last, in, inOffset, sealed, compressed, 0)) {
            return false;
        }
        try {
            return zstd.decompressByteArray(out, outOffset, plain, compressed, 0, sealed) == plain;
        } catch (ZstdException e) {
            return false; // sealed by a holder of the key, but not by this format
        }
    }

    /** As {@code layout}'s version byte: what a newer ppiofs may have written. */
    static boolean unknownVersion(ByteBuffer stored) {
        return stored.remaining() >= StoredForm.HEADER_LENGTH
                && stored.getInt(stored.position()) == StoredForm.MAGIC
                && stored.get(stored.position() + StoredForm.AT_VERSION) != StoredForm.VERSION;
    }
}
