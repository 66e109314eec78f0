package io.ppiofs.overlay.dht;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.host.AddressBook;
import io.ppiofs.overlay.host.MessageChannel;
import io.ppiofs.overlay.host.Stream;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.sim.Nat;
import io.ppiofs.overlay.sim.SimHost;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("long")
class DhtTest {
    private static final UnaryOperator<DhtConfig> AS_IT_IS = UnaryOperator.identity();
    private static final byte[] KEY = DhtNetwork.key("/test/key");

    private static byte[] value(String text) {
        return DhtNetwork.key(text);
    }

    private static Cid cid(int i) {
        return Cid.of(ByteBuffer.wrap(value("content " + i)));
    }

    private static void fails(DhtNetwork net, CompletableFuture<?> future, ErrorKind kind) {
        net.network.runUntil(future::isDone, DhtNetwork.LIMIT);
        assertThatThrownBy(future::join)
                .isInstanceOfSatisfying(
                        CompletionException.class,
                        e -> assertThat(((PpiofsException) e.getCause()).kind()).isEqualTo(kind));
    }

    private static List<PeerId> ids(List<PeerInfo> peers) {
        return peers.stream().map(PeerInfo::id).toList();
    }

    // --- roles
    // --------------------------------------------------------------------------------------------------------

    @Test
    void aLonelyNodeAnswersEverythingByItself() {
        DhtNetwork net = new DhtNetwork(1).grow(1, AS_IT_IS);
        Dht dht = net.nodes.get(0);
        assertThat(net.await(dht.getClosestPeers(KEY))).isEmpty();
        assertThat(net.await(dht.put(KEY, value("v")))).isZero();
        assertThat(net.await(dht.get(KEY))).isEqualTo(value("v"));
        fails(net, dht.get(value("/test/other")), ErrorKind.NOT_FOUND);
        fails(net, dht.findPeer(IdentityKey.ofSeed(new byte[32]).peerId()), ErrorKind.NOT_FOUND);
        assertThat(net.await(dht.findPeer(net.host(0).id())).addresses())
                .containsExactly(net.host(0).address());
    }

    @Test
    void aValueStoredByALonelyNodeReachesTheOthersWhenTheyCome() {
        DhtNetwork net = new DhtNetwork(2).grow(1, AS_IT_IS);
        net.await(net.nodes.get(0).put(KEY, value("early")));
        net.grow(5, AS_IT_IS);
        net.network.runFor(Duration.ofMinutes(12));
        net.host(0).crash();
        assertThat(net.await(net.nodes.get(4).get(KEY))).isEqualTo(value("early"));
    }

    /** The k nearest are everybody in the nearer buckets; lookups there would ask the same peers once more. */
    @Test
    void aNodeThatJoinsLooksIntoNoBucketThatItsOwnLookupHasCompleted() {
        DhtNetwork net = new DhtNetwork(31).grow(200, AS_IT_IS);
        Dht last = net.add(AS_IT_IS);
        int size = net.await(last.bootstrap());
        DhtKey own = DhtKey.of(net.host(200).id());
        List<PeerId> nearest = net.trueClosest(net.host(200).id().toBytes(), host -> host.index() != 200);
        int farthest = own.commonPrefix(DhtKey.of(nearest.get(19)));
        assertThat(ids(net.await(last.tablePeers()))).containsAll(nearest);
        int[] members = new int[DhtKey.BITS];
        net.network.hosts().subList(0, 200).forEach(host -> members[own.commonPrefix(DhtKey.of(host.id()))]++);
        assertThat(size)
                .isEqualTo(Arrays.stream(members).map(n -> Math.min(n, 20)).sum());
        assertThat(last.stats().lookups()).isLessThanOrEqualTo(1 + farthest + 1);
    }

