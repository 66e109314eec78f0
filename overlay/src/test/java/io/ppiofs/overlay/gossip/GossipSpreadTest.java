package io.ppiofs.overlay.gossip;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.overlay.sim.Latency;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** How messages spread among many nodes. */
class GossipSpreadTest {
    private static final double RTT = 2.0 * GossipWorld.ONE_WAY.toMillis();

    @Test
    void a_hundred_nodes_get_each_message_once_and_soon() {
        GossipWorld world = new GossipWorld(100);
        world.net.setLatency(Latency.spread(Duration.ofMillis(25), Duration.ofMillis(75), 100));
        world.populate(100, 10, GossipOptions.DEFAULT);
        assertThat(world.nodes).allMatch(node -> node.meshSize() >= 4 && node.meshSize() <= 13);
        int messages = 20;
        double worst = 0;
        long before = world.sum(GossipMetrics::duplicates);
        for (int i = 0; i < messages; i++) {
            GossipWorld.Node author = world.nodes.get(i * 5);
            world.forget();
            long at = world.publish(author, new byte[] {(byte) i});
            world.run(Duration.ofSeconds(3));
            assertThat(world.nodes).allSatisfy(node -> assertThat(node.got).hasSize(node == author ? 0 : 1));
            double[] delays = world.delays(at);
            worst = Math.max(worst, delays[(int) (delays.length * 0.99)]);
        }
        double duplicates = (double) (world.sum(GossipMetrics::duplicates) - before) / messages / 100;
        System.out.printf(
                "100 nodes: p99 at most %.0f ms (RTT %.0f), %.2f duplicates per node%n", worst, RTT, duplicates);
        assertThat(worst).isLessThan(4 * RTT);
        assertThat(duplicates).isLessThanOrEqualTo(GossipOptions.DEFAULT.degree());
    }

    @Test
    void a_thousand_nodes_are_reached_within_five_hops() {
        GossipWorld world = new GossipWorld(1_000);
        world.populate(1_000, 10, GossipOptions.DEFAULT);
        long before = world.sum(GossipMetrics::duplicates);
        long at = world.publish(world.nodes.get(17), new byte[200]);
        world.run(Duration.ofMillis(999)); // less than a heartbeat after: the mesh alone
        double[] delays = world.delays(at);
        double hops = delays[delays.length - 1] / GossipWorld.ONE_WAY.toMillis();
        double duplicates = (world.sum(GossipMetrics::duplicates) - before) / 1_000.0;
        double degree = world.nodes.stream()
                .mapToInt(GossipWorld.Node::meshSize)
                .average()
                .orElseThrow();
        System.out.printf(
                "1,000 nodes: all within %.1f hops, %.2f duplicates per node, mesh degree %.2f%n",
                hops, duplicates, degree);
        assertThat(delays).hasSize(999);
        assertThat(hops).isLessThanOrEqualTo(5);
        assertThat(duplicates).isLessThanOrEqualTo(degree);
    }

    @Test
    void what_a_lossy_network_of_slow_links_delays_still_comes_once() {
        GossipWorld world = new GossipWorld(7);
        world.net.setLoss(0.05);
        world.populate(50, 8, GossipOptions.DEFAULT);
        for (int i = 0; i < 30; i++) {
            world.publish(world.nodes.get(i), new byte[] {(byte) i});
        }
        world.run(Duration.ofSeconds(20));
        for (GossipWorld.Node node : world.nodes) {
            Set<MessageId> ids =
                    node.got.stream().map(GossipMessage::id).collect(Collectors.toCollection(HashSet::new));
            assertThat(ids).hasSameSizeAs(node.got);
            assertThat(node.got.size()).isGreaterThanOrEqualTo(29);
        }
    }

