package io.ppiofs.overlay.transport.upgrade;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.channel.nio.NioIoHandler;
import io.ppiofs.overlay.NoLeaks;
import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.host.ConnectionClass;
import io.ppiofs.overlay.host.Direction;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.host.Stream;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.transport.Security;
import io.ppiofs.overlay.transport.TransportMetrics;
import io.ppiofs.overlay.transport.TransportOptions;
import io.ppiofs.overlay.transport.Violation;
import io.ppiofs.overlay.transport.YamuxOptions;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Two ends of a wire that is a loop in this class, on a virtual clock: what is sent in one turn arrives in the next. */
@ExtendWith(NoLeaks.class)
class UpgradeTest {
    private static final ProtocolId ECHO = new ProtocolId("/test/echo/1.0.0");
    private static final int PAYLOAD = 32;
    private static final YamuxOptions YAMUX = YamuxOptions.DEFAULT;

    private final EventLoopGroup unused = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    private End dialling;
    private End listening;

    /** A channel, and what has been made of it. */
    private static final class End implements AutoCloseable {
        final EmbeddedChannel channel = new EmbeddedChannel();
        final List<Violation> violations = new ArrayList<>();
        final Upgrader upgrader;
        final CompletableFuture<Connection> connection;

        End(Direction role, Security security, EventLoopGroup unused) {
            TransportMetrics metrics = new TransportMetrics() {
                @Override
                public void onViolation(Violation reason, Multiaddr remote) {
                    violations.add(reason);
                }
            };
            channel.freezeTime();
            upgrader = new Upgrader(
                    IdentityKey.generate(new SecureRandom()),
                    (connection, protocol) -> protocol.equals(ECHO) ? stream -> stream.read(new Echo(stream)) : null,
                    TransportOptions.DEFAULT
                            .withSecurities(security)
                            .withYamux(YAMUX)
                            .withMetrics(metrics),
                    unused);
            connection = upgrader.upgrade(
                    channel,
                    new UpgradeRequest(
                            role,
                            null,
                            Multiaddr.parse("/ip4/192.0.2.1/tcp/1"),
                            Multiaddr.parse("/ip4/192.0.2.2/tcp/2"),
                            ConnectionClass.CONTROL,
                            false,
                            Duration.ofSeconds(10)));
            channel.runPendingTasks();
        }

        /** All that was sent since the last call; empty if nothing was. */
        ByteBuf sent() {
            ByteBuf all = Unpooled.buffer();
            for (ByteBuf part = channel.readOutbound(); part != null; part = channel.readOutbound()) {
                all.writeBytes(part);
                part.release();
            }
            return all;
        }

        void arrives(ByteBuf bytes) {
            if (bytes.isReadable()) {
                channel.writeInbound(bytes);
                channel.runPendingTasks();
            } else {
                bytes.release();
            }
        }

        void advance(Duration by) {
            channel.advanceTimeBy(by.toMillis(), TimeUnit.MILLISECONDS);
            channel.runScheduledPendingTasks();
            channel.runPendingTasks();
        }

        boolean isOpen() {
            return connection.join().isOpen();
        }

        @Override
        public void close() {
            channel.finishAndReleaseAll();
            upgrader.close();
        }
    }

    private record Echo(Stream stream) implements Stream.Reader {
        @Override
        public void onData(ByteBuf data) {
            stream.write(data);
        }

        @Override
        public void onEnd() {
            stream.closeWrite();
        }

        @Override
        public void onReset(Throwable cause) {}
    }

    /** Counts what comes back. */
    private static final class Count implements Stream.Reader {
        int bytes;

        @Override
        public void onData(ByteBuf data) {
            bytes += data.readableBytes();
            data.release();
        }

        @Override
        public void onEnd() {}

        @Override
        public void onReset(Throwable cause) {}
    }

    private void begin(Security security) {
        dialling = new End(Direction.OUTBOUND, security, unused);
        listening = new End(Direction.INBOUND, security, unused);
    }

    @AfterEach
    void end() {
        dialling.close();
        listening.close();
        unused.shutdownGracefully(0, 1, TimeUnit.SECONDS);
    }

    /** Each end gets what the other has sent; says whether that was anything. */
    private boolean turn() {
        ByteBuf there = dialling.sent();
        ByteBuf back = listening.sent();
        boolean any = there.isReadable() || back.isReadable();
        listening.arrives(there);
        dialling.arrives(back);
        return any;
    }

    private void settle() {
        int turns = 0;
        while (turn()) {
            assertThat(++turns).as("turns without an end").isLessThan(100);
        }
    }

    /** The security protocol, the keys, the stream's protocol, the message: nothing waits for anything else. */
    @ParameterizedTest
    @EnumSource(Security.class)
    void theFirstAnswerOnANewConnectionComesAfterFourRoundTrips(Security security) {
        begin(security);
        Count answer = new Count();
        dialling.connection
                .thenCompose(connection -> connection.open(List.of(ECHO)))
                .thenAccept(stream -> {
                    stream.read(answer);
                    stream.write(Unpooled.buffer().writeZero(PAYLOAD));
                });
        int turns = 0;
        while (answer.bytes < PAYLOAD) {
            assertThat(turn()).as("something is under way in turn %d", turns).isTrue();
            turns++;
        }
        assertThat(turns).isEqualTo(2 * 4);
    }

    @ParameterizedTest
    @EnumSource(Security.class)
    void anIdleConnectionLivesForAnHourAndADeadOneIsFound(Security security) {
        begin(security);
        settle();
        for (int second = 0; second < 3_600; second++) {
            dialling.advance(Duration.ofSeconds(1));
            listening.advance(Duration.ofSeconds(1));
            settle();
        }
        assertThat(dialling.isOpen()).isTrue();
        assertThat(listening.isOpen()).isTrue();
        assertThat(dialling.violations).isEmpty();
        assertThat(listening.violations).isEmpty();

        // from now on the wire is cut, and nobody tells
        Duration limit = YAMUX.keepAlive().plus(YAMUX.keepAliveTimeout());
        for (int second = 0; second < limit.toSeconds(); second++) {
            dialling.advance(Duration.ofSeconds(1));
            listening.advance(Duration.ofSeconds(1));
            dialling.sent().release();
            listening.sent().release();
        }
        assertThat(dialling.isOpen()).isFalse();
        assertThat(listening.isOpen()).isFalse();
        assertThat(dialling.violations).containsExactly(Violation.KEEP_ALIVE);
        assertThat(listening.violations).containsExactly(Violation.KEEP_ALIVE);
    }
}
