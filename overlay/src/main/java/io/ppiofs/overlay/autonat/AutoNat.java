package io.ppiofs.overlay.autonat;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.host.HostListener;
import io.ppiofs.overlay.host.MessageChannel;
import io.ppiofs.overlay.host.OpenOptions;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.host.Scheduler;
import io.ppiofs.overlay.host.Stream;
import io.ppiofs.overlay.identify.Identify;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.AddressProtocol;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.swarm.AddressScope;
import io.ppiofs.overlay.swarm.Swarm;
import io.ppiofs.overlay.wire.AutoNatWire.AutoNatMessage;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds out whether this node is publicly reachable, by asking peers to dial back. An answer against the present state
 * first lowers the confidence in it (0 to 3) and changes it at zero, so one liar or one lost packet changes little. State is
 * on the scheduler; {@link #reachability} may be read from any thread.
 */
public final class AutoNat implements HostListener, AutoCloseable {
    /** The protocol of the specification. */
    public static final ProtocolId PROTOCOL = new ProtocolId("/libp2p/autonat/1.0.0");

    private static final Logger LOG = LoggerFactory.getLogger(AutoNat.class);
    private static final int MAX_MESSAGE = 8 * 1024;
    private static final int MAX_ADDRESSES = 16;
    private static final int ADDRESSES_AT_ONCE = 2;
    private static final int MAX_CONFIDENCE = 3;
    private static final Duration ANSWER = Duration.ofSeconds(30);
    private static final Duration SOON = Duration.ofSeconds(1);
    private static final Duration UNSURE = Duration.ofSeconds(30);
    private static final Duration SURE = Duration.ofMinutes(10);

    private final Swarm swarm;
    private final Identify identify;
    private final AutoNatV2 second;
    private final boolean privateAddresses;
    private final List<Consumer<Reachability>> listeners = new CopyOnWriteArrayList<>();
    private final ServerRota rota = new ServerRota();
    private volatile Reachability reachability = Reachability.UNKNOWN;
    private int confidence;
    private Scheduler.@Nullable Timer timer;
    private boolean asking;
    private boolean closed;

    /** @param second asks those who speak version 2, whose answers are proven by a nonce */
    public AutoNat(Swarm swarm, Identify identify, AutoNatV2 second, boolean privateAddresses) {
        this.swarm = swarm;
        this.identify = identify;
        this.second = second;
        this.privateAddresses = privateAddresses;
    }

    /** Begins to ask as soon as a peer that can answer is connected. */
    public void start() {
        swarm.addListener(this);
        swarm.scheduler().execute(() -> again(SOON));
    }

    public Reachability reachability() {
        return reachability;
    }

    /** {@code listener} hears of changes, on the scheduler. */
    public void addListener(Consumer<Reachability> listener) {
        listeners.add(listener);
    }

    @Override
    public void onIdentified(PeerId peer, Set<ProtocolId> protocols) {
        boolean server = protocols.contains(PROTOCOL) || protocols.contains(AutoNatV2.REQUEST);
        if (reachability == Reachability.UNKNOWN && !asking && server) {
            again(SOON);
        }
    }

    @Override
    public void onAddressesChanged(List<Multiaddr> addresses) {
        if (!asking) {
            again(SOON);
        }
    }

    private void again(Duration delay) {
        Scheduler.Timer old = timer;
        if (old != null) {
            old.cancel();
        }
        if (!closed) {
            timer = swarm.scheduler().schedule(delay, this::round);
        }
    }

    private void round() {
        List<PeerId> servers = new ArrayList<>();
        for (PeerId peer : swarm.connectedPeers()) {
            boolean direct = swarm.connections(peer).stream().anyMatch(AutoNat::direct);
            if (direct && (mayAskByFirst(peer) || speaks(peer, AutoNatV2.REQUEST))) {
                servers.add(peer);
            }
        }
        if (servers.isEmpty() || asking || closed) {
            again(UNSURE);
            return;
        }
        asking = true;
        PeerId server = rota.next(servers);
        seenBy(server)
                .whenCompleteAsync(
                        (seen, failure) -> {
                            asking = false;
                            if (failure == null) {
                                seen.ifPresent(this::vote);
                            } else {
                                LOG.debug("ask {} for reachability: {}", server, failure.toString());
                            }
                            again(confidence == MAX_CONFIDENCE ? SURE : UNSURE);
                        },
                        swarm.scheduler());
    }

    private static boolean direct(Connection connection) {
        return !connection.limited() && !connection.remoteAddress().has(AddressProtocol.P2P_CIRCUIT);
    }

    private boolean speaks(PeerId peer, ProtocolId protocol) {
        return swarm.addressBook().protocols(peer).contains(protocol);
    }

    /** What this server finds: by version 2 if it speaks that and gives a verdict, else by version 1. */
    private CompletableFuture<Optional<Reachability>> seenBy(PeerId server) {
        if (!speaks(server, AutoNatV2.REQUEST)) {
            return byFirst(server);
        }
        return bySecond(server)
                .thenComposeAsync(
                        seen -> seen.isPresent() || !mayAskByFirst(server)
                                ? CompletableFuture.completedFuture(seen)
                                : byFirst(server),
                        swarm.scheduler());
    }

    private boolean mayAskByFirst(PeerId server) {
        return speaks(server, PROTOCOL) && !rota.hangsUp(server);
    }

    private CompletableFuture<Optional<Reachability>> byFirst(PeerId server) {
        return ask(server).thenApply(status -> switch (status) {
            case OK -> Optional.of(Reachability.PUBLIC);
            case E_DIAL_ERROR -> Optional.of(Reachability.PRIVATE);
            default -> Optional.empty();
        });
    }

    /** Two addresses at once; a single one that is reachable is enough. */
    private CompletableFuture<Optional<Reachability>> bySecond(PeerId server) {
        return candidates().thenCompose(addresses -> {
            List<CompletableFuture<AutoNatV2.Verdict>> asked = addresses.stream()
                    .limit(ADDRESSES_AT_ONCE)
                    .map(address -> second.ask(server, address).exceptionally(failure -> AutoNatV2.Verdict.NO_ANSWER))
                    .toList();
            return CompletableFuture.allOf(asked.toArray(CompletableFuture<?>[]::new))
                    .thenApply(done ->
                            verdict(asked.stream().map(CompletableFuture::join).toList()));
        });
    }

    private static Optional<Reachability> verdict(List<AutoNatV2.Verdict> all) {
        if (all.contains(AutoNatV2.Verdict.REACHABLE)) {
            return Optional.of(Reachability.PUBLIC);
        }
        boolean none = !all.isEmpty() && all.stream().allMatch(AutoNatV2.Verdict.UNREACHABLE::equals);
        return none ? Optional.of(Reachability.PRIVATE) : Optional.empty();
    }

    private void vote(Reachability seen) {
        if (seen == reachability) {
            confidence = Math.min(MAX_CONFIDENCE, confidence + 1);
        } else if (reachability != Reachability.UNKNOWN && confidence > 0) {
            confidence--;
        } else {
            reachability = seen;
            confidence = 0;
            listeners.forEach(listener -> listener.accept(seen));
        }
    }

    private CompletableFuture<AutoNatMessage.Status> ask(PeerId server) {
        OpenOptions options = OpenOptions.DEFAULT.withDial(false);
        return candidates()
                .thenCompose(addresses -> swarm.open(server, List.of(PROTOCOL), options)
                        .thenCompose(stream -> question(stream, addresses)
                                .whenCompleteAsync(
                                        (status, failure) -> {
                                            if (failure != null
                                                    && !stream.connection().isOpen()) {
                                                rota.hungUp(server);
                                            }
                                        },
                                        swarm.scheduler())));
    }

    private CompletableFuture<List<Multiaddr>> candidates() {
        return identify.observed(1).thenApply(observed -> {
            Set<Multiaddr> all = new LinkedHashSet<>(observed);
            all.addAll(swarm.addresses());
            return all.stream()
                    .filter(a -> AddressScope.of(a).global()
                            || (privateAddresses && AddressScope.of(a) != AddressScope.RELAYED))
                    .limit(MAX_ADDRESSES)
                    .toList();
        });
    }

    private CompletableFuture<AutoNatMessage.Status> question(Stream stream, List<Multiaddr> addresses) {
        AutoNatMessage.PeerInfo.Builder self = AutoNatMessage.PeerInfo.newBuilder()
                .setId(ByteString.copyFrom(swarm.id().toBytes()));
        addresses.forEach(address -> self.addAddrs(ByteString.copyFrom(address.toBytes())));
        byte[] request = AutoNatMessage.newBuilder()
                .setType(AutoNatMessage.Type.DIAL)
                .setDial(AutoNatMessage.Dial.newBuilder().setPeer(self))
                .build()
                .toByteArray();
        CompletableFuture<AutoNatMessage.Status> result = new CompletableFuture<>();
        Scheduler.Timer late = swarm.scheduler().schedule(ANSWER, () -> {
            if (result.completeExceptionally(new IllegalStateException("no answer in time"))) {
                stream.reset();
            }
        });
        result.whenComplete((status, failure) -> late.cancel());
        MessageChannel channel = new MessageChannel(stream, MAX_MESSAGE);
        channel.receive(new Answer(stream, result));
        channel.send(request).whenComplete((done, failure) -> {
            if (failure != null) {
                result.completeExceptionally(failure);
            }
        });
        return result;
    }

    /** Waits for the one response. */
    private record Answer(Stream stream, CompletableFuture<AutoNatMessage.Status> result)
            implements MessageChannel.Receiver {
        @Override
        public void onMessage(byte[] message) {
            try {
                AutoNatMessage parsed = AutoNatMessage.parseFrom(message);
                result.complete(
                        parsed.getDialResponse().hasStatus()
                                ? parsed.getDialResponse().getStatus()
                                : AutoNatMessage.Status.E_INTERNAL_ERROR);
                var unused = stream.closeWrite();
            } catch (InvalidProtocolBufferException e) {
                result.completeExceptionally(e);
                stream.reset();
            }
        }

        @Override
        public void onEnd(boolean complete) {
            result.completeExceptionally(new IllegalStateException("the stream ended without an answer"));
        }

        @Override
        public void onReset(Throwable cause) {
            result.completeExceptionally(cause);
        }
    }

    @Override
    public void close() {
        swarm.removeListener(this);
        swarm.scheduler().execute(() -> {
            closed = true;
            Scheduler.Timer old = timer;
            if (old != null) {
                old.cancel();
            }
        });
    }
}
