package io.ppiofs.overlay.dht;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.host.AddressBook;
import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.host.Host;
import io.ppiofs.overlay.host.HostListener;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.host.Scheduler;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A node of the distributed hash table: finds peers, stores small values, says who provides what (libp2p specification
 * "kad-dht"). Safe for any thread; the futures complete on the host's scheduler. Nothing is trusted because it was found
 * here: values are checked by their {@link Validator}, peers by their handshake, content by its hash.
 */
public final class Dht implements AutoCloseable {
    /** Peers that were dropped are remembered, so that two halves of a network find each other again. */
    private static final String TAG = "dht";

    private static final int TAG_VALUE = 10;
    private static final int MAX_LOST = 64;

    /** Buckets from this one on are refreshed at one of their peers instead of a point drawn at random. */
    private static final int MAX_DRAWN = 8;

    /** Lost and silent peers that one refresh asks whether they live. */
    private static final int PROBES = 16;

    private final Host host;
    private final Scheduler scheduler;
    private final DhtConfig config;
    private final DhtKey own;
    private Set<PeerId> nearest = Set.of(); // the k nearest, on the scheduler
    private DhtKey farthestOfNearest; // nobody nearer than this is missing in `nearest`
    private final DhtKey.Hasher hasher = new DhtKey.Hasher();
    private final Validators validators;
    private final RoutingTable table;
    private final ValueStore values;
    private final ProviderStore providers;
    private final RpcClient client;
    private final RpcServer server;
    private final Publisher publisher;
    private final Random random;
    private final LinkedHashSet<PeerId> lost = new LinkedHashSet<>();
    private final Set<PeerId> probing = new LinkedHashSet<>();
    private final List<Scheduler.Timer> timers = new ArrayList<>();
    private final NodeView view = new NodeView();
    private final Listener listener = new Listener();
    private @Nullable CompletableFuture<Integer> refreshing;
    private boolean closed;

    private final AtomicLong requestsSent = new AtomicLong();
    private final AtomicLong requestsFailed = new AtomicLong();
    private final AtomicLong requestsServed = new AtomicLong();
    private final AtomicLong requestsRefused = new AtomicLong();
    private final AtomicLong recordsRefused = new AtomicLong();
    private final AtomicLong lookupsCutShort = new AtomicLong();
    private final Histogram lookupMillis = new Histogram();
    private final Histogram lookupMessages = new Histogram();
    private final Histogram lookupHops = new Histogram();
    private volatile int tableSize;
    private volatile int valueCount;
    private volatile int providerCount;
    private volatile boolean serving;

    /** @param random for the points of refreshes and which lost peers are tried; not for secrets */
    public Dht(Host host, DhtConfig config, Random random) {
        this.host = host;
        this.scheduler = host.scheduler();
        this.config = config;
        this.random = random;
        this.own = DhtKey.of(host.id());
        this.farthestOfNearest = own;
        this.validators = new Validators(config.validators());
        this.table = new RoutingTable(own, config.bucketSize(), config.maxPerPrefixInBucket(), config.maxPerPrefix());
        this.values = new ValueStore(own, config.maxValueBytes(), config.maxValueBytesPerPeer());
        this.providers = new ProviderStore(own, config.maxProviders(), config.maxProvidersPerPeer());
        this.client = new RpcClient(host, config.protocol(), config.requestTimeout());
        RequestHandler handler = new RequestHandler(host, config, table, validators, values, providers);
        this.server = new RpcServer(
                host, config.protocol(), config.requestsPerSecond(), handler, requestsServed, requestsRefused);
        this.publisher = new Publisher(scheduler, config.republishInterval(), this::publish);
    }

    /** Begins to serve (as a server), to listen for peers and to refresh; {@link #bootstrap} is the caller's. */
    public void start() {
        scheduler.execute(() -> {
            host.addListener(listener);
            if (config.server()) {
                setServing(true);
            }
            for (PeerId peer : host.connectedPeers()) {
                met(peer, host.addressBook().protocols(peer));
            }
            timers.add(scheduler.scheduleRepeating(config.refreshInterval(), this::refresh));
            timers.add(scheduler.scheduleRepeating(Duration.ofHours(1), this::expire));
        });
    }

