package io.ppiofs.overlay.sim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.host.AddressBook;
import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.host.HostListener;
import io.ppiofs.overlay.host.MessageChannel;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.host.Stream;
import io.ppiofs.overlay.identity.PeerId;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.Test;

class SimNetworkTest {
    private static final ProtocolId ECHO = new ProtocolId("/test/echo/1.0.0");
    private static final Duration LIMIT = Duration.ofSeconds(60);

    private final SimNetwork network = new SimNetwork(7).setLatency(Latency.uniform(Duration.ofMillis(10)));

    /** Collects what comes. */
    private static final class Inbox implements MessageChannel.Receiver {
        final List<String> messages = new ArrayList<>();
        boolean ended;
        Throwable reset;

        @Override
        public void onMessage(byte[] message) {
            messages.add(new String(message, java.nio.charset.StandardCharsets.UTF_8));
        }

        @Override
        public void onEnd(boolean complete) {
            ended = complete;
        }

        @Override
        public void onReset(Throwable cause) {
            reset = cause;
        }
    }

    private static void serveEcho(SimHost host) {
        host.handle(ECHO, stream -> {
            MessageChannel channel = new MessageChannel(stream, 1000);
            channel.receive(new MessageChannel.Receiver() {
                @Override
                public void onMessage(byte[] message) {
                    channel.send(message);
                }

                @Override
                public void onEnd(boolean complete) {
                    stream.closeWrite();
                }

                @Override
                public void onReset(Throwable cause) {
                    // nothing to keep
                }
            });
        });
    }

    private static byte[] bytes(String text) {
        return text.getBytes(java.nio.charset.StandardCharsets.UTF_8);
    }

    private Inbox echo(SimHost from, SimHost to, String... words) {
        Stream stream = network.await(from.open(to.id(), ECHO), LIMIT);
        Inbox inbox = new Inbox();
        MessageChannel channel = new MessageChannel(stream, 1000);
        channel.receive(inbox);
        for (String word : words) {
            channel.send(bytes(word));
        }
        stream.closeWrite();
        return inbox;
    }

    @Test
    void messagesComeBackInOrderAfterTheLatencyOfTheirWay() {
        SimHost a = network.addHost();
        SimHost b = network.addHost();
        serveEcho(b);
        a.knows(b);
        network.await(a.connect(b.id()), LIMIT);
        assertThat(network.nanoTime()).isEqualTo(40_000_000); // two round trips
        Inbox inbox = echo(a, b, "one", "two", "three");
        network.runUntil(() -> inbox.ended, LIMIT);
        assertThat(inbox.messages).containsExactly("one", "two", "three");
        assertThat(network.nanoTime()).isEqualTo(80_000_000); // negotiation and echo
        assertThat(network.traffic(ECHO)).isEqualTo(new Traffic(6, 28));
    }

    @Test
    void theSameSeedGivesTheSameRun() {
        assertThat(lossyRun(3)).isEqualTo(lossyRun(3)).isNotEqualTo(lossyRun(4));
    }

    private static String lossyRun(long seed) {
        SimNetwork network = new SimNetwork(seed).setLoss(0.2);
        SimHost a = network.addHost();
        SimHost b = network.addHost();
        serveEcho(b);
        a.knows(b);
        Stream stream = network.await(a.open(b.id(), ECHO), LIMIT);
        Inbox inbox = new Inbox();
        MessageChannel channel = new MessageChannel(stream, 1000);
        channel.receive(inbox);
        for (int i = 0; i < 50; i++) {
            channel.send(bytes("message " + i));
        }
        stream.closeWrite();
        network.runUntil(() -> inbox.ended || inbox.reset != null, Duration.ofMinutes(5));
        return network.nanoTime() + " " + network.events() + " " + inbox.messages;
    }

    @Test
    void identifyTellsAddressesAndProtocolsAndLaterChanges() {
        SimHost a = network.addHost();
        SimHost b = network.addHost();
        serveEcho(b);
        a.knows(b);
        List<Set<ProtocolId>> heard = new ArrayList<>();
        a.addListener(new HostListener() {
            @Override
            public void onIdentified(PeerId peer, Set<ProtocolId> protocols) {
                heard.add(protocols);
            }
        });
        network.await(a.connect(b.id()), LIMIT);
        network.runUntilQuiet(LIMIT);
        assertThat(b.addressBook().addresses(a.id())).containsExactly(a.address());
        assertThat(a.addressBook().protocols(b.id())).containsExactly(ECHO);
        b.unhandle(ECHO);
        network.runUntilQuiet(LIMIT);
        assertThat(heard).containsExactly(Set.of(ECHO), Set.of());
        assertThatThrownBy(() -> network.await(a.open(b.id(), ECHO), LIMIT))
                .isInstanceOfSatisfying(
                        CompletionException.class,
                        e -> assertThat(((PpiofsException) e.getCause()).kind()).isEqualTo(ErrorKind.NOT_SUPPORTED));
    }