    @Test
    void clientsUseTheNetworkAndAreInNobodysTable() {
        DhtNetwork net = new DhtNetwork(3).grow(40, AS_IT_IS);
        net.grow(40, config -> config.withServer(false));
        Set<PeerId> clients = new HashSet<>();
        net.network.hosts().subList(40, 80).forEach(host -> clients.add(host.id()));
        for (Dht dht : net.nodes) {
            assertThat(ids(net.await(dht.tablePeers()))).doesNotContainAnyElementsOf(clients);
        }
        net.await(net.nodes.get(45).put(KEY, value("of a client")));
        net.await(net.nodes.get(46).provide(cid(1)));
        assertThat(net.await(net.nodes.get(70).get(KEY))).isEqualTo(value("of a client"));
        assertThat(ids(net.await(net.nodes.get(71).findProviders(cid(1), 5))))
                .containsExactly(net.host(46).id());
        assertThat(net.await(net.nodes.get(72).findPeer(net.host(50).id())).addresses())
                .containsExactly(net.host(50).address());
        assertThat(net.nodes.get(45).stats().values()).isEqualTo(1); // its own, for itself
        assertThat(net.nodes.get(45).stats().requestsServed()).isZero();
    }

    @Test
    void aServerThatBecomesAClientLeavesTheTables() {
        DhtNetwork net = new DhtNetwork(4).grow(20, AS_IT_IS);
        net.nodes.get(7).setServer(false);
        net.network.runFor(Duration.ofMinutes(1));
        for (Dht dht : net.nodes) {
            net.await(dht.getClosestPeers(net.host(7).id().toBytes()));
            assertThat(ids(net.await(dht.tablePeers())))
                    .doesNotContain(net.host(7).id());
        }
        net.nodes.get(7).setServer(true);
        net.network.runFor(Duration.ofMinutes(1));
        assertThat(ids(net.await(net.nodes.get(3).tablePeers())))
                .contains(net.host(7).id());
    }

    // --- records
    // ------------------------------------------------------------------------------------------------------

    @Test
    void aProviderRecordVanishes48HoursAfterItWasLastPublished() {
        DhtNetwork net = new DhtNetwork(5).grow(30, config -> config.withRefreshInterval(Duration.ofHours(6)));
        net.await(net.nodes.get(3).provide(cid(1)));
        net.network.runFor(Duration.ofHours(22).plusMinutes(5)); // it has been published again
        net.host(3).crash();
        net.network.runFor(Duration.ofHours(47).plusMinutes(50));
        assertThat(ids(net.await(net.nodes.get(20).findProviders(cid(1), 5))))
                .containsExactly(net.host(3).id());
        net.network.runFor(Duration.ofMinutes(15));
        assertThat(net.await(net.nodes.get(20).findProviders(cid(1), 5))).isEmpty();
        net.network.runFor(Duration.ofHours(1));
        assertThat(net.nodes).allMatch(dht -> dht.stats().providers() == 0 || dht == net.nodes.get(3));
    }

    @Test
    void aValueIsRepublishedBeforeItExpiresAndExpiresWhenItIsForgotten() {
        DhtNetwork net = new DhtNetwork(6).grow(30, config -> config.withRefreshInterval(Duration.ofHours(6)));
        net.await(net.nodes.get(3).put(KEY, value("v")));
        net.network.runFor(Duration.ofHours(60));
        assertThat(net.await(net.nodes.get(20).get(KEY))).isEqualTo(value("v"));
        net.nodes.get(3).forget(KEY);
        net.network.runFor(Duration.ofHours(49));
        fails(net, net.nodes.get(20).get(KEY), ErrorKind.NOT_FOUND);
    }

    @Test
    void theBestValueWinsAndOutdatedHoldersAreCorrected() {
        DhtNetwork net = new DhtNetwork(7).grow(30, AS_IT_IS);
        net.await(net.nodes.get(1).put(KEY, value("a")));
        Set<SimHost> away = new HashSet<>(net.network.hosts().subList(10, 20));
        net.network.partition(host -> away.contains(host) ? 1 : 0);
        net.network.runFor(Duration.ofSeconds(20));
        net.await(net.nodes.get(2).put(KEY, value("b"))); // those away do not hear of it
        net.network.heal();
        net.network.runFor(Duration.ofMinutes(15));
        assertThat(net.await(net.nodes.get(25).get(KEY))).isEqualTo(value("b"));
        net.network.runFor(Duration.ofSeconds(5));
        fails(
                net,
                net.nodes.get(15).put(KEY, value("a")),
                ErrorKind.EXISTS); // it was corrected, and holds the better one
    }

