package io.ppiofs.tests.interop;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.common.hash.Hashing;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.OverlayNode;
import io.ppiofs.overlay.OverlayOptions;
import io.ppiofs.overlay.dht.Dht;
import io.ppiofs.overlay.dht.DhtConfig;
import io.ppiofs.overlay.dht.Validator;
import io.ppiofs.overlay.gossip.Gossip;
import io.ppiofs.overlay.gossip.GossipOptions;
import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.host.Host;
import io.ppiofs.overlay.host.OpenOptions;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.relay.RelayLimits;
import io.ppiofs.overlay.swarm.TransportFactory;
import io.ppiofs.overlay.transport.NetworkKey;
import io.ppiofs.overlay.transport.Security;
import io.ppiofs.overlay.transport.TransportOptions;
import io.ppiofs.overlay.transport.quic.QuicTransport;
import io.ppiofs.overlay.transport.tcp.TcpTransport;
import io.ppiofs.tests.harness.Seeds;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** One node of the overlay in this JVM, on real sockets of the loopback, with the echo service. */
final class JavaNode implements AutoCloseable {
    private static final long LIMIT_SECONDS = 60;

    private final EventLoopGroup loops;
    private final OverlayNode node;
    private final @Nullable Dht dht;
    private final @Nullable Gossip gossip;
    private final Map<String, List<String>> received = new ConcurrentHashMap<>();

    private JavaNode(Builder builder) {
        loops = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
        OverlayOptions.Builder options = OverlayOptions.builder(IdentityKey.generate(new SecureRandom()))
                .listen(builder.listen)
                .holePunching(false)
                .privateAddresses(true);
        node = new OverlayNode(builder.more.apply(options).build(), transports(builder.transport));
        EchoService.serve(node.host());
        dht = builder.dht == null ? null : new Dht(node.host(), builder.dht, new Random(Seeds.next("DHT")));
        gossip = builder.gossip == null
                ? null
                : new Gossip(node.host(), builder.gossip, node.signedRecords(), Runnable::run, new SecureRandom());
    }

    private TransportFactory transports(TransportOptions options) {
        return (key, acceptor) -> {
            TcpTransport tcp = new TcpTransport(key, acceptor, options, loops);
            QuicTransport quic = new QuicTransport(key, acceptor, options, loops);
            return new TransportFactory.Set(List.of(tcp, quic), tcp.upgrader(), () -> {});
        };
    }

    static Builder builder() {
        return new Builder();
    }

    /** What the node is made of. */
    static final class Builder {
        private List<Multiaddr> listen = List.of(Multiaddr.parse("/ip4/127.0.0.1/tcp/0"));
        private TransportOptions transport = TransportOptions.DEFAULT;
        private UnaryOperator<OverlayOptions.Builder> more = UnaryOperator.identity();
        private @Nullable DhtConfig dht;
        private @Nullable GossipOptions gossip;

        private Builder() {}

        Builder listen(String... addresses) {
            listen = Arrays.stream(addresses).map(Multiaddr::parse).toList();
            return this;
        }

        /** What is offered over TCP, best first. */
        Builder security(Security... securities) {
            transport = transport.withSecurities(securities);
            return this;
        }

        /** Talks to those only that have this key of a private network. */
        Builder networkKey(NetworkKey key) {
            transport = transport.withNetworkKey(key);
            return this;
        }

        /** Takes part in a DHT; values are good unless they begin with "invalid", the greatest wins. */
        Builder dht(String protocol, boolean server, String namespace) {
            dht = DhtConfig.forProtocol(new ProtocolId(protocol))
                    .withServer(server)
                    .withValidator(namespace, new GreatestValue());
            return this;
        }

        Builder gossip() {
            return gossip(GossipOptions.DEFAULT);
        }

        Builder gossip(GossipOptions options) {
            gossip = options;
            return this;
        }

        /** Relays for others. */
        Builder relayServer(Duration duration, long bytes) {
            RelayLimits limits = new RelayLimits(8, 8, Duration.ofHours(1), 8, 8, duration, bytes);
            return options(options -> options.relayServer(limits));
        }

        /** Replaces relayed connections by direct ones; private addresses will do. */
        Builder holePunching() {
            return options(options -> options.holePunching(true));
        }

        /** Tells others this address, too. */
        Builder announce(String address) {
            return options(options -> options.announce(List.of(Multiaddr.parse(address))));
        }

        Builder options(UnaryOperator<OverlayOptions.Builder> change) {
            UnaryOperator<OverlayOptions.Builder> before = more;
            more = options -> change.apply(before.apply(options));
            return this;
        }

        JavaNode start() {
            JavaNode node = new JavaNode(this);
            try {
                get(node.node.start());
                if (node.dht != null) {
                    node.dht.start();
                }
                if (node.gossip != null) {
                    node.gossip.start();
                }
            } catch (RuntimeException | AssertionError e) {
                node.close();
                throw e;
            }
            return node;
        }
    }

    Host host() {
        return node.host();
    }

    OverlayNode node() {
        return node;
    }

    /** The peer id in base58. */
    String id() {
        return node.host().id().toString();
    }

    /** The first address that it listens on, with its peer id. */
    String address() {
        return node.listenAddresses().get(0).toString();
    }