    /** Ends all that runs; own records are forgotten here and expire in the network. */
    @Override
    public void close() {
        scheduler.execute(() -> {
            closed = true;
            host.removeListener(listener);
            timers.forEach(Scheduler.Timer::cancel);
            nearest.forEach(peer -> host.tag(peer, TAG, 0));
            publisher.close();
            client.close();
            if (server.isOpen()) {
                setServing(false);
            }
        });
    }

    /** Server or client: a client is in nobody's table and keeps nothing for others. */
    public void setServer(boolean value) {
        scheduler.execute(() -> {
            if (value != server.isOpen() && !closed) {
                setServing(value);
            }
        });
    }

    private void setServing(boolean value) {
        if (value) {
            server.start();
        } else {
            server.stop();
        }
        serving = value;
    }

    public ProtocolId protocol() {
        return config.protocol();
    }

    // --- operations
    // ---------------------------------------------------------------------------------------------------

    /**
     * Connects to the bootstrap peers, looks itself up and a random point of each bucket.
     *
     * @return the size of the routing table afterwards; 0 if nobody was reached
     */
    public CompletableFuture<Integer> bootstrap() {
        return onScheduler(this::refresh);
    }

    /**
     * The addresses of a peer that was reached under one of them. A peer that is a client, too, is found if it is connected
     * to one of the servers nearest to it.
     *
     * @return fails with NOT_FOUND if nobody knows it or it cannot be reached
     */
    public CompletableFuture<PeerInfo> findPeer(PeerId peer) {
        return onScheduler(() -> host.isConnected(peer) || peer.equals(host.id())
                ? CompletableFuture.completedFuture(info(peer))
                : searchPeer(peer));
    }

    /** The k peers nearest to {@code key} that answered, nearest first; this node is not among them. */
    public CompletableFuture<List<PeerInfo>> getClosestPeers(byte[] key) {
        return onScheduler(() -> lookup(DhtMessage.request(DhtMessage.Type.FIND_NODE, key), (from, answer) -> false)
                .thenApply(result -> infos(result.closest())));
    }

    /**
     * Stores a value at the k nearest peers and here, and again every republish interval until {@link #forget}. If the
     * network holds a better one, that is kept and republished instead.
     *
     * @return how many peers stored it; 0 if there is nobody yet (it is stored later). Fails with INVALID if there is no
     *     validator for its namespace or that refuses it, EXISTS if a better one is known here
     */
    public CompletableFuture<Integer> put(byte[] key, byte[] value) {
        return onScheduler(() -> {
            if (!validators.isValid(key, value)) {
                throw new PpiofsException(
                        ErrorKind.INVALID,
                        "put",
                        name(key),
                        "the key is not /namespace/rest of a known namespace, or its validator refuses the value");
            }
            byte[] known = localValue(key);
            if (known != null && !validators.isAtLeastAsGood(key, value, known)) {
                throw new PpiofsException(ErrorKind.EXISTS, "put", name(key), "a better value is known");
            }
            return publisher.put(key.clone(), value.clone());
        });
    }

    /** No longer republishes a value of this node; it expires in the network. */
    public void forget(byte[] key) {
        scheduler.execute(() -> publisher.forgetValue(key));
    }

    /**
     * The best value under a key. Peers that hold another one are given the best.
     *
     * @return fails with NOT_FOUND if nobody has a valid one, INVALID if the namespace is not known
     */
    public CompletableFuture<byte[]> get(byte[] key) {
        return onScheduler(() -> {
            if (!validators.knows(key)) {
                throw new PpiofsException(
                        ErrorKind.INVALID, "get", name(key), "the key is not /namespace/rest of a known namespace");
            }
            return new ValueSearch(key).run();
        });
    }

