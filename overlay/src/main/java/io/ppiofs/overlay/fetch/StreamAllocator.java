package io.ppiofs.overlay.fetch;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;

/**
 * Which tunnel is to fetch which piece of a stream (PPIO, streaming pre-allocation). Whenever a tunnel is free all pieces that are not under way
 * are dealt out anew: greedily, each to the tunnel that is predicted to have it first. A tunnel whose speed has fallen loses its
 * queue with the next plan. Pure logic; O(P log C) for P pieces and C tunnels that may all fetch everything.
 */
final class StreamAllocator {
    private static final double NANOS = 1e9;

    private final int pieceSize;

    /** @param pieceSize bytes */
    StreamAllocator(int pieceSize) {
        this.pieceSize = pieceSize;
    }

    /**
     * A tunnel.
     *
     * @param bytesPerSecond positive
     * @param requesting whether a piece is under way
     * @param requestedNanos when that one was asked for
     */
    record Tunnel(int id, double bytesPerSecond, boolean requesting, long requestedNanos) {}

    /** Whether a tunnel's peer has a piece. */
    @FunctionalInterface
    interface Eligible {
        boolean has(int piece, int tunnelId);
    }

    private record Free(Tunnel tunnel, double at) {}

    /**
     * Deals the pieces out. The queue of a tunnel begins behind the piece that is under way there: that one ends, as predicted, a piece's time after it
     * was asked for. (The published pseudocode has the two cases the wrong way round.)
     *
     * @param pieces how many; 0 is the most urgent
     * @param tunnels with a positive speed
     * @param eligible a piece that no tunnel may fetch is left out
     * @return per tunnel id its queue, the next piece first
     */
    Map<Integer, ArrayDeque<Integer>> allocate(int pieces, List<Tunnel> tunnels, Eligible eligible, long nowNanos) {
        Map<Integer, ArrayDeque<Integer>> queues = new HashMap<>();
        PriorityQueue<Free> earliest = new PriorityQueue<>(Math.max(1, tunnels.size()), (a, b) -> {
            int order = Double.compare(a.at, b.at);
            return order != 0 ? order : Integer.compare(a.tunnel.id, b.tunnel.id);
        });
        for (Tunnel tunnel : tunnels) {
            earliest.add(new Free(tunnel, freeAt(tunnel, nowNanos) + seconds(tunnel)));
        }
        List<Free> passed = new ArrayList<>();
        for (int piece = 0; piece < pieces; piece++) {
            Free first = earliest.poll();
            while (first != null && !eligible.has(piece, first.tunnel.id)) {
                passed.add(first);
                first = earliest.poll();
            }
            if (first != null) {
                queues.computeIfAbsent(first.tunnel.id, id -> new ArrayDeque<>())
                        .add(piece);
                earliest.add(new Free(first.tunnel, first.at + seconds(first.tunnel)));
            }
            earliest.addAll(passed);
            passed.clear();
        }
        return queues;
    }

    private double seconds(Tunnel tunnel) {
        return pieceSize / tunnel.bytesPerSecond;
    }

    /** Seconds from now until the tunnel can begin another piece. */
    private double freeAt(Tunnel tunnel, long nowNanos) {
        if (!tunnel.requesting) {
            return 0;
        }
        return Math.max(0, (tunnel.requestedNanos - nowNanos) / NANOS + seconds(tunnel));
    }
}
