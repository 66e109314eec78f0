package io.ppiofs.overlay.dht;

import io.ppiofs.overlay.identity.PeerId;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import org.jspecify.annotations.Nullable;

/**
 * A point of the 256-bit key space, or the XOR distance between two: SHA-256 of a record key or of a peer id's binary form
 * (libp2p specification "kad-dht", distance). Immutable; ordered as an unsigned number.
 */
public record DhtKey(long w0, long w1, long w2, long w3) implements Comparable<DhtKey> {
    /** Bits of the space. */
    public static final int BITS = 256;

    public static DhtKey of(byte[] key) {
        return new Hasher().of(key);
    }

    public static DhtKey of(PeerId peer) {
        return of(peer.toBytes());
    }

    public DhtKey distance(DhtKey o) {
        return new DhtKey(w0 ^ o.w0, w1 ^ o.w1, w2 ^ o.w2, w3 ^ o.w3);
    }

    /** How many leading bits the two share, 0…256. */
    public int commonPrefix(DhtKey o) {
        if (w0 != o.w0) {
            return Long.numberOfLeadingZeros(w0 ^ o.w0);
        }
        if (w1 != o.w1) {
            return 64 + Long.numberOfLeadingZeros(w1 ^ o.w1);
        }
        if (w2 != o.w2) {
            return 128 + Long.numberOfLeadingZeros(w2 ^ o.w2);
        }
        return 192 + Long.numberOfLeadingZeros(w3 ^ o.w3);
    }

    /** Which of {@code a} and {@code b} is nearer to this point: negative if {@code a}. */
    public int compareDistance(DhtKey a, DhtKey b) {
        int c = Long.compareUnsigned(w0 ^ a.w0, w0 ^ b.w0);
        if (c == 0) {
            c = Long.compareUnsigned(w1 ^ a.w1, w1 ^ b.w1);
        }
        if (c == 0) {
            c = Long.compareUnsigned(w2 ^ a.w2, w2 ^ b.w2);
        }
        return c != 0 ? c : Long.compareUnsigned(w3 ^ a.w3, w3 ^ b.w3);
    }

    @Override
    public int compareTo(DhtKey o) {
        int c = Long.compareUnsigned(w0, o.w0);
        if (c == 0) {
            c = Long.compareUnsigned(w1, o.w1);
        }
        if (c == 0) {
            c = Long.compareUnsigned(w2, o.w2);
        }
        return c != 0 ? c : Long.compareUnsigned(w3, o.w3);
    }

    @Override
    public boolean equals(@Nullable Object o) {
        return o instanceof DhtKey k && w0 == k.w0 && w1 == k.w1 && w2 == k.w2 && w3 == k.w3;
    }

    @Override
    public int hashCode() {
        return (int) (w0 >>> 32 ^ w1);
    }

    /** Hashes many keys with one digest object; for one thread. */
    static final class Hasher {
        private final MessageDigest sha256;

        Hasher() {
            try {
                sha256 = MessageDigest.getInstance("SHA-256");
            } catch (NoSuchAlgorithmException e) {
                throw new IllegalStateException("every Java platform has SHA-256", e);
            }
        }

        DhtKey of(byte[] key) {
            ByteBuffer digest = ByteBuffer.wrap(sha256.digest(key));
            return new DhtKey(digest.getLong(), digest.getLong(), digest.getLong(), digest.getLong());
        }

        DhtKey of(PeerId peer) {
            return of(peer.toBytes());
        }
    }
}
