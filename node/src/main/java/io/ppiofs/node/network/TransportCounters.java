package io.ppiofs.node.network;

import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.transport.TransportMetrics;
import io.ppiofs.overlay.transport.Violation;
import java.time.Duration;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/** Plain counters of what the transports do. Thread-safe. */
final class TransportCounters implements TransportMetrics {
    private final LongAdder received = new LongAdder();
    private final LongAdder sent = new LongAdder();
    private final Map<Violation, LongAdder> violations = new EnumMap<>(Violation.class);

    TransportCounters() {
        for (Violation violation : Violation.values()) {
            violations.put(violation, new LongAdder());
        }
    }

    @Override
    public void onHandshake(String description, Duration took) {
        // the swarm counts connections
    }

    @Override
    public void onViolation(Violation reason, @Nullable Multiaddr remote) {
        LongAdder counter = violations.get(reason);
        if (counter != null) {
            counter.increment();
        }
    }

    @Override
    public void onReceived(int bytes) {
        received.add(bytes);
    }

    @Override
    public void onSent(int bytes) {
        sent.add(bytes);
    }

    long received() {
        return received.sum();
    }

    long sent() {
        return sent.sum();
    }

    /** One count per kind, named {@code violationsMalformed} and so on. */
    Map<String, Long> violations() {
        Map<String, Long> counts = new LinkedHashMap<>();
        violations.forEach((kind, counter) -> counts.put(fact("violations", kind), counter.sum()));
        return counts;
    }

    /** {@code prefix} and the name of {@code kind} in camel case. */
    static String fact(String prefix, Enum<?> kind) {
        StringBuilder name = new StringBuilder(prefix);
        for (String word : kind.name().split("_")) {
            name.append(word.charAt(0)).append(word.substring(1).toLowerCase(Locale.ROOT));
        }
        return name.toString();
    }
}
