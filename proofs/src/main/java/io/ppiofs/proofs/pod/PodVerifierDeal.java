package io.ppiofs.proofs.pod;

import io.ppiofs.error.PpiofsException;
import io.ppiofs.proofs.sdr.Sha256;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The verifier's side of one deal: it keeps the key until the user has signed for the whole ciphertext and shown a sample of it, and judges a
 * complaint by two leaves. CHALLENGED → ESCROWED → CLAIMED → RELEASED → ENDED; each but the last has a deadline. Not thread-safe.
 */
public final class PodVerifierDeal {
    /** What is due. */
    public enum State {
        /** The provider has to open the challenged leaves. */
        CHALLENGED,
        /** The user has to sign for everything. */
        ESCROWED,
        /** The user has to open the challenged leaves. */
        CLAIMED,
        /** The user has the key, and may complain. */
        RELEASED,
        ENDED
    }

    /** Complaints that show nothing and are borne. */
    private static final int FALSE_COMPLAINTS = 3;

    private final PodNetwork network;
    private final PodSigner self;
    private final PodTimes times;
    private final PodOrder order;
    private final PodCommitment commitment;
    private final byte[] key;
    private final byte[] seed;
    private final PodTurn<State> turn;
    private List<Integer> sample;
    private int opened;
    private int complaints;
    private @Nullable PodNote escrow;
    private @Nullable PodNote receipt;
    private byte[] userSeed = {};
    private @Nullable PodNote release;
    private @Nullable PodOpening evidence;
    private byte @Nullable [] proof;

    private PodVerifierDeal(
            PodNetwork network,
            PodSigner self,
            PodTimes times,
            PodOrder order,
            PodCommitment commitment,
            byte[] key,
            byte[] seed,
            long nowMillis) {
        this.network = network;
        this.self = self;
        this.times = times;
        this.order = order;
        this.commitment = commitment;
        this.key = key.clone();
        this.seed = seed.clone();
        this.turn = new PodTurn<>(State.CHALLENGED, nowMillis, times.answer());
        this.sample = PodSample.of(seed, commitment, order.challenges());
    }

    /**
     * Begins a deal. That it is not one that was begun before, the caller checks by {@link #deal}.
     *
     * @param peer who offers
     * @param seed {@value PodSample#SEED} fresh random bytes, drawn after the commitment came
     * @throws PpiofsException CORRUPT if order, commitment and key do not fit each other; NOT_PERMITTED if the deal is another's, or too old
     */
    public static PodVerifierDeal offer(
            PodNetwork network,
            PodSigner self,
            PodTimes times,
            byte[] peer,
            byte[] orderBytes,
            byte[] commitmentBytes,
            byte[] key,
            byte[] seed,
            long nowMillis) {
        PodOrder order = PodOrder.open(network, orderBytes);
        PodCommitment commitment = commitmentTo(network, order, commitmentBytes);
        if (!Arrays.equals(order.verifier(), self.id()) || !Arrays.equals(order.provider(), peer)) {
            throw PodTurn.refused("it is another verifier's, or offered by somebody else than its provider");
        }
        if (Arrays.equals(order.user(), self.id()) || Arrays.equals(order.provider(), self.id())) {
            throw PodTurn.refused("its verifier is a party of it");
        }
        if (Arrays.equals(order.user(), order.provider())) {
            throw PodTurn.refused("its user and its provider are one");
        }
        requireFresh(order, times, nowMillis);
        if (!LeafCipher.isCommitted(key, commitment.key())) {
            throw PodTurn.corrupt("key", "is not the committed one");
        }
        return new PodVerifierDeal(network, self, times, order, commitment, key, seed, nowMillis);
    }

    static void requireFresh(PodOrder order, PodTimes times, long nowMillis) {
        long age = nowMillis - order.issuedMillis();
        if (age > times.order().toMillis() || age < -times.order().toMillis()) {
            throw PodTurn.refused("the order is too old, or of the future");
        }
    }

