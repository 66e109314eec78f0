package io.ppiofs.overlay.transport;

import static io.ppiofs.overlay.transport.Peers.ECHO;
import static io.ppiofs.overlay.transport.Peers.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.ppiofs.overlay.NoLeaks;
import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.host.Stream;
import io.ppiofs.overlay.transport.Peers.Node;
import io.ppiofs.overlay.transport.quic.QuicTransport;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@ExtendWith(NoLeaks.class)
@Tag("long")
class EchoTest {
    @ParameterizedTest
    @EnumSource(Security.class)
    void aStreamEchoesSixtyFourMebibytes(Security security) {
        TransportOptions options = TransportOptions.DEFAULT.withSecurities(security);
        try (Node server = new Node(options);
                Node client = new Node(options)) {
            Connection connection = client.dial(server.listen(), server);
            assertThat(connection.description()).isEqualTo(security.label() + "/yamux");
            assertThat(connection.remotePeer()).isEqualTo(server.key.peerId());
            Stream stream = Peers.open(connection, ECHO);
            Comparing reader = new Comparing(64 << 20);
            stream.read(reader);
            new Sender(stream, 64 << 20).start();
            await(reader.done);
            assertThat(server.violations).isEmpty();
            assertThat(client.violations).isEmpty();
            await(connection.close());
        }
    }

    @Test
    void aStreamEchoesOverQuic() {
        try (Node server = new Node(TransportOptions.DEFAULT, QuicTransport::new);
                Node client = new Node(TransportOptions.DEFAULT, QuicTransport::new)) {
            Connection connection = client.dial(server.listen("/ip4/127.0.0.1/udp/0/quic-v1"), server);
            assertThat(connection.description()).isEqualTo("quic-v1");
            assertThat(connection.remotePeer()).isEqualTo(server.key.peerId());
            Stream stream = Peers.open(connection, ECHO);
            Comparing reader = new Comparing(16 << 20);
            stream.read(reader);
            new Sender(stream, 16 << 20).start();
            await(reader.done);
            assertThat(server.violations).isEmpty();
            await(connection.close());
        }
    }

    @Test
    void theJdkEngineSpeaksWithBoringSsl() {
        try (Node server = new Node(
                        TransportOptions.DEFAULT.withSecurities(Security.TLS).withNativeTls(false));
                Node client = new Node(TransportOptions.DEFAULT)) {
            Stream stream = Peers.open(client.dial(server.listen(), server), ECHO);
            Peers.Collector reader = new Peers.Collector();
            stream.read(reader);
            stream.write(Unpooled.wrappedBuffer(new byte[] {1, 2, 3}));
            stream.closeWrite();
            assertThat(await(reader.all)).containsExactly(1, 2, 3);
        }
    }

    /** Sends pseudorandom bytes as fast as the stream takes them. */
    static final class Sender {
        private final Stream stream;
        private final Random random = new Random(7);
        private long left;

        Sender(Stream stream, long total) {
            this.stream = stream;
            this.left = total;
        }

        void start() {
            byte[] piece = new byte[65_536];
            while (left > 0) {
                random.nextBytes(piece);
                await(stream.write(Unpooled.copiedBuffer(piece)));
                left -= piece.length;
            }
            stream.closeWrite();
        }
    }

    /** Compares what comes with the same pseudorandom bytes. */
    static final class Comparing implements Stream.Reader {
        final CompletableFuture<Void> done = new CompletableFuture<>();
        private final Random random = new Random(7);
        private final byte[] expected = new byte[65_536];
        private final long total;
        private int at = expected.length;
        private long got;

        Comparing(long total) {
            this.total = total;
        }

        @Override
        public void onData(ByteBuf data) {
            while (data.isReadable()) {
                if (at == expected.length) {
                    random.nextBytes(expected);
                    at = 0;
                }
                int n = Math.min(data.readableBytes(), expected.length - at);
                byte[] piece = new byte[n];
                data.readBytes(piece);
                if (!java.util.Arrays.equals(piece, 0, n, expected, at, at + n)) {
                    done.completeExceptionally(new AssertionError("differs after " + got));
                }
                at += n;
                got += n;
            }
            data.release();
        }

        @Override
        public void onEnd() {
            if (got == total) {
                done.complete(null);
            } else {
                done.completeExceptionally(new AssertionError(got + " bytes"));
            }
        }

        @Override
        public void onReset(Throwable cause) {
            done.completeExceptionally(cause);
        }
    }
}
