package io.ppiofs.overlay.gossip;

import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.identity.PeerRecord;
import io.ppiofs.overlay.sim.Latency;
import io.ppiofs.overlay.sim.SimHost;
import io.ppiofs.overlay.sim.SimNetwork;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.ToLongFunction;

/** Nodes with gossip on a simulated network, joined at random; one topic. */
final class GossipWorld {
    static final String TOPIC = "ppiofs/test/heads";
    static final Duration ONE_WAY = Duration.ofMillis(50);

    /** A node and what it was given. */
    final class Node {
        final SimHost host;
        final Gossip gossip;
        final List<GossipMessage> got = new ArrayList<>();
        final List<Long> gotAt = new ArrayList<>();

        Node(SimHost host, GossipOptions options) {
            this.host = host;
            this.gossip = new Gossip(host, options, signedRecords::get, Runnable::run, new Random(host.index()));
            gossip.start();
        }

        Gossip.Subscription subscribe() {
            return gossip.subscribe(TOPIC, message -> {
                got.add(message);
                gotAt.add(net.nanoTime());
            });
        }

        double score(Node other) {
            return net.await(gossip.score(other.host.id()), Duration.ofSeconds(1));
        }

        int meshSize() {
            return net.await(gossip.meshPeers(TOPIC), Duration.ofSeconds(1)).size();
        }

        boolean inMesh(Node other) {
            return net.await(gossip.meshPeers(TOPIC), Duration.ofSeconds(1)).contains(other.host.id());
        }
    }

    final SimNetwork net;
    final List<Node> nodes = new ArrayList<>();
    private final Map<PeerId, byte[]> signedRecords = new HashMap<>();

    GossipWorld(long seed) {
        net = new SimNetwork(seed).setLatency(Latency.uniform(ONE_WAY));
    }

    Node add() {
        return add(GossipOptions.DEFAULT);
    }

    Node add(GossipOptions options) {
        SimHost host = net.addHost();
        PeerRecord record = new PeerRecord(host.id(), 1, host.addresses());
        signedRecords.put(host.id(), record.seal(host.key()).toBytes());
        Node node = new Node(host, options);
        nodes.add(node);
        return node;
    }

    /** {@code count} subscribed nodes, each of which dials {@code dials} others; then time for the meshes to form. */
    void populate(int count, int dials, GossipOptions options) {
        for (int i = 0; i < count; i++) {
            add(options).subscribe();
        }
        Random random = new Random(count);
        for (int i = 0; i < count; i++) {
            for (int d = 0; d < dials; d++) {
                connect(nodes.get(i), nodes.get(random.nextInt(count)));
            }
        }
        run(Duration.ofSeconds(10));
    }

    void connect(Node a, Node b) {
        if (a != b) {
            a.host.knows(b.host);
            a.host.connect(b.host.id());
        }
    }

    void run(Duration time) {
        net.runFor(time);
    }

    /** Publishes from {@code from} and gives when; runs nothing. */
    long publish(Node from, byte[] data) {
        long at = net.nanoTime();
        from.gossip.publish(TOPIC, data);
        return at;
    }

    void forget() {
        nodes.forEach(node -> {
            node.got.clear();
            node.gotAt.clear();
        });
    }

    long sum(ToLongFunction<GossipMetrics> what) {
        return nodes.stream()
                .mapToLong(node -> what.applyAsLong(node.gossip.metrics()))
                .sum();
    }

    /** The delays after {@code start} in milliseconds at which all nodes were given their first message, ascending. */
    double[] delays(long start) {
        double[] delays = nodes.stream()
                .filter(node -> !node.gotAt.isEmpty())
                .mapToDouble(node -> (node.gotAt.get(0) - start) / 1e6)
                .toArray();
        Arrays.sort(delays);
        return delays;
    }
}
