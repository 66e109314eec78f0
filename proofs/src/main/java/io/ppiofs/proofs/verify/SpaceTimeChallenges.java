package io.ppiofs.proofs.verify;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.ppiofs.proofs.sdr.Sha256;

/**
 * The leaves of the replica's tree that a proof of space-time opens: {@code LE64(SHA-256(seed || LE64(sector) ||
 * LE64(index))[0..8]) mod leaves}. The leaves are a power of two, so that none is likelier than another.
 */
public final class SpaceTimeChallenges {
    /** Leaves per sector in a window proof, as Filecoin has it. */
    public static final int WINDOW = 10;
    /** Leaves of the one sector of a winning proof, as Filecoin has it. */
    public static final int WINNING = 66;

    private SpaceTimeChallenges() {}

    /**
     * The seed of a window.
     *
     * @param randomness 32 bytes that nobody knew before the challenge epoch
     * @param peer the prover's binary peer id
     * @param openEpoch of the deadline
     */
    public static byte[] windowSeed(byte[] randomness, byte[] peer, long openEpoch) {
        return seed("ppiofs window v1", randomness, peer, openEpoch);
    }

    /** The seed of a winning proof at an epoch; otherwise as {@link #windowSeed}. */
    public static byte[] winningSeed(byte[] randomness, byte[] peer, long epoch) {
        return seed("ppiofs winning v1", randomness, peer, epoch);
    }

    private static byte[] seed(String domain, byte[] randomness, byte[] peer, long epoch) {
        if (randomness.length != Sha256.BYTES) {
            throw new IllegalArgumentException("randomness has " + randomness.length + " bytes, not 32");
        }
        return new Sha256()
                .update(domain.getBytes(US_ASCII))
                .update(randomness)
                .updateLong(epoch)
                .update(peer)
                .digest();
    }

    /** @return {@code count} leaves from 0; one may come twice */
    public static long[] derive(byte[] seed, long sector, long leaves, int count) {
        long[] challenges = new long[count];
        Sha256 sha256 = new Sha256();
        for (int i = 0; i < count; i++) {
            byte[] digest = sha256.update(seed)
                    .updateLong(Long.reverseBytes(sector))
                    .updateLong(Long.reverseBytes(i))
                    .digest();
            long value = 0;
            for (int b = 7; b >= 0; b--) {
                value = value << 8 | digest[b] & 0xff;
            }
            challenges[i] = Long.remainderUnsigned(value, leaves);
        }
        return challenges;
    }
}
