package io.ppiofs.overlay;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import com.code_intelligence.jazzer.junit.FuzzTest;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.dht.Dht;
import io.ppiofs.overlay.dht.DhtConfig;
import io.ppiofs.overlay.fuzz.JsLibp2p;
import io.ppiofs.overlay.gossip.Gossip;
import io.ppiofs.overlay.gossip.GossipOptions;
import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.host.OpenOptions;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.host.Stream;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.relay.RelayLimits;
import io.ppiofs.overlay.swarm.ConnectionGate;
import io.ppiofs.overlay.swarm.MemoryNetwork;
import io.ppiofs.overlay.swarm.Swarm;
import io.ppiofs.overlay.swarm.SwarmMetrics;
import io.ppiofs.overlay.swarm.SwarmOptions;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.provider.MethodSource;
import org.slf4j.LoggerFactory;

/**
 * A hostile peer says anything to any protocol that a whole node serves. The node may answer, be silent, reset the stream or
 * end the connection; it must not fail (failures of tasks and listeners are logged as warnings), and must answer the next one.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class HandlersFuzzTest {
    private static final Multiaddr HERE = Multiaddr.parse("/ip4/5.0.0.1/tcp/4001");
    private static final Multiaddr THERE = Multiaddr.parse("/ip4/5.0.1.1/tcp/4001");
    /** Instrumented classes load slowly on a busy machine; a hang is longer. */
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private static final SwarmOptions PATIENT = SwarmOptions.DEFAULT.withDialing(new SwarmOptions.Dialing(
            4,
            64,
            1_024,
            8,
            24,
            PATIENCE,
            Duration.ofMillis(250),
            Duration.ofMillis(500),
            Duration.ofSeconds(5),
            Duration.ofMinutes(5),
            PATIENCE));

    private static final ProtocolId KAD = new ProtocolId("/ppiofs/fuzz/kad/1.0.0");
    private static final ProtocolId PING = new ProtocolId("/ipfs/ping/1.0.0");

    private final ListAppender<ILoggingEvent> log = new ListAppender<>();
    private final MemoryNetwork network = new MemoryNetwork();
    private OverlayNode node;
    private Dht dht;
    private Gossip gossip;
    private Swarm attacker;
    private List<ProtocolId> protocols;

    @BeforeAll
    void start() throws Exception {
        OverlayOptions options = OverlayOptions.builder(IdentityKey.ofSeed(new byte[32]))
                .listen(List.of(HERE))
                .relayServer(RelayLimits.DEFAULT)
                .privateAddresses(true)
                .build();
        node = new OverlayNode(options, network.factory(HERE));
        dht = new Dht(node.host(), DhtConfig.forProtocol(KAD), new Random(1));
        gossip = new Gossip(node.host(), GossipOptions.DEFAULT);
        get(node.start());
        dht.start();
        gossip.start();
        gossip.subscribe("news", message -> {});
        // the first byte of an input chooses among these, so their order must not change from run to run
        barrier();
        protocols = node.host().protocols().stream()
                .sorted(java.util.Comparator.comparing(ProtocolId::name))
                .collect(Collectors.toList());
        attacker = new Swarm(
                IdentityKey.parse(JsLibp2p.bytes("key")),
                PATIENT,
                network.factory(THERE),
                ConnectionGate.OPEN,
                SwarmMetrics.NONE,
                null);
        log.start();
        ((Logger) LoggerFactory.getLogger("io.ppiofs")).addAppender(log);
    }

    @AfterAll
    void stop() {
        ((Logger) LoggerFactory.getLogger("io.ppiofs")).detachAppender(log);
        attacker.close();
        gossip.close();
        dht.close();
        node.close();
        network.close();
    }

    /** Each golden message to each protocol, most of them to the wrong one. */
    static java.util.stream.Stream<byte[]> inputs() {
        String[] names = {
            "identify",
            "kad-put",
            "kad-get",
            "kad-add-provider",
            "kad-get-providers",
            "kad-find-node",
            "kad-ping",
            "gossip-subscribe",
            "gossip-publish",
            "gossip-control",
            "hop-reserve",
            "hop-connect",
            "stop-connect",
            "dcutr-connect",
            "dcutr-sync",
            "autonat-dial",
            "autonat-response",
            "peer-record"
        };
        return java.util.stream.IntStream.range(0, 16)
                .boxed()
                .flatMap(choice -> JsLibp2p.all(names).map(message -> chosen(choice, message)));
    }

    private static byte[] chosen(int choice, byte[] message) {
        byte[] input = new byte[message.length + 1];
        input[0] = (byte) choice;
        System.arraycopy(message, 0, input, 1, message.length);
        return input;
    }

    /** The first byte chooses the protocol, and by its highest bit whether a length goes before the rest. */
    @MethodSource("inputs")
    @FuzzTest(maxDuration = "60s")
    void anything_to_any_protocol(byte[] input) throws Exception {
        if (input.length == 0) {
            return;
        }
        ProtocolId protocol = protocols.get((input[0] & 0x7f) % protocols.size());
        ByteBuf message = Unpooled.buffer();
        if (input[0] >= 0) {
            writeVarint(message, input.length - 1);
        }
        message.writeBytes(input, 1, input.length - 1);

        Stream stream = open(protocol);
        stream.read(new Ignoring());
        stream.write(message);
        stream.closeWrite();
        barrier();
        stream.reset();
        barrier();
        open(PING).reset();

        List<String> complaints = log.list.stream()
                .filter(event -> event.getLevel().isGreaterOrEqual(Level.WARN))
                .map(event -> event.getLoggerName() + ": " + event.getFormattedMessage()
                        + (event.getThrowableProxy() == null
                                ? ""
                                : " " + event.getThrowableProxy().getClassName() + " "
                                        + Arrays.toString(
                                                event.getThrowableProxy().getStackTraceElementProxyArray())))
                .toList();
        log.list.clear();
        assertThat(complaints)
                .as("said to %s: %s", protocol, new String(input, UTF_8))
                .isEmpty();
    }

    /** A stream on a connection that stays: the node may just have ended the last one. */
    private Stream open(ProtocolId protocol) throws Exception {
        for (int attempt = 0; ; attempt++) {
            try {
                return get(connection().open(List.of(protocol)));
            } catch (ExecutionException e) {
                boolean ended = e.getCause() instanceof PpiofsException p && p.kind() == ErrorKind.NOT_CONNECTED;
                if (!ended || attempt == 5) {
                    throw e;
                }
                barrier();
            }
        }
    }

    private Connection connection() throws Exception {
        attacker.addressBook().addAddresses(node.host().id(), List.of(HERE), Duration.ofHours(1));
        return get(attacker.connect(node.host().id(), OpenOptions.DEFAULT.withTimeout(PATIENCE)));
    }

    /** Waits until the node has done what it had to do. */
    private void barrier() throws Exception {
        CompletableFuture<Void> done = new CompletableFuture<>();
        node.host().scheduler().execute(() -> done.complete(null));
        get(done);
    }

    private static void writeVarint(ByteBuf out, int value) {
        int rest = value;
        while (rest >= 0x80) {
            out.writeByte(rest & 0x7f | 0x80);
            rest >>>= 7;
        }
        out.writeByte(rest);
    }

    private static <T> T get(CompletableFuture<T> future) throws Exception {
        return future.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    }

    private static final class Ignoring implements Stream.Reader {
        @Override
        public void onData(ByteBuf data) {
            data.release();
        }

        @Override
        public void onEnd() {
            // whatever it answers is allowed
        }

        @Override
        public void onReset(Throwable cause) {
            // a refusal
        }
    }
}
