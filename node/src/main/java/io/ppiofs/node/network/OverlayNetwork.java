package io.ppiofs.node.network;

import io.netty.util.concurrent.DefaultThreadFactory;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.node.Home;
import io.ppiofs.node.capacity.CapacityChecks;
import io.ppiofs.node.deals.DealPolicy;
import io.ppiofs.node.deals.DealService;
import io.ppiofs.node.sectors.Sectors;
import io.ppiofs.node.storage.StorageOrder;
import io.ppiofs.node.storage.StorageService;
import io.ppiofs.node.swarm.AuditTopics;
import io.ppiofs.node.swarm.Custodies;
import io.ppiofs.node.swarm.HeadRecords;
import io.ppiofs.node.swarm.HeadTopics;
import io.ppiofs.node.swarm.SwarmService;
import io.ppiofs.overlay.NettyTransports;
import io.ppiofs.overlay.OverlayNode;
import io.ppiofs.overlay.OverlayOptions;
import io.ppiofs.overlay.audit.CapacityClient;
import io.ppiofs.overlay.autonat.Reachability;
import io.ppiofs.overlay.blocks.ClientOptions;
import io.ppiofs.overlay.blocks.PeerStatistics;
import io.ppiofs.overlay.blocks.StreamBlockClient;
import io.ppiofs.overlay.dht.Dht;
import io.ppiofs.overlay.dht.DhtConfig;
import io.ppiofs.overlay.dht.DhtSnapshot;
import io.ppiofs.overlay.dht.DhtStats;
import io.ppiofs.overlay.dht.PeerInfo;
import io.ppiofs.overlay.dht.ScratchValidator;
import io.ppiofs.overlay.fetch.FetchOptions;
import io.ppiofs.overlay.fetch.PeerMemory;
import io.ppiofs.overlay.fetch.SwarmFetcher;
import io.ppiofs.overlay.gossip.Gossip;
import io.ppiofs.overlay.gossip.GossipMetrics;
import io.ppiofs.overlay.gossip.GossipOptions;
import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.host.Host;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.neighbours.HistoryFile;
import io.ppiofs.overlay.neighbours.NeighbourOptions;
import io.ppiofs.overlay.neighbours.Neighbours;
import io.ppiofs.overlay.neighbours.PastNeighbour;
import io.ppiofs.overlay.network.MembershipGate;
import io.ppiofs.overlay.network.MembershipRoll;
import io.ppiofs.overlay.network.Network;
import io.ppiofs.overlay.network.RevocationGossip;
import io.ppiofs.overlay.network.RevocationList;
import io.ppiofs.overlay.network.SuperPeerAdvert;
import io.ppiofs.overlay.network.SuperPeers;
import io.ppiofs.overlay.relay.RelayLimits;
import io.ppiofs.overlay.rendezvous.PublicRendezvous;
import io.ppiofs.overlay.storage.StorageAdvert;
import io.ppiofs.overlay.storage.StorageClient;
import io.ppiofs.overlay.storage.StorageDirectory;
import io.ppiofs.overlay.storage.StorageHost;
import io.ppiofs.overlay.swarm.ConnectionGate;
import io.ppiofs.overlay.swarm.SwarmCounters;
import io.ppiofs.overlay.swarm.SwarmMetrics;
import io.ppiofs.overlay.swarm.SwarmOptions;
import io.ppiofs.overlay.transport.TransportOptions;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collection;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A node's part in a network, on the real overlay. */
public final class OverlayNetwork implements NetworkService {
    /** How many threads carry connections; cryptography runs on them. */
    private static final int LOOPS =
            Math.min(8, Math.max(2, Runtime.getRuntime().availableProcessors()));

    private static final Logger LOG = LoggerFactory.getLogger(OverlayNetwork.class);

    private static final Duration REACHABILITY = Duration.ofSeconds(30);
    private static final Duration RECORDS_KEPT = Duration.ofMinutes(10);
    private static final int BOOTSTRAP_TARGET = 4;
    private static final int MAX_PROVIDERS = 20;