    @Test
    void aPublisherAdoptsTheBetterValueThatItMeets() {
        DhtNetwork net = new DhtNetwork(8).grow(30, config -> config.withRefreshInterval(Duration.ofHours(6)));
        net.await(net.nodes.get(1).put(KEY, value("a")));
        net.await(net.nodes.get(2).put(KEY, value("b")));
        net.nodes.get(2).forget(KEY);
        net.network.runFor(Duration.ofHours(60)); // "b" would have expired if the first writer had not taken it over
        assertThat(net.await(net.nodes.get(25).get(KEY))).isEqualTo(value("b"));
    }

    @Test
    void whatNoValidatorTakesIsNotPut() {
        DhtNetwork net = new DhtNetwork(9).grow(3, AS_IT_IS);
        Dht dht = net.nodes.get(0);
        fails(net, dht.put(value("/unknown/key"), value("v")), ErrorKind.INVALID);
        fails(net, dht.put(value("no namespace"), value("v")), ErrorKind.INVALID);
        fails(net, dht.put(KEY, value("invalid")), ErrorKind.INVALID);
        fails(net, dht.put(KEY, new byte[DhtMessage.MAX_VALUE + 1]), ErrorKind.INVALID);
        fails(net, dht.get(value("/unknown/key")), ErrorKind.INVALID);
        fails(net, dht.provide(value("not a multihash")), ErrorKind.INVALID);
    }

    @Test
    void publicKeysAreFoundUnderTheNameOfTheirPeerAndNothingElseIs() {
        DhtNetwork net = new DhtNetwork(10).grow(10, AS_IT_IS);
        byte[] key = concat(value("/pk/"), net.host(4).id().toBytes());
        byte[] publicKey = net.host(4).key().publicKey().toBytes();
        assertThat(net.await(net.nodes.get(2).get(key))).isEqualTo(publicKey); // by who is it, or is connected to it
        net.await(net.nodes.get(4).put(key, publicKey));
        fails(net, net.nodes.get(2).put(key, net.host(5).key().publicKey().toBytes()), ErrorKind.INVALID);
    }

    private static byte[] concat(byte[] a, byte[] b) {
        return ByteBuffer.allocate(a.length + b.length).put(a).put(b).array();
    }

    // --- trouble
    // ------------------------------------------------------------------------------------------------------

    @Test
    void twoHalvesServeThemselvesAndBecomeOneAgain() {
        DhtNetwork net = new DhtNetwork(11).grow(40, AS_IT_IS);
        net.network.partition(host -> host.index() % 2);
        net.network.runFor(Duration.ofMinutes(45)); // each half forgets the other
        for (Dht dht : net.nodes) {
            assertThat(dht.stats().tableSize()).isLessThanOrEqualTo(20);
        }
        net.await(net.nodes.get(0).put(value("/test/even"), value("0")));
        net.await(net.nodes.get(1).put(value("/test/odd"), value("1")));
        assertThat(net.await(net.nodes.get(30).get(value("/test/even")))).isEqualTo(value("0"));
        fails(net, net.nodes.get(31).get(value("/test/even")), ErrorKind.NOT_FOUND);
        net.network.heal();
        net.network.runFor(Duration.ofMinutes(25));
        assertThat(net.await(net.nodes.get(31).get(value("/test/even")))).isEqualTo(value("0"));
        assertThat(net.await(net.nodes.get(30).get(value("/test/odd")))).isEqualTo(value("1"));
        byte[] key = value("anywhere");
        assertThat(ids(net.await(net.nodes.get(5).getClosestPeers(key))))
                .isEqualTo(net.trueClosest(key, host -> host.index() != 5));
    }

