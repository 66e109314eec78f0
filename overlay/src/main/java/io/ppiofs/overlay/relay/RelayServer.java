package io.ppiofs.overlay.relay;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.host.HandlerOptions;
import io.ppiofs.overlay.host.HostListener;
import io.ppiofs.overlay.host.OpenOptions;
import io.ppiofs.overlay.host.Stream;
import io.ppiofs.overlay.identity.Envelope;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.AddressProtocol;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.swarm.AddressScope;
import io.ppiofs.overlay.swarm.Prefix;
import io.ppiofs.overlay.swarm.Swarm;
import io.ppiofs.overlay.swarm.SwarmMetrics;
import io.ppiofs.overlay.wire.RelayWire;
import io.ppiofs.overlay.wire.RelayWire.HopMessage;
import io.ppiofs.overlay.wire.RelayWire.RelayStatus;
import io.ppiofs.overlay.wire.RelayWire.StopMessage;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Carries connections for others, within limits. State is on the scheduler. */
public final class RelayServer implements HostListener, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(RelayServer.class);
    private static final String TAG = "relay-reservation";
    private static final Duration SWEEP = Duration.ofSeconds(30);

    /** A place: until when, and from which network. */
    private record Place(long expiresMillis, Optional<Prefix> prefix) {}

    private final Swarm swarm;
    private final RelayLimits limits;
    private final Predicate<PeerId> access;
    private final Map<PeerId, Place> places = new HashMap<>();
    private final Map<PeerId, Integer> circuitsOf = new HashMap<>();
    private final io.ppiofs.overlay.host.Scheduler.Timer sweeper;
    private int circuits;

    /** @param access which peers may reserve and connect */
    public RelayServer(Swarm swarm, RelayLimits limits, Predicate<PeerId> access) {
        this.swarm = swarm;
        this.limits = limits;
        this.access = access;
        this.sweeper = swarm.scheduler().scheduleRepeating(SWEEP, this::sweep);
    }

    /** Begins to serve. */
    public void serve() {
        HandlerOptions options =
                HandlerOptions.DEFAULT.withMaxStreamsPerPeer(64).withOverLimited(true);
        swarm.handle(RelayProtocol.HOP, options, this::accept);
        swarm.addListener(this);
    }

    private void accept(Stream raw) {
        HandoverStream stream = new HandoverStream(raw);
        stream.message(swarm.scheduler(), RelayProtocol.TIMEOUT)
                .whenCompleteAsync(
                        (message, failure) -> {
                            if (failure == null) {
                                request(stream, message);
                            } else {
                                swarm.metrics().refused(SwarmMetrics.Refusal.MISBEHAVIOUR);
                            }
                        },
                        swarm.scheduler());
    }

    private void request(HandoverStream stream, byte[] encoded) {
        HopMessage message;
        try {
            message = HopMessage.parseFrom(encoded);
        } catch (InvalidProtocolBufferException e) {
            refuse(stream, RelayStatus.MALFORMED_MESSAGE);
            return;
        }
        if (!message.hasType() || message.getType() == HopMessage.Type.STATUS) {
            refuse(stream, RelayStatus.UNEXPECTED_MESSAGE);
        } else if (isCircuit(stream.connection()) || !access.test(peerOf(stream))) {
            refuse(stream, RelayStatus.PERMISSION_DENIED);
        } else if (message.getType() == HopMessage.Type.RESERVE) {
            reserve(stream);
        } else {
            connect(stream, message);
        }
    }

    private static boolean isCircuit(Connection connection) {
        return connection.limited() || connection.remoteAddress().has(AddressProtocol.P2P_CIRCUIT);
    }

    private static PeerId peerOf(Stream stream) {
        return stream.connection().remotePeer();
    }

    private void refuse(HandoverStream stream, RelayStatus status) {
        swarm.metrics().refused(SwarmMetrics.Refusal.RELAY_LIMIT);
        answer(stream, RelayProtocol.hop(status).build());
    }

    private static void answer(HandoverStream stream, HopMessage message) {
        stream.send(message.toByteArray()).whenComplete((done, failure) -> {
            var unused = stream.closeWrite();
            stream.read(new EndOfStream(stream));
        });
    }

    // -------------------------------------------------------------------------------------------- reserving

    private void reserve(HandoverStream stream) {
        PeerId peer = peerOf(stream);
        Optional<Prefix> prefix = Prefix.of(stream.connection().remoteAddress());
        sweep();
        if (!places.containsKey(peer)) {
            long near = places.values().stream()
                    .filter(place -> prefix.isPresent() && place.prefix.equals(prefix))
                    .count();
            if (places.size() >= limits.reservations() || near >= limits.reservationsPerPrefix()) {
                refuse(stream, RelayStatus.RESERVATION_REFUSED);
                return;
            }
        }
        long seconds =
                (swarm.scheduler().wallMillis() + limits.reservationLife().toMillis()) / 1_000;
        places.put(peer, new Place(seconds * 1_000, prefix));
        swarm.protect(peer, TAG);
        HopMessage.Builder message =
                RelayProtocol.hop(RelayStatus.OK).setReservation(reservation(stream.connection(), seconds));
        if (limits.limited()) {
            message.setLimit(RelayProtocol.limit(limits));
        }
        answer(stream, message.build());
    }

    private RelayWire.Reservation reservation(Connection client, long seconds) {
        RelayWire.Reservation.Builder reservation =
                RelayWire.Reservation.newBuilder().setExpire(seconds);
        for (Multiaddr address : addressesFor(client)) {
            Multiaddr whole = address.withPeer(swarm.id());
            reservation.addAddrs(ByteString.copyFrom(whole.toBytes()));
        }
        RelayWire.Voucher voucher = RelayWire.Voucher.newBuilder()
                .setRelay(ByteString.copyFrom(swarm.id().toBytes()))
                .setPeer(ByteString.copyFrom(client.remotePeer().toBytes()))
                .setExpiration(seconds)
                .build();
        Envelope sealed = Envelope.seal(
                swarm.key(), RelayProtocol.VOUCHER_DOMAIN, RelayProtocol.voucherType(), voucher.toByteArray());
        return reservation.setVoucher(ByteString.copyFrom(sealed.toBytes())).build();
    }

    /** Global addresses if there are any; a relay on a LAN or one machine has only others. */
    private List<Multiaddr> addressesFor(Connection client) {
        List<Multiaddr> direct = swarm.addresses().stream()
                .filter(address -> AddressScope.of(address) != AddressScope.RELAYED)
                .toList();
        List<Multiaddr> global =
                direct.stream().filter(a -> AddressScope.of(a).global()).toList();
        boolean near = !AddressScope.of(client.remoteAddress()).global();
        return (near || global.isEmpty() ? direct : global).stream().limit(12).toList();
    }

    private void sweep() {
        long now = swarm.scheduler().wallMillis();
        places.entrySet().removeIf(e -> {
            boolean over = e.getValue().expiresMillis <= now;
            if (over) {
                swarm.unprotect(e.getKey(), TAG);
            }
            return over;
        });
    }

    @Override
    public void onDisconnected(PeerId peer) {
        if (!swarm.isConnected(peer) && places.remove(peer) != null) {
            swarm.unprotect(peer, TAG);
        }
    }

    // ------------------------------------------------------------------------------------------- connecting

    private void connect(HandoverStream hop, HopMessage message) {
        PeerId target;
        try {
            target = PeerId.fromBytes(message.getPeer().getId().toByteArray());
        } catch (PpiofsException e) {
            refuse(hop, RelayStatus.MALFORMED_MESSAGE);
            return;
        }
        PeerId source = peerOf(hop);
        sweep();
        if (!places.containsKey(target) || target.equals(source)) {
            refuse(hop, RelayStatus.NO_RESERVATION);
            return;
        }
        boolean full = circuits >= limits.circuits()
                || circuitsOf.getOrDefault(source, 0) >= limits.circuitsPerPeer()
                || circuitsOf.getOrDefault(target, 0) >= limits.circuitsPerPeer();
        if (full) {
            refuse(hop, RelayStatus.RESOURCE_LIMIT_EXCEEDED);
            return;
        }
        count(source, target, 1);
        OpenOptions options = OpenOptions.DEFAULT.withDial(false).withTimeout(RelayProtocol.TIMEOUT);
        swarm.open(target, List.of(RelayProtocol.STOP), options)
                .thenCompose(stop -> call(new HandoverStream(stop), source))
                .whenCompleteAsync((stop, failure) -> join(hop, stop, source, target, failure), swarm.scheduler());
    }

    /** Tells the target who calls; the result is the stream, when the target has agreed. */
    private CompletableFuture<HandoverStream> call(HandoverStream stop, PeerId source) {
        StopMessage.Builder message = StopMessage.newBuilder()
                .setType(StopMessage.Type.CONNECT)
                .setPeer(RelayWire.RelayPeer.newBuilder().setId(ByteString.copyFrom(source.toBytes())));
        if (limits.limited()) {
            message.setLimit(RelayProtocol.limit(limits));
        }
        CompletableFuture<byte[]> answer = stop.message(swarm.scheduler(), RelayProtocol.TIMEOUT);
        return stop.send(message.build().toByteArray())
                .thenCompose(sent -> answer)
                .thenApply(encoded -> {
                    if (agrees(encoded)) {
                        return stop;
                    }
                    stop.reset();
                    throw new IllegalStateException("the target does not take the call");
                });
    }

    private static boolean agrees(byte[] encoded) {
        try {
            StopMessage message = StopMessage.parseFrom(encoded);
            return message.getType() == StopMessage.Type.STATUS && message.getStatus() == RelayStatus.OK;
        } catch (InvalidProtocolBufferException e) {
            return false;
        }
    }

    private void join(
            HandoverStream hop,
            @Nullable HandoverStream stop,
            PeerId source,
            PeerId target,
            @Nullable Throwable failure) {
        if (stop == null) {
            LOG.debug("call {} for {}: {}", target, source, String.valueOf(failure));
            count(source, target, -1);
            refuse(hop, RelayStatus.CONNECTION_FAILED);
            return;
        }
        HopMessage.Builder message = RelayProtocol.hop(RelayStatus.OK);
        if (limits.limited()) {
            message.setLimit(RelayProtocol.limit(limits));
        }
        var unused = hop.send(message.build().toByteArray());
        Circuit circuit = new Circuit(hop, stop, limits, swarm.scheduler(), swarm.metrics()::relayed);
        circuit.ended().thenRunAsync(() -> count(source, target, -1), swarm.scheduler());
        circuit.begin();
    }

    private void count(PeerId source, PeerId target, int change) {
        circuits += change;
        for (PeerId peer : List.of(source, target)) {
            circuitsOf.merge(peer, change, (a, b) -> a + b == 0 ? null : a + b);
        }
    }

    @Override
    public void close() {
        sweeper.cancel();
        swarm.unhandle(RelayProtocol.HOP);
        swarm.removeListener(this);
    }

    /** Waits for the other side's end of an answered stream. */
    private record EndOfStream(Stream stream) implements Stream.Reader {
        @Override
        public void onData(io.netty.buffer.ByteBuf data) {
            data.release();
            stream.reset(); // nothing may follow a refused or answered request
        }

        @Override
        public void onEnd() {}

        @Override
        public void onReset(Throwable cause) {}
    }
}
