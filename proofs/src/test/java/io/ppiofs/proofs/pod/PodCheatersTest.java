package io.ppiofs.proofs.pod;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ppiofs.error.PpiofsException;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Parties that cheat, against the honest others. All randomness has fixed seeds, so that a frequency within three standard deviations
 * today is within them tomorrow.
 */
@Tag("long")
class PodCheatersTest {
    private static final int ROUNDS = 2000;
    private static final int CHALLENGES = 6;
    /** Two blocks of 32 leaves. */
    private final PodWorld world = new PodWorld(11, 32 * 4096, 32 * 4096);

    /** Openings cost a subtree each; the same ones are shown again and again. */
    private final Map<PodCiphertext, Map<Integer, PodOpening>> transitions = new HashMap<>();

    private PodOpening transition(PodCiphertext ciphertext, int leaf) throws IOException {
        Map<Integer, PodOpening> known = transitions.computeIfAbsent(ciphertext, unknown -> new HashMap<>());
        PodOpening opening = known.get(leaf);
        if (opening == null) {
            opening = ciphertext.transition(leaf);
            known.put(leaf, opening);
        }
        return opening;
    }

    @AfterEach
    void close() {
        world.close();
    }

    private static void assertFrequency(int detected, int rounds, double probability) {
        double deviation = Math.sqrt(probability * (1 - probability) / rounds);
        System.out.printf(
                "%d of %d: %.4f, expected %.4f ± %.4f%n",
                detected, rounds, (double) detected / rounds, probability, deviation);
        assertThat((double) detected / rounds).isCloseTo(probability, within(3 * deviation));
    }

    private Set<Integer> chosen(int count, int of) {
        Set<Integer> chosen = new TreeSet<>();
        while (chosen.size() < count) {
            chosen.add(world.random.nextInt(of));
        }
        return chosen;
    }

    /** The provider opens what is challenged. @return whether the verifier was content */
    private boolean passes(PodVerifierDeal deal, PodCiphertext ciphertext) throws IOException {
        for (int leaf : PodSample.of(deal.challenge(), deal.commitment(), CHALLENGES)) {
            deal.opened(world.provider.id(), transition(ciphertext, leaf), world.now);
            if (deal.state() == PodVerifierDeal.State.ENDED) {
                return false;
            }
        }
        return true;
    }

    /** The user's honest steps up to the key. */
    private PodUserDeal bought(PodOrder order, PodVerifierDeal deal, PodCiphertext ciphertext) throws IOException {
        PodUserDeal user = new PodUserDeal(world.network, world.user, PodWorld.TIMES, order, world.now);
        PodLayout layout = user.committed(deal.commitment().encoded(), deal.escrow(), world.now);
        byte[] receipt = user.received(world.download(layout, ciphertext), world.now);
        byte[] seed = deal.receipt(world.user.id(), receipt, world.bytes(PodSample.SEED), world.now);
        for (int leaf : user.challenged(seed, world.now)) {
            deal.held(world.user.id(), user.opening(leaf), world.now);
        }
        user.released(deal.release(), world.now);
        return user;
    }

    private void garbage(CheatingProvider cheat, PodOrder order, int failing) throws IOException {
        int detected = 0;
        int complained = 0;
        for (int round = 0; round < ROUNDS; round++) {
            PodVerifierDeal deal = world.verify(order, cheat.commitment, cheat.key);
            if (!passes(deal, cheat.ciphertext)) {
                detected++;
            } else if (complained < 50) {
                // who slips through the sample is always found by the user, with two leaves
                complained++;
                PodUserDeal user = bought(order, deal, cheat.ciphertext);
                PodOpening shown = null;
                for (int block = 0; block < world.blocks.size() && shown == null; block++) {
                    shown = user.complaint(block);
                }
                assertThat(shown).isNotNull();
                assertThat(deal.complaint(world.user.id(), PodOpening.decode(shown.encode()), world.now))
                        .isTrue();
            } else {
                continue;
            }
            PodProof.Finding finding = PodProof.check(deal.proof(), PodWorld::holds);
            assertThat(finding.outcome()).isEqualTo(PodOutcome.GARBAGE);
            assertThat(finding.verdict().accepted()).isTrue();
        }
        assertThat(complained).isPositive();
        double f = (double) failing / cheat.commitment.layout().leaves();
        assertFrequency(detected, ROUNDS, 1 - Math.pow(1 - f, CHALLENGES));
    }

    @Test
    void who_serves_garbage_in_a_fraction_of_leaves_is_found_as_often_as_the_bound_says_and_always_by_the_user()
            throws IOException {
        for (int garbled : new int[] {3, 8, 16}) {
            PodOrder order = world.order(CHALLENGES);
            garbage(CheatingProvider.garbling(world, order, chosen(garbled, 64), false), order, garbled);
        }
    }

