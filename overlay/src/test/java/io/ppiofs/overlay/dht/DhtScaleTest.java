package io.ppiofs.overlay.dht;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.overlay.host.MessageChannel;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.sim.SimHost;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiFunction;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;

/**
 * What a network of 1,000 nodes promises. One network for all tests, because building it costs most; the orderly ones come
 * first, and each hostile one gives its hosts back as they were.
 */
@Tag("long")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class DhtScaleTest {
    private static final long SEED = 20261120;
    private static final int LOOKUPS = 200;

    private final Random random = new Random(SEED);
    private DhtNetwork net;

    int size() {
        return 1_000;
    }

    @BeforeAll
    void build() {
        net = new DhtNetwork(SEED).grow(size(), config -> config.withRefreshInterval(Duration.ofHours(6)));
        System.out.printf(
                "%d nodes joined: %.0f requests per node, %d peers per table on average%n",
                size(),
                net.network.traffic(DhtNetwork.PROTOCOL).messages() / 2.0 / size(),
                net.nodes.stream().mapToInt(dht -> dht.stats().tableSize()).sum() / size());
    }

    @Test
    @Order(1)
    void everyLookupFindsExactlyTheClosestPeersInFewHops() {
        int maxHops = 33 - Integer.numberOfLeadingZeros(size() - 1); // ⌈log2 n⌉ + 1
        List<Long> messages = new ArrayList<>();
        long hops = 0;
        for (int i = 0; i < LOOKUPS; i++) {
            byte[] key = DhtNetwork.key("orderly " + i);
            int from = random.nextInt(size());
            DhtStats before = net.nodes.get(from).stats();
            List<PeerId> found = closest(net.await(net.nodes.get(from).getClosestPeers(key)));
            DhtStats after = net.nodes.get(from).stats();
            assertThat(found).isEqualTo(net.trueClosest(key, host -> host.index() != from));
            messages.add(after.lookupMessages().sum() - before.lookupMessages().sum());
            hops = Math.max(hops, after.lookupHops().sum() - before.lookupHops().sum());
        }
        Collections.sort(messages);
        System.out.printf(
                "lookup: %d requests at the median, %d at most, %d hops at most%n",
                messages.get(LOOKUPS / 2), messages.get(LOOKUPS - 1), hops);
        assertThat(hops).isLessThanOrEqualTo(maxHops);
    }

    @Test
    @Order(2)
    void everyPeerIsFoundByEveryOther() {
        for (int i = 0; i < LOOKUPS; i++) {
            int from = random.nextInt(size());
            int to = random.nextInt(size());
            assertThat(net.await(net.nodes.get(from).findPeer(net.host(to).id()))
                            .addresses())
                    .contains(net.host(to).address());
        }
    }

    @Test
    @Order(3)
    void valuesAndProvidersOfOneAreFoundByAnother() {
        for (int i = 0; i < 50; i++) {
            byte[] key = DhtNetwork.key("/test/" + i);
            byte[] content = ContentKey.of(io.ppiofs.blockstore.Cid.ofDigest(sha256("content " + i)));
            int writer = random.nextInt(size());
            Dht reader = net.nodes.get(random.nextInt(size()));
            assertThat(net.await(net.nodes.get(writer).put(key, DhtNetwork.key("value " + i))))
                    .isEqualTo(20);
            assertThat(net.await(net.nodes.get(writer).provide(content))).isEqualTo(20);
            assertThat(net.await(reader.get(key))).isEqualTo(DhtNetwork.key("value " + i));
            assertThat(closest(net.await(reader.findProviders(content, 1))))
                    .containsExactly(net.host(writer).id());
        }
    }

    @Test
    @Order(4)
    void withAFifthOfTheNodesSilentAndFourDisjointPathsValuesAndPeersAreFound() {
        for (int i = 0; i < LOOKUPS; i++) {
            byte[] key = DhtNetwork.key("/test/before " + i);
            net.await(net.nodes.get(random.nextInt(size())).put(key, DhtNetwork.key("value " + i)));
        }
        Set<Integer> silent = fifth();
        silent.forEach(i -> net.host(i).swallow(DhtNetwork.PROTOCOL::equals));
        net.network.runFor(Duration.ofSeconds(10)); // streams that are open already end
        int peers = 0;
        int exact = 0;
        int values = 0;
        List<Long> millis = new ArrayList<>();
        for (int i = 0; i < LOOKUPS; i++) {
            int from = other(silent);
            int to = other(silent);
            long start = net.network.nanoTime();
            peers += succeeds(net.nodes.get(from).findPeer(net.host(to).id()));
            millis.add((net.network.nanoTime() - start) / 1_000_000);
            values += succeeds(net.nodes.get(other(silent)).get(DhtNetwork.key("/test/before " + i)));
            byte[] key = DhtNetwork.key("silent " + i);
            List<PeerId> right = net.trueClosest(key, host -> host.index() != from && !silent.contains(host.index()));
            exact +=
                    closest(net.await(net.nodes.get(from).getClosestPeers(key))).equals(right) ? 1 : 0;
        }
        silent.forEach(i -> net.host(i).swallow(protocol -> false));
        Collections.sort(millis);
        System.out.printf(
                "20 %% silent, 4 paths: of %d, %d peers, %d values found, %d sets of closest peers exact; find peer %d ms"
                        + " at the median, %d at most%n",
                LOOKUPS, peers, values, exact, millis.get(LOOKUPS / 2), millis.get(LOOKUPS - 1));
        assertThat(List.of(peers, values)).allMatch(n -> n >= 0.99 * LOOKUPS);
        assertThat(exact)
                .isGreaterThanOrEqualTo((int) (0.95 * LOOKUPS)); // all 20, where each list names four that are silent
    }

    /** They answer every question about the key with the colluders nearest to it, and with nobody else. */
    @Test
    @Order(5)
    void withAFifthOfTheNodesNamingOnlyColludersTheRightClosestPeersAreFound() {
        Set<Integer> liars = fifth();
        int right = eclipse(liars, (liar, key) -> nearest(liars, key));
        assertThat(right).isGreaterThanOrEqualTo((int) (0.95 * LOOKUPS));
    }

    /** They invent peers right at the key, and name its true neighbours under addresses where nobody is. */
    @Test
    @Order(6)
    void withAFifthOfTheNodesInventingPeersTheRightClosestPeersAreFound() {
        Set<Integer> liars = fifth();
        int right = eclipse(liars, (liar, key) -> invented(liar, key));
        assertThat(right).isGreaterThanOrEqualTo((int) (0.95 * LOOKUPS));
    }

    private int eclipse(Set<Integer> liars, BiFunction<SimHost, byte[], List<DhtMessage.Peer>> lie) {
        liars.forEach(i -> tellLies(net.host(i), lie));
        net.network.runFor(Duration.ofSeconds(10)); // streams that are open already end
        int right = 0;
        List<Long> messages = new ArrayList<>();
        for (int i = 0; i < LOOKUPS; i++) {
            byte[] key = DhtNetwork.key("victim " + i);
            int from = other(liars);
            DhtStats before = net.nodes.get(from).stats();
            List<PeerId> truth = net.trueClosest(key, host -> host.index() != from);
            right +=
                    closest(net.await(net.nodes.get(from).getClosestPeers(key))).equals(truth) ? 1 : 0;
            messages.add(net.nodes.get(from).stats().lookupMessages().sum()
                    - before.lookupMessages().sum());
        }
        Collections.sort(messages);
        System.out.printf(
                "20 %% liars: %d of %d exact; %d requests at the median, %d at most%n",
                right, LOOKUPS, messages.get(LOOKUPS / 2), messages.get(LOOKUPS - 1));
        liars.forEach(i -> net.host(i).hijack(DhtNetwork.PROTOCOL, null));
        return right;
    }

    private void tellLies(SimHost host, BiFunction<SimHost, byte[], List<DhtMessage.Peer>> lie) {
        host.hijack(DhtNetwork.PROTOCOL, stream -> {
            MessageChannel channel = new MessageChannel(stream, DhtMessage.MAX_BYTES);
            channel.receive(new MessageChannel.Receiver() {
                @Override
                public void onMessage(byte[] message) {
                    DhtMessage request = DhtMessage.decode(message);
                    List<DhtMessage.Peer> named = lie.apply(host, request.key());
                    channel.send(new DhtMessage(request.type(), request.key(), null, named, List.of()).encode());
                }

                @Override
                public void onEnd(boolean complete) {
                    stream.closeWrite();
                }

                @Override
                public void onReset(Throwable cause) {
                    // a liar does not mind
                }
            });
        });
    }

    private List<DhtMessage.Peer> nearest(Set<Integer> colluders, byte[] key) {
        return net.trueClosest(key, host -> colluders.contains(host.index())).stream()
                .map(id -> DhtMessage.Peer.of(id, net.network.host(id).addresses()))
                .toList();
    }

    private List<DhtMessage.Peer> invented(SimHost liar, byte[] key) {
        List<DhtMessage.Peer> named = new ArrayList<>();
        List<io.ppiofs.overlay.multiaddr.Multiaddr> nowhere = List.of(
                io.ppiofs.overlay.multiaddr.Multiaddr.parse("/ip4/198.18.0.1/tcp/" + (1 + liar.index() % 60_000)));
        for (PeerId neighbour : net.trueClosest(key, host -> true).subList(0, 10)) {
            named.add(DhtMessage.Peer.of(neighbour, nowhere));
        }
        Random made = new Random(liar.index() ^ java.util.Arrays.hashCode(key));
        DhtKey target = DhtKey.of(key);
        while (named.size() < 20) {
            byte[] id = new byte[38];
            made.nextBytes(id);
            id[0] = 0;
            id[1] = 36;
            PeerId peer = PeerId.fromBytes(id);
            if (target.commonPrefix(DhtKey.of(peer)) >= 7) {
                named.add(DhtMessage.Peer.of(peer, nowhere));
            }
        }
        return named;
    }

    private Set<Integer> fifth() {
        Set<Integer> chosen = new java.util.LinkedHashSet<>();
        while (chosen.size() < size() / 5) {
            chosen.add(random.nextInt(size()));
        }
        return chosen;
    }

    private int other(Set<Integer> than) {
        int i = random.nextInt(size());
        while (than.contains(i)) {
            i = random.nextInt(size());
        }
        return i;
    }

    private int succeeds(CompletableFuture<?> future) {
        net.network.runUntil(future::isDone, DhtNetwork.LIMIT);
        return future.isCompletedExceptionally() ? 0 : 1;
    }

    private static List<PeerId> closest(List<PeerInfo> found) {
        return found.stream().map(PeerInfo::id).toList();
    }

    private static byte[] sha256(String text) {
        return com.google.common.hash.Hashing.sha256()
                .hashBytes(DhtNetwork.key(text))
                .asBytes();
    }
}
