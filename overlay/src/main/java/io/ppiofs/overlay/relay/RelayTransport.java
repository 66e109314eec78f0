package io.ppiofs.overlay.relay;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.host.ConnectionClass;
import io.ppiofs.overlay.host.Direction;
import io.ppiofs.overlay.host.HandlerOptions;
import io.ppiofs.overlay.host.OpenOptions;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.host.Stream;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.AddressProtocol;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.swarm.Swarm;
import io.ppiofs.overlay.swarm.SwarmMetrics;
import io.ppiofs.overlay.transport.Transport;
import io.ppiofs.overlay.wire.RelayWire;
import io.ppiofs.overlay.wire.RelayWire.HopMessage;
import io.ppiofs.overlay.wire.RelayWire.RelayStatus;
import io.ppiofs.overlay.wire.RelayWire.StopMessage;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Dials and listens through relays. Listening on {@code RELAY-ADDRESS/p2p/RELAY/p2p-circuit} reserves a place there, keeps
 * it until the listener is closed, and announces the circuit addresses that the relay gives. Thread safe.
 */
public final class RelayTransport implements Transport {
    /** What a relay serves; a peer that speaks it may be asked for a place. */
    public static final ProtocolId HOP = RelayProtocol.HOP;

    private static final Logger LOG = LoggerFactory.getLogger(RelayTransport.class);
    private static final String CIRCUIT = "/p2p-circuit";

    private final Swarm swarm;
    private final Map<PeerId, Reservation> reservations = new ConcurrentHashMap<>();
    private volatile @Nullable Consumer<Connection> accepted;

    public RelayTransport(Swarm swarm) {
        this.swarm = swarm;
        HandlerOptions options = HandlerOptions.DEFAULT.withMaxStreamsPerPeer(256);
        swarm.handle(RelayProtocol.STOP, options, this::called);
    }

    /** A circuit address taken apart. */
    private record Parts(Multiaddr relayAddress, PeerId relay) {
        /** Empty if there is not exactly one relay, which must be named. */
        static Optional<Parts> of(Multiaddr address) {
            String text = address.toString();
            int at = text.indexOf(CIRCUIT);
            if (at <= 0 || text.indexOf(CIRCUIT, at + 1) >= 0) {
                return Optional.empty();
            }
            Multiaddr relayAddress = Multiaddr.parse(text.substring(0, at));
            return relayAddress.peer().map(peer -> new Parts(relayAddress, peer));
        }

        Multiaddr circuit() {
            return Multiaddr.parse(relayAddress + CIRCUIT);
        }
    }

    @Override
    public boolean dials(Multiaddr address) {
        return address.has(AddressProtocol.P2P_CIRCUIT);
    }

    @Override
    public boolean listens(Multiaddr address) {
        return address.toString().endsWith(CIRCUIT);
    }

    // --------------------------------------------------------------------------------------------- dialling

    @Override
    public CompletableFuture<Connection> dial(
            Multiaddr address, @Nullable PeerId expected, ConnectionClass connectionClass, Duration timeout) {
        Optional<Parts> parts = Parts.of(address);
        if (parts.isEmpty() || expected == null || parts.get().relay.equals(swarm.id())) {
            return CompletableFuture.failedFuture(new PpiofsException(
                    ErrorKind.INVALID,
                    "dial",
                    address.toString(),
                    "expected RELAY/p2p-circuit/p2p/PEER with one relay"));
        }
        PeerId relay = parts.get().relay;
        OpenOptions options = OpenOptions.DEFAULT.withDial(false).withTimeout(timeout);
        return connectRelay(parts.get())
                .thenCompose(connected -> swarm.open(relay, List.of(RelayProtocol.HOP), options))
                .thenCompose(hop ->
                        call(new HandoverStream(hop), expected, parts.get().circuit(), timeout));
    }

    private CompletableFuture<Connection> connectRelay(Parts parts) {
        boolean addressed = parts.relayAddress.parts().size() > 1;
        boolean direct = swarm.connections(parts.relay).stream().anyMatch(c -> !c.limited());
        return addressed && !direct ? swarm.connect(parts.relayAddress) : swarm.connect(parts.relay);
    }

