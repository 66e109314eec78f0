package io.ppiofs.blockstore.sealed;

import com.github.luben.zstd.ZstdCompressCtx;

/**
 * Decides cheaply whether a block shrinks and compresses its frames. Data that does not shrink (media, archives,
 * ciphertext) is most of what large files hold: a block is judged by a few 4 KiB samples first, and after two frames in
 * a row that did not shrink every further frame is sampled before it is tried. Not thread-safe.
 */
final class FrameCompressor {
    private static final int SAMPLE = 4 << 10;

    /** A frame must shrink by 1/16 to be stored compressed: less does not pay for decompression. */
    private static final int GAIN_SHIFT = 4;

    private final ZstdCompressCtx zstd = new ZstdCompressCtx();
    private final byte[] sample = new byte[SAMPLE + 512];
    private int misses;

    /** @param level of zstd; {@link SealedOptions#DEFAULT_ZSTD_LEVEL} says what is worth it on frames this short */
    FrameCompressor(int level) {
        zstd.setLevel(level);
        zstd.setChecksum(false);
        zstd.setContentSize(false);
    }

    /** Whether it is worth trying at all; starts a new block. */
    boolean promising(byte[] in, int offset, int length) {
        misses = 0;
        if (length <= 2 * SAMPLE) {
            return length >= 64; // trying costs no more than sampling
        }
        int samples = length <= StoredForm.FRAME ? 1 : 4;
        int step = (length - SAMPLE) / samples;
        for (int i = 0; i < samples; i++) {
            if (sampleShrinks(in, offset + i * step + step / 2)) {
                return true;
            }
        }
        return false;
    }

    private boolean sampleShrinks(byte[] in, int offset) {
        int n = zstd.compressByteArray(sample, 0, sample.length, in, offset, SAMPLE);
        return n < SAMPLE - (SAMPLE >> GAIN_SHIFT);
    }

    /** @return compressed length written to {@code out}, or 0 if the frame should be stored as it is */
    int compress(byte[] in, int offset, int length, byte[] out, int outOffset) {
        if (length < 64) {
            return 0;
        }
        if (misses >= 2 && length > SAMPLE && !sampleShrinks(in, offset + (length - SAMPLE) / 2)) {
            return 0;
        }
        int n = zstd.compressByteArray(out, outOffset, out.length - outOffset, in, offset, length);
        if (n >= length - (length >> GAIN_SHIFT)) {
            misses++;
            return 0;
        }
        misses = 0;
        return n;
    }
}
