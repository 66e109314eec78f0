package io.ppiofs.overlay.fetch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.overlay.fetch.PlanWorld.Sender;
import io.ppiofs.overlay.identity.PeerId;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A stream that is played while it is fetched, on a virtual clock. */
class StreamPlanTest {
    private static final int PIECE = TransferPlan.PIECE;
    private static final int BLOCK = 1 << 20;
    private static final int MB = 1_000_000;

    /** Bytes a second that the player takes. */
    private static final double BITRATE = MB;

    /** Plays piece after piece in steps of 10 ms, and wants a window of blocks from where it is. */
    private static final class Player {
        final List<Sender> senders = new ArrayList<>();
        final TransferPlan plan = TransferPlan.ofStream(PeerMemory.ofProcess(10), FetchOptions.DEFAULT);
        final PlanWorld world;
        final int window;
        /** Index in the plan by number of the block; −1 before it is wanted. */
        final List<Integer> indexes = new ArrayList<>();

        double played;
        boolean playing;
        int stalls;

        Player(int window, double... speeds) {
            for (double speed : speeds) {
                senders.add(new Sender(TransferPlanTest.peer(), speed));
            }
            this.window = window;
            this.world = new PlanWorld(plan, senders);
        }

        List<PeerId> holders() {
            return senders.stream().map(sender -> sender.id).toList();
        }

        int added;

        void want(int block) {
            while (indexes.size() <= block) {
                indexes.add(-1);
            }
            if (indexes.get(block) < 0) {
                plan.add(List.of(new Want(Cid.of(ByteBuffer.allocate(4).putInt(0, block)), BLOCK, holders())));
                indexes.set(block, added++);
            }
        }

        boolean has(int piece) {
            int block = piece / (BLOCK / PIECE);
            return block < indexes.size()
                    && indexes.get(block) >= 0
                    && world.arrived
                            .getOrDefault(indexes.get(block), new BitSet())
                            .get(piece % (BLOCK / PIECE));
        }

        void step() {
            int block = (int) (played / BLOCK);
            for (int i = block; i < block + window; i++) {
                want(i);
            }
            world.assign();
            if (playing) {
                if (has((int) (played / PIECE))) {
                    played += BITRATE / 100;
                } else {
                    stalls++;
                }
            }
            world.after(0.01, this::step);
        }

        void seek(int block) {
            for (int i = 0; i < indexes.size(); i++) {
                if (indexes.get(i) >= 0 && plan.drop(indexes.get(i))) {
                    indexes.set(i, -1);
                }
            }
            played = (double) block * BLOCK;
        }
    }

    @Test
    void it_plays_without_a_stall_after_two_seconds_with_three_tenths_to_spare() {
        Player player = new Player(8, 0.7 * MB, 0.4 * MB, 0.2 * MB);
        player.step();
        player.world.runUntil(2);
        player.playing = true;
        player.world.runUntil(92);
        assertThat(player.stalls).isZero();
        assertThat(player.played).isCloseTo(90 * BITRATE, within(2 * BITRATE));
        assertThat(player.world.twice).isZero();
    }

    @Test
    void after_a_seek_it_goes_on_within_the_time_of_a_few_pieces() {
        Player player = new Player(8, 0.9 * MB, 0.5 * MB);
        player.step();
        player.world.runUntil(2);
        player.playing = true;
        player.world.runUntil(20);
        assertThat(player.stalls).isZero();
        player.seek(500);
        double from = player.played;
        // what is under way in a tunnel goes first: a peer has two of them, each with one piece
        double pieces = 3 * PIECE / (0.9 * MB);
        player.world.runUntil(20 + pieces + 0.02);
        assertThat(player.played).as("it plays").isGreaterThan(from);
        int stalls = player.stalls;
        player.world.runUntil(60);
        assertThat((double) player.stalls - stalls).as("hundredths of a second").isLessThan(50);
    }

    @Test
    void a_peer_that_becomes_ten_times_slower_does_not_stop_the_stream() {
        Player player = new Player(8, 0.9 * MB, 0.9 * MB, 0.5 * MB);
        player.step();
        player.world.runUntil(2);
        player.playing = true;
        player.world.runUntil(12);
        player.senders.get(0).speed /= 10;
        player.world.runUntil(60);
        assertThat(player.stalls).isZero();
    }

