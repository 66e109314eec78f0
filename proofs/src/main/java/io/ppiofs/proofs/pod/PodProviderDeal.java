package io.ppiofs.proofs.pod;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.proofs.work.Workers;
import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The provider's side of one deal. OFFERED → OPENING → SERVING → ENDED. It keeps 40 bytes per leaf until
 * {@link #served}, and encrypts from the blocks whenever leaves are read. Not thread-safe.
 */
public final class PodProviderDeal {
    /** What is due. */
    public enum State {
        /** The verifier has to challenge. */
        OFFERED,
        /** The verifier has to take the key into escrow. */
        OPENING,
        /** The user gets the leaves; the verifier has to say how it ended. */
        SERVING,
        ENDED
    }

    private final PodNetwork network;
    private final PodTimes times;
    private final PodOrder order;
    private final PodCommitment commitment;
    private @Nullable PodCiphertext ciphertext;
    private final byte[] key;
    private final PodTurn<State> turn;

    private PodProviderDeal(
            PodNetwork network,
            PodTimes times,
            PodOrder order,
            PodCommitment commitment,
            PodCiphertext ciphertext,
            byte[] key,
            long nowMillis) {
        this.network = network;
        this.times = times;
        this.order = order;
        this.commitment = commitment;
        this.ciphertext = ciphertext;
        this.key = key;
        this.turn = new PodTurn<>(State.OFFERED, nowMillis, times.answer());
    }

    /**
     * Opens an order of this peer to this provider.
     *
     * @throws PpiofsException CORRUPT; NOT_PERMITTED if it is another's, or too old
     */
    public static PodOrder orderOf(
            PodNetwork network, PodSigner self, PodTimes times, byte[] peer, byte[] encoded, long nowMillis) {
        PodOrder order = PodOrder.open(network, encoded);
        if (!Arrays.equals(order.user(), peer) || !Arrays.equals(order.provider(), self.id())) {
            throw PodTurn.refused("the order is to another provider, or of somebody else");
        }
        if (Arrays.equals(order.verifier(), self.id()) || Arrays.equals(order.verifier(), order.user())) {
            throw PodTurn.refused("the order's verifier is a party of it");
        }
        PodVerifierDeal.requireFresh(order, times, nowMillis);
        return order;
    }

    /**
     * Encrypts and commits. Takes long: all blocks are read twice.
     *
     * @param key 32 fresh random bytes
     * @throws PpiofsException CORRUPT if a block is not what its CID says; INVALID if it is more than one deal may have; IO, INTERRUPTED
     */
    public static PodProviderDeal commit(
            PodNetwork network,
            PodSigner self,
            PodTimes times,
            PodOrder order,
            PodBlocks blocks,
            byte[] key,
            Workers workers,
            LongSupplier millis) {
        PodLayout layout = layout(order, blocks);
        try {
            byte[] states = states(order, layout, blocks);
            PodCiphertext ciphertext = PodCiphertext.of(
                    layout,
                    (first, count, out) -> {
                        LeafCipher cipher = new LeafCipher(key);
                        Arrays.fill(out, 0, count * PodLayout.LEAF, (byte) 0);
                        for (int i = 0; i < count; i++) {
                            int leaf = (int) first + i;
                            int at = i * PodLayout.LEAF;
                            System.arraycopy(states, leaf * Sha256Chain.STATE, out, at, Sha256Chain.STATE);
                            blocks.read(
                                    layout.blockOf(leaf),
                                    layout.offsetOf(leaf),
                                    out,
                                    at + Sha256Chain.STATE,
                                    layout.dataOf(leaf));
                            cipher.apply(leaf, out, at, out, at);
                        }
                    },
                    workers);
            PodCommitment commitment = PodCommitment.sign(network, self, order.deal(), layout, ciphertext.root(), key);
            return new PodProviderDeal(network, times, order, commitment, ciphertext, key.clone(), millis.getAsLong());
        } catch (IOException e) {
            throw new PpiofsException(ErrorKind.IO, "sell", "blocks", String.valueOf(e.getMessage()), e);
        }
    }

    private static PodLayout layout(PodOrder order, PodBlocks blocks) {
        int[] lengths = new int[order.cids().size()];
        for (int i = 0; i < lengths.length; i++) {
            lengths[i] = blocks.length(i);
        }
        try {
            return new PodLayout(lengths);
        } catch (IllegalArgumentException e) {
            throw new PpiofsException(ErrorKind.INVALID, "sell", "blocks", String.valueOf(e.getMessage()), e);
        }
    }

    /** SHA-256's state before each leaf. */
    private static byte[] states(PodOrder order, PodLayout layout, PodBlocks blocks) throws IOException {
        byte[] states = new byte[layout.leaves() * Sha256Chain.STATE];
        byte[] data = new byte[PodLayout.DATA];
        Sha256Chain chain = new Sha256Chain();
        for (int leaf = 0; leaf < layout.leaves(); leaf++) {
            int at = leaf * Sha256Chain.STATE;
            int block = layout.blockOf(leaf);
            if (layout.isFirst(leaf)) {
                System.arraycopy(Sha256Chain.start(), 0, states, at, Sha256Chain.STATE);
            }
            blocks.read(block, layout.offsetOf(leaf), data, 0, layout.dataOf(leaf));
            if (!layout.isLast(leaf)) {
                chain.advance(states, at, data, 0, PodLayout.DATA, states, at + Sha256Chain.STATE);
            } else if (!Arrays.equals(
                    chain.finish(states, at, data, 0, layout.dataOf(leaf), layout.length(block)),
                    order.cids().get(block))) {
                throw PodTurn.corrupt("block " + block, "is not what its content id says");
            }
        }
        return states;
    }

    public PodOrder order() {
        return order;
    }

    public PodCommitment commitment() {
        return commitment;
    }

    /** For the verifier only. */
    public byte[] key() {
        return key.clone();
    }

    /** The verifier challenges. @return the leaves to be opened with {@link #opening}, in this order */
    public List<Integer> challenged(byte[] seed, long nowMillis) {
        turn.require(State.OFFERED, nowMillis);
        turn.next(State.OPENING, nowMillis, times.answer());
        return PodSample.of(seed, commitment, order.challenges());
    }

    /** A leaf for the verifier. */
    public PodOpening opening(int leaf) throws IOException {
        return ciphertext().transition(leaf);
    }

    /** The verifier has the key and is content with the sample. @throws PpiofsException CORRUPT, NOT_PERMITTED */
    public void escrowed(byte[] note, long nowMillis) {
        turn.require(State.OPENING, nowMillis);
        var unused = PodNote.open(network, PodNote.Kind.ESCROW, note, order.verifier(), commitment);
        long bytes = commitment.layout().bytes();
        turn.next(
                State.SERVING,
                nowMillis,
                times.transfer(bytes).plus(times.answer()).plus(times.complaint(bytes)));
    }

    /** Encrypted leaves for the user. @throws PpiofsException NOT_PERMITTED before the key is in escrow, and too late */
    public void read(int first, int count, byte[] out, long nowMillis) throws IOException {
        turn.require(State.SERVING, nowMillis);
        ciphertext().read(first, count, out);
    }

    /** No leaves are read any more: what they took of memory is free, the rest is small. */
    public void served() {
        ciphertext = null;
    }

    private PodCiphertext ciphertext() {
        PodCiphertext known = ciphertext;
        if (known == null) {
            throw PodTurn.refused("the leaves were served");
        }
        return known;
    }

    /**
     * The verifier has decided. Also taken late, and again: it is what the provider is paid for.
     *
     * @throws PpiofsException CORRUPT if the proof is of another deal, or does not hold; NOT_PERMITTED
     */
    public PodProof.Finding ended(byte[] proof) {
        if (turn.state() == State.OFFERED) {
            throw PodTurn.refused("it is out of turn: the deal is " + turn.state());
        }
        PodProof.Finding finding = PodUserDeal.finding(proof, network, order);
        turn.next(State.ENDED, 0, Duration.ZERO);
        return finding;
    }

    public State state() {
        return turn.state();
    }

    public long untilMillis() {
        return turn.untilMillis();
    }
}
