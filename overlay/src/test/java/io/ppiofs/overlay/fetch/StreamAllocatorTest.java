package io.ppiofs.overlay.fetch;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class StreamAllocatorTest {
    private static final int PIECE = TransferPlan.PIECE;

    private final StreamAllocator allocator = new StreamAllocator(PIECE);

    private static StreamAllocator.Tunnel idle(int id, double speed) {
        return new StreamAllocator.Tunnel(id, speed, false, 0);
    }

    @Test
    void deals_each_piece_to_the_tunnel_that_has_it_first() {
        var queues = allocator.allocate(
                7, List.of(idle(0, 4 * PIECE), idle(1, 2 * PIECE), idle(2, PIECE)), (piece, tunnel) -> true, 0);
        // ends at 0.25 0.5 0.5 0.75 1 1 1: by list scheduling
        assertThat(queues.get(0)).containsExactly(0, 1, 3, 4);
        assertThat(queues.get(1)).containsExactly(2, 5);
        assertThat(queues.get(2)).containsExactly(6);
    }

    @Test
    void a_piece_under_way_delays_the_tunnel_that_fetches_it() {
        long now = 100_000_000;
        var busy = new StreamAllocator.Tunnel(0, 4 * PIECE, true, 0);
        // the busy one is free at 0.25 - 0.1 = 0.15 and would end at 0.4; the idle one ends at 0.33
        var queues = allocator.allocate(1, List.of(busy, idle(1, 3 * PIECE)), (piece, tunnel) -> true, now);
        assertThat(queues).containsOnlyKeys(1);
        queues = allocator.allocate(1, List.of(busy, idle(1, 2 * PIECE)), (piece, tunnel) -> true, now);
        assertThat(queues).containsOnlyKeys(0);
    }

    @Test
    void a_piece_goes_to_a_slow_tunnel_if_only_its_peer_has_it_and_to_none_if_nobody_has() {
        var queues = allocator.allocate(
                3,
                List.of(idle(0, 100 * PIECE), idle(1, PIECE)),
                (piece, tunnel) -> piece == 2 ? false : piece != 0 || tunnel == 1,
                0);
        assertThat(queues.get(0)).containsExactly(1);
        assertThat(queues.get(1)).containsExactly(0);
    }

    @Test
    void the_queue_of_a_tunnel_that_has_become_slow_moves_with_the_next_plan() {
        var before =
                allocator.allocate(30, List.of(idle(0, 10 * PIECE), idle(1, 5 * PIECE)), (piece, tunnel) -> true, 0);
        assertThat(before.get(0)).hasSize(20);
        var after = allocator.allocate(30, List.of(idle(0, PIECE), idle(1, 5 * PIECE)), (piece, tunnel) -> true, 0);
        assertThat(after.get(0)).hasSize(5);
        assertThat(after.get(1)).hasSize(25).contains(0, 1, 2, 3);
    }
}
