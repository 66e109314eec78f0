package io.ppiofs.bench;

import java.nio.charset.StandardCharsets;
import java.util.Random;

/** Kinds of file content, from fixed seeds. */
public enum Content {
    /** Random bytes: media, archives, ciphertext. */
    INCOMPRESSIBLE {
        @Override
        byte[] bytes(int length, long seed) {
            byte[] bytes = new byte[length];
            new Random(seed).nextBytes(bytes);
            return bytes;
        }
    },
    /** Lines of words and numbers, like a log file; zstd at level 1 makes about a third of it. */
    COMPRESSIBLE {
        private static final String[] WORDS = {
            "open", "close", "peer", "block", "extent", "journal", "commit", "lookup", "warn", "info", "segment", "tree"
        };

        @Override
        byte[] bytes(int length, long seed) {
            Random random = new Random(seed);
            StringBuilder text = new StringBuilder(length + 64);
            while (text.length() < length) {
                text.append(random.nextInt(1_000_000)).append(' ');
                for (int i = 0; i < 6; i++) {
                    text.append(WORDS[random.nextInt(WORDS.length)]).append(' ');
                }
                text.append('\n');
            }
            text.setLength(length);
            return text.toString().getBytes(StandardCharsets.US_ASCII);
        }
    };

    /** The same bytes for the same arguments. */
    abstract byte[] bytes(int length, long seed);
}