    /** As {@link #provide(byte[])} of the CID's multihash. */
    public CompletableFuture<Integer> provide(Cid cid) {
        return provide(ContentKey.of(cid));
    }

    /**
     * Tells the k nearest peers that this node provides {@code multihash}, and again every republish interval until {@link
     * #unprovide}.
     *
     * @return how many were told; fails with INVALID if it is no multihash
     */
    public CompletableFuture<Integer> provide(byte[] multihash) {
        return onScheduler(
                () -> publisher.provide(contentKey("provide", multihash).clone()));
    }

    public void unprovide(Cid cid) {
        unprovide(ContentKey.of(cid));
    }

    /** No longer says that it provides this; the records expire in the network. */
    public void unprovide(byte[] multihash) {
        scheduler.execute(() -> {
            publisher.forgetProvided(multihash);
            providers.remove(hasher.of(multihash), host.id());
        });
    }

    public CompletableFuture<List<PeerInfo>> findProviders(Cid cid, int count) {
        return findProviders(ContentKey.of(cid), count);
    }

    /**
     * Up to {@code count} peers that say they provide {@code multihash}, in the order in which they turned up; fewer, or
     * none, if there are no more. They have not been asked.
     */
    public CompletableFuture<List<PeerInfo>> findProviders(byte[] multihash, int count) {
        return onScheduler(() -> searchProviders(contentKey("find providers of", multihash), count));
    }

    /** What has been done so far; any thread. */
    public DhtStats stats() {
        Histogram.Snapshot messages = lookupMessages.snapshot();
        return new DhtStats(
                serving,
                tableSize,
                valueCount,
                providerCount,
                messages.count(),
                lookupsCutShort.get(),
                requestsSent.get(),
                requestsFailed.get(),
                requestsServed.get(),
                requestsRefused.get(),
                recordsRefused.get(),
                lookupMillis.snapshot(),
                messages,
                lookupHops.snapshot());
    }

    /** The peers in the routing table. */
    public CompletableFuture<List<PeerInfo>> tablePeers() {
        return onScheduler(() -> CompletableFuture.completedFuture(
                table.all().stream().map(entry -> info(entry.peer)).toList()));
    }

    /** What a super peer writes to its disk: the records kept for others and the peers of the table. */
    public CompletableFuture<DhtSnapshot> snapshot() {
        return onScheduler(() -> CompletableFuture.completedFuture(DhtSnapshot.of(
                values.all(),
                providers.all(),
                table.all().stream().map(entry -> info(entry.peer)).toList(),
                scheduler.nanoTime(),
                scheduler.wallMillis())));
    }

    /** Takes back what a snapshot holds and has not expired; values are validated anew. Peers become known, not trusted. */
    public CompletableFuture<Integer> restore(DhtSnapshot snapshot) {
        return onScheduler(() -> {
            long now = scheduler.nanoTime();
            long wall = scheduler.wallMillis();
            for (ValueStore.Stored value : snapshot.values(now, wall)) {
                if (validators.isValid(value.key(), value.value())) {
                    values.put(hasher.of(value.key()), value);
                }
            }
            for (ProviderStore.Stored record : snapshot.providers(now, wall)) {
                providers.add(hasher.of(record.key()), record);
            }
            for (PeerInfo peer : snapshot.peers()) {
                host.addressBook().addAddresses(peer.id(), peer.addresses(), AddressBook.TOLD);
                lose(peer.id());
            }
            count();
            return CompletableFuture.completedFuture(values.size() + providers.size());
        });
    }

    // --- searching
    // ----------------------------------------------------------------------------------------------------

    private CompletableFuture<Lookup.Result> lookup(DhtMessage request, Lookup.Listener answers) {
        return begin(new Lookup(view, config, hasher.of(request.key()), request, answers), request.key());
    }

    private CompletableFuture<Lookup.Result> begin(Lookup lookup, byte[] key) {
        table.lookedUp(hasher.of(key), scheduler.nanoTime());
        return lookup.run().thenApply(this::counted);
    }

