package io.ppiofs.overlay.transport.yamux;

import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * Says which stream sends the next frame: round robin over streams that have little to send, and after eight of those one
 * of the streams in a long transfer, so that neither starves. On the connection's loop.
 */
final class SendScheduler {
    /** A stream that has sent so much without running empty is in a long transfer. */
    static final int SHORT_RUN = 32 * 1024;

    private static final int SHORT_TURNS = 8;

    private final ArrayDeque<YamuxStream> shortOnes = new ArrayDeque<>();
    private final ArrayDeque<YamuxStream> longOnes = new ArrayDeque<>();
    private int turns;

    /** Queues {@code stream}, which is not queued now. */
    void add(YamuxStream stream) {
        (stream.run() < SHORT_RUN ? shortOnes : longOnes).add(stream);
    }

    /** Takes the next stream off, null if none waits. */
    @Nullable
    YamuxStream next() {
        boolean takeLong = shortOnes.isEmpty() || (turns >= SHORT_TURNS && !longOnes.isEmpty());
        if (takeLong) {
            turns = 0;
            return longOnes.poll();
        }
        turns++;
        return shortOnes.poll();
    }

    boolean isEmpty() {
        return shortOnes.isEmpty() && longOnes.isEmpty();
    }

    void clear() {
        shortOnes.clear();
        longOnes.clear();
    }
}
