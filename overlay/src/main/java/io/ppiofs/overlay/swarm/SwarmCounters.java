package io.ppiofs.overlay.swarm;

import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.host.ProtocolId;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;

/** Metrics as plain counters, readable at any time from any thread. */
public final class SwarmCounters implements SwarmMetrics {
    private final LongAdder opened = new LongAdder();
    private final LongAdder closed = new LongAdder();
    private final LongAdder received = new LongAdder();
    private final LongAdder sent = new LongAdder();
    private final LongAdder relayed = new LongAdder();
    private final LongAdder punched = new LongAdder();
    private final LongAdder notPunched = new LongAdder();
    private final Map<DialResult, LongAdder> dials = new EnumMap<>(DialResult.class);
    private final Map<Refusal, LongAdder> refusals = new EnumMap<>(Refusal.class);

    public SwarmCounters() {
        for (DialResult result : DialResult.values()) {
            dials.put(result, new LongAdder());
        }
        for (Refusal why : Refusal.values()) {
            refusals.put(why, new LongAdder());
        }
    }

    @Override
    public void connectionOpened(Connection connection) {
        opened.increment();
    }

    @Override
    public void connectionClosed(Connection connection, Duration age) {
        closed.increment();
    }

    @Override
    public void dialled(DialResult result, Duration took) {
        counter(dials, result).increment();
    }

    @Override
    public void refused(Refusal why) {
        counter(refusals, why).increment();
    }

    @Override
    public void received(ProtocolId protocol, long bytes) {
        received.add(bytes);
    }

    @Override
    public void sent(ProtocolId protocol, long bytes) {
        sent.add(bytes);
    }

    @Override
    public void relayed(long bytes) {
        relayed.add(bytes);
    }

    @Override
    public void holePunched(boolean succeeded) {
        (succeeded ? punched : notPunched).increment();
    }

    private static <K extends Enum<K>> LongAdder counter(Map<K, LongAdder> counters, K key) {
        LongAdder counter = counters.get(key);
        if (counter == null) {
            throw new IllegalStateException("all keys have a counter");
        }
        return counter;
    }

    /** Connections opened since the start. */
    public long opened() {
        return opened.sum();
    }

    /** Connections ended since the start. */
    public long closed() {
        return closed.sum();
    }

    /** Bytes received in streams. */
    public long bytesReceived() {
        return received.sum();
    }

    /** Bytes sent in streams. */
    public long bytesSent() {
        return sent.sum();
    }

    /** Bytes carried for others. */
    public long bytesRelayed() {
        return relayed.sum();
    }

    public long dials(DialResult result) {
        return counter(dials, result).sum();
    }

    public long refusals(Refusal why) {
        return counter(refusals, why).sum();
    }

    /** Relayed connections that were, or were not, replaced by direct ones. */
    public long holePunches(boolean succeeded) {
        return (succeeded ? punched : notPunched).sum();
    }
}