    /** Peers whose speed and faults are remembered. */
    private static final int REMEMBERED_PEERS = 1_024;

    private static final Duration START = Duration.ofSeconds(30);

    /** A holder that is back is read from again soon: the pause after failures stays short. */
    private static final SwarmOptions LIMITS = SwarmOptions.DEFAULT.withDialing(
            SwarmOptions.Dialing.DEFAULT.withBackOff(Duration.ofSeconds(1), Duration.ofSeconds(15)));

    private final Network network;
    private final SwarmCounters swarm = new SwarmCounters();
    private final TransportCounters transport = new TransportCounters();
    private final OverlayNode node;
    private final Dht dht;
    private final Gossip gossip;
    private final ExecutorService work;
    private final SuperPeers superPeers;
    private final Neighbours neighbours;
    private final Path pastNeighbours;
    private volatile boolean seeking;
    private final boolean superPeer;
    private final boolean listening;
    private final Path records;
    private final @Nullable MembershipRoll roll;
    private final @Nullable PublicRendezvous rendezvous;
    private final StorageClient storageClient;
    private final CapacityChecks capacity;
    private final StorageDirectory operators;
    private final ExecutorService blockWork;
    private final StreamBlockClient blockClient;
    private final HeadTopics headTopics;
    private final AuditTopics auditTopics;
    private final HeadRecords headRecords;
    private final SwarmService swarmService;
    private final Custodies custodies;
    private final DealService deals;
    private volatile @Nullable StorageService storage;
    private volatile ToLongFunction<PeerId> storedForUs = peer -> 0;

