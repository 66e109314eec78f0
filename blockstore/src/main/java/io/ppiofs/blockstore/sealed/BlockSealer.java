package io.ppiofs.blockstore.sealed;

import io.ppiofs.blockstore.BlockKey;
import io.ppiofs.blockstore.BlockRef;
import io.ppiofs.blockstore.BlockType;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.ContentKeys;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Arrays;

/** Plaintext to stored form. Owns reusable buffers; one per thread. */
final class BlockSealer {
    /** zstd needs this much room beyond the input to compress in one call (ZSTD_compressBound). */
    private static final int ZSTD_SLACK = (StoredForm.FRAME >> 8) + 512;

    private static final byte[] EMPTY = {};

    private final SealedOptions options;
    private final ContentKeys keys;
    private final KeyDerivation derivation;
    private final FrameCipher cipher;
    private final FrameCompressor compressor;
    private final SecureRandom random = new SecureRandom();
    private final MessageDigest sha256;
    private final byte[] header = new byte[StoredForm.HEADER_LENGTH];
    private byte[] copied = EMPTY;
    private byte[] payload = EMPTY;
    private byte[] table = EMPTY;
    private byte[] out = EMPTY;
    private BlockKey key = BlockKey.of(new byte[BlockKey.LENGTH]);

    BlockSealer(ContentKeys keys, CryptoProvider provider, SealedOptions options) {
        this.options = options;
        this.keys = keys;
        this.derivation = new KeyDerivation(keys);
        this.cipher = new FrameCipher(provider);
        this.compressor = new FrameCompressor(options.zstdLevel());
        try {
            this.sha256 = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    /** A sealed block; {@code bytes} is the sealer's own buffer, valid until the next call. */
    record Sealed(BlockRef ref, ByteBuffer bytes) {}

    /** Seals the remaining bytes; the position moves to the limit. */
    Sealed seal(BlockType type, ByteBuffer plaintext) {
        int length = plaintext.remaining();
        byte[] in;
        int offset;
        if (plaintext.hasArray()) {
            in = plaintext.array();
            offset = plaintext.arrayOffset() + plaintext.position();
            plaintext.position(plaintext.limit());
        } else {
            copied = room(copied, length);
            plaintext.get(copied, 0, length);
            in = copied;
            offset = 0;
        }
        int epoch = keys.currentEpoch();
        boolean zstd = options.compression() && compressor.promising(in, offset, length);
        int unpadded = zstd && compressFrames(in, offset, length)
                ? sealCompressed(type, epoch, length)
                : sealRaw(type, epoch, in, offset, length);
        return finish(unpadded, length, epoch);
    }

    private int sealRaw(BlockType type, int epoch, byte[] in, int offset, int length) {
        StoredForm.writeHeader(header, type, StoredForm.CODEC_RAW, epoch);
        if (options.dedup()) {
            sha256.update(header);
            sha256.update(in, offset, length);
        }
        key = nextKey(epoch, type);
        out = room(out, StoredForm.padded(StoredForm.maxLength(length), options.blockSize()));
        cipher.begin(key, header);
        int at = StoredForm.HEADER_LENGTH;
        int frames = StoredForm.frames(length);
        for (int i = 0; i < frames; i++) {
            int n = StoredForm.frameLength(length, i);
            cipher.seal(i, i == frames - 1, in, offset + (i << StoredForm.FRAME_LOG), n, out, at);
            at += n + StoredForm.TAG;
        }
        return at;
    }

    /** Fills {@code payload} and {@code table}. @return false if no frame shrank */
    private boolean compressFrames(byte[] in, int offset, int length) {
        int frames = StoredForm.frames(length);
        payload = room(payload, length + ZSTD_SLACK);
        table = table.length == StoredForm.tableLength(frames) ? table : new byte[StoredForm.tableLength(frames)];
        ByteBuffer entries = ByteBuffer.wrap(table);
        int at = 0;
        int saved = 0;
        for (int i = 0; i < frames; i++) {
            int from = offset + (i << StoredForm.FRAME_LOG);
            int n = StoredForm.frameLength(length, i);
            int small = compressor.compress(in, from, n, payload, at);
            if (small == 0) {
                System.arraycopy(in, from, payload, at, n);
            }
            at += small == 0 ? n : small;
            saved += small == 0 ? 0 : n - small;
            entries.putInt((at + (i + 1) * StoredForm.TAG) | (small == 0 ? 0 : StoredForm.COMPRESSED));
        }
        return saved > table.length + StoredForm.TAG;
    }

    private int sealCompressed(BlockType type, int epoch, int length) {
        int frames = StoredForm.frames(length);
        int sealedEnd = ByteBuffer.wrap(table).getInt(table.length - 4) & ~StoredForm.COMPRESSED;
        int payloadLength = sealedEnd - frames * StoredForm.TAG;
        StoredForm.writeHeader(header, type, StoredForm.CODEC_ZSTD, epoch);
        if (options.dedup()) {
            sha256.update(header);
            sha256.update(payload, 0, payloadLength);
            sha256.update(table);
        }
        key = nextKey(epoch, type);
        out = room(out, StoredForm.padded(StoredForm.maxLength(length), options.blockSize()));
        cipher.begin(key, header);
        int at = StoredForm.HEADER_LENGTH;
        cipher.seal(FrameCipher.TABLE, false, table, 0, table.length, out, at);
        at += table.length + StoredForm.TAG;
        int from = 0;
        ByteBuffer entries = ByteBuffer.wrap(table);
        for (int i = 0; i < frames; i++) {
            int to = (entries.getInt() & ~StoredForm.COMPRESSED) - (i + 1) * StoredForm.TAG;
            cipher.seal(i, i == frames - 1, payload, from, to - from, out, at);
            at += to - from + StoredForm.TAG;
            from = to;
        }
        return at;
    }

    private BlockKey nextKey(int epoch, BlockType type) {
        if (options.dedup()) {
            return derivation.derive(epoch, type, sha256.digest());
        }
        byte[] fresh = new byte[BlockKey.LENGTH];
        random.nextBytes(fresh);
        return BlockKey.of(fresh);
    }

    private Sealed finish(int unpadded, int length, int epoch) {
        System.arraycopy(header, 0, out, 0, header.length);
        int total = options.padding() ? StoredForm.padded(unpadded, options.blockSize()) : unpadded;
        Arrays.fill(out, unpadded, total, (byte) 0); // the buffer is reused: no older block may shine through
        sha256.update(out, 0, total);
        Cid cid = Cid.ofDigest(sha256.digest());
        return new Sealed(new BlockRef(cid, key, length, epoch, 0), ByteBuffer.wrap(out, 0, total));
    }

    private static byte[] room(byte[] buffer, int length) {
        return buffer.length >= length ? buffer : new byte[Math.max(length, Math.min(buffer.length * 2, length * 2))];
    }
}