    private Lookup.Result counted(Lookup.Result result) {
        lookupMillis.add(result.time().toMillis());
        lookupMessages.add(result.messages());
        lookupHops.add(result.hops());
        if (result.cutShort()) {
            lookupsCutShort.incrementAndGet();
        }
        return result;
    }

    /** Whoever names the peer may lie about its addresses: it is found when a connection to it stands. */
    private CompletableFuture<PeerInfo> searchPeer(PeerId peer) {
        CompletableFuture<PeerInfo> found = new CompletableFuture<>();
        byte[] key = peer.toBytes();
        List<Lookup> self = new ArrayList<>(1);
        Runnable reached = () -> {
            if (found.complete(info(peer))) {
                self.forEach(Lookup::stop);
            }
        };
        int[] dials = {0};
        boolean[] over = {false};
        Runnable giveUp = () -> {
            if (over[0] && dials[0] == 0) {
                found.completeExceptionally(
                        PpiofsException.expected(ErrorKind.NOT_FOUND, "find peer", peer.toString()));
            }
        };
        Runnable dial = () -> {
            dials[0]++;
            host.connect(peer)
                    .whenComplete((connection, error) -> scheduler.execute(() -> {
                        dials[0]--;
                        if (connection != null) {
                            reached.run();
                        } else {
                            giveUp.run();
                        }
                    }));
        };
        Set<Multiaddr> told = new LinkedHashSet<>();
        Lookup.Listener watch = (from, answer) -> {
            for (DhtMessage.Peer one : answer.closer()) {
                if (one.id().equals(peer) && told.size() < DhtMessage.MAX_PEERS && told.addAll(one.addresses())) {
                    host.addressBook().addAddresses(peer, one.addresses(), AddressBook.TOLD);
                    dial.run();
                }
            }
            return found.isDone();
        };
        Lookup lookup =
                new Lookup(view, config, hasher.of(key), DhtMessage.request(DhtMessage.Type.FIND_NODE, key), watch);
        self.add(lookup);
        if (!host.addressBook().addresses(peer).isEmpty()) {
            dial.run(); // perhaps it needs no search at all; if it does, that has begun meanwhile
        }
        begin(lookup, key).whenComplete((result, error) -> {
            over[0] = true;
            giveUp.run();
        });
        return found;
    }

    private CompletableFuture<List<PeerInfo>> searchProviders(byte[] multihash, int count) {
        Map<PeerId, PeerInfo> found = new LinkedHashMap<>();
        for (PeerId peer : providers.providers(hasher.of(multihash), count, scheduler.nanoTime())) {
            found.put(peer, info(peer));
        }
        if (found.size() >= count) {
            return CompletableFuture.completedFuture(List.copyOf(found.values()));
        }
        DhtMessage request = DhtMessage.request(DhtMessage.Type.GET_PROVIDERS, multihash);
        return lookup(request, (from, answer) -> {
                    for (DhtMessage.Peer provider : answer.providers()) {
                        addProvider(found, provider, count);
                    }
                    return found.size() >= count;
                })
                .thenApply(result -> List.copyOf(found.values()));
    }

    private void addProvider(Map<PeerId, PeerInfo> found, DhtMessage.Peer provider, int count) {
        PeerInfo before = found.get(provider.id());
        if (before == null ? found.size() >= count : !before.addresses().isEmpty()) {
            return;
        }
        PeerInfo named = provider.info();
        host.addressBook().addAddresses(named.id(), named.addresses(), AddressBook.TOLD);
        found.put(named.id(), named);
    }

    /** Collects values while a lookup runs, decides, and gives the best to those that had another one. */
    private final class ValueSearch {
        private final byte[] key;
        private final Map<PeerId, byte[]> answers = new LinkedHashMap<>();

        ValueSearch(byte[] key) {
            this.key = key.clone();
        }

        CompletableFuture<byte[]> run() {
            return lookup(DhtMessage.request(DhtMessage.Type.GET_VALUE, key), this::onAnswer)
                    .thenApply(this::decide);
        }

