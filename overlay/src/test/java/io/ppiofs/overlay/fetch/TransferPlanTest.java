package io.ppiofs.overlay.fetch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.overlay.fetch.PlanWorld.Sender;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The scheduler on a virtual clock: peers that send at a constant rate, one piece after the other. */
class TransferPlanTest {
    private static final int PIECE = TransferPlan.PIECE;
    private static final int MB = 1_000_000;
    private static final int BLOCK = 1 << 20;

    static PeerId peer() {
        return IdentityKey.generate(new SecureRandom()).peerId();
    }

    static List<Want> wants(int count, int length, List<PeerId> holders) {
        List<Want> wants = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            wants.add(new Want(Cid.of(ByteBuffer.allocate(4).putInt(0, i)), length, holders));
        }
        return wants;
    }

    @Test
    void three_peers_together_are_as_fast_as_their_sum_and_share_by_speed() {
        List<Sender> senders = List.of(new Sender(peer(), 8 * MB), new Sender(peer(), 4 * MB), new Sender(peer(), MB));
        List<PeerId> holders = senders.stream().map(sender -> sender.id).toList();
        PlanWorld world = new PlanWorld(wants(64, BLOCK, holders), PeerMemory.ofProcess(10), senders);
        double seconds = world.run();
        double bytes = 64.0 * BLOCK;
        System.out.printf(
                "8/4/1: %.2f MB/s, pieces %d/%d/%d%n",
                bytes / seconds / MB, senders.get(0).delivered, senders.get(1).delivered, senders.get(2).delivered);
        assertThat(bytes / seconds).isGreaterThan(0.9 * 13 * MB);
        assertThat(world.twice).isZero();
        double each = bytes / PIECE / 13;
        assertThat((double) senders.get(0).delivered).isCloseTo(8 * each, within(0.15 * 8 * each));
        assertThat((double) senders.get(1).delivered).isCloseTo(4 * each, within(0.15 * 4 * each));
        assertThat((double) senders.get(2).delivered).isCloseTo(each, within(0.15 * each));
    }

    @Test
    void when_the_fastest_dies_the_others_go_on_and_it_begins_with_fewer_tunnels_the_next_time() {
        List<Sender> senders = List.of(new Sender(peer(), 8 * MB), new Sender(peer(), 4 * MB), new Sender(peer(), MB));
        List<PeerId> holders = senders.stream().map(sender -> sender.id).toList();
        PeerMemory memory = PeerMemory.ofProcess(10);
        PlanWorld world = new PlanWorld(wants(64, BLOCK, holders), memory, senders);
        int[] before = new int[1];
        world.after(2, () -> {
            before[0] = world.plan.tunnelsOf(holders.get(0));
            senders.get(0).dead = true;
        });
        world.run();
        assertThat(world.twice).isZero();
        assertThat(world.lost).isZero();
        assertThat(world.arrived.values().stream().mapToInt(BitSet::cardinality).sum())
                .isEqualTo(64 * BLOCK / PIECE);
        assertThat(memory.recall(holders.get(0)).penalty()).isPositive();
        TransferPlan next = new TransferPlan(wants(1, BLOCK, holders), memory, FetchOptions.DEFAULT);
        assertThat(next.tunnelsOf(holders.get(0))).isLessThan(before[0]);
    }

    @Test
    void bytes_asked_twice_are_at_most_what_was_under_way_at_the_dead_peer() {
        List<Sender> senders = List.of(new Sender(peer(), 8 * MB), new Sender(peer(), 4 * MB));
        List<PeerId> holders = senders.stream().map(sender -> sender.id).toList();
        PlanWorld world = new PlanWorld(wants(32, BLOCK, holders), PeerMemory.ofProcess(10), senders);
        world.after(1, () -> senders.get(0).dead = true);
        world.run();
        // a run is closed with its arrived pieces kept: only the piece in transmission was lost
        assertThat(world.plan.piecesArrived()).isEqualTo(32 * BLOCK / PIECE);
    }

    @Test
    void a_block_that_nobody_has_is_lost_and_the_others_arrive() {
        Sender only = new Sender(peer(), MB);
        List<Want> wants = new ArrayList<>(wants(4, BLOCK, List.of(only.id)));
        wants.set(2, new Want(wants.get(2).cid(), BLOCK, List.of()));
        PlanWorld world = new PlanWorld(wants, PeerMemory.ofProcess(10), List.of(only));
        world.run();
        assertThat(world.lost).isEqualTo(1);
        assertThat(world.arrived).containsOnlyKeys(0, 1, 3);
    }

    @Test
    void who_failed_three_times_gets_another_try_while_others_keep_a_block_waiting() {
        PeerId silent = peer();
        PeerId flapping = peer();
        long second = 1_000_000_000L;
        TransferPlan plan = new TransferPlan(
                wants(1, PIECE, List.of(silent, flapping)), PeerMemory.ofProcess(10), FetchOptions.DEFAULT);
        assertThat(plan.assign(0))
                .singleElement()
                .extracting(TransferPlan.Run::peer)
                .isEqualTo(silent);
        plan.onFailure(flapping, 0);
        plan.onFailure(flapping, second);
        plan.onFailure(flapping, 3 * second);
        plan.onFailure(silent, 5 * second);
        assertThat(plan.assign(5 * second)).isEmpty(); // one is out, one pauses
        assertThat(plan.takeLost()).isNegative();
        assertThat(plan.assign(6 * second)).extracting(TransferPlan.Run::peer).containsExactly(silent);
        plan.onFailure(silent, 11 * second);
        // pauses of 1, 2 and 4 s, and 4 s
        assertThat(plan.assign(11 * second)).extracting(TransferPlan.Run::peer).containsExactly(flapping);
    }

    @Test
    void who_does_not_have_a_block_is_not_asked_for_it_again() {
        PeerId a = peer();
        PeerId b = peer();
        TransferPlan plan =
                new TransferPlan(wants(1, PIECE, List.of(a, b)), PeerMemory.ofProcess(10), FetchOptions.DEFAULT);
        List<TransferPlan.Run> first = plan.assign(0);
        assertThat(first).singleElement().extracting(TransferPlan.Run::peer).isEqualTo(a);
        plan.onMissing(first.get(0).tunnel());
        List<TransferPlan.Run> second = plan.assign(0);
        assertThat(second).singleElement().extracting(TransferPlan.Run::peer).isEqualTo(b);
        plan.onMissing(second.get(0).tunnel());
        assertThat(plan.assign(0)).isEmpty();
        assertThat(plan.takeLost()).isZero();
        assertThat(plan.isOver()).isTrue();
    }

    @Test
    void wrong_bytes_of_one_peer_put_it_out_and_of_several_bring_the_block_whole_from_one() {
        PeerId a = peer();
        PeerId b = peer();
        PeerMemory memory = PeerMemory.ofProcess(10);
        TransferPlan plan = new TransferPlan(wants(1, 4 * PIECE, List.of(a, b)), memory, FetchOptions.DEFAULT);
        deliver(plan);
        assertThat(plan.onWrong(0)).contains(a, b);
        assertThat(memory.recall(a).wrongBlocks() + memory.recall(b).wrongBlocks())
                .isZero();
        PeerId alone = deliver(plan);
        assertThat(plan.onWrong(0)).containsOnly(alone);
        assertThat(memory.recall(alone).wrongBlocks()).isEqualTo(1);
        assertThat(deliver(plan)).isEqualTo(alone.equals(a) ? b : a);
        plan.onRight(0);
        assertThat(plan.isOver()).isTrue();
    }

    /** Delivers all that is asked for. @return who sent the last piece */
    private static PeerId deliver(TransferPlan plan) {
        PeerId last = null;
        for (List<TransferPlan.Run> runs = plan.assign(0); !runs.isEmpty(); runs = plan.assign(0)) {
            for (TransferPlan.Run run : runs) {
                for (int i = 0; i < run.count(); i++) {
                    plan.onPiece(run.tunnel(), 1_000_000);
                }
                last = run.peer();
            }
        }
        assertThat(last).isNotNull();
        return last;
    }

    @Test
    void preferred_peers_are_asked_first_unless_they_are_much_slower() {
        PeerId near = peer();
        PeerId far = peer();
        PeerMemory memory = PeerMemory.ofProcess(10);
        assertThat(Ranking.of(List.of(near, far), memory)).containsExactly(near, far);
        memory.remember(near, new PeerMemory.Remembered(5 * MB, 0, 0));
        memory.remember(far, new PeerMemory.Remembered(9 * MB, 0, 0));
        assertThat(Ranking.of(List.of(near, far), memory)).containsExactly(near, far);
        memory.remember(far, new PeerMemory.Remembered(50 * MB, 0, 0));
        assertThat(Ranking.of(List.of(near, far), memory)).containsExactly(far, near);
        memory.remember(far, memory.recall(far).lied());
        assertThat(Ranking.of(List.of(far, near), memory)).containsExactly(near, far);
    }

    @Test
    void whatever_fails_every_block_is_whole_once_or_lost() {
        long seed = System.nanoTime();
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        for (int round = 0; round < 60; round++) {
            List<Sender> senders = new ArrayList<>();
            for (int i = 0; i < 1 + random.nextInt(5); i++) {
                senders.add(new Sender(peer(), MB * (0.2 + 20 * random.nextDouble())));
            }
            List<Want> wants = new ArrayList<>();
            for (Want want : wants(1 + random.nextInt(40), 1 + random.nextInt(BLOCK), List.of())) {
                List<PeerId> holders = new ArrayList<>();
                senders.stream().filter(sender -> random.nextInt(3) > 0).forEach(sender -> holders.add(sender.id));
                wants.add(new Want(want.cid(), 1 + random.nextInt(BLOCK), holders));
            }
            PlanWorld world = new PlanWorld(wants, PeerMemory.ofProcess(10), senders);
            for (Sender sender : senders) {
                if (random.nextInt(3) == 0) {
                    world.after(random.nextDouble() * 3, () -> sender.dead = true);
                }
            }
            world.run();
            assertThat(world.twice).isZero();
            int whole = 0;
            for (int i = 0; i < wants.size(); i++) {
                int pieces = (wants.get(i).length() + PIECE - 1) / PIECE;
                BitSet here = world.arrived.getOrDefault(i, new BitSet());
                whole += here.cardinality() == pieces ? 1 : 0;
            }
            assertThat(whole + world.lost).isEqualTo(wants.size());
        }
    }

    @Test
    void hedging_begins_at_the_95th_percentile() {
        Latencies latencies = new Latencies(FetchOptions.DEFAULT.withHedgeAfter(Duration.ofMillis(70)));
        assertThat(latencies.hedgeNanos()).isEqualTo(70_000_000);
        for (int i = 1; i <= 200; i++) {
            latencies.add(i * 1_000_000L);
        }
        assertThat(latencies.hedgeNanos()).isBetween(185_000_000L, 195_000_000L);
    }
}
