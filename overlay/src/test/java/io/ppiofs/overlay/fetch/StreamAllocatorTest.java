package io.ppiofs.overlay.fetch;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class StreamAllocatorTest {
    private static final int PIECE = TransferPlan.PIECE;
    private static final double NANOS = 1e9;
    private static final double BITRATE = 1_000_000;
    private static final double PIECE_SECONDS = PIECE / BITRATE;

    private final StreamAllocator allocator = new StreamAllocator(PIECE);

    private static StreamAllocator.Tunnel idle(int id, double speed) {
        return new StreamAllocator.Tunnel(id, speed, false, 0);
    }

    @Test
    void deals_each_piece_to_the_tunnel_that_has_it_first() {
        var queues = allocator.allocate(
                List.of(1, 2, 3, 4, 5, 6, 7), List.of(idle(0, 4 * PIECE), idle(1, 2 * PIECE), idle(2, PIECE)), 0);
        // ends at 0.25 0.5 0.5 0.75 1 1 1: by list scheduling
        assertThat(queues.get(0)).containsExactly(1, 2, 4, 5);
        assertThat(queues.get(1)).containsExactly(3, 6);
        assertThat(queues.get(2)).containsExactly(7);
    }

    @Test
    void a_piece_under_way_delays_the_tunnel_that_fetches_it() {
        long now = (long) (0.1 * NANOS);
        var busy = new StreamAllocator.Tunnel(0, 4 * PIECE, true, 0);
        // the busy one is free at 0.25 - 0.1 = 0.15 and would end at 0.4; the idle one ends at 0.33
        var queues = allocator.allocate(List.of(1), List.of(busy, idle(1, 3 * PIECE)), now);
        assertThat(queues.get(0)).isEmpty();
        assertThat(queues.get(1)).containsExactly(1);
        queues = allocator.allocate(List.of(1), List.of(busy, idle(1, 2 * PIECE)), now);
        assertThat(queues.get(0)).containsExactly(1);
    }

    @Test
    void order_is_what_follows_the_head_then_anchors_then_the_rarest() {
        BitSet here = new BitSet();
        here.set(5);
        BitSet underWay = new BitSet();
        underWay.set(6);
        List<Integer> copies = new ArrayList<>(java.util.Collections.nCopies(20, 3));
        copies.set(17, 1);
        copies.set(12, 2);
        var demand = new StreamAllocator.Demand(4, 20, here, underWay, List.of(0, 10, 15), copies, 5, PIECE_SECONDS);
        assertThat(allocator.priorities(demand)).containsExactly(4, 7, 8, 0, 10, 15, 17, 12, 9, 11, 13, 14, 16, 18, 19);
    }

    @Test
    void the_queue_of_a_tunnel_that_has_become_slow_moves_with_the_next_plan() {
        List<Integer> pieces = new ArrayList<>();
        for (int i = 0; i < 30; i++) {
            pieces.add(i);
        }
        var before = allocator.allocate(pieces, List.of(idle(0, 10 * PIECE), idle(1, 5 * PIECE)), 0);
        assertThat(before.get(0)).hasSize(20);
        var after = allocator.allocate(pieces, List.of(idle(0, PIECE), idle(1, 5 * PIECE)), 0);
        assertThat(after.get(0)).hasSize(5);
        assertThat(after.get(1)).hasSize(25).contains(0, 1, 2, 3);
    }

    @Test
    void an_urgent_piece_that_comes_too_late_is_asked_of_a_second_tunnel() {
        var slow = new StreamAllocator.Tunnel(0, PIECE / 10.0, true, 0);
        var demand =
                new StreamAllocator.Demand(3, 100, new BitSet(), new BitSet(), List.of(), List.of(), 20, PIECE_SECONDS);
        assertThat(allocator.urgent(demand, Map.of(4, slow), List.of(slow, idle(1, PIECE), idle(2, 8 * PIECE)), 0))
                .containsExactly(Map.entry(2, 4));
    }

    /** A player and its tunnels on a virtual clock, in steps of 10 ms. */
    private final class Player {
        final int total = 800;
        final double[] speeds;
        final int[] fetching;
        final double[] done;
        final long[] asked;
        final BitSet here = new BitSet();
        final List<Integer> anchors = new ArrayList<>();
        Map<Integer, ArrayDeque<Integer>> queues = new HashMap<>();
        double time;
        double played;
        int stalls;
        boolean playing;

        Player(double... speeds) {
            this.speeds = speeds;
            fetching = new int[speeds.length];
            done = new double[speeds.length];
            asked = new long[speeds.length];
            Arrays.fill(fetching, -1);
            for (int i = 0; i < total; i += 100) {
                anchors.add(i);
            }
        }

        int head() {
            return (int) (played / PIECE_SECONDS);
        }

        private StreamAllocator.Demand demand() {
            BitSet underWay = new BitSet();
            Arrays.stream(fetching).filter(piece -> piece >= 0).forEach(underWay::set);
            return new StreamAllocator.Demand(head(), total, here, underWay, anchors, List.of(), 60, PIECE_SECONDS);
        }

        private List<StreamAllocator.Tunnel> tunnels() {
            List<StreamAllocator.Tunnel> all = new ArrayList<>();
            for (int i = 0; i < speeds.length; i++) {
                all.add(new StreamAllocator.Tunnel(i, speeds[i], fetching[i] >= 0, asked[i]));
            }
            return all;
        }

        void plan() {
            queues = allocator.allocate(allocator.priorities(demand()), tunnels(), (long) (time * NANOS));
            Map<Integer, StreamAllocator.Tunnel> underWay = new HashMap<>();
            for (StreamAllocator.Tunnel tunnel : tunnels()) {
                if (tunnel.requesting()) {
                    underWay.put(fetching[tunnel.id()], tunnel);
                }
            }
            allocator
                    .urgent(demand(), underWay, tunnels(), (long) (time * NANOS))
                    .forEach((tunnel, piece) -> queues.computeIfAbsent(tunnel, t -> new ArrayDeque<>())
                            .addFirst(piece));
        }

        void step() {
            double step = 0.01;
            for (int i = 0; i < speeds.length; i++) {
                if (fetching[i] < 0) {
                    Integer next = queues.getOrDefault(i, new ArrayDeque<>()).poll();
                    if (next != null && !here.get(next)) {
                        fetching[i] = next;
                        asked[i] = (long) (time * NANOS);
                        done[i] = 0;
                    }
                }
                if (fetching[i] >= 0) {
                    done[i] += speeds[i] * step;
                    if (done[i] >= PIECE) {
                        here.set(fetching[i]);
                        fetching[i] = -1;
                    }
                }
            }
            time += step;
            if (playing && head() < total) {
                if (here.get(head())) {
                    played += step;
                } else {
                    stalls++;
                }
            }
        }

        void runFor(double seconds) {
            double end = time + seconds;
            for (int i = 0; time < end; i++) {
                if (i % 10 == 0) {
                    plan();
                }
                step();
            }
        }
    }

    @Test
    void a_stream_plays_without_a_stall_after_two_seconds_with_three_tenths_to_spare() {
        Player player = new Player(0.7 * BITRATE, 0.4 * BITRATE, 0.2 * BITRATE);
        player.runFor(2);
        player.playing = true;
        player.runFor(90);
        assertThat(player.stalls).isZero();
        assertThat(player.played).isGreaterThan(89);
    }

    @Test
    void a_seek_to_an_anchor_goes_on_within_the_time_of_a_piece() {
        Player player = new Player(0.9 * BITRATE, 0.5 * BITRATE);
        player.runFor(2);
        player.playing = true;
        player.runFor(20);
        assertThat(player.stalls).isZero();
        player.played = 500 * PIECE_SECONDS;
        double pieceOfTheFastest = PIECE / (0.9 * BITRATE);
        player.runFor(pieceOfTheFastest);
        assertThat(player.played).as("it plays").isGreaterThan(500 * PIECE_SECONDS);
    }

    @Test
    void a_tunnel_that_becomes_ten_times_slower_does_not_stop_the_stream() {
        Player player = new Player(0.9 * BITRATE, 0.9 * BITRATE, 0.5 * BITRATE);
        player.runFor(2);
        player.playing = true;
        player.runFor(10);
        player.speeds[0] /= 10;
        player.runFor(50);
        assertThat(player.stalls).isZero();
    }
}
