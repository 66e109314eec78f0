package io.ppiofs.proofs.pod;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Deals in which everybody does what it should, and everything else is refused. */
@Tag("quick")
class PodDealTest {
    private static final int CHALLENGES = 4;

    private final PodWorld world = new PodWorld(5, 10_000, 4096, 1, 8192, 64 * 4096 + 17);
    private final PodOrder order = world.order(CHALLENGES);
    private final PodProviderDeal seller = world.sell(order);
    private final PodVerifierDeal verifier = world.verify(order, seller.commitment(), seller.key());
    private final PodUserDeal user = new PodUserDeal(world.network, world.user, PodWorld.TIMES, order, world.now);

    @AfterEach
    void close() {
        world.close();
    }

    private static void assertRefused(ErrorKind kind, ThrowingCallable step) {
        assertThatThrownBy(step)
                .isInstanceOfSatisfying(
                        PpiofsException.class,
                        e -> assertThat(e.kind()).as(e.getMessage()).isEqualTo(kind));
    }

    private void later(Duration time) {
        world.now += time.toMillis() + 1;
    }

    private void escrow() throws IOException {
        List<Integer> sample = seller.challenged(verifier.challenge(), world.now);
        for (int leaf : sample) {
            verifier.opened(world.provider.id(), seller.opening(leaf), world.now);
        }
        seller.escrowed(verifier.escrow(), world.now);
    }

    private byte[] download() throws IOException {
        PodLayout layout = user.committed(seller.commitment().encoded(), verifier.escrow(), world.now);
        byte[] stored = new byte[layout.leaves() * PodLayout.LEAF];
        seller.read(0, layout.leaves(), stored, world.now);
        return user.received(world.stored(layout, stored), world.now);
    }

    private void release(byte[] receipt) throws IOException {
        byte[] seed = verifier.receipt(world.user.id(), receipt, world.bytes(PodSample.SEED), world.now);
        for (int leaf : user.challenged(seed, world.now)) {
            verifier.held(world.user.id(), user.opening(leaf), world.now);
        }
        user.released(verifier.release(), world.now);
    }

    @Test
    void everybody_gets_what_it_is_for() throws IOException {
        escrow();
        release(download());
        for (int i = 0; i < world.blocks.size(); i++) {
            assertThat(world.decrypted(user, i, true)).isEqualTo(world.blocks.get(i));
            assertThat(user.complaint(i)).isNull();
        }
        verifier.accepted(world.user.id(), user.acceptance(world.now), world.now);
        byte[] proof = verifier.proof();
        PodProof.Finding finding = PodProof.check(proof, PodWorld::holds);
        assertThat(finding.isDelivered()).as("%s", finding).isTrue();
        assertThat(finding.user()).isEqualTo(world.user.id());
        assertThat(finding.provider()).isEqualTo(world.provider.id());
        assertThat(finding.verifier()).isEqualTo(world.verifier.id());
        assertThat(finding.bytes())
                .isEqualTo(world.blocks.stream().mapToLong(b -> b.length).sum());
        assertThat(finding.blocks()).isEqualTo(world.blocks.size());
        assertThat(finding.decidedMillis()).isEqualTo(world.now);
        assertThat(user.ended(proof).isDelivered()).isTrue();
        seller.served();
        assertRefused(ErrorKind.NOT_PERMITTED, () -> seller.opening(0));
        assertThat(seller.ended(proof).isDelivered()).isTrue();
    }

    @Test
    void a_user_that_says_nothing_has_accepted_once_it_is_too_late_to_complain() throws IOException {
        escrow();
        release(download());
        later(PodWorld.TIMES.complaint(seller.commitment().layout().bytes()).minusSeconds(1));
        verifier.tick(world.now);
        assertThat(verifier.proof()).isNull();
        later(Duration.ofSeconds(1));
        verifier.tick(world.now);
        assertThat(seller.ended(verifier.proof()).isDelivered()).isTrue();
        assertRefused(ErrorKind.NOT_PERMITTED, () -> verifier.complaint(world.user.id(), seller.opening(0), world.now));
    }

    @Test
    void each_step_has_its_time() throws IOException {
        PodVerifierDeal slowProvider = world.verify(order, seller.commitment(), seller.key());
        later(PodWorld.TIMES.answer());
        assertRefused(
                ErrorKind.NOT_PERMITTED, () -> slowProvider.opened(world.provider.id(), seller.opening(0), world.now));
        assertThat(PodProof.check(slowProvider.proof(), PodWorld::holds).outcome())
                .isEqualTo(PodOutcome.UNPROVEN);
        assertRefused(ErrorKind.NOT_PERMITTED, () -> seller.challenged(verifier.challenge(), world.now));
        later(PodWorld.TIMES.order());
        assertRefused(ErrorKind.NOT_PERMITTED, () -> world.verify(order, seller.commitment(), seller.key()));
        assertRefused(
                ErrorKind.NOT_PERMITTED,
                () -> PodProviderDeal.orderOf(
                        world.network, world.provider, PodWorld.TIMES, world.user.id(), order.encoded(), world.now));
        assertRefused(
                ErrorKind.NOT_PERMITTED,
                () -> user.committed(seller.commitment().encoded(), new byte[0], world.now));
    }