    private CompletableFuture<Connection> call(HandoverStream hop, PeerId target, Multiaddr circuit, Duration timeout) {
        HopMessage request = HopMessage.newBuilder()
                .setType(HopMessage.Type.CONNECT)
                .setPeer(RelayWire.RelayPeer.newBuilder().setId(ByteString.copyFrom(target.toBytes())))
                .build();
        CompletableFuture<byte[]> answer = hop.message(swarm.scheduler(), timeout);
        return hop.send(request.toByteArray()).thenCompose(sent -> answer).thenCompose(encoded -> {
            HopMessage message = parse(encoded, circuit);
            if (message.getType() != HopMessage.Type.STATUS || message.getStatus() != RelayStatus.OK) {
                hop.reset();
                throw new PpiofsException(
                        ErrorKind.NOT_CONNECTED, "dial", circuit + "/p2p/" + target, reason(message.getStatus()));
            }
            boolean limited = RelayProtocol.limits(message.hasLimit(), message.getLimit());
            return swarm.upgrader().upgrade(hop, Direction.OUTBOUND, target, circuit, limited, timeout);
        });
    }

    private static HopMessage parse(byte[] encoded, Multiaddr relay) {
        try {
            return HopMessage.parseFrom(encoded);
        } catch (InvalidProtocolBufferException e) {
            throw new PpiofsException(
                    ErrorKind.CORRUPT,
                    "ask relay",
                    relay.toString(),
                    "it answered with something else than a HopMessage");
        }
    }

    private static String reason(RelayStatus status) {
        return switch (status) {
            case NO_RESERVATION -> "the peer has no place at this relay";
            case RESOURCE_LIMIT_EXCEEDED -> "the relay is full; try another or later";
            case PERMISSION_DENIED -> "the relay does not serve this node";
            case CONNECTION_FAILED -> "the relay could not reach the peer";
            case RESERVATION_REFUSED -> "the relay gives no place; try another or later";
            default -> "the relay answered " + status;
        };
    }

    @Override
    public CompletableFuture<Connection> punch(Multiaddr address, PeerId expected, Direction role, Duration timeout) {
        return CompletableFuture.failedFuture(new PpiofsException(
                ErrorKind.NOT_SUPPORTED, "punch", address.toString(), "a relayed address needs no hole"));
    }

    // -------------------------------------------------------------------------------------------- listening

    /** Completes when the first reservation is made; fails if it cannot be. */
    @Override
    public CompletableFuture<Listener> listen(Multiaddr address, Consumer<Connection> consumer) {
        Optional<Parts> parts = Parts.of(address);
        if (parts.isEmpty() || parts.get().relay.equals(swarm.id())) {
            return CompletableFuture.failedFuture(new PpiofsException(
                    ErrorKind.INVALID, "listen on", address.toString(), "expected ADDRESS/p2p/RELAY/p2p-circuit"));
        }
        accepted = consumer;
        Reservation reservation = new Reservation(swarm, parts.get().relay, () -> connectRelay(parts.get()));
        Reservation earlier = reservations.put(parts.get().relay, reservation);
        if (earlier != null) {
            earlier.close();
        }
        return reservation.first().handle((done, failure) -> {
            if (failure != null) {
                reservations.remove(parts.get().relay, reservation);
                reservation.close();
                throw failure instanceof RuntimeException known ? known : new IllegalStateException(failure);
            }
            return new Socket(parts.get(), reservation);
        });
    }

    /** A place at a relay as a listening socket. */
    private final class Socket implements Listener {
        private final Parts parts;
        private final Reservation reservation;

        Socket(Parts parts, Reservation reservation) {
            this.parts = parts;
            this.reservation = reservation;
        }

        @Override
        public Multiaddr address() {
            return parts.circuit();
        }

        @Override
        public void close() {
            reservations.remove(parts.relay, reservation);
            reservation.close();
        }
    }