        private boolean onAnswer(PeerId from, DhtMessage answer) {
            DhtMessage.Value record = answer.record();
            if (record != null) {
                if (Arrays.equals(record.key(), key) && validators.isValid(key, record.value())) {
                    answers.put(from, record.value());
                } else {
                    recordsRefused.incrementAndGet();
                }
            }
            return config.quorum() > 0 && answers.size() >= config.quorum();
        }

        private byte[] decide(Lookup.Result result) {
            List<byte[]> candidates = new ArrayList<>(answers.values());
            byte[] local = localValue(key);
            if (local != null) {
                candidates.add(local);
            }
            if (candidates.isEmpty()) {
                throw PpiofsException.expected(ErrorKind.NOT_FOUND, "get", name(key));
            }
            byte[] best = validators.best(key, candidates);
            byte[] request = DhtMessage.put(key, best, scheduler.wallMillis()).encode();
            answers.forEach((peer, value) -> {
                if (!Arrays.equals(value, best)) {
                    ask(peer, request); // whether it takes it is its own affair
                }
            });
            return best.clone();
        }
    }

    private byte @Nullable [] localValue(byte[] key) {
        Publisher.Own mine = publisher.value(key);
        if (mine != null && mine.value != null) {
            return mine.value;
        }
        ValueStore.Stored stored = values.get(hasher.of(key), scheduler.nanoTime());
        return stored != null && validators.isValid(key, stored.value()) ? stored.value() : null;
    }

    // --- storing
    // ------------------------------------------------------------------------------------------------------

    private CompletableFuture<Integer> publish(Publisher.Own record) {
        byte[] value = record.value;
        DhtMessage find = DhtMessage.request(DhtMessage.Type.FIND_NODE, record.key);
        if (value == null) {
            long expires = scheduler.nanoTime() + config.recordLifetime().toNanos();
            providers.add(hasher.of(record.key), new ProviderStore.Stored(record.key, host.id(), expires));
            return lookup(find, (from, answer) -> false).thenCompose(found -> tellAll(found.closest(), record.key));
        }
        keep(record.key, value);
        return lookup(find, (from, answer) -> false).thenCompose(found -> putAll(found.closest(), record, value));
    }

    private void keep(byte[] key, byte[] value) {
        long expires = scheduler.nanoTime() + config.recordLifetime().toNanos();
        values.put(hasher.of(key), new ValueStore.Stored(key, value, host.id(), scheduler.wallMillis(), expires));
        count();
    }

    private CompletableFuture<Integer> tellAll(List<PeerId> peers, byte[] key) {
        DhtMessage.Peer self = DhtMessage.Peer.of(host.id(), host.addresses());
        byte[] request = new DhtMessage(DhtMessage.Type.ADD_PROVIDER, key, null, List.of(), List.of(self)).encode();
        return countSuccesses(peers, peer -> {
            requestsSent.incrementAndGet();
            return client.tell(peer, request).thenApply(done -> true);
        });
    }

    private CompletableFuture<Integer> putAll(List<PeerId> peers, Publisher.Own record, byte[] value) {
        byte[] request =
                DhtMessage.put(record.key, value, scheduler.wallMillis()).encode();
        return countSuccesses(peers, peer -> ask(peer, request).thenApply(answer -> stored(record, value, answer)));
    }

    /** Whether the peer has stored it. If it has a better one instead, that becomes what this node republishes. */
    private boolean stored(Publisher.Own record, byte[] value, DhtMessage answer) {
        DhtMessage.Value theirs = answer.record();
        if (theirs == null || !Arrays.equals(theirs.key(), record.key)) {
            return false;
        }
        if (Arrays.equals(theirs.value(), value)) {
            return true;
        }
        byte[] mine = record.value;
        boolean better = mine != null
                && validators.isValid(record.key, theirs.value())
                && validators.isAtLeastAsGood(record.key, theirs.value(), mine);
        if (better) {
            record.value = theirs.value();
            keep(record.key, theirs.value());
        }
        return false;
    }

