package io.ppiofs.overlay.sim;

import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Many hosts, one thread, one virtual clock. Deterministic: the same seed and the same calls give the same run. Not safe
 * for threads.
 */
public final class SimNetwork {
    /** Sees each write to a stream when it is made. */
    @FunctionalInterface
    public interface Tap {
        void sent(SimHost from, SimHost to, ProtocolId protocol, int bytes);
    }

    private static final Logger LOG = LoggerFactory.getLogger(SimNetwork.class);

    /** 2026-01-01T00:00Z: wall clocks of all hosts start here. */
    private static final long EPOCH_MILLIS = 1_767_225_600_000L;

    private final long seed;
    private final Random random;
    private final SimQueue queue = new SimQueue();
    private final List<SimHost> hosts = new ArrayList<>();
    private final Map<PeerId, SimHost> byPeer = new HashMap<>();
    private final Map<Multiaddr, SimHost> byAddress = new HashMap<>();
    private final Map<ProtocolId, Traffic> traffic = new HashMap<>();

    private long now;
    private long sequence;
    private long events;
    private int active;
    private Latency latency = Latency.spread(Duration.ofMillis(5), Duration.ofMillis(75), 1);
    private double loss;
    private long uploadBytesPerSecond = Long.MAX_VALUE;
    private int maxConnections = 200;
    private Duration deadPeerTimeout = Duration.ofSeconds(15);
    private Duration dialTimeout = Duration.ofSeconds(5);
    private @Nullable ToIntFunction<SimHost> partition;
    private @Nullable Tap tap;
    private @Nullable Throwable failure;

    /** A network of no hosts; prints the seed. */
    public SimNetwork(long seed) {
        this.seed = seed;
        this.random = new Random(seed);
        System.out.println("simulated network, seed " + seed);
    }

    // --- what the network is like
    // -------------------------------------------------------------------------------------

    /** Default: 5 to 75 ms one way, fixed for each pair. */
    public SimNetwork setLatency(Latency value) {
        latency = value;
        return this;
    }

    /** The probability that a message must be sent again (200 ms or two round trips later, doubling; the seventh loss ends the connection). */
    public SimNetwork setLoss(double probability) {
        loss = probability;
        return this;
    }

    /** What each host can send; default: without limit. */
    public SimNetwork setUploadBytesPerSecond(long value) {
        uploadBytesPerSecond = value;
        return this;
    }

    /** Above it a host closes connections without streams, lowest tags and longest unused first. Default 200. */
    public SimNetwork setMaxConnections(int value) {
        maxConnections = value;
        return this;
    }

    /** How long a connection lives on after the other host has vanished. Default 15 s. */
    public SimNetwork setDeadPeerTimeout(Duration value) {
        deadPeerTimeout = value;
        return this;
    }

    /** How long a dial waits that nobody answers. Default 5 s. */
    public SimNetwork setDialTimeout(Duration value) {
        dialTimeout = value;
        return this;
    }

    /** Sees all writes. */
    public SimNetwork setTap(@Nullable Tap value) {
        tap = value;
        return this;
    }

    /** From now on hosts of different groups cannot reach each other; their connections die after the dead peer timeout. */
    public void partition(ToIntFunction<SimHost> group) {
        partition = group;
        for (SimHost host : hosts) {
            host.dropUnreachable();
        }
    }

    /** Ends a partition. */
    public void heal() {
        partition = null;
    }

    // --- hosts
    // --------------------------------------------------------------------------------------------------------

    /** A public host with a key made from the seed and an address in a /24 of its own. */
    public SimHost addHost() {
        return addHost(Nat.PUBLIC);
    }

    public SimHost addHost(Nat nat) {
        int i = hosts.size();
        String ip = (20 + (i >>> 16)) + "." + (i >>> 8 & 255) + "." + (i & 255) + ".7";
        return addHost(nat, Multiaddr.parse("/ip4/" + ip + "/tcp/4001"));
    }

    /** A host at {@code address}, for example one of many in one /24. */
    public SimHost addHost(Nat nat, Multiaddr address) {
        byte[] secret = new byte[32];
        ByteBuffer.wrap(secret).putLong(seed).putLong(hosts.size()).putLong(~seed);
        return addHost(nat, address, IdentityKey.ofSeed(secret));
    }

    /** A host with this key, for example one that was searched for. */
    public SimHost addHost(Nat nat, Multiaddr address, IdentityKey key) {
        SimHost host = new SimHost(this, hosts.size(), key, address, nat);
        if (byAddress.putIfAbsent(address, host) != null || byPeer.putIfAbsent(host.id(), host) != null) {
            throw new IllegalArgumentException("there is a host at " + address + " or with the key of " + host.id());
        }
        hosts.add(host);
        return host;
    }

    public List<SimHost> hosts() {
        return Collections.unmodifiableList(hosts);
    }

    public @Nullable SimHost host(PeerId peer) {
        return byPeer.get(peer);
    }

    // --- time
    // ---------------------------------------------------------------------------------------------------------