    /** Opens the provider's commitment to this order. @throws PpiofsException CORRUPT */
    static PodCommitment commitmentTo(PodNetwork network, PodOrder order, byte[] encoded) {
        PodCommitment commitment = PodCommitment.open(network, encoded);
        if (!Arrays.equals(commitment.provider(), order.provider())
                || !Arrays.equals(commitment.deal(), order.deal())
                || commitment.layout().blocks() != order.cids().size()) {
            throw PodTurn.corrupt("commitment", "is to another order, or of somebody else");
        }
        return commitment;
    }

    // ---------------------------------------------------------------------------------------- the provider's steps

    /** What the provider has to open: give it to {@link PodSample}. */
    public byte[] challenge() {
        return seed.clone();
    }

    /**
     * The provider opens the next leaf of the sample, in its order. One that does not decrypt to what was ordered ends the deal.
     *
     * @return whether that was the last: then {@link #escrow} is there, or the deal has ended
     * @throws PpiofsException CORRUPT unless it is the leaf that is due, as it was committed to; NOT_PERMITTED
     */
    public boolean opened(byte[] peer, PodOpening opening, long nowMillis) {
        due(peer, order.provider(), State.CHALLENGED, nowMillis);
        requireNext(opening, opening.isComplete(commitment));
        if (!opening.judge(order, commitment, key).accepted()) {
            evidence = opening;
            end(PodOutcome.GARBAGE, nowMillis);
            return true;
        }
        opened++;
        if (opened < sample.size()) {
            return false;
        }
        turn.next(State.ESCROWED, nowMillis, times.transfer(commitment.layout().bytes()));
        escrow = note(PodNote.Kind.ESCROW, turn.untilMillis(), new byte[0]);
        return true;
    }

    /** The verifier's word that it has key and sample. @throws PpiofsException NOT_PERMITTED before it has */
    public byte[] escrow() {
        return existing(escrow).encoded();
    }

    // -------------------------------------------------------------------------------------------- the user's steps

    /**
     * The user signs that it has everything. The same receipt may come again, after a lost connection: it is answered with the same
     * challenge, and {@link #release} if it was released.
     *
     * @param fresh {@value PodSample#SEED} fresh random bytes
     * @return the seed of the leaves that the user has to open
     */
    public byte[] receipt(byte[] peer, byte[] encoded, byte[] fresh, long nowMillis) {
        tick(nowMillis);
        PodNote before = receipt;
        if (before != null && Arrays.equals(before.encoded(), encoded) && turn.state() != State.ENDED) {
            requireParty(peer, order.user());
            opened = 0;
            return userSeed.clone();
        }
        due(peer, order.user(), State.ESCROWED, nowMillis);
        PodNote note = PodNote.open(network, PodNote.Kind.RECEIPT, encoded, order.user(), commitment);
        requireAll(note);
        receipt = note;
        userSeed = fresh.clone();
        sample = PodSample.of(userSeed, commitment, order.challenges());
        opened = 0;
        turn.next(State.CLAIMED, nowMillis, times.answer());
        return userSeed.clone();
    }

    /**
     * The user opens the next leaf of its sample, in its order.
     *
     * @return whether that was the last: then {@link #release} is there
     * @throws PpiofsException CORRUPT unless it is the leaf that is due, as it was committed to; NOT_PERMITTED
     */
    public boolean held(byte[] peer, PodOpening opening, long nowMillis) {
        due(peer, order.user(), State.CLAIMED, nowMillis);
        requireNext(opening, opening.isCommitted(commitment));
        opened++;
        if (opened < sample.size()) {
            return false;
        }
        turn.next(State.RELEASED, nowMillis, times.complaint(commitment.layout().bytes()));
        release = note(PodNote.Kind.RELEASE, turn.untilMillis(), key);
        return true;
    }

    /** The key, signed. @throws PpiofsException NOT_PERMITTED before the user has signed and shown its sample */
    public byte[] release() {
        return existing(release).encoded();
    }

