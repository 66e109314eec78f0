package io.ppiofs.overlay.dht;

import io.ppiofs.overlay.host.Scheduler;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * This node's own records: each is stored in the network again before it expires there. A failed attempt is repeated after
 * ten minutes. At most four are on their way at once, so that thousands of provider records do not flood the network. On
 * the host's scheduler only.
 */
final class Publisher {
    private static final int MAX_IN_FLIGHT = 4;
    private static final Duration TICK = Duration.ofMinutes(1);
    private static final Duration RETRY = Duration.ofMinutes(10);

    /** A value of this node, or with no value the statement that it provides the key. */
    static final class Own {
        final byte[] key;
        byte @Nullable [] value;
        private long due;
        private boolean inFlight;

        Own(byte[] key, byte @Nullable [] value) {
            this.key = key;
            this.value = value;
        }
    }

    private final Scheduler scheduler;
    private final Duration interval;
    private final Function<Own, CompletableFuture<Integer>> publish;
    private final Map<ByteBuffer, Own> values = new LinkedHashMap<>();
    private final Map<ByteBuffer, Own> provided = new LinkedHashMap<>();
    private Scheduler.@Nullable Timer ticker;
    private int inFlight;

    Publisher(Scheduler scheduler, Duration interval, Function<Own, CompletableFuture<Integer>> publish) {
        this.scheduler = scheduler;
        this.interval = interval;
        this.publish = publish;
    }

    @Nullable
    Own value(byte[] key) {
        return values.get(ByteBuffer.wrap(key));
    }

    boolean provides(byte[] key) {
        return provided.containsKey(ByteBuffer.wrap(key));
    }

    CompletableFuture<Integer> put(byte[] key, byte[] value) {
        Own own = values.computeIfAbsent(ByteBuffer.wrap(key), k -> new Own(key, value));
        own.value = value;
        return start(own);
    }

    CompletableFuture<Integer> provide(byte[] key) {
        return start(provided.computeIfAbsent(ByteBuffer.wrap(key), k -> new Own(key, null)));
    }

    void forgetValue(byte[] key) {
        values.remove(ByteBuffer.wrap(key));
    }

    void forgetProvided(byte[] key) {
        provided.remove(ByteBuffer.wrap(key));
    }

    void close() {
        values.clear();
        provided.clear();
        if (ticker != null) {
            ticker.cancel();
        }
    }

    private CompletableFuture<Integer> start(Own own) {
        if (ticker == null) {
            ticker = scheduler.scheduleRepeating(TICK, this::tick);
        }
        own.inFlight = true;
        inFlight++;
        own.due = scheduler.nanoTime() + interval.toNanos();
        return publish.apply(own).whenComplete((stored, error) -> {
            own.inFlight = false;
            inFlight--;
            if (error != null || stored == 0) {
                own.due = scheduler.nanoTime() + RETRY.toNanos();
            }
        });
    }

    private void tick() {
        List<Own> all = new ArrayList<>(values.values());
        all.addAll(provided.values());
        for (Own own : all) {
            if (inFlight >= MAX_IN_FLIGHT) {
                return;
            }
            if (!own.inFlight && own.due - scheduler.nanoTime() <= 0) {
                start(own);
            }
        }
    }
}