    /** The best that a garbler can do against the sample: the chain is broken in one place of a block. */
    @Test
    void who_chains_the_garbage_fails_in_one_leaf_of_a_block_and_always_with_the_user() throws IOException {
        PodOrder order = world.order(CHALLENGES);
        garbage(CheatingProvider.garbling(world, order, Set.of(0, 5, 40), true), order, 2);
    }

    @Test
    void who_gives_a_wrong_key_is_found_at_the_first_leaf() throws IOException {
        PodOrder order = world.order(CHALLENGES);
        CheatingProvider cheat = CheatingProvider.withWrongKey(world, order);
        for (int round = 0; round < ROUNDS; round++) {
            PodVerifierDeal deal = world.verify(order, cheat.commitment, cheat.key);
            assertThat(passes(deal, cheat.ciphertext)).isFalse();
            assertThatThrownBy(deal::escrow).isInstanceOf(PpiofsException.class);
        }
    }

    @Test
    void who_signs_without_a_fraction_of_the_leaves_gets_the_key_as_seldom_as_the_bound_says() throws IOException {
        PodOrder order = world.order(CHALLENGES);
        PodProviderDeal seller = world.sell(order);
        PodCiphertext honest = ciphertextOf(seller);
        Set<Integer> missing = chosen(13, 64);
        byte[] zeros = new byte[PodLayout.LEAF];
        int refused = 0;
        for (int round = 0; round < ROUNDS; round++) {
            PodVerifierDeal deal = world.verify(order, seller.commitment(), seller.key());
            assertThat(passes(deal, honest)).isTrue();
            byte[] receipt = receipt(deal);
            byte[] seed = deal.receipt(world.user.id(), receipt, world.bytes(PodSample.SEED), world.now);
            try {
                for (int leaf : PodSample.of(seed, deal.commitment(), CHALLENGES)) {
                    PodOpening whole = transition(honest, leaf);
                    PodOpening good = PodOpening.of(leaf, whole.leaf(), whole.path());
                    deal.held(
                            world.user.id(),
                            missing.contains(leaf) ? PodOpening.of(leaf, zeros, good.path()) : good,
                            world.now);
                }
            } catch (PpiofsException e) {
                refused++;
                assertThatThrownBy(deal::release).isInstanceOf(PpiofsException.class);
            }
        }
        assertFrequency(refused, ROUNDS, 1 - Math.pow(1 - 13 / 64.0, CHALLENGES));
    }

    private byte[] receipt(PodVerifierDeal deal) {
        return PodNote.sign(
                        world.network,
                        world.user,
                        PodNote.Kind.RECEIPT,
                        deal.commitment(),
                        deal.commitment().layout().bytes(),
                        new byte[0])
                .encoded();
    }

    /** What the provider would serve, without its state machine. */
    private PodCiphertext ciphertextOf(PodProviderDeal seller) throws IOException {
        PodLayout layout = seller.commitment().layout();
        byte[] leaves = new byte[layout.leaves() * PodLayout.LEAF];
        for (int i = 0; i < layout.leaves(); i++) {
            System.arraycopy(seller.opening(i).leaf(), 0, leaves, i * PodLayout.LEAF, PodLayout.LEAF);
        }
        return world.stored(layout, leaves);
    }

    @Test
    void an_old_receipt_opening_or_proof_is_good_for_its_own_deal_only() throws IOException {
        PodOrder first = world.order(CHALLENGES);
        PodProviderDeal sold = world.sell(first);
        PodCiphertext honest = ciphertextOf(sold);
        PodVerifierDeal old = world.verify(first, sold.commitment(), sold.key());
        assertThat(passes(old, honest)).isTrue();
        byte[] oldReceipt = receipt(old);
        PodUserDeal user = bought(first, old, honest);
        old.accepted(world.user.id(), user.acceptance(world.now), world.now);
        byte[] oldProof = old.proof();
        for (int round = 0; round < 100; round++) {
            PodOrder order = world.order(CHALLENGES);
            PodProviderDeal seller = world.sell(order);
            PodVerifierDeal deal = world.verify(order, seller.commitment(), seller.key());
            int leaf = PodSample.of(deal.challenge(), deal.commitment(), CHALLENGES)
                    .get(0);
            assertThatThrownBy(() -> deal.opened(world.provider.id(), honest.transition(leaf), world.now))
                    .isInstanceOf(PpiofsException.class);
            var unused = seller.challenged(deal.challenge(), world.now);
            assertThat(passes(deal, ciphertextOf(seller))).isTrue();
            assertThatThrownBy(() -> deal.receipt(world.user.id(), oldReceipt, world.bytes(PodSample.SEED), world.now))
                    .isInstanceOf(PpiofsException.class);
            assertThatThrownBy(() -> world.verify(order, sold.commitment(), sold.key()))
                    .isInstanceOf(PpiofsException.class);
            assertThatThrownBy(() -> seller.ended(oldProof)).isInstanceOf(PpiofsException.class);
            assertThatThrownBy(deal::release).isInstanceOf(PpiofsException.class);
        }
    }