    @Test
    void lookupsSucceedWhileNodesComeAndGo() {
        DhtNetwork net = new DhtNetwork(12).grow(60, AS_IT_IS);
        Random random = new Random(12);
        net.await(net.nodes.get(0).put(KEY, value("stays")));
        int found = 0;
        for (int round = 0; round < 20; round++) { // in 40 minutes 40 of 60 nodes are replaced
            for (int i = 0; i < 2; i++) {
                int victim = 1 + random.nextInt(net.nodes.size() - 1);
                if (net.host(victim).isUp()) {
                    net.host(victim).crash();
                }
                net.add(AS_IT_IS).bootstrap();
            }
            net.network.runFor(Duration.ofMinutes(2));
            int reader = random.nextInt(net.nodes.size());
            while (!net.host(reader).isUp()) {
                reader = random.nextInt(net.nodes.size());
            }
            CompletableFuture<byte[]> get = net.nodes.get(reader).get(KEY);
            net.network.runUntil(get::isDone, DhtNetwork.LIMIT);
            found += get.isCompletedExceptionally() ? 0 : 1;
        }
        assertThat(found).isGreaterThanOrEqualTo(19);
    }

    @Test
    void aNodeBehindANatIsAClientAndIsFoundWhereItIsConnected() {
        DhtNetwork net = new DhtNetwork(13).grow(20, AS_IT_IS);
        SimHost hidden = net.network.addHost(Nat.SYMMETRIC);
        Dht dht = net.start(hidden, config -> config.withServer(false));
        net.nodes.add(dht);
        net.await(dht.bootstrap());
        assertThat(net.await(dht.findPeer(net.host(7).id())).addresses()).isNotEmpty();
        PeerId connected = hidden.connectedPeers().iterator().next();
        int i = net.network.host(connected).index();
        assertThat(net.await(net.nodes.get(i).findPeer(hidden.id())).id()).isEqualTo(hidden.id());
    }

    @Test
    void lossSlowsLookupsButDoesNotFailThem() {
        DhtNetwork net = new DhtNetwork(14);
        net.network.setLoss(0.05);
        net.grow(50, AS_IT_IS);
        for (int i = 0; i < 20; i++) {
            byte[] key = value("lossy " + i);
            int from = i;
            List<PeerId> found = ids(net.await(net.nodes.get(from).getClosestPeers(key)));
            assertThat(found).hasSize(20);
            assertThat(found.get(0))
                    .isEqualTo(
                            net.trueClosest(key, host -> host.index() != from).get(0));
        }
    }

    @Test
    void oneNetworkPrefixGetsFewPlacesInATable() {
        DhtNetwork net = new DhtNetwork(15).grow(20, AS_IT_IS);
        for (int i = 0; i < 60; i++) {
            SimHost sybil = net.network.addHost(Nat.PUBLIC, Multiaddr.parse("/ip4/203.0.113." + (i + 1) + "/tcp/4001"));
            Dht dht = net.start(sybil, AS_IT_IS);
            net.nodes.add(dht);
            net.await(dht.bootstrap());
        }
        for (int i = 0; i < 20; i++) {
            List<PeerInfo> table = net.await(net.nodes.get(i).tablePeers());
            long sybils = table.stream()
                    .filter(peer -> net.network.host(peer.id()).index() >= 20)
                    .count();
            assertThat(sybils).isLessThanOrEqualTo(8);
            assertThat(table).hasSizeGreaterThanOrEqualTo(15);
        }
    }

