package io.ppiofs.overlay.dcutr;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.host.Direction;
import io.ppiofs.overlay.host.HandlerOptions;
import io.ppiofs.overlay.host.HostListener;
import io.ppiofs.overlay.host.MessageChannel;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.host.Scheduler;
import io.ppiofs.overlay.host.Stream;
import io.ppiofs.overlay.identify.Identify;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.AddressProtocol;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.swarm.AddressScope;
import io.ppiofs.overlay.swarm.Prefix;
import io.ppiofs.overlay.swarm.Swarm;
import io.ppiofs.overlay.swarm.SwarmMetrics;
import io.ppiofs.overlay.wire.HolePunchWire.HolePunch;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Replaces relayed connections by direct ones. State is on the scheduler. */
public final class HolePuncher implements HostListener, AutoCloseable {
    /** The protocol of the specification. */
    public static final ProtocolId PROTOCOL = new ProtocolId("/libp2p/dcutr");

    private static final Logger LOG = LoggerFactory.getLogger(HolePuncher.class);
    private static final int MAX_MESSAGE = 4 * 1024;
    private static final int MAX_ADDRESSES = 8;
    private static final int ATTEMPTS = 3;
    private static final Duration PUNCH = Duration.ofSeconds(5);
    private static final Duration UNILATERAL = Duration.ofSeconds(4);
    private static final Duration ANSWER = Duration.ofSeconds(10);
    private static final Duration GRACE = Duration.ofSeconds(2);

    private final Swarm swarm;
    private final Identify identify;
    private final Scheduler scheduler;
    private final boolean privateAddresses;
    private final Set<PeerId> busy = new HashSet<>();

    /** @param privateAddresses whether private and loopback addresses are tried and told, too */
    public HolePuncher(Swarm swarm, Identify identify, boolean privateAddresses) {
        this.swarm = swarm;
        this.identify = identify;
        this.scheduler = swarm.scheduler();
        this.privateAddresses = privateAddresses;
    }

    /** Begins to answer, and to upgrade connections that come over relays. */
    public void serve() {
        HandlerOptions options = HandlerOptions.DEFAULT.withMaxStreamsPerPeer(2).withOverLimited(true);
        swarm.handle(PROTOCOL, options, this::called);
        swarm.addListener(this);
    }

    @Override
    public void close() {
        swarm.removeListener(this);
        swarm.unhandle(PROTOCOL);
    }

    private static boolean relayed(Connection connection) {
        return connection.remoteAddress().has(AddressProtocol.P2P_CIRCUIT);
    }

    private boolean direct(PeerId peer) {
        return swarm.connections(peer).stream().anyMatch(c -> c.isOpen() && !relayed(c));
    }

    // ------------------------------------------------------------------------------------ the side that was called

    @Override
    public void onIdentified(PeerId peer, Set<ProtocolId> protocols) {
        Optional<Connection> called = swarm.connections(peer).stream()
                .filter(c -> relayed(c) && c.direction() == Direction.INBOUND && c.isOpen())
                .findFirst();
        if (called.isPresent() && !direct(peer) && busy.add(peer)) {
            upgrade(called.get(), protocols.contains(PROTOCOL))
                    .whenCompleteAsync(
                            (done, failure) -> {
                                busy.remove(peer);
                                LOG.debug(
                                        "direct connection to {}: {}",
                                        peer,
                                        failure == null ? "made" : failure.toString());
                            },
                            scheduler);
        }
    }

    /** A direct connection came, from whichever side: the relayed one may go. */
    @Override
    public void onConnection(Connection connection) {
        if (!relayed(connection)) {
            scheduler.schedule(GRACE, () -> endRelayed(connection.remotePeer()));
        }
    }

    private void endRelayed(PeerId peer) {
        if (direct(peer)) {
            for (Connection connection : swarm.connections(peer)) {
                if (relayed(connection)) {
                    var unused = connection.close();
                }
            }
        }
    }

    private CompletableFuture<Void> upgrade(Connection relay, boolean speaks) {
        return dialPublic(relay.remotePeer())
                .exceptionallyCompose(
                        failure -> speaks ? punchTogether(relay) : CompletableFuture.failedFuture(failure))
                .whenComplete((done, failure) -> swarm.metrics().holePunched(failure == null));
    }