    @Test
    void who_takes_the_data_and_does_not_sign_has_no_key_and_who_served_has_no_proof() throws IOException {
        PodOrder order = world.order(CHALLENGES);
        PodProviderDeal seller = world.sell(order);
        PodCiphertext honest = ciphertextOf(seller);
        for (int round = 0; round < ROUNDS; round++) {
            PodVerifierDeal deal = world.verify(order, seller.commitment(), seller.key());
            assertThat(passes(deal, honest)).isTrue();
            long late = world.now
                    + PodWorld.TIMES
                            .transfer(deal.commitment().layout().bytes())
                            .toMillis()
                    + 1;
            deal.tick(late);
            assertThatThrownBy(deal::release).isInstanceOf(PpiofsException.class);
            PodProof.Finding finding = PodProof.check(deal.proof(), PodWorld::holds);
            assertThat(finding.outcome()).isEqualTo(PodOutcome.UNCLAIMED);
            assertThat(finding.isDelivered()).isFalse();
        }
    }

    /** Somebody who signed and hears nothing: there is no proof without the verifier, so what it signed is worth nothing. */
    @Test
    void a_silent_verifier_leaves_both_without_anything() throws IOException {
        PodOrder order = world.order(CHALLENGES);
        PodProviderDeal seller = world.sell(order);
        PodCiphertext honest = ciphertextOf(seller);
        for (int round = 0; round < ROUNDS; round++) {
            PodVerifierDeal silent = world.verify(order, seller.commitment(), seller.key());
            assertThat(passes(silent, honest)).isTrue();
            PodUserDeal user = new PodUserDeal(world.network, world.user, PodWorld.TIMES, order, world.now);
            PodLayout layout = user.committed(seller.commitment().encoded(), silent.escrow(), world.now);
            byte[] receipt;
            if (round < 20) {
                receipt = user.received(world.download(layout, honest), world.now);
            } else {
                receipt = receipt(silent);
            }
            assertThatThrownBy(() -> user.decrypt(0, (bytes, at, length) -> {})).isInstanceOf(PpiofsException.class);
            // the provider has got hold of the receipt, and makes up the rest
            byte[] forged = PodProof.encode(
                    world.network,
                    order,
                    seller.commitment(),
                    PodNote.open(world.network, PodNote.Kind.RECEIPT, receipt),
                    PodNote.sign(
                            world.network,
                            world.provider,
                            PodNote.Kind.VERDICT,
                            seller.commitment(),
                            world.now,
                            new byte[33]),
                    null,
                    null);
            assertThatThrownBy(() -> PodProof.check(forged, PodWorld::holds)).isInstanceOf(PpiofsException.class);
        }
    }

    @Test
    void who_complains_of_good_data_shows_nothing() throws IOException {
        PodOrder order = world.order(CHALLENGES);
        PodProviderDeal seller = world.sell(order);
        PodCiphertext honest = ciphertextOf(seller);
        for (int round = 0; round < 200; round++) {
            PodVerifierDeal deal = world.verify(order, seller.commitment(), seller.key());
            assertThat(passes(deal, honest)).isTrue();
            bought(order, deal, honest);
            for (int i = 0; i < 3; i++) {
                PodOpening good = honest.transition(world.random.nextInt(64));
                byte[] garbled = good.leaf().clone();
                garbled[world.random.nextInt(garbled.length)] ^= 1;
                PodOpening madeUp = new PodOpening(good.index(), garbled, good.path(), good.next(), good.nextPath());
                assertThatThrownBy(() -> deal.complaint(world.user.id(), madeUp, world.now))
                        .isInstanceOf(PpiofsException.class);
                assertThat(deal.complaint(world.user.id(), good, world.now)).isFalse();
            }
            assertThatThrownBy(() -> deal.complaint(world.user.id(), honest.transition(0), world.now))
                    .isInstanceOf(PpiofsException.class);
            deal.tick(deal.untilMillis() + 1);
            assertThat(PodProof.check(deal.proof(), PodWorld::holds).isDelivered())
                    .isTrue();
        }
    }
}