    /** @param address ends in {@code /p2p/PEER} */
    Connection dial(String address) {
        return get(beginDial(address));
    }

    /** As {@link #dial}, and returns at once. */
    CompletableFuture<Connection> beginDial(String address) {
        Multiaddr whole = Multiaddr.parse(address);
        PeerId peer = whole.peer().orElseThrow();
        host().addressBook().addAddresses(peer, List.of(whole), Duration.ofMinutes(10));
        return host().connect(peer, OpenOptions.DEFAULT.withOverLimited(true));
    }

    /** Reserves a place at a relay; returns the address under which others reach this node there. */
    String reserve(String relay) {
        get(node.swarm().listen(Multiaddr.parse(relay + "/p2p-circuit")));
        return node.listenAddresses().stream()
                .map(Multiaddr::toString)
                .filter(address -> address.contains("/p2p-circuit"))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no relayed address in " + node.listenAddresses()));
    }

    List<Connection> connections(String peer) {
        return host().connections(PeerId.parse(peer));
    }

    /** The round-trip time to a peer. */
    Duration ping(String peer) {
        return get(node.ping().ping(PeerId.parse(peer)));
    }

    /** The rule of the JavaScript peer's name spaces. */
    private static final class GreatestValue implements Validator {
        @Override
        public boolean isValid(byte[] key, byte[] value) {
            return !new String(value, ISO_8859_1).startsWith("invalid");
        }

        @Override
        public int select(byte[] key, List<byte[]> values) {
            int best = 0;
            for (int i = 1; i < values.size(); i++) {
                if (Arrays.compareUnsigned(values.get(i), values.get(best)) > 0) {
                    best = i;
                }
            }
            return best;
        }
    }

    private Dht dht() {
        return Objects.requireNonNull(dht, "this node was built without a DHT");
    }

    /** Looks for more peers through those that are connected; returns the size of the routing table then. */
    int bootstrap() {
        return get(dht().bootstrap());
    }

    /** Peer ids in the routing table. */
    List<String> dhtTable() {
        return get(dht().tablePeers()).stream()
                .map(peer -> peer.id().toString())
                .toList();
    }

    /** Addresses that a lookup finds for a peer. */
    List<String> findPeer(String peer) {
        return get(dht().findPeer(PeerId.parse(peer))).addresses().stream()
                .map(Multiaddr::toString)
                .toList();
    }

    /** @return how many peers hold it now */
    int putValue(byte[] key, String value) {
        return get(dht().put(key, value.getBytes(UTF_8)));
    }

    Optional<String> getValue(byte[] key) {
        try {
            return Optional.of(new String(get(dht().get(key)), UTF_8));
        } catch (PpiofsException e) {
            if (e.kind() == ErrorKind.NOT_FOUND) {
                return Optional.empty();
            }
            throw e;
        }
    }

    /** Announces the sha2-256 multihash of {@code block}. */
    int provide(byte[] block) {
        return get(dht().provide(multihash(block)));
    }

    List<String> findProviders(byte[] block) {
        return get(dht().findProviders(multihash(block), 20)).stream()
                .map(peer -> peer.id().toString())
                .toList();
    }

    private Gossip gossip() {
        return Objects.requireNonNull(gossip, "this node was built without gossip");
    }

    void subscribe(String topic) {
        List<String> texts = new CopyOnWriteArrayList<>();
        received.put(topic, texts);
        gossip().subscribe(topic, message -> texts.add(new String(message.data(), UTF_8)));
    }

    /** Texts of messages that have come, in order. */
    List<String> received(String topic) {
        return List.copyOf(received.getOrDefault(topic, List.of()));
    }

    /** @return to how many peers it went */
    int publish(String topic, String text) {
        return get(gossip().publish(topic, text.getBytes(UTF_8)));
    }

    Set<PeerId> mesh(String topic) {
        return get(gossip().meshPeers(topic));
    }

    /** Connected peers that have told that they have the topic. */
    Set<PeerId> subscribers(String topic) {
        return get(gossip().subscribers(topic));
    }

    /** What this node thinks of each peer that it is connected with. */
    Map<PeerId, Double> gossipScores() {
        Map<PeerId, Double> scores = new HashMap<>();
        host().connectedPeers().forEach(peer -> scores.put(peer, get(gossip().score(peer))));
        return scores;
    }

    private static byte[] multihash(byte[] block) {
        byte[] digest = Hashing.sha256().hashBytes(block).asBytes();
        byte[] multihash = new byte[2 + digest.length];
        multihash[0] = 0x12;
        multihash[1] = (byte) digest.length;
        System.arraycopy(digest, 0, multihash, 2, digest.length);
        return multihash;
    }

    /** The result, or the cause of the failure. */
    static <T> T get(CompletableFuture<T> future) {
        try {
            return future.get(LIMIT_SECONDS, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw new AssertionError(e.getCause());
        } catch (TimeoutException e) {
            throw new AssertionError("not done after " + LIMIT_SECONDS + " s", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted", e);
        }
    }

    @Override
    public void close() {
        if (dht != null) {
            dht.close();
        }
        if (gossip != null) {
            gossip.close();
        }
        node.close();
        loops.shutdownGracefully(0, 2, TimeUnit.SECONDS).syncUninterruptibly();
    }
}
