package io.ppiofs.overlay.gossip;

import io.ppiofs.overlay.host.MessageChannel;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * Frames that wait for a peer, bounded in bytes. A peer that reads slowly loses gossip first, then messages of others; our
 * own messages and control go on to twice the bound, and then the peer is too slow to be served. On the host's scheduler.
 */
final class Outbox {
    /** What a frame is; the first are kept longest. */
    enum Kind {
        CONTROL,
        OWN,
        FORWARD,
        GOSSIP
    }

    private final int bound;
    private final GossipCounters counters;
    private final ArrayDeque<byte[]> urgent = new ArrayDeque<>();
    private final ArrayDeque<byte[]> gossip = new ArrayDeque<>();
    private long bytes;
    private @Nullable MessageChannel channel;

    Outbox(int bound, GossipCounters counters) {
        this.bound = bound;
        this.counters = counters;
    }

    /** False: the peer is so slow that what it must get cannot be kept. */
    boolean add(byte[] frame, Kind kind) {
        long after = bytes + frame.length;
        if (kind == Kind.GOSSIP && after > bound / 2) {
            counters.droppedGossip.increment();
            return true;
        }
        while (after > bound && !gossip.isEmpty()) {
            after -= gossip.removeLast().length;
            counters.droppedGossip.increment();
        }
        if (kind == Kind.FORWARD && after > bound) {
            counters.droppedForwards.increment();
            bytes = after - frame.length;
            return true;
        }
        if (after > 2L * bound) {
            return false;
        }
        bytes = after;
        (kind == Kind.GOSSIP ? gossip : urgent).add(frame);
        pump();
        return true;
    }

    /** Frames go here from now on; {@code first} goes before all that waits. Null: frames wait. */
    void attach(@Nullable MessageChannel to, byte @Nullable [] first) {
        channel = to;
        if (first != null) {
            urgent.addFirst(first);
            bytes += first.length;
        }
        pump();
    }

    /** Writes as long as the stream takes it. */
    void pump() {
        MessageChannel to = channel;
        while (to != null && to.stream().isWritable()) {
            byte[] frame = urgent.isEmpty() ? gossip.poll() : urgent.poll();
            if (frame == null) {
                return;
            }
            bytes -= frame.length;
            to.send(frame); // a failure ends the stream, which its reader hears of
            counters.sentFrames.increment();
        }
    }

    long bytes() {
        return bytes;
    }

    void clear() {
        urgent.clear();
        gossip.clear();
        bytes = 0;
        channel = null;
    }
}
