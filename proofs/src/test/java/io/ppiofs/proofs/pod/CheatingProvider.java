package io.ppiofs.proofs.pod;

import java.util.Set;

/** Commits to what it should not. */
final class CheatingProvider {
    final PodCommitment commitment;
    final PodCiphertext ciphertext;
    /** What it gives to the verifier. */
    final byte[] key;

    private CheatingProvider(PodCommitment commitment, PodCiphertext ciphertext, byte[] key) {
        this.commitment = commitment;
        this.ciphertext = ciphertext;
        this.key = key;
    }

    /**
     * Garbage in some leaves.
     *
     * @param chained whether the states behind a garbled leaf are those of the garbage, so that only the block's end is wrong
     */
    static CheatingProvider garbling(PodWorld world, PodOrder order, Set<Integer> garbled, boolean chained) {
        return commit(world, order, garbled, chained, false);
    }

    /** Right leaves, under another key than the verifier gets. */
    static CheatingProvider withWrongKey(PodWorld world, PodOrder order) {
        return commit(world, order, Set.of(), false, true);
    }

    private static CheatingProvider commit(
            PodWorld world, PodOrder order, Set<Integer> garbled, boolean chained, boolean wrongKey) {
        byte[] key = world.bytes(32);
        byte[] told = wrongKey ? world.bytes(32) : key;
        PodLayout layout =
                new PodLayout(world.blocks.stream().mapToInt(b -> b.length).toArray());
        byte[] leaves = new byte[layout.leaves() * PodLayout.LEAF];
        byte[] state = Sha256Chain.start();
        Sha256Chain chain = new Sha256Chain();
        LeafCipher cipher = new LeafCipher(key);
        for (int leaf = 0; leaf < layout.leaves(); leaf++) {
            int at = leaf * PodLayout.LEAF;
            int data = at + Sha256Chain.STATE;
            if (layout.isFirst(leaf)) {
                state = Sha256Chain.start();
            }
            System.arraycopy(state, 0, leaves, at, Sha256Chain.STATE);
            byte[] block = world.blocks.get(layout.blockOf(leaf));
            System.arraycopy(block, layout.offsetOf(leaf), leaves, data, layout.dataOf(leaf));
            if (chained && garbled.contains(leaf)) {
                leaves[data] ^= 1;
            }
            if (!layout.isLast(leaf)) {
                byte[] next = new byte[Sha256Chain.STATE];
                chain.advance(state, 0, leaves, data, PodLayout.DATA, next, 0);
                state = next;
            }
            if (!chained && garbled.contains(leaf)) {
                leaves[data] ^= 1;
            }
            cipher.apply(leaf, leaves, at, leaves, at);
        }
        PodCiphertext ciphertext = world.stored(layout, leaves);
        return new CheatingProvider(
                PodCommitment.sign(world.network, world.provider, order.deal(), layout, ciphertext.root(), told),
                ciphertext,
                told);
    }
}