    public long nanoTime() {
        return now;
    }

    public long wallMillis() {
        return EPOCH_MILLIS + now / 1_000_000;
    }

    /** How many events have happened. */
    public long events() {
        return events;
    }

    /** Randomness of this run, for tests that want to be as deterministic. */
    public Random random() {
        return random;
    }

    /** Runs all that happens in the next {@code time}. */
    public void runFor(Duration time) {
        long end = now + time.toNanos();
        while (step(end)) {
            // all in step
        }
        now = Math.max(now, end);
    }

    /** Runs until {@code condition} holds. @throws AssertionError if it does not within {@code limit} of virtual time */
    public void runUntil(BooleanSupplier condition, Duration limit) {
        long end = now + limit.toNanos();
        while (!condition.getAsBoolean()) {
            if (!step(end)) {
                throw new AssertionError("not so after " + limit + " of virtual time, seed " + seed);
            }
        }
    }

    /** Runs until the future is done and gives its value; its failure is thrown as it is. */
    public <T> T await(CompletableFuture<T> future, Duration limit) {
        runUntil(future::isDone, limit);
        return future.join();
    }

    /** Runs until nothing but timers is left to happen. @throws AssertionError if it is not so within {@code limit} */
    public void runUntilQuiet(Duration limit) {
        runUntil(() -> active == 0, limit);
    }

    // --- counting
    // -----------------------------------------------------------------------------------------------------

    /** What was written to streams of this protocol since the start or {@link #resetTraffic}. */
    public Traffic traffic(ProtocolId protocol) {
        return traffic.getOrDefault(protocol, Traffic.NONE);
    }

    public void resetTraffic() {
        traffic.clear();
    }

    // --- for hosts
    // ----------------------------------------------------------------------------------------------------

    SimEvent post(long delay, boolean timer, @Nullable SimHost owner, int life, Runnable task) {
        SimEvent event = new SimEvent(this, now + delay, sequence++, timer, owner, life, task);
        if (!timer) {
            active++;
        }
        queue.add(event, delay == 0);
        return event;
    }

    void cancelled(SimEvent event) {
        if (!event.timer) {
            active--;
        }
    }

    /** Whether packets pass between the two now. */
    boolean reachable(SimHost a, SimHost b) {
        ToIntFunction<SimHost> groups = partition;
        return a.isUp() && b.isUp() && (groups == null || groups.applyAsInt(a) == groups.applyAsInt(b));
    }

    @Nullable
    SimHost at(Multiaddr address) {
        return byAddress.get(address);
    }

    /** The one object for an address, if a host has it: thousands of address books share it. */
    Multiaddr shared(Multiaddr address) {
        SimHost host = byAddress.get(address);
        return host == null ? address : host.address();
    }

    /** The one list with only this address, if a host has it. */
    List<Multiaddr> sharedList(Multiaddr address) {
        SimHost host = byAddress.get(address);
        return host == null ? List.of(address) : host.own();
    }

    PeerId shared(PeerId peer) {
        SimHost host = byPeer.get(peer);
        return host == null ? peer : host.id();
    }

    long oneWay(SimHost from, SimHost to) {
        return Math.max(1, latency.oneWay(from, to));
    }

    /** Extra nanoseconds that loss costs a message now, or −1 if the connection does not survive it. */
    long lossDelay(long oneWay) {
        long delay = 0;
        if (loss > 0) {
            long again = Math.max(200_000_000L, 4 * oneWay);
            for (int i = 0; random.nextDouble() < loss; i++) {
                if (i == 6) {
                    return -1;
                }
                delay += again;
                again *= 2;
            }
        }
        return delay;
    }

    long uploadNanos(int bytes) {
        return uploadBytesPerSecond == Long.MAX_VALUE ? 0 : bytes * 1_000_000_000L / uploadBytesPerSecond;
    }

    void count(SimHost from, SimHost to, ProtocolId protocol, int bytes) {
        traffic.merge(protocol, new Traffic(1, bytes), (old, one) -> old.plus(bytes));
        Tap listener = tap;
        if (listener != null) {
            listener.sent(from, to, protocol, bytes);
        }
    }

    int maxConnections() {
        return maxConnections;
    }

    long deadPeerNanos() {
        return deadPeerTimeout.toNanos();
    }

    Duration dialTimeout() {
        return dialTimeout;
    }

    /** Runs the next event that is due by {@code end}; false if there is none. */
    private boolean step(long end) {
        SimEvent event = queue.next(end);
        if (event == null) {
            return false;
        }
        if (event.cancelled()) {
            return true;
        }
        now = event.at;
        events++;
        if (!event.timer) {
            active--;
        }
        Runnable task = event.take();
        if (task != null) {
            try {
                task.run();
            } catch (RuntimeException e) {
                LOG.error("a task of the simulated network failed", e);
                failure = failure == null ? e : failure;
            }
        }
        if (failure != null) {
            throw new AssertionError("a task failed, seed " + seed, failure);
        }
        return true;
    }
}
