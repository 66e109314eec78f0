package io.ppiofs.node.audit;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.blockstore.erasure.Scheme;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.placement.SlotTable;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("quick")
class VerifierDrawTest {
    private static final int EPOCHS = 1_000;

    private final TaggedVolume volume = new TaggedVolume(Scheme.parse("2+1"), 2, 12_000, 1);
    private final SlotTable table = volume.group.table();

    /** Peers that are always the same. */
    private static List<PeerId> verifiers(int count) {
        List<PeerId> peers = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            byte[] seed = new byte[32];
            seed[0] = (byte) (i + 1);
            peers.add(IdentityKey.ofSeed(seed).peerId());
        }
        return peers;
    }

    private List<PeerId> drawn(List<PeerId> verifiers, int slot, long epoch) {
        return verifiers.stream()
                .filter(one -> VerifierDraw.isDrawn(TaggedVolume.NETWORK, table, slot, epoch, one, verifiers))
                .toList();
    }

    @Test
    void two_audit_each_slot_and_all_if_there_are_fewer() {
        for (int count : new int[] {1, 2, 3, 7}) {
            for (long epoch = 0; epoch < 50; epoch++) {
                for (int slot = 0; slot < 3; slot++) {
                    assertThat(drawn(verifiers(count), slot, epoch)).hasSize(Math.min(count, VerifierDraw.EACH));
                }
            }
        }
    }

    /** Three standard deviations of EPOCHS draws of two out of five. */
    @Test
    void everybody_has_an_equal_share_and_the_draw_changes_with_epoch_and_slot() {
        List<PeerId> verifiers = verifiers(5);
        double share = 2 / 5.0;
        double deviation = Math.sqrt(EPOCHS * share * (1 - share));
        for (PeerId one : verifiers) {
            long times = 0;
            for (long epoch = 0; epoch < EPOCHS; epoch++) {
                times += drawn(verifiers, 0, epoch).contains(one) ? 1 : 0;
            }
            assertThat((double) times).isBetween(EPOCHS * share - 3 * deviation, EPOCHS * share + 3 * deviation);
        }
        long different = 0;
        for (long epoch = 0; epoch < 100; epoch++) {
            different += drawn(verifiers, 0, epoch).equals(drawn(verifiers, 1, epoch)) ? 0 : 1;
        }
        assertThat(different).isGreaterThan(70); // 90 on average: ten pairs there are
    }

    @Test
    void who_holds_the_slot_is_not_drawn_and_does_not_take_a_place() {
        List<PeerId> verifiers = new ArrayList<>(verifiers(2));
        verifiers.add(table.holders().get(1));
        for (long epoch = 0; epoch < 50; epoch++) {
            assertThat(drawn(verifiers, 1, epoch)).containsExactlyElementsOf(verifiers(2));
            assertThat(drawn(verifiers, 0, epoch)).hasSize(2);
        }
    }

    @Test
    void who_does_not_know_all_verifiers_is_drawn_no_less() {
        List<PeerId> verifiers = verifiers(6);
        for (long epoch = 0; epoch < 100; epoch++) {
            for (PeerId one : drawn(verifiers, 2, epoch)) {
                assertThat(VerifierDraw.isDrawn(TaggedVolume.NETWORK, table, 2, epoch, one, verifiers.subList(0, 3)))
                        .isTrue();
            }
        }
    }

    @Test
    void each_verifier_has_a_turn_of_its_own_in_each_window_except_where_it_is_the_holder() {
        PeerId one = verifiers(1).get(0);
        byte[] other = {2};
        int together = 0;
        for (long window = -2; window < 100; window++) {
            long first = window * VerifierDraw.WINDOW;
            int mine = 0;
            for (long epoch = first; epoch < first + VerifierDraw.WINDOW; epoch++) {
                boolean turn = VerifierDraw.isTurn(new byte[] {1}, table, 1, epoch, one);
                mine += turn ? 1 : 0;
                together += turn && VerifierDraw.isTurn(other, table, 1, epoch, one) ? 1 : 0;
                assertThat(VerifierDraw.isTurn(
                                other, table, 1, epoch, table.holders().get(1)))
                        .isFalse();
            }
            assertThat(mine).isEqualTo(1);
        }
        assertThat(together).as("102 windows, one in eight").isBetween(2, 30);
    }
}
