package io.ppiofs.proofs.lpoc;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.ppiofs.proofs.sdr.Sha256;
import java.nio.ByteBuffer;
import java.time.Duration;

/**
 * What a verifier wants to see, derived from its seed and the statement that it is about. Leaves are a chain: which one is
 * next follows from the bytes of the one before, so that whoever fetches them from elsewhere pays a round trip for each, and not one
 * for all.
 *
 * <p>{@code s₀ = SHA-256("ppiofs idle leaf v1" || digest of the statement || seed)}, {@code sᵢ₊₁ = SHA-256("ppiofs idle leaf v1" || sᵢ || bytes of leaf i)}. Of
 * sᵢ bytes 0 to 7 modulo the number of units are the rank of the unit, bytes 8 to 15 modulo the number of leaves its leaf. The unit whose
 * labels are checked has the rank of bytes 0 to 7 of {@code SHA-256("ppiofs idle label v1" || digest || seed)}, which is also the seed of its proof
 * of replication. Not thread-safe.
 */
public final class SpaceChallenge {
    /** Leaves that are opened if nobody says otherwise. */
    public static final int LEAVES = 66;
    /** Most leaves of one challenge. */
    public static final int MAX_LEAVES = 512;
    /** Bytes of a seed. */
    public static final int SEED_BYTES = 32;

    private static final byte[] LEAF = "ppiofs idle leaf v1".getBytes(US_ASCII);
    private static final byte[] LABEL = "ppiofs idle label v1".getBytes(US_ASCII);
    private static final Duration BASE = Duration.ofMillis(300);
    /** A seek, and what it takes to answer. */
    private static final Duration PER_LEAF = Duration.ofMillis(15);

    private static final int ROUND_TRIPS = 4;

    /**
     * A longer round trip counts as this one: it is the prover that lets it look long. So the deadline of {@value #LEAVES} leaves is in no case longer than it takes to
     * make a leaf of a unit of 512 MiB again.
     */
    private static final Duration LONGEST_ROUND_TRIP = Duration.ofMillis(200);

    private final long units;
    private final long leaves;
    private final Sha256 sha256 = new Sha256();
    private byte[] state;

    /** A leaf to open. @param rank of its unit among all, from 0 */
    public record Leaf(long rank, long leaf) {}

    /** @param seed 32 bytes that the prover could not know when it signed the statement, which has a unit */
    public SpaceChallenge(CapacityStatement statement, byte[] seed) {
        require(statement, seed);
        this.units = statement.root().count();
        this.leaves = statement.terms().geometry().replicaLeaves();
        this.state = sha256.update(LEAF).update(statement.digest()).update(seed).digest();
    }

    private static void require(CapacityStatement statement, byte[] seed) {
        if (seed.length != SEED_BYTES || statement.root().count() < 1) {
            throw new IllegalArgumentException("a seed of " + seed.length + " bytes for "
                    + statement.root().count() + " units");
        }
    }

    /** The leaf that is opened now. */
    public Leaf leaf() {
        ByteBuffer bytes = ByteBuffer.wrap(state);
        long rank = Long.remainderUnsigned(bytes.getLong(), units);
        return new Leaf(rank, Long.remainderUnsigned(bytes.getLong(), leaves));
    }

    /** Goes on to the next. @param opened the bytes of this leaf */
    public void advance(byte[] opened) {
        state = sha256.update(LEAF).update(state).update(opened).digest();
    }

    /** The seed of the proof of replication. */
    public static byte[] labelSeed(CapacityStatement statement, byte[] seed) {
        require(statement, seed);
        return new Sha256()
                .update(LABEL)
                .update(statement.digest())
                .update(seed)
                .digest();
    }

    /** The rank of the unit whose replication is proven. */
    public static long labelRank(CapacityStatement statement, byte[] seed) {
        long value = ByteBuffer.wrap(labelSeed(statement, seed)).getLong();
        return Long.remainderUnsigned(value, statement.root().count());
    }

    /** Until when so many leaves must be there. @param roundTrip as measured just before; 200 ms of it count at most */
    public static Duration deadline(int leaves, Duration roundTrip) {
        Duration counted = roundTrip.compareTo(LONGEST_ROUND_TRIP) < 0 ? roundTrip : LONGEST_ROUND_TRIP;
        return BASE.plus(PER_LEAF.multipliedBy(leaves)).plus(counted.multipliedBy(ROUND_TRIPS));
    }
}
