package io.ppiofs.overlay.ping;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.host.Scheduler;
import io.ppiofs.overlay.swarm.Swarm;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/**
 * Closes connections whose other end has gone without a word: those that were silent for a period are pinged, and after
 * two pings without any answer the connection ends. A peer that answers "no such protocol" is alive. On the scheduler.
 */
public final class KeepAlive implements AutoCloseable {
    private static final int MAX_MISSED = 2;

    private final Swarm swarm;
    private final Ping ping;
    private final Duration period;
    private final Scheduler.Timer timer;
    private final Map<Connection, Integer> missed = new HashMap<>();

    /** @param period silence after which a connection is pinged, and pause between looks */
    public KeepAlive(Swarm swarm, Ping ping, Duration period) {
        this.swarm = swarm;
        this.ping = ping;
        this.period = period;
        this.timer = swarm.scheduler().scheduleRepeating(period, this::look);
    }

    private void look() {
        missed.keySet().removeIf(connection -> !connection.isOpen());
        for (Connection connection : swarm.silent(period)) {
            ping.ping(connection)
                    .whenComplete((time, failure) -> swarm.scheduler().execute(() -> answered(connection, failure)));
        }
    }

    private void answered(Connection connection, @Nullable Throwable failure) {
        if (failure == null || kind(failure) != ErrorKind.NOT_CONNECTED) {
            missed.remove(connection);
            return;
        }
        if (missed.merge(connection, 1, Integer::sum) >= MAX_MISSED) {
            missed.remove(connection);
            var unused = connection.close();
        }
    }

    private static ErrorKind kind(Throwable failure) {
        Throwable cause = failure.getCause();
        Throwable inner = failure instanceof CompletionException && cause != null ? cause : failure;
        return inner instanceof PpiofsException known ? known.kind() : ErrorKind.NOT_CONNECTED;
    }

    @Override
    public void close() {
        timer.cancel();
    }
}