    @Test
    void no_receipt_in_time_means_no_key() throws IOException {
        escrow();
        byte[] receipt = download();
        later(PodWorld.TIMES.transfer(seller.commitment().layout().bytes()));
        assertRefused(
                ErrorKind.NOT_PERMITTED,
                () -> verifier.receipt(world.user.id(), receipt, world.bytes(PodSample.SEED), world.now));
        assertRefused(ErrorKind.NOT_PERMITTED, verifier::release);
        PodProof.Finding finding = seller.ended(verifier.proof());
        assertThat(finding.outcome()).isEqualTo(PodOutcome.UNCLAIMED);
        assertThat(finding.isDelivered()).isFalse();
    }

    @Test
    void a_receipt_may_come_again_and_is_answered_alike() throws IOException {
        escrow();
        byte[] receipt = download();
        byte[] seed = verifier.receipt(world.user.id(), receipt, world.bytes(PodSample.SEED), world.now);
        List<Integer> sample = user.challenged(seed, world.now);
        if (sample.size() > 1) {
            verifier.held(world.user.id(), user.opening(sample.get(0)), world.now);
        }
        release(receipt);
        byte[] key = verifier.release();
        assertThat(verifier.receipt(world.user.id(), receipt, world.bytes(PodSample.SEED), world.now))
                .isEqualTo(seed);
        assertThat(verifier.release()).isEqualTo(key);
        assertRefused(ErrorKind.NOT_PERMITTED, () -> verifier.receipt(world.provider.id(), receipt, seed, world.now));
    }

    @Test
    void no_step_can_be_skipped_repeated_or_done_by_another() throws IOException {
        byte[] somebody = {9};
        byte[] fresh = world.bytes(PodSample.SEED);
        assertRefused(ErrorKind.NOT_PERMITTED, verifier::escrow);
        assertRefused(ErrorKind.NOT_PERMITTED, verifier::release);
        assertRefused(ErrorKind.NOT_PERMITTED, () -> verifier.held(world.user.id(), seller.opening(0), world.now));
        assertRefused(ErrorKind.NOT_PERMITTED, () -> verifier.opened(somebody, seller.opening(0), world.now));
        assertRefused(ErrorKind.NOT_PERMITTED, () -> verifier.complaint(world.user.id(), seller.opening(0), world.now));
        byte[] leaf = new byte[PodLayout.LEAF];
        assertRefused(ErrorKind.NOT_PERMITTED, () -> seller.read(0, 1, leaf, world.now));
        assertRefused(ErrorKind.NOT_PERMITTED, () -> user.acceptance(world.now));
        escrow();
        assertRefused(ErrorKind.NOT_PERMITTED, () -> seller.challenged(verifier.challenge(), world.now));
        assertRefused(
                ErrorKind.NOT_PERMITTED, () -> verifier.opened(world.provider.id(), seller.opening(0), world.now));
        byte[] receipt = download();
        assertRefused(ErrorKind.NOT_PERMITTED, () -> verifier.receipt(somebody, receipt, fresh, world.now));
        assertRefused(ErrorKind.NOT_PERMITTED, verifier::release);
        release(receipt);
        byte[] acceptance = user.acceptance(world.now);
        assertRefused(ErrorKind.NOT_PERMITTED, () -> verifier.accepted(somebody, acceptance, world.now));
        assertRefused(ErrorKind.CORRUPT, () -> verifier.accepted(world.user.id(), receipt, world.now));
        verifier.accepted(world.user.id(), acceptance, world.now);
        assertRefused(ErrorKind.NOT_PERMITTED, () -> verifier.accepted(world.user.id(), acceptance, world.now));
        assertRefused(ErrorKind.NOT_PERMITTED, () -> verifier.receipt(world.user.id(), receipt, fresh, world.now));
    }

    @Test
    void a_verifier_that_is_a_party_is_none() {
        PodOrder own = PodOrder.sign(
                world.network,
                world.user,
                world.provider.id(),
                world.user.id(),
                new byte[PodOrder.NONCE],
                world.now,
                1,
                world.cids());
        assertRefused(
                ErrorKind.NOT_PERMITTED,
                () -> PodProviderDeal.orderOf(
                        world.network, world.provider, PodWorld.TIMES, world.user.id(), own.encoded(), world.now));
    }

    /** One bit anywhere; what is read must fail, whatever it is. */
    private void flipped(byte[] good, Consumer<byte[]> read) {
        read.accept(good);
        for (int i = 0; i < 300; i++) {
            byte[] bad = good.clone();
            int bit = world.random.nextInt(8 * bad.length);
            bad[bit / 8] ^= (byte) (1 << bit % 8);
            assertThatThrownBy(() -> read.accept(bad))
                    .as("bit %s", bit)
                    .isInstanceOfSatisfying(
                            PpiofsException.class,
                            e -> assertThat(e.kind()).isIn(ErrorKind.CORRUPT, ErrorKind.UNSUPPORTED_FORMAT));
        }
        for (int i = 0; i < 100; i++) {
            byte[] cut = Arrays.copyOf(good, world.random.nextInt(good.length));
            assertThatThrownBy(() -> read.accept(cut)).isInstanceOf(PpiofsException.class);
        }
    }

