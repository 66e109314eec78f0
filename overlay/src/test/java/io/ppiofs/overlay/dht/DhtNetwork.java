package io.ppiofs.overlay.dht;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.sim.SimHost;
import io.ppiofs.overlay.sim.SimNetwork;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;

/** A simulated network whose hosts run the DHT; host i's node is node i. */
final class DhtNetwork {
    static final ProtocolId PROTOCOL = new ProtocolId("/ppiofs/test/kad/1.0.0");
    static final Duration LIMIT = Duration.ofMinutes(10);

    /** Values are text; the greatest is the best; those that begin with "invalid" are not valid. */
    static final Validator TEXT = new Validator() {
        @Override
        public boolean isValid(byte[] key, byte[] value) {
            return !new String(value, US_ASCII).startsWith("invalid");
        }

        @Override
        public int select(byte[] key, List<byte[]> values) {
            int best = 0;
            for (int i = 1; i < values.size(); i++) {
                best = Arrays.compareUnsigned(values.get(i), values.get(best)) > 0 ? i : best;
            }
            return best;
        }
    };

    final SimNetwork network;
    final List<Dht> nodes = new ArrayList<>();
    private final List<DhtKey> points = new ArrayList<>();
    private final long seed;

    DhtNetwork(long seed) {
        this.seed = seed;
        this.network = new SimNetwork(seed);
    }

    static DhtConfig config() {
        return DhtConfig.forProtocol(PROTOCOL).withValidator("test", TEXT);
    }

    /** Adds a started node that knows three random nodes before it. */
    Dht add(UnaryOperator<DhtConfig> change) {
        SimHost host = network.addHost();
        Dht dht = start(host, change);
        nodes.add(dht);
        return dht;
    }

    Dht start(SimHost host, UnaryOperator<DhtConfig> change) {
        List<PeerInfo> bootstrap = new ArrayList<>();
        int before = Math.min(host.index(), nodes.size());
        for (int i = 0; i < Math.min(3, before); i++) {
            bootstrap.add(info(network.random().nextInt(before)));
        }
        DhtConfig config = change.apply(config().withBootstrap(bootstrap));
        Dht dht = new Dht(host, config, new Random(seed ^ host.index()));
        dht.start();
        return dht;
    }

    /** Adds {@code n} nodes that join one after the other, ten per second, and lets them finish. */
    DhtNetwork grow(int n, UnaryOperator<DhtConfig> change) {
        List<CompletableFuture<Integer>> joins = new ArrayList<>();
        for (int i = 0; i < n; i++) {
            joins.add(add(change).bootstrap());
            network.runFor(Duration.ofMillis(100));
            if (nodes.size() % 1_000 == 0) {
                System.out.println(nodes.size() + " nodes have begun to join");
            }
        }
        for (CompletableFuture<Integer> join : joins) {
            await(join);
        }
        return this;
    }

    <T> T await(CompletableFuture<T> future) {
        return network.await(future, LIMIT);
    }

    SimHost host(int i) {
        return network.hosts().get(i);
    }

    PeerInfo info(int i) {
        return new PeerInfo(host(i).id(), List.of(host(i).address()));
    }

    /** The 20 hosts nearest to the key that {@code which} admits, by looking at all of them. */
    List<PeerId> trueClosest(byte[] key, Predicate<SimHost> which) {
        DhtKey target = DhtKey.of(key);
        for (int i = points.size(); i < network.hosts().size(); i++) {
            points.add(DhtKey.of(host(i).id()));
        }
        Comparator<SimHost> farthestFirst =
                (a, b) -> target.compareDistance(points.get(b.index()), points.get(a.index()));
        PriorityQueue<SimHost> nearest = new PriorityQueue<>(farthestFirst);
        for (SimHost host : network.hosts()) {
            boolean nearer = nearest.size() < 20 || farthestFirst.compare(host, nearest.element()) > 0;
            if (nearer && which.test(host)) {
                nearest.add(host);
                if (nearest.size() > 20) {
                    nearest.remove();
                }
            }
        }
        List<PeerId> found = new ArrayList<>();
        while (!nearest.isEmpty()) {
            found.add(nearest.remove().id());
        }
        Collections.reverse(found);
        return found;
    }

    static byte[] key(String text) {
        return text.getBytes(US_ASCII);
    }
}