    private OverlayNetwork(Home home, NetworkOrder order, DealPolicy policy) {
        IdentityKey key = IdentityFile.loadOrCreate(home.identityFile());
        List<Multiaddr> bootstrap = new ArrayList<>();
        for (String address : order.bootstrap()) {
            bootstrap.add(withPeer(Multiaddr.parse(address)));
        }
        List<Multiaddr> listen = order.listen().stream().map(Multiaddr::parse).toList();
        String name = order.network();
        if (name == null) {
            network = Network.PUBLIC;
            roll = null;
        } else {
            KnownNetwork known = new KnownNetworks(home).find(name);
            network = new Network(known.genesis());
            bootstrap.addAll(known.bootstrap());
            roll = network.genesis().isPrivate() ? known.roll() : null;
        }
        List<PeerInfo> entry = order.rendezvous().stream()
                .map(address -> info(withPeer(Multiaddr.parse(address))))
                .toList();
        if (roll != null && !entry.isEmpty()) {
            throw new PpiofsException(
                    ErrorKind.INVALID,
                    "join",
                    network.genesis().name(),
                    "a private network speaks with its members only, so it cannot meet through the public DHT;"
                            + " leave rendezvous out and give bootstrap addresses");
        }
        MembershipGate gate = roll == null ? null : new MembershipGate(network, roll);
        OverlayOptions options = OverlayOptions.builder(key)
                .network(network.id().toString())
                .listen(listen)
                .bootstrap(bootstrap, BOOTSTRAP_TARGET)
                .relayServer(order.superPeer() ? RelayLimits.GENEROUS : null)
                .limits(order.superPeer() ? LIMITS.forSuperPeer() : LIMITS)
                .mdns(reachesOthers(listen))
                .portMapping(reachesOthers(listen))
                .peersFile(home.networksDirectory().resolve(network.id() + ".peers"))
                .gate(gate == null ? ConnectionGate.OPEN : gate)
                .metrics(swarm)
                .build();
        node = new OverlayNode(options, new NettyTransports(TransportOptions.DEFAULT.withMetrics(transport), LOOPS));
        listening = !listen.isEmpty();
        DhtConfig config = DhtConfig.forProtocol(network.kad())
                .withFallback(new ScratchValidator())
                .withValidator(HeadRecords.NAMESPACE, HeadRecords.validator(network.id()))
                .withServer(listening)
                .withBootstrap(bootstrap.stream().map(OverlayNetwork::info).toList());
        dht = new Dht(node.host(), config, new SecureRandom());
        work = Executors.newSingleThreadExecutor(new DefaultThreadFactory("network-work", true));
        gossip = new Gossip(
                node.host(),
                GossipOptions.DEFAULT.withMaxMessage(
                        network.genesis().parameters().maxGossipMessage()),
                node.signedRecords(),
                work,
                new SecureRandom());
        superPeers = new SuperPeers(node.host(), gossip, network);
        rendezvous = entry.isEmpty()
                ? null
                : new PublicRendezvous(node.host(), network.id().toString(), entry, new SecureRandom());
        storageClient = new StorageClient(node.host(), network);
        capacity = new CapacityChecks(
                home.capacityDirectory(),
                network.id(),
                new CapacityClient(node.host(), network),
                this::ping,
                node.host().scheduler()::nanoTime);
        operators = new StorageDirectory(node.host(), storageClient, gossip, dht);
        blockWork = Executors.newCachedThreadPool(new DefaultThreadFactory("network-blocks", true));
        blockClient = new StreamBlockClient(
                node.host(),
                network.blocks(),
                ClientOptions.on(blockWork).withWrongBytes((peer, cid) -> operators.failed(peer)));
        headTopics = new HeadTopics(gossip, network);
        auditTopics = new AuditTopics(gossip, network, node.host().scheduler());
        headRecords = new HeadRecords(dht, network.id(), node.host().scheduler());
        swarmService = new SwarmService(
                node.host(),
                network,
                headTopics,
                auditTopics,
                headRecords,
                storageClient,
                operators,
                blockClient,
                new SwarmFetcher(
                        blockClient,
                        node.host().scheduler(),
                        PeerMemory.ofProcess(REMEMBERED_PEERS),
                        FetchOptions.DEFAULT,
                        blockWork));
        custodies =
                new Custodies(home.custodyDirectory(), node.host(), network, storageClient, operators, this::hosted);
        deals = new DealService(
                node.host(), network, policy, this::hosted, home.proofsDirectory(), peer -> reach(peer));
        neighbours = new Neighbours(node.host(), network.id().toString(), NeighbourOptions.DEFAULT);
        neighbours.candidatesFrom(this::somePeers);
        pastNeighbours = home.networksDirectory().resolve(network.id() + ".neighbours");
        storedForUs = swarmService::storedBy;
        superPeer = order.superPeer();
        records = home.networksDirectory().resolve(network.id() + ".records");
        if (gate != null && roll != null) {
            gate.bind(node.host());
            new RevocationGossip(gossip, network, roll);
        }
    }

    /** Whether one of these addresses is not this machine's alone: only then others are asked and told on the local network. */
    private static boolean reachesOthers(List<Multiaddr> listen) {
        return listen.stream()
                .map(Multiaddr::socketAddress)
                .anyMatch(a -> a != null && !a.getAddress().isLoopbackAddress());
    }

    /** Peers that others cannot dial are no servers of the DHT: they would only cost others a timeout. */
    private void followReachability() {
        dht.setServer(listening && node.reachability() != Reachability.PRIVATE);
    }

    /** Peers at a random point of the DHT: any of them may be near. */
    private CompletableFuture<Collection<PeerId>> somePeers() {
        byte[] point = new byte[32];
        new SecureRandom().nextBytes(point);
        return dht.getClosestPeers(point)
                .thenApply(found -> found.stream().map(PeerInfo::id).toList());
    }

    private void findNeighbours() {
        List<PastNeighbour> past = List.of();
        try {
            past = HistoryFile.load(pastNeighbours);
        } catch (PpiofsException e) {
            LOG.warn("{}; neighbours will be found again", e.getMessage());
        }
        neighbours.start(past);
        seeking = true;
        node.host().scheduler().scheduleRepeating(RECORDS_KEPT, this::keepNeighbours);
    }

