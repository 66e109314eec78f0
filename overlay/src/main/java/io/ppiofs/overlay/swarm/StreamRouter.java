package io.ppiofs.overlay.swarm;

import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.host.HandlerOptions;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.host.Scheduler;
import io.ppiofs.overlay.host.Stream;
import io.ppiofs.overlay.host.StreamHandler;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.transport.StreamAcceptor;
import java.util.Collection;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Finds the handler of an inbound stream and enforces its options. Also the place where a transport's connection meets
 * the swarm's view of it: a stream may arrive before the swarm has heard of its connection.
 */
final class StreamRouter implements StreamAcceptor {
    private record Served(HandlerOptions options, StreamHandler handler) {}

    private record Slot(PeerId peer, ProtocolId protocol) {}

    private final Scheduler scheduler;
    private final SwarmOptions options;
    private final ConnectionGate gate;
    private final SwarmMetrics metrics;
    private final Map<ProtocolId, Served> handlers = new ConcurrentHashMap<>();
    private final Map<Slot, Integer> open = new ConcurrentHashMap<>();
    private final Map<Connection, SwarmConnection> connections = new ConcurrentHashMap<>();

    StreamRouter(Scheduler scheduler, SwarmOptions options, ConnectionGate gate, SwarmMetrics metrics) {
        this.scheduler = scheduler;
        this.options = options;
        this.gate = gate;
        this.metrics = metrics;
    }

    /** The swarm's view of a transport's connection, made when it is first seen; forgotten when the connection ends. */
    SwarmConnection view(Connection raw) {
        SwarmConnection known = connections.get(raw);
        if (known != null) {
            return known;
        }
        SwarmConnection fresh =
                new SwarmConnection(raw, scheduler, metrics, options.dialing().negotiation());
        SwarmConnection earlier = connections.putIfAbsent(raw, fresh);
        if (earlier != null) {
            return earlier;
        }
        raw.closed().whenComplete((done, failure) -> {
            connections.remove(raw);
            fresh.endAllStreams();
        });
        return fresh;
    }

    void handle(ProtocolId protocol, HandlerOptions handlerOptions, StreamHandler handler) {
        handlers.put(protocol, new Served(handlerOptions, handler));
    }

    void unhandle(ProtocolId protocol) {
        handlers.remove(protocol);
    }

    Set<ProtocolId> protocols() {
        Set<ProtocolId> sorted = new TreeSet<>(java.util.Comparator.comparing(ProtocolId::name));
        sorted.addAll(handlers.keySet());
        return sorted;
    }

    @Override
    public Collection<ProtocolId> protocols(Connection raw) {
        return protocols();
    }

    @Override
    public @Nullable StreamHandler handler(Connection raw, ProtocolId protocol) {
        Served served = handlers.get(protocol);
        if (served == null || (raw.limited() && !served.options.overLimited())) {
            return null;
        }
        if (!served.options.access().test(raw.remotePeer())) {
            metrics.refused(SwarmMetrics.Refusal.ACCESS);
            return null;
        }
        return stream -> accept(view(raw), served, stream);
    }

    private void accept(SwarmConnection connection, Served served, Stream raw) {
        Slot slot = new Slot(connection.remotePeer(), raw.protocol());
        int most = served.options.maxStreamsPerPeer();
        boolean[] taken = {false};
        open.compute(slot, (key, count) -> {
            int now = count == null ? 0 : count;
            taken[0] = now < most;
            return taken[0] ? Integer.valueOf(now + 1) : count;
        });
        if (!taken[0]) {
            metrics.refused(SwarmMetrics.Refusal.STREAM_LIMIT);
            raw.reset();
            return;
        }
        TrackedStream stream = connection.track(raw);
        stream.onEnded(() -> open.computeIfPresent(slot, (key, count) -> count == 1 ? null : count - 1));
        connection.heard();
        if (gate.beforeAdmission().contains(raw.protocol())) {
            served.handler.onStream(stream);
        } else {
            connection.serve(served.handler, stream, options.inbound().streamsBeforeAdmission());
        }
    }
}
