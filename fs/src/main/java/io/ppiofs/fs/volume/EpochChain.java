package io.ppiofs.fs.volume;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;

/**
 * Secrets of key epochs as a reverse hash chain: secret(e) = SHA-256(label ‖ e ‖ secret(e + 1)). Whoever holds the
 * secret of an epoch computes all earlier ones; a later one would need a preimage. The last secret comes from the
 * volume's root secret, so only the owner can go forward, and only {@value #MAX_EPOCHS} times in a volume's life.
 * A walk over the whole chain is {@value #MAX_EPOCHS} hashes of one block: 1 ms warm, a few ms in a fresh process.
 */
final class EpochChain {
    /** Epochs 0 … MAX_EPOCHS - 1; one rotation a day lasts eleven years. Fixed at creation: part of the format. */
    static final int MAX_EPOCHS = 4096;

    private static final byte[] LABEL = "ppiofs/1/epoch".getBytes(StandardCharsets.UTF_8);

    private EpochChain() {}

    /** The secret of epoch {@code to} ≤ {@code from}. */
    static Secret walkDown(Secret secret, int from, int to) {
        if (to > from || to < 0 || from >= MAX_EPOCHS) {
            throw new IllegalArgumentException("from epoch " + from + " to " + to);
        }
        MessageDigest sha = KeyDerivation.newSha256();
        byte[] bytes = secret.bytes();
        ByteBuffer number = ByteBuffer.allocate(Integer.BYTES);
        for (int e = from - 1; e >= to; e--) {
            sha.update(LABEL);
            sha.update(number.putInt(0, e).array());
            bytes = sha.digest(bytes);
        }
        return Secret.of(bytes);
    }
}