    private CompletableFuture<Integer> countSuccesses(
            List<PeerId> peers, Function<PeerId, CompletableFuture<Boolean>> action) {
        CompletableFuture<Integer> all = new CompletableFuture<>();
        int[] counts = {0, peers.size()}; // stored, outstanding
        if (peers.isEmpty()) {
            all.complete(0);
        }
        for (PeerId peer : peers) {
            action.apply(peer).whenComplete((done, error) -> {
                counts[0] += error == null && done ? 1 : 0;
                if (--counts[1] == 0) {
                    all.complete(counts[0]);
                }
            });
        }
        return all;
    }

    private void expire() {
        values.expire(scheduler.nanoTime());
        providers.expire(scheduler.nanoTime());
        count();
    }

    private void count() {
        tableSize = table.size();
        valueCount = values.size();
        providerCount = providers.size();
    }

    // --- the routing table
    // --------------------------------------------------------------------------------------------

    private CompletableFuture<DhtMessage> ask(PeerId peer, byte[] request) {
        requestsSent.incrementAndGet();
        return client.ask(peer, request).whenComplete((answer, error) -> {
            if (answer != null) {
                heard(peer);
            } else {
                requestsFailed.incrementAndGet();
                failed(peer, error);
            }
        });
    }

    private void heard(PeerId peer) {
        List<Connection> connections = host.connections(peer);
        if (connections.isEmpty() || closed) {
            return;
        }
        Connection connection = connections.get(0);
        DhtKey key = hasher.of(peer);
        long prefix = AddressPrefix.of(connection.remoteAddress(), config.exemptPrivate());
        long now = scheduler.nanoTime();
        RoutingTable.Outcome outcome = table.heard(connection.remotePeer(), key, prefix, now);
        if (outcome == RoutingTable.Outcome.ADDED) {
            lost.remove(peer);
            tableSize = table.size();
            if (nearest.size() < config.bucketSize() || own.compareDistance(key, farthestOfNearest) < 0) {
                tagNearest();
            }
        } else if (outcome == RoutingTable.Outcome.WAITING) {
            RoutingTable.Entry stalest =
                    table.stalest(key, now - config.livenessAge().toNanos());
            if (stalest != null) {
                probe(stalest.peer); // if it does not answer, the one that waits takes its place
            }
        }
    }

    private void failed(PeerId peer, Throwable error) {
        Throwable cause =
                error instanceof CompletionException wrapped && wrapped.getCause() != null ? wrapped.getCause() : error;
        DhtKey key = hasher.of(peer);
        if (cause instanceof PpiofsException e && e.kind() == ErrorKind.NOT_SUPPORTED) {
            table.remove(peer, key); // a client now: it is reachable, but it does not serve
        } else if (table.failed(peer, key)) {
            lose(peer);
        }
        tableSize = table.size();
        if (nearest.contains(peer) && !table.contains(peer, key)) {
            tagNearest();
        }
    }

    /** Connections to the k nearest peers stay when others must go: those are asked, and ask, most. */
    private void tagNearest() {
        Set<PeerId> now = new HashSet<>();
        for (RoutingTable.Entry entry : table.closest(own, config.bucketSize(), false)) {
            now.add(entry.peer);
            farthestOfNearest = entry.key;
        }
        nearest.stream().filter(peer -> !now.contains(peer)).forEach(peer -> host.tag(peer, TAG, 0));
        now.stream().filter(peer -> !nearest.contains(peer)).forEach(peer -> host.tag(peer, TAG, TAG_VALUE));
        nearest = now;
    }

    private void lose(PeerId peer) {
        lost.add(peer);
        if (lost.size() > MAX_LOST) {
            lost.remove(lost.iterator().next());
        }
    }

    /** Whether the peer answers; false if it is being asked already. */
    private CompletableFuture<Boolean> probe(PeerId peer) {
        if (!probing.add(peer)) {
            return CompletableFuture.completedFuture(false);
        }
        byte[] request = DhtMessage.request(DhtMessage.Type.FIND_NODE, host.id().toBytes())
                .encode();
        return ask(peer, request).handle((answer, error) -> {
            probing.remove(peer);
            return error == null;
        });
    }

