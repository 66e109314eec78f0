package io.ppiofs.overlay.fetch;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;

/**
 * Which tunnel is to fetch which piece of a stream that is being played (PPIO, streaming pre-allocation). Every tick all pieces that are not under way are dealt out
 * anew: greedily, each to the tunnel that is predicted to have it first. A tunnel whose speed has fallen loses its queue with the next tick. Pure logic; O(P log C) for P
 * pieces and C tunnels.
 */
public final class StreamAllocator {
    private static final double NANOS = 1e9;

    /** Pieces that must come within this time are urgent. */
    private static final double URGENT_SECONDS = 1.0;

    /** Tunnels that are asked for an urgent piece at most. */
    private static final int COPIES = 2;

    private final int pieceSize;

    /** @param pieceSize bytes */
    public StreamAllocator(int pieceSize) {
        this.pieceSize = pieceSize;
    }

    /**
     * A tunnel.
     *
     * @param bytesPerSecond positive
     * @param requesting whether a piece is under way
     * @param requestedNanos when that one was asked for
     */
    public record Tunnel(int id, double bytesPerSecond, boolean requesting, long requestedNanos) {}

    /**
     * What a stream needs.
     *
     * @param head the piece that is played now
     * @param total pieces in all
     * @param here pieces that have come
     * @param underWay pieces that were asked for
     * @param anchors pieces at which a seek may land; fetched when nothing before the end of the window is missing
     * @param copies per piece how many peers have it; a rarer one comes first among those beyond the window; empty: unknown
     * @param window pieces from the head on that come in order
     * @param secondsPerPiece playing time of a piece
     */
    public record Demand(
            int head,
            int total,
            BitSet here,
            BitSet underWay,
            List<Integer> anchors,
            List<Integer> copies,
            int window,
            double secondsPerPiece) {}

    /** Pieces to fetch, the most urgent first: what follows the head in order, then anchors, then the rarest of the rest. */
    public List<Integer> priorities(Demand demand) {
        Set<Integer> order = new LinkedHashSet<>();
        int windowEnd = Math.min(demand.total, demand.head + demand.window);
        for (int piece = demand.head; piece < windowEnd; piece++) {
            order.add(piece);
        }
        order.addAll(demand.anchors);
        List<Integer> rest = new ArrayList<>();
        for (int piece = windowEnd; piece < demand.total; piece++) {
            rest.add(piece);
        }
        if (!demand.copies.isEmpty()) {
            rest.sort((a, b) -> Integer.compare(demand.copies.get(a), demand.copies.get(b)));
        }
        order.addAll(rest);
        order.removeIf(
                piece -> piece < 0 || piece >= demand.total || demand.here.get(piece) || demand.underWay.get(piece));
        return List.copyOf(order);
    }

    private record Free(Tunnel tunnel, double at) {}

    /**
     * Deals the pieces out. The queue of a tunnel begins behind the piece that is under way there: that one ends, as predicted, a piece's time after it
     * was asked for. (The published pseudocode has the two cases the wrong way round.)
     *
     * @param pieces the most urgent first
     * @param tunnels with a positive speed
     * @return per tunnel id its queue, the next piece first
     */
    public Map<Integer, ArrayDeque<Integer>> allocate(List<Integer> pieces, List<Tunnel> tunnels, long nowNanos) {
        Map<Integer, ArrayDeque<Integer>> queues = new HashMap<>();
        PriorityQueue<Free> earliest = new PriorityQueue<>(Math.max(1, tunnels.size()), (a, b) -> {
            int order = Double.compare(a.at, b.at);
            return order != 0 ? order : Integer.compare(a.tunnel.id, b.tunnel.id);
        });
        for (Tunnel tunnel : tunnels) {
            queues.put(tunnel.id, new ArrayDeque<>());
            earliest.add(new Free(tunnel, freeAt(tunnel, nowNanos) + seconds(tunnel)));
        }
        for (int piece : pieces) {
            Free first = earliest.poll();
            if (first == null) {
                break;
            }
            queue(queues, first.tunnel).add(piece);
            earliest.add(new Free(first.tunnel, first.at + seconds(first.tunnel)));
        }
        return queues;
    }

    /**
     * Pieces that are under way but predicted to come too late to be played, and the idle tunnels that are to be asked for them, too.
     *
     * @param underWay per piece the tunnel that was asked for it
     * @return per tunnel id the piece
     */
    public Map<Integer, Integer> urgent(
            Demand demand, Map<Integer, Tunnel> underWay, List<Tunnel> tunnels, long nowNanos) {
        Map<Integer, Integer> doubled = new HashMap<>();
        int last = demand.head + (int) Math.ceil(URGENT_SECONDS / demand.secondsPerPiece);
        List<Tunnel> idle = new ArrayList<>(tunnels);
        idle.removeIf(Tunnel::requesting);
        idle.sort((a, b) -> Double.compare(b.bytesPerSecond, a.bytesPerSecond));
        for (int piece = demand.head; piece <= last && piece < demand.total; piece++) {
            Tunnel asked = underWay.get(piece);
            if (asked == null || demand.here.get(piece)) {
                continue;
            }
            double comes = freeAt(asked, nowNanos);
            double due = (piece - demand.head) * demand.secondsPerPiece;
            boolean overdue = (nowNanos - asked.requestedNanos) / NANOS > 2 * seconds(asked);
            for (int copy = 1; copy < COPIES && !idle.isEmpty() && (comes > due || overdue); copy++) {
                if (seconds(idle.get(0)) < comes || overdue) {
                    doubled.put(idle.remove(0).id, piece);
                }
            }
        }
        return doubled;
    }

    private static ArrayDeque<Integer> queue(Map<Integer, ArrayDeque<Integer>> queues, Tunnel tunnel) {
        return queues.computeIfAbsent(tunnel.id, id -> new ArrayDeque<>());
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