    @Test
    void streamsAreKeptForTheNextRequestAndClosedWhenIdle() {
        DhtNetwork net = new DhtNetwork(16).grow(10, AS_IT_IS);
        SimHost asker = net.network.addHost();
        asker.knows(net.host(0));
        RpcClient client = new RpcClient(asker, DhtNetwork.PROTOCOL, Duration.ofSeconds(10));
        byte[] request = DhtMessage.request(DhtMessage.Type.FIND_NODE, KEY).encode();
        int[] opened = {0};
        net.host(0).handle(DhtNetwork.PROTOCOL, stream -> {
            opened[0]++;
            echoAnswers(stream);
        });
        PeerId server = net.host(0).id();
        net.await(client.ask(server, request));
        net.await(client.ask(server, request));
        assertThat(opened[0]).isEqualTo(1);
        net.network.runFor(Duration.ofSeconds(20));
        net.await(client.ask(server, request));
        assertThat(opened[0]).isEqualTo(2);
    }

    @Test
    void aPeerThatClosesAfterEachAnswerIsAskedOnANewStream() {
        DhtNetwork net = new DhtNetwork(17).grow(2, AS_IT_IS);
        SimHost asker = net.network.addHost();
        asker.knows(net.host(0));
        RpcClient client = new RpcClient(asker, DhtNetwork.PROTOCOL, Duration.ofSeconds(10));
        net.host(0).handle(DhtNetwork.PROTOCOL, stream -> {
            MessageChannel channel = new MessageChannel(stream, DhtMessage.MAX_BYTES);
            channel.receive(new Answering(channel) {
                @Override
                public void onMessage(byte[] message) {
                    super.onMessage(message);
                    // the answer is on its way; the next request may cross the reset
                    net.host(0).scheduler().schedule(Duration.ofMillis(1), stream::reset);
                }
            });
        });
        byte[] request = DhtMessage.request(DhtMessage.Type.FIND_NODE, KEY).encode();
        for (int i = 0; i < 5; i++) {
            assertThat(net.await(client.ask(net.host(0).id(), request)).type()).isEqualTo(DhtMessage.Type.FIND_NODE);
        }
    }

    private static void echoAnswers(Stream stream) {
        MessageChannel channel = new MessageChannel(stream, DhtMessage.MAX_BYTES);
        channel.receive(new Answering(channel));
    }

    private static class Answering implements MessageChannel.Receiver {
        private final MessageChannel channel;

        Answering(MessageChannel channel) {
            this.channel = channel;
        }

        @Override
        public void onMessage(byte[] message) {
            channel.send(
                    DhtMessage.request(DhtMessage.decode(message).type(), KEY).encode());
        }

        @Override
        public void onEnd(boolean complete) {
            channel.stream().closeWrite();
        }

        @Override
        public void onReset(Throwable cause) {
            // the next request comes on another stream
        }
    }

    // --- hostile requests
    // ---------------------------------------------------------------------------------------------

    /** Sends raw messages to node 0 and tells how the stream ended: the answers, then "reset" or "open". */
    private static List<String> raw(DhtNetwork net, SimHost from, byte[]... messages) {
        from.knows(net.host(0));
        Stream stream = net.await(from.open(net.host(0).id(), DhtNetwork.PROTOCOL));
        MessageChannel channel = new MessageChannel(stream, 4 << 20);
        List<String> heard = new ArrayList<>();
        channel.receive(new MessageChannel.Receiver() {
            @Override
            public void onMessage(byte[] message) {
                heard.add(DhtMessage.decode(message).type().name());
            }

            @Override
            public void onEnd(boolean complete) {
                heard.add("end");
            }

            @Override
            public void onReset(Throwable cause) {
                heard.add("reset");
            }
        });
        for (byte[] message : messages) {
            channel.send(message);
        }
        net.network.runFor(Duration.ofSeconds(2));
        return heard;
    }

    private static byte[] providerMessage(PeerId provider) {
        DhtMessage.Peer peer = DhtMessage.Peer.of(provider, List.of(Multiaddr.parse("/ip4/198.51.100.1/tcp/1")));
        return new DhtMessage(DhtMessage.Type.ADD_PROVIDER, ContentKey.of(cid(1)), null, List.of(), List.of(peer))
                .encode();
    }

