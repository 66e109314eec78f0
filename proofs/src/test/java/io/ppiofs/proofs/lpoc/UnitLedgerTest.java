package io.ppiofs.proofs.lpoc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.cbor.MalformedException;
import io.ppiofs.proofs.lpoc.LedgerChanges.Change;
import io.ppiofs.proofs.sdr.SealParameters;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class UnitLedgerTest {
    private static final CapacityTerms TERMS = new CapacityTerms(new byte[] {7}, new byte[32], 64, SealParameters.TEST);

    private final SplittableRandom random = new SplittableRandom(3);
    private final CapacityVerifier verifier = new CapacityVerifier();

    private byte[] commitment() {
        byte[] commR = new byte[32];
        random.nextBytes(commR);
        return commR;
    }

    private static CapacityStatement statement(long sequence, UnitLedger ledger) {
        return new CapacityStatement(TERMS, sequence, ledger.root());
    }

    @Test
    void it_does_what_a_sorted_map_does_and_its_root_is_a_function_of_what_is_in_it() throws MalformedException {
        TreeMap<Long, byte[]> model = new TreeMap<>();
        UnitLedger ledger = UnitLedger.EMPTY;
        for (int step = 0; step < 160; step++) {
            long number = random.nextInt(4) == 0 ? random.nextLong(UnitLedger.MAX_NUMBER + 1) : random.nextLong(40);
            if (model.containsKey(number)) {
                model.remove(number);
                ledger = ledger.without(number);
            } else {
                model.put(number, commitment());
                ledger = ledger.with(number, model.get(number));
            }
            assertThat(ledger.count()).isEqualTo(model.size());
            if (step % 8 != 0) {
                continue;
            }
            assertThat(ledger.numbers()).containsExactlyElementsOf(model.keySet());
            long rank = 0;
            for (var unit : model.entrySet()) {
                LedgerPath path =
                        LedgerPath.fromBytes(ledger.path(unit.getKey()).toBytes());
                assertThat(ledger.at(rank)).isEqualTo(unit.getKey());
                assertThat(path.rank(unit.getKey())).isEqualTo(rank++);
                assertThat(path.root(unit.getKey(), LedgerRoot.unit(unit.getKey(), unit.getValue())))
                        .isEqualTo(ledger.root());
            }
        }
        UnitLedger again = UnitLedger.EMPTY;
        List<Long> backwards = new ArrayList<>(model.descendingKeySet());
        for (long number : backwards) {
            again = again.with(number, model.get(number));
        }
        assertThat(again.root()).isEqualTo(ledger.root());
        for (long number : backwards) {
            again = again.without(number);
        }
        assertThat(again.root()).isEqualTo(LedgerRoot.EMPTY);
    }

    @Test
    void a_number_is_there_once_and_goes_once() {
        UnitLedger one = UnitLedger.EMPTY.with(5, commitment());
        assertThatThrownBy(() -> one.with(5, commitment())).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> one.without(6)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> one.with(UnitLedger.MAX_NUMBER + 1, commitment()))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> one.at(1)).isInstanceOf(IllegalArgumentException.class);
    }

    private UnitLedger units(int count) {
        UnitLedger ledger = UnitLedger.EMPTY;
        for (int i = 1; i <= count; i++) {
            ledger = ledger.with(i, commitment());
        }
        return ledger;
    }

    private static byte[] release(UnitLedger ledger, Set<Long> numbers) {
        List<Change> changes = new ArrayList<>();
        numbers.forEach(number -> changes.add(new Change(number, false, ledger.commitment(number))));
        return LedgerChanges.of(ledger, changes).toBytes();
    }

    @Test
    void a_release_shows_that_exactly_the_named_units_went() {
        UnitLedger before = units(50);
        Set<Long> named = new TreeSet<>(Set.of(3L, 17L, 49L));
        UnitLedger after = before;
        for (long number : named) {
            after = after.without(number);
        }
        byte[] proof = release(before, named);
        CapacityStatement old = statement(50, before);
        CapacityStatement now = statement(53, after);
        assertThat(verifier.release(old, now, named, proof).reason()).isEmpty();

        assertThat(verifier.release(old, now, Set.of(3L, 17L), proof).accepted())
                .isFalse();
        assertThat(verifier.release(old, now, Set.of(3L, 17L, 48L), proof).accepted())
                .isFalse();
        // one more went than was said; one was exchanged for another; one went and another came
        assertThat(verifier.release(old, statement(53, after.without(1)), named, proof)
                        .accepted())
                .isFalse();
        assertThat(verifier.release(old, statement(53, after.without(1).with(3, before.commitment(3))), named, proof)
                        .accepted())
                .isFalse();
        byte[] exchanged = LedgerChanges.of(
                        before,
                        List.of(
                                new Change(3, false, before.commitment(3)),
                                new Change(17, false, before.commitment(17)),
                                new Change(60, true, before.commitment(3))))
                .toBytes();
        CapacityStatement withAnother =
                statement(53, before.without(3).without(17).with(60, before.commitment(3)));
        assertThat(verifier.changes(old, withAnother, exchanged).accepted()).isTrue();
        assertThat(verifier.release(old, withAnother, Set.of(3L, 17L), exchanged)
                        .accepted())
                .isFalse();
        // another number of changes than the sequences say
        assertThat(verifier.changes(old, statement(54, after), proof).accepted())
                .isFalse();
    }

    @Test
    void every_bit_of_a_release_counts() {
        UnitLedger before = units(20);
        byte[] good = release(before, Set.of(9L));
        CapacityStatement old = statement(20, before);
        CapacityStatement now = statement(21, before.without(9));
        for (int bit = 0; bit < good.length * 8; bit++) {
            byte[] flipped = good.clone();
            flipped[bit / 8] ^= (byte) (1 << bit % 8);
            assertThat(verifier.release(old, now, Set.of(9L), flipped).accepted())
                    .as("bit %d", bit)
                    .isFalse();
        }
        for (int length = 0; length < good.length; length++) {
            assertThat(verifier.changes(old, now, Arrays.copyOf(good, length)).accepted())
                    .isFalse();
        }
    }

    @Test
    void a_statement_survives_its_bytes() {
        CapacityStatement statement = statement(20, units(20));
        assertThat(CapacityStatement.fromBytes(statement.toBytes())).isEqualTo(statement);
        assertThat(statement.toBytes()).hasSizeLessThan(CapacityStatement.MAX_BYTES);
        assertThat(statement.bytes()).isEqualTo(20 * 2048);
    }
}