    /** Makes a reservation and says what the relay answered; for {@link Reservation}. */
    static CompletableFuture<HopMessage> reserve(Swarm swarm, PeerId relay) {
        OpenOptions options = OpenOptions.DEFAULT.withDial(false).withTimeout(RelayProtocol.TIMEOUT);
        return swarm.open(relay, List.of(RelayProtocol.HOP), options).thenCompose(raw -> {
            HandoverStream hop = new HandoverStream(raw);
            HopMessage request =
                    HopMessage.newBuilder().setType(HopMessage.Type.RESERVE).build();
            CompletableFuture<byte[]> answer = hop.message(swarm.scheduler(), RelayProtocol.TIMEOUT);
            return hop.send(request.toByteArray()).thenCompose(sent -> answer).thenApply(encoded -> {
                var unused = hop.closeWrite();
                hop.read(new Ignore());
                HopMessage message = parse(encoded, raw.connection().remoteAddress());
                if (message.getType() != HopMessage.Type.STATUS || message.getStatus() != RelayStatus.OK) {
                    throw new PpiofsException(
                            ErrorKind.BUSY, "reserve at relay", relay.toString(), reason(message.getStatus()));
                }
                return message;
            });
        });
    }

    /** A relay says that somebody calls. */
    private void called(Stream raw) {
        HandoverStream stop = new HandoverStream(raw);
        PeerId relay = raw.connection().remotePeer();
        stop.message(swarm.scheduler(), RelayProtocol.TIMEOUT).whenComplete((encoded, failure) -> {
            if (failure != null) {
                swarm.metrics().refused(SwarmMetrics.Refusal.MISBEHAVIOUR);
                return;
            }
            Optional<StopMessage> message = callMessage(encoded);
            Consumer<Connection> consumer = accepted;
            if (message.isEmpty()) {
                refuse(stop, RelayStatus.MALFORMED_MESSAGE);
            } else if (consumer == null || !reservations.containsKey(relay)) {
                refuse(stop, RelayStatus.PERMISSION_DENIED);
            } else {
                answer(stop, message.get(), consumer);
            }
        });
    }

    private static Optional<StopMessage> callMessage(byte[] encoded) {
        try {
            StopMessage message = StopMessage.parseFrom(encoded);
            boolean call = message.hasType() && message.getType() == StopMessage.Type.CONNECT && message.hasPeer();
            return call ? Optional.of(message) : Optional.empty();
        } catch (InvalidProtocolBufferException e) {
            return Optional.empty();
        }
    }

    private void refuse(HandoverStream stop, RelayStatus status) {
        swarm.metrics().refused(SwarmMetrics.Refusal.ACCESS);
        stop.send(RelayProtocol.stop(status).build().toByteArray()).whenComplete((done, failure) -> {
            var unused = stop.closeWrite();
            stop.read(new Ignore());
        });
    }

    private void answer(HandoverStream stop, StopMessage message, Consumer<Connection> consumer) {
        PeerId caller;
        try {
            caller = PeerId.fromBytes(message.getPeer().getId().toByteArray());
        } catch (PpiofsException e) {
            refuse(stop, RelayStatus.MALFORMED_MESSAGE);
            return;
        }
        Connection relay = stop.connection();
        Multiaddr circuit = Multiaddr.parse(relay.remoteAddress().withPeer(relay.remotePeer()) + CIRCUIT);
        var unused = stop.send(RelayProtocol.stop(RelayStatus.OK).build().toByteArray());
        boolean limited = RelayProtocol.limits(message.hasLimit(), message.getLimit());
        swarm.upgrader()
                .upgrade(stop, Direction.INBOUND, caller, circuit, limited, RelayProtocol.TIMEOUT)
                .whenComplete((connection, failure) -> {
                    if (failure == null) {
                        consumer.accept(connection);
                    } else {
                        LOG.debug("call of {} over {}: {}", caller, circuit, failure.toString());
                    }
                });
    }

    @Override
    public void close() {
        reservations.values().forEach(Reservation::close);
        reservations.clear();
    }

    /** Drops what follows. */
    private static final class Ignore implements Stream.Reader {
        @Override
        public void onData(io.netty.buffer.ByteBuf data) {
            data.release();
        }

        @Override
        public void onEnd() {}

        @Override
        public void onReset(Throwable cause) {}
    }
}