    @Test
    void hostileRequestsEndTheirStreamAreCountedAndLeaveNothingBehind() {
        DhtNetwork net = new DhtNetwork(18).grow(5, AS_IT_IS);
        SimHost hostile = net.network.addHost();
        DhtMessage.Value otherKey = new DhtMessage.Value(value("/test/other"), value("v"), 0);
        List<byte[]> requests = List.of(
                value("not protobuf"),
                new byte[DhtMessage.MAX_BYTES + 1],
                DhtMessage.request(DhtMessage.Type.FIND_NODE, new byte[0]).encode(),
                DhtMessage.request(DhtMessage.Type.PUT_VALUE, KEY).encode(),
                new DhtMessage(DhtMessage.Type.PUT_VALUE, KEY, otherKey, List.of(), List.of()).encode(),
                DhtMessage.put(KEY, value("invalid"), 0).encode(),
                DhtMessage.put(value("/unknown/k"), value("v"), 0).encode(),
                DhtMessage.request(DhtMessage.Type.GET_PROVIDERS, value("no multihash"))
                        .encode(),
                providerMessage(net.host(3).id()));
        for (byte[] request : requests) {
            assertThat(raw(net, hostile, request)).containsExactly("reset");
        }
        DhtStats stats = net.nodes.get(0).stats();
        assertThat(stats.requestsRefused()).isEqualTo(requests.size() - 1); // the framing has refused the oversized one
        fails(net, net.nodes.get(1).get(KEY), ErrorKind.NOT_FOUND);
        assertThat(net.await(net.nodes.get(1).findProviders(cid(1), 5))).isEmpty();
        assertThat(raw(
                        net,
                        hostile,
                        DhtMessage.request(DhtMessage.Type.PING, new byte[0]).encode()))
                .containsExactly("PING");
    }

    @Test
    void aReplayedOlderRecordDoesNotReplaceTheNewer() {
        DhtNetwork net = new DhtNetwork(19).grow(3, AS_IT_IS);
        net.await(net.nodes.get(1).put(KEY, value("new")));
        SimHost hostile = net.network.addHost();
        assertThat(raw(net, hostile, DhtMessage.put(KEY, value("lod"), 0).encode()))
                .containsExactly("PUT_VALUE");
        assertThat(net.await(net.nodes.get(2).get(KEY))).isEqualTo(value("new"));
    }

    @Test
    void aFloodOfRequestsIsCutOff() {
        DhtNetwork net = new DhtNetwork(20).grow(3, config -> config.withRequestsPerSecond(20));
        byte[] request = DhtMessage.request(DhtMessage.Type.PING, new byte[0]).encode();
        byte[][] flood = new byte[50][];
        java.util.Arrays.fill(flood, request);
        List<String> heard = raw(net, net.network.addHost(), flood);
        assertThat(heard).hasSize(41).endsWith("reset"); // a burst of twice the rate
        net.network.runFor(Duration.ofSeconds(5));
        assertThat(raw(net, net.network.hosts().get(3), request)).containsExactly("PING");
    }

    @Test
    void aStreamThatStaysSilentIsEnded() {
        DhtNetwork net = new DhtNetwork(21).grow(2, AS_IT_IS);
        SimHost hostile = net.network.addHost();
        List<String> heard = raw(net, hostile);
        net.network.runFor(Duration.ofMinutes(3));
        assertThat(heard).containsExactly("reset");
    }

    @Test
    void onePeerCannotFillTheStores() {
        DhtNetwork net = new DhtNetwork(22)
                .grow(2, config -> config.withValueLimits(10_000, 2_000).withProviderLimits(10, 3));
        SimHost greedy = net.network.addHost();
        byte[][] puts = new byte[20][];
        for (int i = 0; i < puts.length; i++) {
            puts[i] = DhtMessage.put(value("/test/" + i), new byte[300], 0).encode();
        }
        assertThat(raw(net, greedy, puts)).containsExactly("PUT_VALUE", "PUT_VALUE", "PUT_VALUE", "reset");
        assertThat(net.nodes.get(0).stats().requestsRefused()).isEqualTo(1);
    }