    private void met(PeerId peer, Collection<ProtocolId> protocols) {
        if (protocols.contains(config.protocol())) {
            heard(peer);
        } else {
            table.remove(peer, hasher.of(peer));
            tableSize = table.size();
            if (nearest.contains(peer)) {
                tagNearest();
            }
        }
    }

    /** One at a time; who asks meanwhile gets the one that runs. */
    private CompletableFuture<Integer> refresh() {
        if (refreshing == null) {
            CompletableFuture<Integer> run = reachBootstrap()
                    .thenCompose(reached -> {
                        CompletableFuture<Integer> probes = probeSilent();
                        return table.size() == 0 ? probes : CompletableFuture.completedFuture(0); // they are the way in
                    })
                    .thenCompose(alive -> lookupSelf())
                    .thenCompose(done -> refreshBuckets())
                    .thenApply(done -> table.size());
            refreshing = run;
            run.whenComplete((size, error) -> refreshing = null);
            return run;
        }
        return refreshing;
    }

    /** Asks the bootstrap peers that are not in the table: the way into a network, and back into the whole after a split. */
    private CompletableFuture<Integer> reachBootstrap() {
        List<PeerId> absent = new ArrayList<>();
        for (PeerInfo peer : config.bootstrap()) {
            if (!peer.id().equals(host.id()) && !table.contains(peer.id(), hasher.of(peer.id()))) {
                host.addressBook().addAddresses(peer.id(), peer.addresses(), AddressBook.TOLD);
                absent.add(peer.id());
            }
        }
        byte[] request = DhtMessage.request(DhtMessage.Type.FIND_NODE, host.id().toBytes())
                .encode();
        return countSuccesses(absent, peer -> ask(peer, request).thenApply(answer -> true));
    }

    /** Asks peers that were not heard of for long, or were dropped, whether they live; gives how many do. */
    private CompletableFuture<Integer> probeSilent() {
        long before = scheduler.nanoTime() - 2 * config.refreshInterval().toNanos();
        List<RoutingTable.Entry> silent = table.stale(before);
        List<PeerId> probed = new ArrayList<>();
        silent.subList(0, Math.min(PROBES, silent.size())).forEach(entry -> probed.add(entry.peer));
        List<PeerId> candidates = new ArrayList<>(lost);
        for (int i = 0; i < PROBES && !candidates.isEmpty(); i++) {
            PeerId peer = candidates.remove(random.nextInt(candidates.size()));
            if (host.addressBook().addresses(peer).isEmpty()) {
                lost.remove(peer);
            } else {
                probed.add(peer);
            }
        }
        return countSuccesses(probed, this::probe);
    }

    /**
     * Finds the k peers nearest to this node. Whoever shares more bits with it than the farthest of them is nearer, and so
     * one of them: the buckets beyond that have all there is, and need no lookup of their own.
     */
    private CompletableFuture<Void> lookupSelf() {
        DhtMessage request =
                DhtMessage.request(DhtMessage.Type.FIND_NODE, host.id().toBytes());
        return lookup(request, (from, answer) -> false).thenApply(result -> {
            List<PeerId> found = result.closest();
            if (found.size() >= config.bucketSize() && !result.cutShort()) {
                int farthest = own.commonPrefix(hasher.of(found.get(found.size() - 1)));
                table.lookedUpBeyond(farthest, scheduler.nanoTime());
            }
            return null;
        });
    }

    /** A point of each bucket that no lookup has touched lately, one after the other. */
    private CompletableFuture<Void> refreshBuckets() {
        long before = scheduler.nanoTime() - config.refreshInterval().toNanos() / 2;
        CompletableFuture<Void> chain = CompletableFuture.completedFuture(null);
        for (int bucket : table.bucketsNotLookedUpSince(before)) {
            chain = chain.thenCompose(done -> refreshBucket(bucket, before));
        }
        return chain;
    }

