package io.ppiofs.overlay.gossip;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.host.HandlerOptions;
import io.ppiofs.overlay.host.Host;
import io.ppiofs.overlay.host.HostListener;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.host.Scheduler;
import io.ppiofs.overlay.host.Stream;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.AddressProtocol;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Publish and subscribe among peers: gossipsub 1.1, and 1.2's IDONTWANT with those who speak it. Every message that is
 * accepted is given to the application once and passed on. Safe for any thread; receivers and validators are called on the
 * host's scheduler, where all state lives.
 */
public final class Gossip implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Gossip.class);
    private static final Duration DIRECT_CHECK = Duration.ofMinutes(5);
    private static final int MAX_STREAMS_PER_PEER = 4;

    /** A place to give messages to; closing it gives the topic up with the last one. */
    public interface Subscription extends AutoCloseable {
        String topic();

        @Override
        void close();
    }

    private final Host host;
    private final Scheduler scheduler;
    private final GossipOptions options;
    private final Executor verification;
    private final Random random;
    private final Signatures signatures;
    private final GossipCounters counters = new GossipCounters();
    private final SeenMessages seen;
    private final Roster roster;
    private final Mesh mesh;
    private final LazyGossip lazy;
    private final Map<String, Set<Consumer<GossipMessage>>> receivers = new LinkedHashMap<>();
    private final Map<String, Validator> validators = new LinkedHashMap<>();
    private final Map<PeerId, Inbound> inbound = new LinkedHashMap<>();
    private final HostListener listener = new Peers();
    private final List<Scheduler.Timer> timers = new ArrayList<>();
    private volatile GossipMetrics state;
    private long sequence;
    private int heartbeats;
    private int validating;
    private boolean closed;

    /** Verifies signatures on the host's scheduler, knows no signed records. */
    public Gossip(Host host, GossipOptions options) {
        this(host, options, SignedRecords.NONE, Runnable::run, new SecureRandom());
    }

    /**
     * @param records signed peer records of others, for referrals
     * @param verification where signatures are checked, 100 µs each; {@code Runnable::run}: on the host's scheduler
     * @param random chooses peers; must not be predictable for others
     */
    public Gossip(Host host, GossipOptions options, SignedRecords records, Executor verification, Random random) {
        this.host = host;
        this.scheduler = host.scheduler();
        this.options = options;
        this.verification = verification;
        this.random = random;
        this.signatures = new Signatures(options.signatures(), host.key());
        this.seen = new SeenMessages(options.seenLifetime().toNanos());
        this.roster = new Roster(
                options,
                random,
                new PeerScores(options.score(), options.seenLifetime().toNanos()));
        this.mesh = new Mesh(host, options, roster, records, counters);
        this.lazy = new LazyGossip(scheduler, options, roster, seen::contains, counters);
        this.sequence = scheduler.wallMillis() * 1_000_000;
        this.state = snapshot();
    }

    // --- life

    /** Serves the protocol and greets the peers that are connected and will be. Once. */
    public void start() {
        HandlerOptions admission = HandlerOptions.DEFAULT.withMaxStreamsPerPeer(MAX_STREAMS_PER_PEER);
        for (ProtocolId id : GossipProtocol.IDS) {
            host.handle(id, admission, this::accept);
        }
        host.addListener(listener);
        scheduler.execute(() -> {
            // Nodes that start together shall not all fill their meshes at the same moment
            long phase = (long) (random.nextDouble() * options.heartbeat().toNanos());
            timers.add(scheduler.schedule(Duration.ofNanos(phase), () -> {
                timers.add(scheduler.scheduleRepeating(options.heartbeat(), this::heartbeat));
                heartbeat();
            }));
            timers.add(scheduler.scheduleRepeating(
                    options.score().decayInterval(), () -> roster.scores().decay(scheduler.nanoTime())));
            timers.add(scheduler.scheduleRepeating(DIRECT_CHECK, this::connectDirect));
            connectDirect();
            for (PeerId peer : host.connectedPeers()) {
                identified(peer, host.addressBook().protocols(peer));
            }
        });
    }

    /** Leaves all topics. Idempotent. */
    @Override
    public void close() {
        host.removeListener(listener);
        GossipProtocol.IDS.forEach(host::unhandle);
        scheduler.execute(() -> {
            if (!closed) {
                closed = true;
                timers.forEach(Scheduler.Timer::cancel);
                Set.copyOf(mesh.topics()).forEach(mesh::leave);
                inbound.values().forEach(Inbound::close);
                inbound.clear();
                List.copyOf(roster.all()).forEach(link -> {
                    roster.remove(link);
                    link.close();
                });
            }
        });
    }

    private void connectDirect() {
        for (PeerId peer : options.directPeers()) {
            if (!host.isConnected(peer)) {
                host.connect(peer).whenComplete((connection, failure) -> {
                    if (failure != null) {
                        LOG.debug("direct peer {} is not reached: {}", peer, failure.getMessage());
                    }
                });
            }
        }
    }

    // --- for the application

    /**
     * Joins {@code topic} and calls {@code receiver} once for each message of others.
     *
     * @throws PpiofsException INVALID if the name is empty or longer than 256 bytes
     */
    public Subscription subscribe(String topic, Consumer<GossipMessage> receiver) {
        requireName(topic);
        scheduler.execute(() -> {
            Set<Consumer<GossipMessage>> of = receivers.computeIfAbsent(topic, key -> new LinkedHashSet<>());
            of.add(receiver);
            if (!mesh.isJoined(topic)) {
                announce(topic, true);
                mesh.join(topic);
            }
        });
        return new Subscription() {
            @Override
            public String topic() {
                return topic;
            }

            @Override
            public void close() {
                scheduler.execute(() -> unsubscribe(topic, receiver));
            }
        };
    }

    private void unsubscribe(String topic, Consumer<GossipMessage> receiver) {
        Set<Consumer<GossipMessage>> of = receivers.get(topic);
        if (of != null && of.remove(receiver) && of.isEmpty()) {
            receivers.remove(topic);
            announce(topic, false);
            mesh.leave(topic);
        }
    }

    private void announce(String topic, boolean subscribe) {
        Rpc rpc = new Rpc();
        rpc.topics.add(new Rpc.Topic(subscribe, topic));
        byte[] frame = RpcCodec.encode(rpc);
        roster.all().forEach(link -> link.send(frame, Outbox.Kind.CONTROL));
    }

    /** Sets who judges the messages of {@code topic}; null: nobody. */
    public void validate(String topic, @Nullable Validator validator) {
        requireName(topic);
        scheduler.execute(() -> {
            if (validator == null) {
                validators.remove(topic);
            } else {
                validators.put(topic, validator);
            }
        });
    }

    /**
     * Publishes to {@code topic}, whether it is joined or not. Our own receivers do not get it.
     *
     * @param data not copied, must not change
     * @return to how many peers it was sent; fails with TOO_BIG, or INVALID for a name as in {@link #subscribe}
     */
    public CompletableFuture<Integer> publish(String topic, byte[] data) {
        requireName(topic);
        CompletableFuture<Integer> sent = new CompletableFuture<>();
        scheduler.execute(() -> {
            try {
                sent.complete(publishNow(topic, data));
            } catch (PpiofsException e) {
                sent.completeExceptionally(e);
            }
        });
        return sent;
    }

    private int publishNow(String topic, byte[] data) {
        sequence = Math.max(sequence + 1, scheduler.wallMillis() * 1_000_000);
        Message message = signatures.make(topic, data, sequence);
        byte[] frame = frame(message);
        if (frame.length > options.maxMessage()) {
            throw new PpiofsException(
                    ErrorKind.TOO_BIG,
                    "publish",
                    topic,
                    "a message of " + frame.length + " bytes is more than the " + options.maxMessage() + " allowed");
        }
        MessageId id = signatures.id(message);
        if (!seen.add(id, scheduler.nanoTime())) {
            return 0; // unsigned messages are named by content
        }
        lazy.cache().put(id, message);
        counters.published.increment();
        Set<PeerLink> to = recipients(topic);
        to.forEach(link -> link.send(frame, Outbox.Kind.OWN));
        return to.size();
    }

    private Set<PeerLink> recipients(String topic) {
        Set<PeerLink> to = new LinkedHashSet<>(always(topic));
        double least = options.score().publishThreshold();
        if (options.floodPublish()) {
            for (PeerLink link : roster.subscribers(topic)) {
                if (roster.score(link) >= least) {
                    to.add(link);
                }
            }
        } else if (mesh.isJoined(topic)) {
            to.addAll(mesh.peers(topic));
        } else {
            to.addAll(mesh.fanout(topic, scheduler.nanoTime()));
        }
        return to;
    }

    /** Peers of the topic outside meshes: direct ones, and those who know no mesh. */
    private Set<PeerLink> always(String topic) {
        Set<PeerLink> found = new LinkedHashSet<>();
        double least = options.score().publishThreshold();
        for (PeerLink link : roster.subscribers(topic)) {
            boolean flooded = !link.protocol().hasMesh() && roster.score(link) >= least;
            if (flooded || roster.isDirect(link)) {
                found.add(link);
            }
        }
        return found;
    }

    private static void requireName(String topic) {
        int length = topic.getBytes(StandardCharsets.UTF_8).length;
        if (length == 0 || length > RpcCodec.MAX_TOPIC_BYTES) {
            throw new PpiofsException(
                    ErrorKind.INVALID,
                    "name topic",
                    topic.substring(0, Math.min(80, topic.length())),
                    "a topic's name has 1 to " + RpcCodec.MAX_TOPIC_BYTES + " bytes");
        }
    }

    /** Counters of now, state of the last heartbeat. */
    public GossipMetrics metrics() {
        GossipMetrics last = state;
        return GossipMetrics.of(counters, last.peers(), last.meshSizes(), last.lowestScore(), last.medianScore());
    }

    /** Peers of the mesh of {@code topic}. */
    public CompletableFuture<Set<PeerId>> meshPeers(String topic) {
        return ask(() -> names(mesh.peers(topic)));
    }

    /** Connected peers that have {@code topic}. */
    public CompletableFuture<Set<PeerId>> subscribers(String topic) {
        return ask(() -> names(roster.subscribers(topic)));
    }

    /** What this host thinks of {@code peer} now; 0 if it knows nothing. */
    public CompletableFuture<Double> score(PeerId peer) {
        return ask(() -> roster.scores().score(peer));
    }

    private <T> CompletableFuture<T> ask(Supplier<T> question) {
        return CompletableFuture.supplyAsync(question, scheduler);
    }

    private static Set<PeerId> names(Set<PeerLink> links) {
        Set<PeerId> names = new LinkedHashSet<>();
        links.forEach(link -> names.add(link.peer()));
        return names;
    }

    // --- peers

    private final class Peers implements HostListener {
        @Override
        public void onIdentified(PeerId peer, Set<ProtocolId> protocols) {
            identified(peer, protocols);
        }

        @Override
        public void onConnection(Connection connection) {
            PeerLink link = roster.get(connection.remotePeer());
            if (link != null && !connection.limited()) {
                link.openAnew(); // there may have been a relayed connection only, which carries no gossip
            }
        }

        @Override
        public void onDisconnected(PeerId peer) {
            PeerLink link = roster.get(peer);
            if (link != null) {
                mesh.remove(link);
                roster.remove(link);
                lazy.promises().forget(peer);
                roster.scores().disconnected(peer, scheduler.nanoTime());
                link.close();
            }
            Inbound stream = inbound.remove(peer);
            if (stream != null) {
                stream.close();
            }
        }
    }

    private void identified(PeerId peer, Set<ProtocolId> protocols) {
        for (GossipProtocol protocol : GossipProtocol.values()) {
            if (protocols.contains(protocol.id())) {
                meet(peer, protocol);
                return;
            }
        }
    }

    private @Nullable PeerLink meet(PeerId peer, GossipProtocol protocol) {
        PeerLink known = roster.get(peer);
        if (known != null || closed || !host.isConnected(peer)) {
            return known;
        }
        PeerLink link = new PeerLink(host, peer, options, counters, this::greeting);
        link.guess(protocol);
        roster.add(link);
        roster.scores().connected(peer, colocation(peer));
        link.open();
        return link;
    }

    private byte[] greeting() {
        Rpc rpc = new Rpc();
        mesh.topics().forEach(topic -> rpc.topics.add(new Rpc.Topic(true, topic)));
        return RpcCodec.encode(rpc);
    }

    /** What peers of one machine have in common: the IPv4 address, the IPv6 /64; null for this machine itself. */
    private @Nullable String colocation(PeerId peer) {
        List<Connection> connections = host.connections(peer);
        if (connections.isEmpty()) {
            return null;
        }
        Multiaddr address = connections.get(0).remoteAddress();
        InetSocketAddress socket = address.has(AddressProtocol.P2P_CIRCUIT) ? null : address.socketAddress();
        if (socket == null || socket.getAddress().isLoopbackAddress()) {
            return null;
        }
        byte[] ip = socket.getAddress().getAddress();
        return HexFormat.of().formatHex(ip, 0, Math.min(8, ip.length));
    }

    // --- what peers send

    /** On the connection's loop. */
    private void accept(Stream stream) {
        PeerId peer = stream.connection().remotePeer();
        Inbound fresh = new Inbound(stream, options.maxFrame(), scheduler, new Inbound.Owner() {
            @Override
            public void onRpc(Rpc rpc) {
                received(peer, rpc);
            }

            @Override
            public void onMalformed() {
                counters.malformed.increment();
                roster.scores().misbehaved(peer, 1);
            }

            @Override
            public void onClosed(Inbound which) {
                inbound.remove(peer, which);
            }
        });
        scheduler.execute(() -> {
            if (closed || !host.isConnected(peer)) {
                stream.reset();
                return;
            }
            Inbound older = inbound.put(peer, fresh);
            if (older != null) {
                older.close();
            }
            PeerLink link = meet(peer, GossipProtocol.of(stream.protocol()).orElse(GossipProtocol.MESHSUB_1_1));
            if (link != null) {
                link.openAnew();
            }
        });
        fresh.begin();
    }

    private void received(PeerId peer, Rpc rpc) {
        PeerLink link = roster.get(peer);
        if (link == null || closed) {
            return;
        }
        if (!roster.isDirect(link) && roster.score(link) < options.score().graylistThreshold()) {
            counters.graylisted.increment();
            return;
        }
        counters.excess.add(rpc.excess);
        for (Rpc.Topic topic : rpc.topics) {
            if (!topic.subscribe()) {
                roster.unsubscribed(link, topic.name());
                mesh.unsubscribed(link, topic.name());
            } else if (!roster.subscribed(link, topic.name())) {
                counters.excess.increment();
            }
        }
        rpc.messages.forEach(message -> received(link, message));
        for (byte[] wire : rpc.dontWant) {
            link.keyFormIds |= MessageId.isKeyForm(wire);
            link.unwant(MessageId.of(wire), heartbeats);
        }
        if (!rpc.have.isEmpty()) {
            lazy.told(link, rpc.have, mesh::isJoined);
        }
        if (!rpc.want.isEmpty()) {
            lazy.asked(link, rpc.want);
        }
        mesh.grafted(link, rpc.graft);
        mesh.pruned(link, rpc.prune);
    }

    // --- the way of a message: form, seen, signature, seen again, validator, delivery

    private void received(PeerLink link, Message message) {
        if (!mesh.isJoined(message.topic())) {
            return;
        }
        boolean tooBig = message.data().length > options.maxMessage();
        if (tooBig || !signatures.isWellFormed(message)) {
            counters.rejected.increment();
            roster.scores().invalid(link.peer(), message.topic());
            return;
        }
        MessageId id = signatures.id(message);
        if (isDuplicate(id, link)) {
            return;
        }
        if (validating >= options.maxValidating() || link.validating >= options.maxValidating() / 4) {
            counters.throttled.increment();
            return;
        }
        validating++;
        link.validating++;
        verification.execute(() -> {
            boolean good = signatures.verify(message);
            scheduler.execute(() -> verified(link, id, message, good));
        });
    }

    private boolean isDuplicate(MessageId id, PeerLink link) {
        if (!seen.contains(id)) {
            return false;
        }
        counters.duplicates.increment();
        roster.scores().duplicate(id, link.peer(), scheduler.nanoTime());
        return true;
    }

    private void verified(PeerLink link, MessageId id, Message message, boolean good) {
        if (!good) {
            counters.rejected.increment();
            roster.scores().invalid(link.peer(), message.topic());
            validated(link);
            return;
        }
        if (isDuplicate(id, link)) {
            validated(link);
            return;
        }
        long now = scheduler.nanoTime();
        seen.add(id, now);
        lazy.promises().keptUnderAnotherName(id, message.topic(), link.peer());
        lazy.promises().kept(id);
        roster.scores().received(id, message.topic(), link.peer(), now);
        GossipMessage shown = shown(link, id, message);
        if (host.id().equals(shown.author())) {
            decided(link, shown, message, Validator.Verdict.IGNORE); // our own, from before a restart
            return;
        }
        warnMesh(link, id, message);
        Validator validator = validators.get(message.topic());
        if (validator == null) {
            decided(link, shown, message, Validator.Verdict.ACCEPT);
        } else {
            judge(validator, shown)
                    .whenComplete((verdict, failure) -> scheduler.execute(
                            () -> decided(link, shown, message, failure == null ? verdict : Validator.Verdict.IGNORE)));
        }
    }

    private static GossipMessage shown(PeerLink link, MessageId id, Message message) {
        byte[] from = message.from();
        PeerId author = from == null ? null : PeerId.fromBytes(from);
        return new GossipMessage(id, message.topic(), author, message.data(), link.peer());
    }

    private static CompletableFuture<Validator.Verdict> judge(Validator validator, GossipMessage message) {
        try {
            return validator.validate(message).toCompletableFuture();
        } catch (RuntimeException e) {
            LOG.warn("a validator of {} failed", message.topic(), e);
            return CompletableFuture.completedFuture(Validator.Verdict.IGNORE);
        }
    }

    /** IDONTWANT: a large message need not come again from the others. */
    private void warnMesh(PeerLink from, MessageId id, Message message) {
        if (message.data().length < options.dontWantBytes()) {
            return;
        }
        for (PeerLink link : mesh.peers(message.topic())) {
            if (link != from && link.protocol().hasDontWant()) {
                Rpc rpc = new Rpc();
                rpc.dontWant.add(id.wire(link.keyFormIds));
                link.send(rpc, Outbox.Kind.CONTROL);
            }
        }
    }

    private void validated(PeerLink link) {
        validating--;
        link.validating--;
    }

    private void decided(PeerLink link, GossipMessage shown, Message message, Validator.Verdict verdict) {
        validated(link);
        switch (verdict) {
            case ACCEPT -> {
                roster.scores().accepted(shown.id(), link.peer(), scheduler.nanoTime());
                lazy.cache().put(shown.id(), message);
                forward(shown, message);
                deliver(shown);
            }
            case IGNORE -> {
                counters.ignored.increment();
                roster.scores().ignored(shown.id());
            }
            case REJECT -> {
                counters.rejected.increment();
                roster.scores().rejected(shown.id());
            }
        }
    }

    private void forward(GossipMessage shown, Message message) {
        Set<PeerLink> to = new LinkedHashSet<>(always(message.topic()));
        to.addAll(mesh.peers(message.topic()));
        Set<PeerId> have = roster.scores().bringers(shown.id());
        byte[] frame = null;
        for (PeerLink link : to) {
            boolean has = have.contains(link.peer()) || link.peer().equals(shown.author());
            if (!has && link.wants(shown.id())) {
                frame = frame == null ? frame(message) : frame;
                link.send(frame, Outbox.Kind.FORWARD);
                counters.forwarded.increment();
            }
        }
    }

    private static byte[] frame(Message message) {
        Rpc rpc = new Rpc();
        rpc.messages.add(message);
        return RpcCodec.encode(rpc);
    }

    private void deliver(GossipMessage message) {
        Set<Consumer<GossipMessage>> of = receivers.get(message.topic());
        if (of == null) {
            return;
        }
        counters.delivered.increment();
        for (Consumer<GossipMessage> receiver : List.copyOf(of)) {
            try {
                receiver.accept(message);
            } catch (RuntimeException e) {
                LOG.error("a receiver of {} failed", message.topic(), e);
            }
        }
    }

    // --- heartbeat

    private void heartbeat() {
        heartbeats++;
        long now = scheduler.nanoTime();
        roster.all().forEach(link -> link.heartbeat(heartbeats));
        mesh.heartbeat(heartbeats, now);
        for (String topic : mesh.topics()) {
            lazy.tell(topic, mesh.peers(topic));
        }
        for (String topic : Set.copyOf(mesh.fanoutTopics())) {
            lazy.tell(topic, mesh.fanoutPeers(topic));
        }
        lazy.heartbeat(now);
        state = snapshot();
    }

    private GossipMetrics snapshot() {
        Map<String, Integer> sizes = new LinkedHashMap<>();
        mesh.topics().forEach(topic -> sizes.put(topic, mesh.peers(topic).size()));
        double[] scores = roster.sortedScores();
        double lowest = scores.length == 0 ? 0 : scores[0];
        double median = scores.length == 0 ? 0 : scores[scores.length / 2];
        return GossipMetrics.of(counters, roster.all().size(), Map.copyOf(sizes), lowest, median);
    }
}