    /** The user has what it ordered: nothing is waited for any more. @throws PpiofsException CORRUPT, NOT_PERMITTED */
    public void accepted(byte[] peer, byte[] encoded, long nowMillis) {
        due(peer, order.user(), State.RELEASED, nowMillis);
        requireAll(PodNote.open(network, PodNote.Kind.ACCEPTANCE, encoded, order.user(), commitment));
        end(PodOutcome.DELIVERED, nowMillis);
    }

    /**
     * The user shows a leaf that does not decrypt to what was ordered.
     *
     * @return whether that is so: then the deal has ended
     * @throws PpiofsException CORRUPT unless leaves and paths are those that were committed to; NOT_PERMITTED, also after {@value
     *     #FALSE_COMPLAINTS} that showed nothing
     */
    public boolean complaint(byte[] peer, PodOpening opening, long nowMillis) {
        due(peer, order.user(), State.RELEASED, nowMillis);
        if (complaints >= FALSE_COMPLAINTS) {
            throw PodTurn.refused("complaints showed nothing " + complaints + " times");
        }
        if (opening.judge(order, commitment, key).accepted()) {
            complaints++;
            return false;
        }
        evidence = opening;
        end(PodOutcome.GARBAGE, nowMillis);
        return true;
    }

    // ------------------------------------------------------------------------------------------------------- the end

    /** Ends what is overdue. */
    public void tick(long nowMillis) {
        if (turn.state() == State.ENDED || !turn.isOver(nowMillis)) {
            return;
        }
        end(
                switch (turn.state()) {
                    case CHALLENGED -> PodOutcome.UNPROVEN;
                    case RELEASED -> PodOutcome.DELIVERED;
                    default -> PodOutcome.UNCLAIMED;
                },
                nowMillis);
    }

    private void end(PodOutcome outcome, long nowMillis) {
        byte[] data = new byte[1 + Sha256.BYTES];
        data[0] = (byte) outcome.ordinal();
        PodNote signed = receipt;
        if (signed != null) {
            System.arraycopy(signed.digest(), 0, data, 1, Sha256.BYTES);
        }
        PodOpening shown = evidence;
        proof = PodProof.encode(
                network,
                order,
                commitment,
                signed,
                note(PodNote.Kind.VERDICT, nowMillis, data),
                shown == null ? null : key,
                shown);
        Arrays.fill(key, (byte) 0);
        turn.next(State.ENDED, nowMillis, Duration.ZERO);
    }

    /** Everything that shows how the deal ended, for {@link PodProof#check}; null until then. */
    public byte @Nullable [] proof() {
        byte[] known = proof;
        return known == null ? null : known.clone();
    }

    public State state() {
        return turn.state();
    }

    /** When the step that is due is overdue. */
    public long untilMillis() {
        return turn.untilMillis();
    }

    public PodOrder order() {
        return order;
    }

    public PodCommitment commitment() {
        return commitment;
    }

    private PodNote note(PodNote.Kind kind, long number, byte[] data) {
        return PodNote.sign(network, self, kind, commitment, number, data);
    }

    private static PodNote existing(@Nullable PodNote note) {
        if (note == null) {
            throw PodTurn.refused("it is out of turn");
        }
        return note;
    }

    private void due(byte[] peer, byte[] party, State state, long nowMillis) {
        tick(nowMillis);
        requireParty(peer, party);
        turn.require(state, nowMillis);
    }

    private static void requireParty(byte[] peer, byte[] party) {
        if (!Arrays.equals(peer, party)) {
            throw PodTurn.refused("it is not this peer's turn");
        }
    }

    private void requireNext(PodOpening opening, boolean committed) {
        if (!committed || opening.index() != sample.get(opened)) {
            throw PodTurn.corrupt("opening", "is not the leaf that is due, as it was committed to");
        }
    }

    private void requireAll(PodNote note) {
        if (note.number() != commitment.layout().bytes()) {
            throw PodTurn.corrupt("receipt", "is for " + note.number() + " bytes");
        }
    }
}