    @Test
    void aRecordForAnotherKeyInAnAnswerIsRefused() {
        DhtNetwork net = new DhtNetwork(23).grow(2, AS_IT_IS);
        net.host(0).hijack(DhtNetwork.PROTOCOL, stream -> {
            MessageChannel channel = new MessageChannel(stream, DhtMessage.MAX_BYTES);
            channel.receive(new Answering(channel) {
                @Override
                public void onMessage(byte[] message) {
                    DhtMessage.Value wrong = new DhtMessage.Value(value("/test/other"), value("v"), 0);
                    channel.send(new DhtMessage(DhtMessage.Type.GET_VALUE, KEY, wrong, List.of(), List.of()).encode());
                }
            });
        });
        net.network.runFor(Duration.ofSeconds(10)); // open streams end
        fails(net, net.nodes.get(1).get(KEY), ErrorKind.NOT_FOUND);
        assertThat(net.nodes.get(1).stats().recordsRefused()).isPositive();
    }

    @Test
    void aPeerWhoseKeyIsAnotherIsNotReachedUnderItsName() {
        DhtNetwork net = new DhtNetwork(24).grow(5, AS_IT_IS);
        PeerId victim = IdentityKey.ofSeed(new byte[32]).peerId();
        SimHost impostor = net.host(2);
        net.host(1).addressBook().addAddresses(victim, List.of(impostor.address()), AddressBook.TOLD);
        fails(net, net.nodes.get(1).findPeer(victim), ErrorKind.NOT_FOUND);
    }

    // --- life cycle
    // ---------------------------------------------------------------------------------------------------

    @Test
    void aSnapshotBringsRecordsAndPeersBackAfterARestart(@TempDir Path directory) {
        DhtNetwork net = new DhtNetwork(25).grow(10, AS_IT_IS);
        net.await(net.nodes.get(1).put(KEY, value("kept")));
        net.await(net.nodes.get(1).provide(cid(1)));
        net.network.runFor(Duration.ofSeconds(1)); // provider records are not acknowledged
        Path file = directory.resolve("dht");
        net.await(net.nodes.get(5).snapshot()).write(file);
        net.host(5).crash();
        net.network.runFor(Duration.ofHours(1));
        net.host(5).restart();
        net.nodes.set(5, new Dht(net.host(5), DhtNetwork.config(), new Random(1))); // it knows no bootstrap peer
        net.nodes.get(5).start();
        assertThat(net.await(net.nodes.get(5).restore(DhtSnapshot.read(file).orElseThrow())))
                .isEqualTo(2);
        net.await(net.nodes.get(5).bootstrap());
        assertThat(net.await(net.nodes.get(5).tablePeers())).hasSizeGreaterThan(5);
        assertThat(net.nodes.get(5).stats().values()).isEqualTo(1);
    }

    @Test
    void aDamagedSnapshotIsRefusedAndAMissingOneIsNone(@TempDir Path directory) throws Exception {
        DhtNetwork net = new DhtNetwork(26).grow(2, AS_IT_IS);
        Path file = directory.resolve("dht");
        assertThat(DhtSnapshot.read(file)).isEmpty();
        net.await(net.nodes.get(0).snapshot()).write(file);
        byte[] bytes = Files.readAllBytes(file);
        bytes[bytes.length - 1] ^= 1;
        Files.write(file, bytes);
        assertThatThrownBy(() -> DhtSnapshot.read(file)).hasMessageContaining("checksum");
    }

    @Test
    void aClosedNodeSaysSoAndServesNoMore() {
        DhtNetwork net = new DhtNetwork(27).grow(3, AS_IT_IS);
        net.nodes.get(0).close();
        fails(net, net.nodes.get(0).get(KEY), ErrorKind.NOT_CONNECTED);
        assertThat(net.host(0).protocols()).isEmpty();
        net.network.runFor(Duration.ofMinutes(1));
        assertThat(ids(net.await(net.nodes.get(1).tablePeers())))
                .containsExactly(net.host(2).id());
    }
}
