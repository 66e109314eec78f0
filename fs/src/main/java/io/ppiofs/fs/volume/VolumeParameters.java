package io.ppiofs.fs.volume;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.util.regex.Pattern;

/**
 * What is chosen when a volume is made, and fixed from then on.
 *
 * @param name unique in the home: 1–64 of A–Z a–z 0–9 . _ -, the first a letter or digit
 * @param blockSize largest plaintext of a block, bytes: a power of two from 64 KiB to 4 MiB
 * @param dedup equal blocks are stored once; off: random block keys
 * @param padding stored lengths are padded so that they tell little
 */
public record VolumeParameters(String name, int blockSize, boolean dedup, boolean padding) {
    public static final int MIN_BLOCK_SIZE = 64 << 10;
    public static final int MAX_BLOCK_SIZE = 4 << 20;
    public static final int DEFAULT_BLOCK_SIZE = 1 << 20;

    static final int MAX_NAME = 64;

    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}");

    /** @throws PpiofsException INVALID with one sentence */
    public VolumeParameters {
        if (!NAME.matcher(name).matches()) {
            throw new PpiofsException(
                    ErrorKind.INVALID,
                    "name",
                    "volume \"" + name + "\"",
                    "use 1 to 64 letters, digits, dots, underscores and hyphens, beginning with a letter or digit");
        }
        if (blockSize < MIN_BLOCK_SIZE || blockSize > MAX_BLOCK_SIZE || Integer.bitCount(blockSize) != 1) {
            throw new PpiofsException(
                    ErrorKind.INVALID,
                    "set block size of",
                    "volume \"" + name + "\"",
                    blockSize + " bytes will not do; use a power of two from 64 KiB to 4 MiB");
        }
    }

    /** 1 MiB blocks, deduplicated and padded. */
    public static VolumeParameters defaults(String name) {
        return new VolumeParameters(name, DEFAULT_BLOCK_SIZE, true, true);
    }
}