    /** A lookup inside the bucket; over as soon as that is full of peers that were heard of lately. */
    private CompletableFuture<Void> refreshBucket(int bucket, long before) {
        byte[] key = table.isFullSince(bucket, before) ? null : keyInBucket(bucket);
        if (key == null) {
            return CompletableFuture.completedFuture(null);
        }
        DhtMessage request = DhtMessage.request(DhtMessage.Type.FIND_NODE, key);
        return lookup(request, (from, answer) -> table.isFullSince(bucket, before))
                .thenApply(result -> null);
    }

    /**
     * A key whose point lies in the bucket. Points are hashes, so a random one is found by trying, 2^(bucket+1) times on
     * average; of a deep bucket, where that would take long, the id of one of its peers is taken. Null if that has none.
     */
    private byte @Nullable [] keyInBucket(int bucket) {
        if (bucket >= MAX_DRAWN) {
            List<PeerId> peers = table.peersOf(bucket);
            return peers.isEmpty()
                    ? null
                    : peers.get(random.nextInt(peers.size())).toBytes();
        }
        byte[] key = new byte[32];
        do {
            random.nextBytes(key);
        } while (own.commonPrefix(hasher.of(key)) != bucket);
        return key;
    }

    // --- small things
    // -------------------------------------------------------------------------------------------------

    private PeerInfo info(PeerId peer) {
        return new PeerInfo(
                peer,
                peer.equals(host.id()) ? host.addresses() : host.addressBook().addresses(peer));
    }

    private List<PeerInfo> infos(List<PeerId> peers) {
        return peers.stream().map(this::info).toList();
    }

    private static byte[] contentKey(String operation, byte[] key) {
        byte[] multihash = ContentKey.multihash(key);
        if (multihash == null) {
            throw new PpiofsException(
                    ErrorKind.INVALID, operation, name(key), "the key is neither a multihash nor a CID");
        }
        return multihash;
    }

    /** A key as people read it: its text if it is printable, else the number of bytes. */
    private static String name(byte[] key) {
        for (byte b : key) {
            if (b < 0x20 || b > 0x7e) {
                return "key of " + key.length + " bytes";
            }
        }
        return new String(key, US_ASCII);
    }

    private <T> CompletableFuture<T> onScheduler(Supplier<CompletableFuture<T>> operation) {
        CompletableFuture<T> outside = new CompletableFuture<>();
        scheduler.execute(() -> {
            try {
                if (closed) {
                    throw new PpiofsException(
                            ErrorKind.NOT_CONNECTED, "use", config.protocol().name(), "the DHT has been closed");
                }
                operation.get().whenComplete((value, error) -> {
                    if (error == null) {
                        outside.complete(value);
                    } else {
                        outside.completeExceptionally(
                                error instanceof CompletionException && error.getCause() != null
                                        ? error.getCause()
                                        : error);
                    }
                });
            } catch (PpiofsException e) {
                outside.completeExceptionally(e);
            }
        });
        return outside;
    }

    private final class NodeView implements Lookup.Node {
        @Override
        public Scheduler scheduler() {
            return scheduler;
        }

        @Override
        public DhtKey keyOf(PeerId peer) {
            return hasher.of(peer);
        }

        @Override
        public boolean isSelf(PeerId peer) {
            return peer.equals(host.id());
        }

        @Override
        public List<RoutingTable.Entry> nearestKnown(DhtKey target) {
            return table.closest(target, config.bucketSize(), false);
        }

        @Override
        public CompletableFuture<DhtMessage> ask(PeerId peer, List<Multiaddr> addresses, byte[] request) {
            host.addressBook().addAddresses(peer, addresses, AddressBook.TOLD);
            return Dht.this.ask(peer, request);
        }
    }

    private final class Listener implements HostListener {
        @Override
        public void onIdentified(PeerId peer, Set<ProtocolId> protocols) {
            met(peer, protocols);
        }
    }
}