    @Test
    void a_partition_is_healed_by_what_is_told_afterwards() {
        GossipWorld world = new GossipWorld(5);
        world.populate(40, 8, GossipOptions.DEFAULT);
        world.net.setDeadPeerTimeout(Duration.ofMillis(500));
        world.net.partition(host -> host.index() % 2);
        world.run(Duration.ofMillis(600));
        world.forget();
        world.publish(world.nodes.get(0), new byte[] {1});
        world.run(Duration.ofMillis(500));
        assertThat(world.nodes)
                .allMatch(node -> node.host.index() == 0 || node.got.size() == 1 - node.host.index() % 2);
        world.net.heal();
        for (int i = 0; i < 40; i++) {
            world.connect(world.nodes.get(i), world.nodes.get((i + 1) % 40));
        }
        world.run(Duration.ofSeconds(5));
        assertThat(world.nodes).allMatch(node -> node.got.size() == (node.host.index() == 0 ? 0 : 1));
        assertThat(world.sum(GossipMetrics::wantSent)).isPositive();
        assertThat(world.sum(GossipMetrics::wantServed)).isPositive();
    }

    @Test
    void who_only_publishes_reaches_the_topic_with_and_without_flooding() {
        for (boolean flood : new boolean[] {true, false}) {
            GossipWorld world = new GossipWorld(8);
            world.populate(30, 6, GossipOptions.DEFAULT);
            GossipWorld.Node outsider = world.add(GossipOptions.DEFAULT.withFloodPublish(flood));
            for (int i = 0; i < 10; i++) {
                world.connect(outsider, world.nodes.get(i));
            }
            world.run(Duration.ofSeconds(3));
            int sent =
                    world.net.await(outsider.gossip.publish(GossipWorld.TOPIC, new byte[] {9}), Duration.ofSeconds(1));
            assertThat(sent).isEqualTo(flood ? 10 : 6);
            world.run(Duration.ofSeconds(3));
            assertThat(world.nodes).allMatch(node -> node == outsider || node.got.size() == 1);
            assertThat(outsider.got).isEmpty();
        }
    }

    @Test
    void a_mesh_that_grew_too_large_shrinks_and_refers_to_others() {
        GossipWorld world = new GossipWorld(9);
        GossipWorld.Node center = world.add();
        center.subscribe();
        for (int i = 0; i < 40; i++) {
            GossipWorld.Node leaf = world.add();
            leaf.subscribe();
            world.connect(leaf, center);
        }
        world.run(Duration.ofSeconds(90));
        assertThat(center.meshSize()).isBetween(4, 12);
        // The leaves knew nobody but the center; by its referrals they have found each other
        long connected = world.nodes.stream()
                .filter(node -> node.host.connectedPeers().size() > 1)
                .count();
        assertThat(connected).isGreaterThan(20);
        world.publish(world.nodes.get(1), new byte[] {3});
        world.run(Duration.ofSeconds(5));
        assertThat(world.nodes).filteredOn(node -> node.host.index() != 1).allMatch(node -> node.got.size() == 1);
    }

    @Test
    void a_message_comes_no_more_after_the_topic_is_left() {
        GossipWorld world = new GossipWorld(10);
        GossipWorld.Node a = world.add();
        GossipWorld.Node b = world.add();
        a.subscribe();
        Gossip.Subscription subscription = b.subscribe();
        world.connect(a, b);
        world.run(Duration.ofSeconds(3));
        world.publish(a, new byte[] {1});
        world.run(Duration.ofSeconds(1));
        subscription.close();
        world.run(Duration.ofSeconds(1));
        assertThat(a.meshSize()).isZero();
        int sent = world.net.await(a.gossip.publish(GossipWorld.TOPIC, new byte[] {2}), Duration.ofSeconds(1));
        assertThat(sent).isZero();
        world.run(Duration.ofSeconds(1));
        assertThat(b.got).hasSize(1);
    }

    @Test
    void large_messages_are_announced_so_that_they_need_not_come_twice() {
        GossipWorld world = new GossipWorld(12);
        world.net.setUploadBytesPerSecond(2_000_000);
        world.populate(30, 8, GossipOptions.DEFAULT);
        world.publish(world.nodes.get(3), new byte[200_000]);
        world.run(Duration.ofSeconds(20));
        assertThat(world.nodes).filteredOn(node -> node.host.index() != 3).allMatch(node -> node.got.size() == 1);
        System.out.printf("200 kB to 30 nodes: %d duplicates%n", world.sum(GossipMetrics::duplicates));
    }
}