    @Test
    void a_bit_anywhere_in_a_record_counts() throws IOException {
        flipped(order.encoded(), bytes -> PodOrder.open(world.network, bytes));
        flipped(seller.commitment().encoded(), bytes -> PodVerifierDeal.commitmentTo(world.network, order, bytes));
        escrow();
        byte[] receipt = download();
        release(receipt);
        for (PodNote.Kind kind : PodNote.Kind.values()) {
            byte[] note = switch (kind) {
                case ESCROW -> verifier.escrow();
                case RECEIPT -> receipt;
                case RELEASE -> verifier.release();
                case ACCEPTANCE -> user.acceptance(world.now);
                case VERDICT -> {
                    verifier.accepted(world.user.id(), user.acceptance(world.now), world.now);
                    yield null;
                }
            };
            if (note != null) {
                flipped(note, bytes -> PodNote.open(world.network, kind, bytes));
                for (PodNote.Kind other : PodNote.Kind.values()) {
                    if (other != kind) {
                        assertRefused(ErrorKind.CORRUPT, () -> PodNote.open(world.network, other, note));
                    }
                }
            }
        }
        flipped(verifier.proof(), this::requireAccepted);
    }

    private void requireAccepted(byte[] proof) {
        PodProof.Finding finding = PodProof.check(proof, PodWorld::holds);
        if (!finding.verdict().accepted()) {
            throw new PpiofsException(
                    ErrorKind.CORRUPT, "check", "proof", finding.verdict().reason());
        }
    }

    @Test
    void a_bit_anywhere_in_an_opening_counts() throws IOException {
        for (int leaf : new int[] {0, 2, 3, 20, seller.commitment().layout().leaves() - 1}) {
            flipped(
                    seller.opening(leaf).encode(),
                    bytes -> PodOpening.decode(bytes).judge(order, seller.commitment(), seller.key()));
        }
        byte[] key = seller.key();
        PodOpening opening = seller.opening(1);
        flipped(key, bytes -> opening.judge(order, seller.commitment(), bytes));
        flipped(key, bytes -> world.verify(order, seller.commitment(), bytes));
    }

    @Test
    void a_bit_anywhere_in_the_evidence_of_garbage_counts() throws IOException {
        CheatingProvider cheat = CheatingProvider.garbling(world, order, Set.of(1), false);
        PodVerifierDeal deal = world.verify(order, cheat.commitment, cheat.key);
        boolean over = false;
        for (int leaf : PodSample.of(deal.challenge(), cheat.commitment, CHALLENGES)) {
            over = over || deal.opened(world.provider.id(), cheat.ciphertext.transition(leaf), world.now);
        }
        if (deal.proof() == null) {
            PodUserDeal buyer = new PodUserDeal(world.network, world.user, PodWorld.TIMES, order, world.now);
            PodLayout layout = buyer.committed(cheat.commitment.encoded(), deal.escrow(), world.now);
            byte[] receipt = buyer.received(world.download(layout, cheat.ciphertext), world.now);
            byte[] seed = deal.receipt(world.user.id(), receipt, world.bytes(PodSample.SEED), world.now);
            for (int leaf : buyer.challenged(seed, world.now)) {
                deal.held(world.user.id(), buyer.opening(leaf), world.now);
            }
            buyer.released(deal.release(), world.now);
            PodOpening shown = buyer.complaint(0);
            assertThat(shown).isNotNull();
            assertThat(deal.complaint(world.user.id(), shown, world.now)).isTrue();
        }
        assertThat(PodProof.check(deal.proof(), PodWorld::holds).outcome()).isEqualTo(PodOutcome.GARBAGE);
        flipped(deal.proof(), this::requireAccepted);
    }

    @Test
    void a_provider_does_not_sell_a_block_that_is_damaged() {
        world.blocks.set(3, world.bytes(8192));
        PodOrder another = world.order(CHALLENGES);
        world.blocks.get(3)[5000] ^= 1;
        assertRefused(ErrorKind.CORRUPT, () -> world.sell(another));
    }

    @Test
    void a_user_signs_for_nothing_but_what_was_committed_to() throws IOException {
        escrow();
        PodLayout layout = user.committed(seller.commitment().encoded(), verifier.escrow(), world.now);
        byte[] stored = new byte[layout.leaves() * PodLayout.LEAF];
        seller.read(0, layout.leaves(), stored, world.now);
        stored[world.random.nextInt(stored.length)] ^= 4;
        assertRefused(ErrorKind.CORRUPT, () -> user.received(world.stored(layout, stored), world.now));
        assertThat(user.state()).isEqualTo(PodUserDeal.State.RECEIVING);
    }
}
