package io.ppiofs.proofs.merkle;

import io.ppiofs.proofs.sdr.Sha256;

/** How two children make a parent, and how a leaf's bytes make its hash. */
public enum NodeHash {
    /**
     * Filecoin's tree of data: {@code SHA-256(left || right)}, the two highest bits (little-endian order) cleared; a leaf is its own
     * 32 bytes. Nothing separates leaf from node but the number of leaves, which is fixed by the sector's size.
     */
    TRUNCATED {
        @Override
        public void pair(Sha256 sha256, byte[] children, int at, byte[] out, int to) {
            sha256.digest(children, at, 2 * Sha256.BYTES, out, to);
            out[to + Sha256.BYTES - 1] &= 0x3f;
        }

        @Override
        public void leaf(Sha256 sha256, byte[] bytes, int at, int length, byte[] out, int to) {
            System.arraycopy(bytes, at, out, to, length);
        }
    },
    /** {@code SHA-256(0x01 || left || right)} over leaves of {@code SHA-256(0x00 || bytes)}, as RFC 6962 section 2.1. */
    SEPARATED {
        @Override
        public void pair(Sha256 sha256, byte[] children, int at, byte[] out, int to) {
            sha256.update((byte) 1).update(children, at, 2 * Sha256.BYTES).digest(out, to);
        }

        @Override
        public void leaf(Sha256 sha256, byte[] bytes, int at, int length, byte[] out, int to) {
            sha256.update((byte) 0).update(bytes, at, length).digest(out, to);
        }
    };

    /** Hashes 64 bytes at {@code at} to 32 at {@code to}; the two may be in the same array. */
    public abstract void pair(Sha256 sha256, byte[] children, int at, byte[] out, int to);

    /** Hashes a leaf's bytes to 32 at {@code to}. {@link #TRUNCATED} wants 32 bytes. */
    public abstract void leaf(Sha256 sha256, byte[] bytes, int at, int length, byte[] out, int to);
}