    /** The caller may be public: then dialling it is enough. */
    private CompletableFuture<Void> dialPublic(PeerId peer) {
        List<Multiaddr> candidates = usable(swarm.addressBook().addresses(peer));
        if (candidates.isEmpty()) {
            return CompletableFuture.failedFuture(
                    PpiofsException.expected(ErrorKind.NOT_FOUND, "dial directly", peer.toString()));
        }
        CompletableFuture<Void> result = new CompletableFuture<>();
        Scheduler.Timer timer = scheduler.schedule(
                UNILATERAL,
                () -> result.completeExceptionally(
                        PpiofsException.expected(ErrorKind.NOT_CONNECTED, "dial directly", peer.toString())));
        swarm.dialDirect(peer, candidates).whenComplete((connection, failure) -> {
            timer.cancel();
            if (failure == null) {
                result.complete(null);
            } else {
                result.completeExceptionally(failure);
            }
        });
        return result;
    }

    /** Addresses at which a direct connection makes sense. */
    private List<Multiaddr> usable(Collection<Multiaddr> addresses) {
        Set<Prefix> near = new HashSet<>();
        swarm.addresses().forEach(own -> Prefix.of(own).ifPresent(near::add));
        return addresses.stream()
                .map(Multiaddr::withoutPeer)
                .filter(address -> switch (AddressScope.of(address)) {
                    case PUBLIC, NAMED -> true;
                    case PRIVATE ->
                        privateAddresses
                                || Prefix.of(address).filter(near::contains).isPresent();
                    case LOOPBACK, LINK_LOCAL -> privateAddresses;
                    case RELAYED, OTHER -> false;
                })
                .distinct()
                .limit(MAX_ADDRESSES)
                .toList();
    }

    private CompletableFuture<Void> punchTogether(Connection relay) {
        return relay.open(List.of(PROTOCOL)).thenCompose(stream -> {
            Conversation conversation = new Conversation(stream);
            conversation.begin();
            return attempt(conversation, 1).whenComplete((done, failure) -> {
                if (failure == null) {
                    var unused = stream.closeWrite();
                } else {
                    stream.reset();
                }
            });
        });
    }

    private CompletableFuture<Void> attempt(Conversation with, int number) {
        return own().thenCompose(own -> {
                    long began = scheduler.nanoTime();
                    return with.send(HolePunch.Type.CONNECT, own)
                            .thenCompose(sent -> with.next(HolePunch.Type.CONNECT))
                            .thenCompose(answer -> {
                                Duration half = Duration.ofNanos((scheduler.nanoTime() - began) / 2);
                                return with.send(HolePunch.Type.SYNC, List.of())
                                        .thenCompose(sent -> after(half))
                                        .thenCompose(now -> punch(with.peer(), addresses(answer), Direction.INBOUND));
                            });
                })
                .exceptionallyCompose(failure -> {
                    boolean again = number < ATTEMPTS && with.open() && !direct(with.peer());
                    LOG.debug("attempt {} with {}: {}", number, with.peer(), failure.toString());
                    return again
                            ? attempt(with, number + 1)
                            : direct(with.peer())
                                    ? CompletableFuture.completedFuture(null)
                                    : CompletableFuture.failedFuture(failure);
                });
    }

    private CompletableFuture<Void> after(Duration delay) {
        CompletableFuture<Void> result = new CompletableFuture<>();
        scheduler.schedule(delay, () -> result.complete(null));
        return result;
    }

    /** Under which addresses this side may be met: as others see it, mapped and listening ones. */
    private CompletableFuture<List<Multiaddr>> own() {
        return identify.observed(1).thenApply(observed -> {
            Set<Multiaddr> all = new LinkedHashSet<>(observed);
            all.addAll(swarm.addresses());
            return usable(all);
        });
    }

    private static List<Multiaddr> addresses(HolePunch message) {
        return message.getObservedAddrsList().stream()
                .limit(4L * MAX_ADDRESSES)
                .flatMap(bytes -> Multiaddr.read(bytes.toByteArray()).stream())
                .toList();
    }

    /** Dials all addresses at once; succeeds with the first connection, whichever side made it. */
    private CompletableFuture<Void> punch(PeerId peer, List<Multiaddr> told, Direction role) {
        List<Multiaddr> targets = usable(told);
        CompletableFuture<Void> result = new CompletableFuture<>();
        HostListener watcher = new HostListener() {
            @Override
            public void onConnection(Connection connection) {
                if (connection.remotePeer().equals(peer) && !relayed(connection)) {
                    result.complete(null);
                }
            }
        };
        swarm.addListener(watcher);
        if (direct(peer)) {
            result.complete(null);
        }
        for (Multiaddr target : targets) {
            swarm.punch(peer, target, role, PUNCH).whenComplete((connection, failure) -> {
                if (failure == null) {
                    result.complete(null);
                } else {
                    LOG.debug("punch {}: {}", target, failure.toString());
                }
            });
        }
        Duration wait = targets.isEmpty() ? Duration.ZERO : PUNCH;
        Scheduler.Timer timer = scheduler.schedule(
                wait,
                () -> result.completeExceptionally(
                        PpiofsException.expected(ErrorKind.NOT_CONNECTED, "punch a hole to", peer.toString())));
        return result.whenComplete((done, failure) -> {
            timer.cancel();
            swarm.removeListener(watcher);
        });
    }

