package io.ppiofs.proofs.audit;

import io.ppiofs.proofs.sdr.Sha256;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * What a challenge to a sealed slot is about. Immutable as long as nobody writes to the arrays, which are not copied.
 *
 * @param network 32 bytes
 * @param order digest of the tenant's order, 32 bytes: it says which slot of which group, who holds it, and who challenges
 * @param commR what the replica is held to, 32 bytes: nobody can challenge before the holder has said it
 * @param kind what is to be proven
 * @param epoch a number that a verifier uses once per order; seconds since 1970
 */
public record SealStatement(byte[] network, byte[] order, byte[] commR, Kind kind, long epoch) {
    /** What is to be proven; the ordinal is what is signed: append only. */
    public enum Kind {
        REPLICATION,
        WINDOW
    }

    /** Bytes of the seed that a challenge makes. */
    public static final int SEED_BYTES = Sha256.BYTES;

    private static final byte[] DOMAIN = "ppiofs seal challenge v1".getBytes(StandardCharsets.US_ASCII);

    public SealStatement {
        if (network.length != Sha256.BYTES
                || order.length != Sha256.BYTES
                || commR.length != Sha256.BYTES
                || epoch < 0) {
            throw new IllegalArgumentException("no challenge of a sealed slot: epoch " + epoch);
        }
    }

    /** What the verifier signs: different for different statements. */
    public byte[] message() {
        return ByteBuffer.allocate(DOMAIN.length + 3 * Sha256.BYTES + 1 + Long.BYTES)
                .put(DOMAIN)
                .put(network)
                .put(order)
                .put(commR)
                .put((byte) kind.ordinal())
                .putLong(epoch)
                .array();
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof SealStatement other && Arrays.equals(message(), other.message());
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(message());
    }
}