    @Test
    void aPartitionEndsConnectionsAndHealingLetsNewOnesThrough() {
        SimHost a = network.addHost();
        SimHost b = network.addHost();
        a.knows(b);
        Connection connection = network.await(a.connect(b.id()), LIMIT);
        network.partition(SimHost::index);
        network.runFor(Duration.ofSeconds(16));
        assertThat(connection.isOpen()).isFalse();
        assertThat(b.connectedPeers()).isEmpty();
        CompletableFuture<Connection> cut = a.connect(b.id());
        assertThatThrownBy(() -> network.await(cut, LIMIT)).hasMessageContaining("no address answers");
        network.heal();
        network.await(a.connect(b.id()), LIMIT);
        assertThat(b.connectedPeers()).containsExactly(a.id());
    }

    @Test
    void aHostBehindANatDialsOutButIsNotDialled() {
        SimHost open = network.addHost();
        SimHost hidden = network.addHost(Nat.SYMMETRIC);
        open.knows(hidden);
        hidden.knows(open);
        CompletableFuture<Connection> inwards = open.connect(hidden.id());
        assertThatThrownBy(() -> network.await(inwards, LIMIT)).hasMessageContaining("no address answers");
        network.await(hidden.connect(open.id()), LIMIT);
        assertThat(network.await(open.connect(hidden.id()), LIMIT).isOpen()).isTrue(); // the same connection
    }

    @Test
    void twoConesMeetWhenBothDial() {
        SimHost a = network.addHost(Nat.CONE);
        SimHost b = network.addHost(Nat.CONE);
        a.knows(b);
        b.knows(a);
        CompletableFuture<Connection> first = a.connect(b.id());
        network.await(b.connect(a.id()), LIMIT);
        assertThatThrownBy(() -> network.await(first, LIMIT)).hasMessageContaining("no address answers");
        assertThat(a.isConnected(b.id())).isTrue();
    }

    @Test
    void aPeerThatSwallowsAcceptsAndNeverAnswers() {
        SimHost a = network.addHost();
        SimHost b = network.addHost();
        serveEcho(b);
        b.swallow(ECHO::equals);
        a.knows(b);
        Inbox inbox = echo(a, b, "anyone?");
        network.runFor(Duration.ofMinutes(1));
        assertThat(inbox.messages).isEmpty();
        assertThat(inbox.ended).isFalse();
    }

    @Test
    void aCrashIsNoticedLateAStopAtOnceAndARestartIsEmpty() {
        SimHost a = network.addHost();
        SimHost b = network.addHost();
        serveEcho(b);
        a.knows(b);
        Connection connection = network.await(a.connect(b.id()), LIMIT);
        b.crash();
        network.runFor(Duration.ofSeconds(1));
        a.connections(); // nothing is known yet
        assertThat(connection.isOpen()).isTrue();
        a.open(b.id(), ECHO);
        network.runFor(Duration.ofSeconds(16));
        assertThat(connection.isOpen()).isFalse();
        b.restart();
        assertThat(b.protocols()).isEmpty();
        Connection second = network.await(a.connect(b.id()), LIMIT);
        b.stop();
        network.runFor(Duration.ofMillis(20));
        assertThat(second.isOpen()).isFalse();
    }

    @Test
    void bandwidthDelaysAndBackPressureIsSeen() {
        network.setUploadBytesPerSecond(100_000);
        SimHost a = network.addHost();
        SimHost b = network.addHost();
        List<Integer> got = new ArrayList<>();
        b.handle(
                ECHO,
                stream -> stream.read(new Stream.Reader() {
                    @Override
                    public void onData(io.netty.buffer.ByteBuf data) {
                        got.add(data.readableBytes());
                        data.release();
                    }

                    @Override
                    public void onEnd() {
                        // counted only
                    }

                    @Override
                    public void onReset(Throwable cause) {
                        // counted only
                    }
                }));
        a.knows(b);
        Stream stream = network.await(a.open(b.id(), ECHO), LIMIT);
        long start = network.nanoTime();
        for (int i = 0; i < 30; i++) {
            stream.write(io.netty.buffer.Unpooled.wrappedBuffer(new byte[10_000]));
        }
        assertThat(stream.isWritable()).isFalse();
        network.runUntil(() -> got.size() == 30, LIMIT);
        assertThat(network.nanoTime() - start).isEqualTo(3_010_000_000L);
        assertThat(stream.isWritable()).isTrue();
    }

    @Test
    void unusedConnectionsAreClosedAboveTheLimitAndTaggedOnesStay() {
        network.setMaxConnections(10);
        SimHost hub = network.addHost();
        List<SimHost> others = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            SimHost other = network.addHost();
            others.add(other);
            hub.addressBook().addAddresses(other.id(), List.of(other.address()), AddressBook.TOLD);
            if (i == 0) {
                hub.tag(other.id(), "friend", 10);
            }
            network.await(hub.connect(other.id()), LIMIT);
            network.runFor(Duration.ofSeconds(2));
        }
        assertThat(hub.connectedPeers())
                .hasSizeLessThanOrEqualTo(10)
                .contains(others.get(0).id());
    }
}