    // ------------------------------------------------------------------------------------------- the caller

    private void called(Stream stream) {
        PeerId peer = stream.connection().remotePeer();
        if (!relayed(stream.connection())) {
            swarm.metrics().refused(SwarmMetrics.Refusal.MISBEHAVIOUR);
            stream.reset(); // there is nothing to upgrade
            return;
        }
        Conversation conversation = new Conversation(stream);
        conversation.begin();
        answer(conversation, 1).whenComplete((done, failure) -> {
            if (failure == null) {
                var unused = stream.closeWrite();
            } else {
                LOG.debug("hole punching with {}: {}", peer, failure.toString());
                stream.reset();
            }
        });
    }

    private CompletableFuture<Void> answer(Conversation with, int number) {
        return with.next(HolePunch.Type.CONNECT)
                .thenCombine(
                        own(),
                        (call, own) -> with.send(HolePunch.Type.CONNECT, own)
                                .thenCompose(sent -> with.next(HolePunch.Type.SYNC))
                                .thenCompose(sync -> punch(with.peer(), addresses(call), Direction.OUTBOUND)))
                .thenCompose(result -> result)
                .exceptionallyCompose(failure -> number < ATTEMPTS && with.open()
                        ? answer(with, number + 1)
                        : CompletableFuture.failedFuture(failure));
    }

    /** Messages of one stream, one at a time, each waited for at most ten seconds. */
    private final class Conversation implements MessageChannel.Receiver {
        private final MessageChannel channel;
        private final Deque<HolePunch> arrived = new ArrayDeque<>(); // guarded by this
        private @Nullable CompletableFuture<HolePunch> waiting; // guarded by this
        private @Nullable PpiofsException ended; // guarded by this

        Conversation(Stream stream) {
            this.channel = new MessageChannel(stream, MAX_MESSAGE);
        }

        void begin() {
            channel.receive(this);
        }

        PeerId peer() {
            return channel.stream().connection().remotePeer();
        }

        synchronized boolean open() {
            return ended == null;
        }

        CompletableFuture<Void> send(HolePunch.Type type, List<Multiaddr> addresses) {
            HolePunch.Builder message = HolePunch.newBuilder().setType(type);
            addresses.forEach(address -> message.addObservedAddrs(ByteString.copyFrom(address.toBytes())));
            return channel.send(message.build().toByteArray());
        }

        CompletableFuture<HolePunch> next(HolePunch.Type type) {
            CompletableFuture<HolePunch> result = new CompletableFuture<>();
            synchronized (this) {
                HolePunch ready = arrived.poll();
                if (ready != null) {
                    result.complete(ready);
                } else if (ended != null) {
                    result.completeExceptionally(ended);
                } else {
                    waiting = result;
                }
            }
            Scheduler.Timer timer = scheduler.schedule(ANSWER, () -> fail("no answer in time"));
            return result.whenComplete((message, failure) -> timer.cancel())
                    .thenApplyAsync(
                            message -> {
                                if (message.getType() != type) {
                                    throw fail("expected " + type + ", not " + message.getType());
                                }
                                return message;
                            },
                            scheduler);
        }

        @Override
        public void onMessage(byte[] encoded) {
            HolePunch message;
            try {
                message = HolePunch.parseFrom(encoded);
            } catch (InvalidProtocolBufferException e) {
                swarm.metrics().refused(SwarmMetrics.Refusal.MISBEHAVIOUR);
                var unused = fail("not a protobuf HolePunch");
                channel.stream().reset();
                return;
            }
            CompletableFuture<HolePunch> waiter;
            synchronized (this) {
                waiter = waiting;
                waiting = null;
                if (waiter == null && arrived.size() < ATTEMPTS) {
                    arrived.add(message);
                }
            }
            if (waiter != null) {
                waiter.complete(message);
            }
        }

        @Override
        public void onEnd(boolean complete) {
            var unused = fail("the other side has ended the stream");
        }

        @Override
        public void onReset(Throwable cause) {
            var unused = fail("the stream was reset");
        }

        private PpiofsException fail(String detail) {
            PpiofsException failure =
                    new PpiofsException(ErrorKind.NOT_CONNECTED, "punch a hole to", peer().toString(), detail);
            CompletableFuture<HolePunch> waiter;
            synchronized (this) {
                ended = ended == null ? failure : ended;
                waiter = waiting;
                waiting = null;
            }
            if (waiter != null) {
                waiter.completeExceptionally(failure);
            }
            return failure;
        }
    }
}