    @Test
    void three_peers_are_as_fast_together_as_their_sum_and_share_by_speed() {
        Player player = new Player(16, 8 * MB, 4 * MB, MB);
        player.step();
        player.playing = true;
        player.world.runUntil(2);
        // a reader that takes whatever is there
        double seconds = 20;
        int[] before = player.senders.stream().mapToInt(s -> s.delivered).toArray();
        Runnable[] take = new Runnable[1];
        take[0] = () -> {
            while (player.has((int) (player.played / PIECE))) {
                player.played += PIECE;
            }
            player.world.after(0.005, take[0]);
        };
        take[0].run();
        double from = player.played;
        player.world.runUntil(2 + seconds);
        double rate = (player.played - from) / seconds;
        List<Integer> sent = new ArrayList<>();
        for (int i = 0; i < before.length; i++) {
            sent.add(player.senders.get(i).delivered - before[i]);
        }
        System.out.printf("8/4/1 in order: %.2f MB/s, pieces %s%n", rate / MB, sent);
        assertThat(rate).isGreaterThan(0.9 * 13 * MB);
        double each = sent.stream().mapToInt(i -> i).sum() / 13.0;
        assertThat((double) sent.get(0)).isCloseTo(8 * each, within(0.15 * 8 * each));
        assertThat((double) sent.get(1)).isCloseTo(4 * each, within(0.15 * 4 * each));
        assertThat((double) sent.get(2)).isCloseTo(each, within(0.15 * each));
    }

    @Test
    void what_is_dropped_is_not_fetched_and_what_is_under_way_comes() {
        TransferPlan plan = TransferPlan.ofStream(PeerMemory.ofProcess(10), FetchOptions.DEFAULT);
        PeerId peer = TransferPlanTest.peer();
        plan.add(TransferPlanTest.wants(3, PIECE, List.of(peer)));
        List<TransferPlan.Run> runs = plan.assign(0);
        assertThat(runs).extracting(TransferPlan.Run::block).containsExactly(0, 1);
        assertThat(plan.drop(0)).isFalse();
        assertThat(plan.drop(2)).isTrue();
        assertThat(plan.drop(2)).isFalse();
        for (TransferPlan.Run run : runs) {
            assertThat(plan.onPiece(run.tunnel(), 1_000_000)).isTrue();
            plan.onRight(run.block());
        }
        assertThat(plan.assign(2_000_000)).isEmpty();
        assertThat(plan.isOver()).isTrue();
    }

    @Test
    void holders_of_what_is_wanted_first_are_asked_however_many_peers_are_known() {
        TransferPlan plan = TransferPlan.ofStream(PeerMemory.ofProcess(20), FetchOptions.DEFAULT);
        List<PeerId> known = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            known.add(TransferPlanTest.peer());
        }
        plan.add(TransferPlanTest.wants(1, PIECE, known));
        for (TransferPlan.Run run : plan.assign(0)) {
            plan.onPiece(run.tunnel(), 1_000_000);
            plan.onRight(run.block());
        }
        assertThat(plan.isOver()).isTrue();
        PeerId last = known.get(9);
        plan.add(TransferPlanTest.wants(1, PIECE, List.of(last)));
        assertThat(plan.assign(2_000_000))
                .singleElement()
                .extracting(TransferPlan.Run::peer)
                .isEqualTo(last);
    }

    @Test
    void who_failed_three_times_gets_another_try_after_a_minute_and_a_liar_does_not() {
        TransferPlan plan = TransferPlan.ofStream(PeerMemory.ofProcess(10), FetchOptions.DEFAULT);
        PeerId flapping = TransferPlanTest.peer();
        PeerId liar = TransferPlanTest.peer();
        PeerId steady = TransferPlanTest.peer();
        long second = 1_000_000_000L;
        plan.add(TransferPlanTest.wants(1, PIECE, List.of(flapping, liar, steady)));
        plan.onFailure(flapping, 0);
        plan.onFailure(flapping, second);
        plan.onFailure(flapping, 3 * second);
        plan.onLiar(liar);
        // pauses of 1, 2 and 4 s, and the minute
        assertThat(askedFor(plan, List.of(flapping, liar, steady), 66 * second)).containsOnly(steady);
        assertThat(askedFor(plan, List.of(flapping, liar), 68 * second)).containsOnly(flapping);
        // one try, not three
        plan.onFailure(flapping, 69 * second);
        assertThat(askedFor(plan, List.of(flapping, liar, steady), 100 * second))
                .containsOnly(steady);
    }

    /** Whom the plan asks for a new block that these have; what it asks them for comes at once. */
    private static List<PeerId> askedFor(TransferPlan plan, List<PeerId> holders, long now) {
        plan.add(TransferPlanTest.wants(1, PIECE, holders));
        List<TransferPlan.Run> runs = plan.assign(now);
        for (TransferPlan.Run run : runs) {
            plan.onPiece(run.tunnel(), now + 1_000_000);
            plan.onRight(run.block());
        }
        return runs.stream().map(TransferPlan.Run::peer).toList();
    }
}
