package io.ppiofs.proofs.pod;

import io.ppiofs.error.PpiofsException;
import io.ppiofs.proofs.sdr.Sha256;
import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The user's side of one deal: it signs only for the very ciphertext that was committed to and whose key the verifier has. ORDERED →
 * RECEIVING → SIGNED → OPEN → ENDED. Not thread-safe.
 */
public final class PodUserDeal {
    /** What is due. */
    public enum State {
        /** The provider has to commit, and the verifier to take the key. */
        ORDERED,
        /** The leaves come. */
        RECEIVING,
        /** The verifier has to challenge, and to release the key. */
        SIGNED,
        /** The key is here: accept, or complain. */
        OPEN,
        ENDED
    }

    /** Gets the bytes of a block, one behind the other. */
    @FunctionalInterface
    public interface Sink {
        void write(byte[] bytes, int at, int length) throws IOException;
    }

    private final PodNetwork network;
    private final PodSigner self;
    private final PodTimes times;
    private final PodOrder order;
    private final PodTurn<State> turn;
    private @Nullable PodCommitment commitment;
    private @Nullable PodCiphertext ciphertext;
    private byte[] key = {};

    /** @param order its own */
    public PodUserDeal(PodNetwork network, PodSigner self, PodTimes times, PodOrder order, long nowMillis) {
        this.network = network;
        this.self = self;
        this.times = times;
        this.order = order;
        this.turn = new PodTurn<>(State.ORDERED, nowMillis, times.order());
    }

    /**
     * The provider has committed, and the verifier has the key.
     *
     * @return where the leaves are
     * @throws PpiofsException CORRUPT, NOT_PERMITTED
     */
    public PodLayout committed(byte[] commitmentBytes, byte[] escrow, long nowMillis) {
        turn.require(State.ORDERED, nowMillis);
        PodCommitment opened = PodVerifierDeal.commitmentTo(network, order, commitmentBytes);
        var unused = PodNote.open(network, PodNote.Kind.ESCROW, escrow, order.verifier(), opened);
        commitment = opened;
        turn.next(State.RECEIVING, nowMillis, times.transfer(opened.layout().bytes()));
        return opened.layout();
    }

    /**
     * All leaves are here.
     *
     * @return the receipt, for the verifier
     * @throws PpiofsException CORRUPT if they are not those that were committed to: nothing is signed; NOT_PERMITTED
     */
    public byte[] received(PodCiphertext leaves, long nowMillis) {
        turn.require(State.RECEIVING, nowMillis);
        if (!Arrays.equals(leaves.root(), commitment().root())) {
            throw PodTurn.corrupt("leaves", "are not those that were committed to");
        }
        ciphertext = leaves;
        turn.next(State.SIGNED, nowMillis, times.answer().multipliedBy(2));
        return note(PodNote.Kind.RECEIPT);
    }

    /** The verifier challenges. @return the leaves to be opened with {@link #opening}, in this order */
    public List<Integer> challenged(byte[] seed, long nowMillis) {
        turn.require(State.SIGNED, nowMillis);
        return PodSample.of(seed, commitment(), order.challenges());
    }

    /** A leaf for the verifier. */
    public PodOpening opening(int leaf) throws IOException {
        return ciphertext().holding(leaf);
    }

    /** The verifier gives the key. @throws PpiofsException CORRUPT if it is not the committed one; NOT_PERMITTED */
    public void released(byte[] release, long nowMillis) {
        turn.require(State.SIGNED, nowMillis);
        PodNote note = PodNote.open(network, PodNote.Kind.RELEASE, release, order.verifier(), commitment());
        if (!LeafCipher.isCommitted(note.data(), commitment().key())) {
            throw PodTurn.corrupt("key", "is not the committed one");
        }
        key = note.data();
        turn.next(State.OPEN, nowMillis, times.complaint(commitment().layout().bytes()));
    }

    /** Decrypts a block. @return whether it is what its CID says */
    public boolean decrypt(int block, Sink sink) throws IOException {
        requireKey();
        PodLayout layout = commitment().layout();
        LeafCipher cipher = new LeafCipher(key);
        Sha256 sha256 = new Sha256();
        byte[] leaf = new byte[PodLayout.LEAF];
        for (int i = layout.firstOf(block); i < layout.firstOf(block + 1); i++) {
            ciphertext().read(i, 1, leaf);
            cipher.apply(i, leaf, 0, leaf, 0);
            var unused = sha256.update(leaf, Sha256Chain.STATE, layout.dataOf(i));
            sink.write(leaf, Sha256Chain.STATE, layout.dataOf(i));
        }
        return Arrays.equals(sha256.digest(), order.cids().get(block));
    }

    /** What shows that a block is not what its CID says; null if it is. */
    public @Nullable PodOpening complaint(int block) throws IOException {
        requireKey();
        PodLayout layout = commitment().layout();
        for (int i = layout.firstOf(block); i < layout.firstOf(block + 1); i++) {
            PodOpening opening = ciphertext().transition(i);
            if (!opening.judge(order, commitment(), key).accepted()) {
                return opening;
            }
        }
        return null;
    }

    /** That all blocks are what was ordered, for the verifier. */
    public byte[] acceptance(long nowMillis) {
        turn.require(State.OPEN, nowMillis);
        return note(PodNote.Kind.ACCEPTANCE);
    }

    /** The verifier has decided. @throws PpiofsException CORRUPT if the proof is of another deal, or does not hold */
    public PodProof.Finding ended(byte[] proof) {
        PodProof.Finding finding = finding(proof, network, order);
        turn.next(State.ENDED, 0, Duration.ZERO);
        return finding;
    }

    /** What a proof of this order shows. */
    static PodProof.Finding finding(byte[] proof, PodNetwork network, PodOrder order) {
        PodProof.Finding finding = PodProof.check(proof, network.signatures());
        if (!Arrays.equals(finding.deal(), order.deal()) || !finding.verdict().accepted()) {
            throw PodTurn.corrupt(
                    "proof",
                    "is of another deal, or does not hold: " + finding.verdict().reason());
        }
        return finding;
    }

    public PodOrder order() {
        return order;
    }

    public State state() {
        return turn.state();
    }

    /** How long the step that is due is waited for. */
    public long untilMillis() {
        return turn.untilMillis();
    }

    private byte[] note(PodNote.Kind kind) {
        return PodNote.sign(
                        network, self, kind, commitment(), commitment().layout().bytes(), new byte[0])
                .encoded();
    }

    private void requireKey() {
        if (key.length == 0) {
            throw PodTurn.refused("the key is not here yet");
        }
    }

    private PodCommitment commitment() {
        PodCommitment known = commitment;
        if (known == null) {
            throw PodTurn.refused("nothing is committed to yet");
        }
        return known;
    }

    private PodCiphertext ciphertext() {
        PodCiphertext known = ciphertext;
        if (known == null) {
            throw PodTurn.refused("the leaves are not here yet");
        }
        return known;
    }
}