    private void keepNeighbours() {
        neighbours
                .history()
                .thenAcceptAsync(past -> HistoryFile.save(pastNeighbours, past), work)
                .whenComplete((done, failure) -> {
                    if (failure != null) {
                        LOG.warn("the neighbours could not be kept: {}", failure.getMessage());
                    }
                });
    }

    private void keepNeighboursNow() {
        try {
            HistoryFile.save(pastNeighbours, neighbours.history().get(5, TimeUnit.SECONDS));
        } catch (ExecutionException | TimeoutException | PpiofsException e) {
            LOG.warn("the neighbours could not be kept: {}", e.toString());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** A super peer keeps what it holds for others over a restart. */
    private void restoreRecords() {
        DhtSnapshot.read(records).ifPresent(dht::restore);
        node.host().scheduler().scheduleRepeating(RECORDS_KEPT, this::keepRecords);
    }

    private void keepRecords() {
        dht.snapshot()
                .thenAcceptAsync(snapshot -> snapshot.write(records), work)
                .whenComplete((done, failure) -> {
                    if (failure != null) {
                        LOG.warn("the records of the DHT could not be kept: {}", failure.getMessage());
                    }
                });
    }

    private void keepRecordsNow() {
        try {
            dht.snapshot().get(5, TimeUnit.SECONDS).write(records);
        } catch (ExecutionException | TimeoutException | PpiofsException e) {
            LOG.warn("the records of the DHT could not be kept: {}", e.toString());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static PeerInfo info(Multiaddr address) {
        return new PeerInfo(address.peer().orElseThrow(), List.of(address.withoutPeer()));
    }

    private static Multiaddr withPeer(Multiaddr address) {
        if (address.peer().isEmpty()) {
            throw new PpiofsException(
                    ErrorKind.INVALID, "bootstrap", address.toString(), "must end in /p2p/ and the peer's id");
        }
        return address;
    }

    /** Sells nothing and is no verifier. */
    public static OverlayNetwork start(Home home, NetworkOrder order) {
        return start(home, order, DealPolicy.NONE);
    }

    /** Returns once the node listens. @throws PpiofsException as {@code NodeServices.join} says */
    public static OverlayNetwork start(Home home, NetworkOrder order, DealPolicy policy) {
        home.createNetworksDirectory();
        OverlayNetwork started = new OverlayNetwork(home, order, policy);
        try {
            started.node.start().orTimeout(START.toSeconds(), TimeUnit.SECONDS).join();
            started.dht.start();
            started.gossip.start();
            if (started.rendezvous != null) {
                started.rendezvous.start();
            }
            started.findNeighbours();
            started.node.host().scheduler().scheduleRepeating(REACHABILITY, started::followReachability);
            if (started.superPeer) {
                started.restoreRecords();
                started.superPeers.advertise(
                        EnumSet.of(SuperPeerAdvert.Service.RELAY, SuperPeerAdvert.Service.DISCOVERY));
            }
            started.lend(home, order.store());
            started.custodies.start();
            started.deals.serve();
            return started;
        } catch (CompletionException e) {
            started.close();
            if (e.getCause() instanceof PpiofsException p) {
                throw p;
            }
            throw new PpiofsException(
                    ErrorKind.NOT_CONNECTED, "listen", String.join(" ", order.listen()), "failed: " + e.getCause(), e);
        }
    }

    private void lend(Home home, @Nullable StorageOrder order) {
        if (order == null) {
            return;
        }
        try {
            StorageService lent = StorageService.start(
                    home.hostedDirectory(),
                    home.idleDirectory(),
                    order,
                    node.host(),
                    network,
                    operators,
                    node::reachability,
                    peer -> storedForUs.applyAsLong(peer));
            storage = lent;
            headTopics.relay(lent.storage());
            auditTopics.relay(lent.storage());
            headRecords.relay(lent.storage());
        } catch (PpiofsException e) {
            close();
            throw e;
        }
    }

    @Override
    public void seal(Sectors sectors) {
        StorageService lent = storage;
        if (lent != null) {
            lent.seal(sectors);
        }
    }

    private @Nullable StorageHost hosted() {
        StorageService lent = storage;
        return lent == null ? null : lent.storage();
    }

    @Override
    public CapacityChecks capacity() {
        return capacity;
    }

    @Override
    public Custodies custodies() {
        return custodies;
    }

    /** What this node does for its volumes in the network. */
    public SwarmService swarm() {
        return swarmService;
    }

    @Override
    public @Nullable StorageService storage() {
        return storage;
    }

    @Override
    public DealService deals() {
        return deals;
    }

    /** The host under all protocols. */
    public Host host() {
        return node.host();
    }

    public Network network() {
        return network;
    }

    public Dht dht() {
        return dht;
    }

    public Gossip gossip() {
        return gossip;
    }

    /** Asks operators for space. */
    public StorageClient storageClient() {
        return storageClient;
    }

    /** Who lends space. */
    public StorageDirectory operators() {
        return operators;
    }

    /** @param bytes how many bytes a peer holds of this node's own volumes: what reciprocity goes by */
    public void storedForUs(ToLongFunction<PeerId> bytes) {
        storedForUs = bytes;
    }

    @Override
    public List<String> listenAddresses() {
        return node.listenAddresses().stream().map(Multiaddr::toString).toList();
    }

    @Override
    public Map<String, @Nullable Object> facts() {
        Map<String, @Nullable Object> facts = new LinkedHashMap<>();
        facts.put("peerId", node.host().id().toString());
        facts.put("network", network.genesis().name());
        facts.put("networkId", network.id().toString());
        facts.put("addresses", listenAddresses());
        facts.put(
                "protocols",
                node.host().protocols().stream().map(Object::toString).sorted().toList());
        facts.put("peers", (long) node.host().connectedPeers().size());
        facts.put("connections", (long) node.host().connections().size());
        facts.put("connectionsOpened", swarm.opened());
        facts.put("connectionsClosed", swarm.closed());
        facts.put("bytesReceived", transport.received());
        facts.put("bytesSent", transport.sent());
        facts.put("bytesRelayed", swarm.bytesRelayed());
        facts.put("neighbours", (long) neighbours.neighbours().size());
        facts.put("knownPeers", (long) node.host().addressBook().peers().size());
        dhtFacts(facts);
        gossipFacts(facts);
        facts.put("storageOperators", (long) operators.operators().size());
        transport.violations().forEach(facts::put);
        for (SwarmMetrics.Refusal why : SwarmMetrics.Refusal.values()) {
            facts.put(TransportCounters.fact("refusals", why), swarm.refusals(why));
        }
        for (SwarmMetrics.DialResult result : SwarmMetrics.DialResult.values()) {
            facts.put(TransportCounters.fact("dials", result), swarm.dials(result));
        }
        return facts;
    }

    private void gossipFacts(Map<String, @Nullable Object> facts) {
        GossipMetrics metrics = gossip.metrics();
        facts.put("gossipPeers", (long) metrics.peers());
        facts.put("gossipTopics", (long) metrics.meshSizes().size());
        facts.put(
                "gossipMeshPeers",
                metrics.meshSizes().values().stream()
                        .mapToLong(Integer::longValue)
                        .sum());
        facts.put("gossipPublished", metrics.published());
        facts.put("gossipDelivered", metrics.delivered());
        facts.put("gossipDuplicates", metrics.duplicates());
        facts.put("gossipForwarded", metrics.forwarded());
        facts.put("gossipRejected", metrics.rejected());
        facts.put("gossipGraylisted", metrics.graylisted());
        facts.put("gossipLowestScore", metrics.lowestScore());
        facts.put(
                "superPeers",
                superPeers.known().keySet().stream()
                        .map(PeerId::toString)
                        .sorted()
                        .toList());
    }

    private void dhtFacts(Map<String, @Nullable Object> facts) {
        DhtStats stats = dht.stats();
        facts.put("dhtServer", stats.server());
        facts.put("dhtTable", (long) stats.tableSize());
        facts.put("dhtValues", (long) stats.values());
        facts.put("dhtProviders", (long) stats.providers());
        facts.put("dhtLookups", stats.lookups());
        facts.put("dhtLookupMillisSum", stats.lookupMillis().sum());
        facts.put("dhtLookupMessagesSum", stats.lookupMessages().sum());
        facts.put("dhtLookupHopsSum", stats.lookupHops().sum());
        facts.put("dhtRequestsSent", stats.requestsSent());
        facts.put("dhtRequestsFailed", stats.requestsFailed());
        facts.put("dhtRequestsServed", stats.requestsServed());
        facts.put("dhtRequestsRefused", stats.requestsRefused());
        facts.put("dhtRecordsRefused", stats.recordsRefused());
    }

    @Override
    public List<Map<String, @Nullable Object>> peers() {
        List<Map<String, @Nullable Object>> peers = new ArrayList<>();
        node.host().connectedPeers().stream().sorted().forEach(peer -> peers.add(describe(peer)));
        return peers;
    }

    private Map<String, @Nullable Object> describe(PeerId peer) {
        Map<String, @Nullable Object> facts = new LinkedHashMap<>();
        facts.put("peer", peer.toString());
        facts.put("agent", node.identify().of(peer).map(i -> i.agentVersion()).orElse(null));
        facts.put("protocols", texts(node.host().addressBook().protocols(peer)));
        facts.put("addresses", texts(node.host().addressBook().addresses(peer)));
        List<Object> connections = new ArrayList<>();
        for (Connection connection : node.host().connections(peer)) {
            Map<String, @Nullable Object> c = new LinkedHashMap<>();
            c.put("direction", connection.direction().name().toLowerCase(Locale.ROOT));
            c.put("via", connection.description());
            c.put("class", connection.connectionClass().name().toLowerCase(Locale.ROOT));
            c.put("limited", connection.limited());
            c.put("address", connection.remoteAddress().toString());
            connections.add(c);
        }
        facts.put("connections", connections);
        Optional<Duration> near = neighbours.roundTrip(peer);
        facts.put("neighbour", near.isPresent());
        facts.put("leaving", operators.isLeaving(peer));
        facts.put("roundTripMicros", near.map(time -> time.toNanos() / 1_000).orElse(null));
        return facts;
    }

    @Override
    public List<Map<String, @Nullable Object>> operatorFacts() {
        return operators.operators().stream().map(this::describe).toList();
    }

    private Map<String, @Nullable Object> describe(StorageDirectory.Operator operator) {
        StorageAdvert advert = operator.advert();
        Map<String, @Nullable Object> facts = new LinkedHashMap<>();
        facts.put("peer", operator.peer().toString());
        facts.put("capacityBytes", advert.capacity());
        facts.put("freeBytes", advert.free());
        facts.put("domain", advert.domain());
        facts.put("regions", advert.regions());
        facts.put("score", Math.round(operator.score() * 1_000) / 1_000.0);
        PeerStatistics seen = blockClient.statistics(operator.peer());
        facts.put("bytesPerSecond", Math.round(seen.bytesPerSecond()));
        facts.put("bytesReceived", seen.received());
        facts.put("bytesSent", seen.sent());
        facts.put("requestsFailed", seen.failures());
        facts.put("blocksCorrupt", seen.corrupt());
        return facts;
    }

    private static List<String> texts(Collection<?> values) {
        return values.stream().map(Object::toString).sorted().toList();
    }

    @Override
    public CompletableFuture<Duration> ping(String peerOrAddress) {
        if (!peerOrAddress.startsWith("/")) {
            PeerId peer = PeerId.parse(peerOrAddress);
            return reach(peer).thenCompose(c -> node.ping().ping(peer));
        }
        Multiaddr address = withPeer(Multiaddr.parse(peerOrAddress));
        PeerId peer = address.peer().orElseThrow();
        return node.swarm().connect(address).thenCompose(c -> node.ping().ping(peer));
    }

    /** Connects to a peer; the DHT is asked for its addresses if none that is known answers. */
    private CompletableFuture<Connection> reach(PeerId peer) {
        return node.host()
                .connect(peer)
                .handle((connection, failure) -> failure == null
                        ? CompletableFuture.completedFuture(connection)
                        : dht.findPeer(peer).thenCompose(found -> node.host().connect(peer)))
                .thenCompose(next -> next);
    }

    @Override
    public CompletableFuture<Map<String, @Nullable Object>> find(String peerOrKey) {
        if (peerOrKey.startsWith("/")) {
            byte[] key = peerOrKey.getBytes(StandardCharsets.UTF_8);
            return dht.get(key).thenApply(value -> value(peerOrKey, value));
        }
        if (peerOrKey.startsWith("bafkrei")) {
            Cid cid = Cid.parse(peerOrKey);
            return dht.findProviders(cid, MAX_PROVIDERS).thenApply(found -> providers(peerOrKey, found));
        }
        PeerId peer = PeerId.parse(peerOrKey);
        return dht.findPeer(peer).thenApply(found -> {
            Map<String, @Nullable Object> facts = new LinkedHashMap<>();
            facts.put("peer", peerOrKey);
            facts.put("addresses", addresses(found));
            return facts;
        });
    }

    private static Map<String, @Nullable Object> value(String key, byte[] value) {
        Map<String, @Nullable Object> facts = new LinkedHashMap<>();
        facts.put("key", key);
        facts.put("value", printable(value));
        facts.put("valueBase64", Base64.getEncoder().encodeToString(value));
        return facts;
    }

    /** The value as text if it is text, else in hexadecimal. */
    private static String printable(byte[] value) {
        String text = new String(value, StandardCharsets.UTF_8);
        boolean clean = Arrays.equals(text.getBytes(StandardCharsets.UTF_8), value)
                && text.chars().noneMatch(Character::isISOControl);
        return clean ? text : HexFormat.of().formatHex(value);
    }

    private static Map<String, @Nullable Object> providers(String cid, List<PeerInfo> found) {
        if (found.isEmpty()) {
            throw PpiofsException.expected(ErrorKind.NOT_FOUND, "find", cid);
        }
        List<Object> list = new ArrayList<>();
        for (PeerInfo provider : found) {
            Map<String, @Nullable Object> facts = new LinkedHashMap<>();
            facts.put("peer", provider.id().toString());
            facts.put("addresses", addresses(provider));
            list.add(facts);
        }
        Map<String, @Nullable Object> answer = new LinkedHashMap<>();
        answer.put("cid", cid);
        answer.put("providers", list);
        return answer;
    }

    private static List<String> addresses(PeerInfo peer) {
        return peer.addresses().stream()
                .map(a -> a.withPeer(peer.id()).toString())
                .toList();
    }

    @Override
    public void revoked(RevocationList list) {
        if (roll != null) {
            roll.offer(list.encode());
        }
    }

    @Override
    public void close() {
        if (superPeer) {
            keepRecordsNow();
        }
        custodies.close();
        deals.close();
        swarmService.close();
        StorageService lent = storage;
        if (lent != null) {
            lent.close();
        }
        operators.close();
        if (seeking) {
            keepNeighboursNow();
        }
        neighbours.close();
        if (rendezvous != null) {
            rendezvous.close();
        }
        superPeers.close();
        gossip.close();
        dht.close();
        node.close();
        work.shutdown();
        blockWork.shutdown();
    }
}
