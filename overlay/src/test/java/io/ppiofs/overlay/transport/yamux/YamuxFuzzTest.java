package io.ppiofs.overlay.transport.yamux;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.ppiofs.overlay.host.ConnectionClass;
import io.ppiofs.overlay.host.Direction;
import io.ppiofs.overlay.host.Stream.Reader;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.transport.TransportOptions;
import io.ppiofs.overlay.transport.mux.ConnectionInfo;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

class YamuxFuzzTest {
    private static final Multiaddr ADDRESS = Multiaddr.parse("/ip4/192.0.2.7/tcp/4001");
    private static final IdentityKey PEER = IdentityKey.ofSeed(new byte[32]);

    static Stream<byte[]> sessions() {
        byte[] hello = "\u0013/multistream/1.0.0\n\u0006/echo\nhello".getBytes(US_ASCII);
        return Stream.of(
                bytes(
                        frame(Frame.WINDOW_UPDATE, Frame.SYN, 1, 0),
                        frame(Frame.DATA, 0, 1, hello.length),
                        Unpooled.wrappedBuffer(hello),
                        frame(Frame.WINDOW_UPDATE, Frame.FIN, 1, 0)),
                bytes(frame(Frame.PING, Frame.SYN, 0, 7), frame(Frame.PING, Frame.ACK, 0, 0)),
                bytes(frame(Frame.DATA, Frame.SYN, 3, 1 << 20)),
                bytes(frame(Frame.WINDOW_UPDATE, Frame.SYN, 2, 0), frame(Frame.GO_AWAY, 0, 0, 0)),
                bytes(frame(Frame.WINDOW_UPDATE, Frame.SYN, 5, -1), frame(Frame.WINDOW_UPDATE, Frame.RST, 5, 0)));
    }

    private static ByteBuf frame(int type, int flags, int stream, int length) {
        ByteBuf out = Unpooled.buffer(Frame.HEADER);
        Frame.writeHeader(out, type, flags, stream, length);
        return out;
    }

    private static byte[] bytes(ByteBuf... parts) {
        ByteBuf all = Unpooled.wrappedBuffer(parts);
        byte[] bytes = new byte[all.readableBytes()];
        all.readBytes(bytes);
        return bytes;
    }

    /** The session may go on or end; it must not fail, and every buffer comes back. */
    @MethodSource("sessions")
    @FuzzTest(maxDuration = "60s")
    void a_session(byte[] bytes) {
        EmbeddedChannel channel = new EmbeddedChannel();
        ConnectionInfo info = new ConnectionInfo(
                PEER.peerId(),
                PEER.publicKey(),
                ADDRESS,
                ADDRESS,
                Direction.INBOUND,
                ConnectionClass.CONTROL,
                false,
                "");
        YamuxConnection connection = new YamuxConnection(
                channel,
                info,
                false,
                (from, protocol) -> protocol.name().equals("/echo") ? stream -> stream.read(new Echo(stream)) : null,
                TransportOptions.DEFAULT,
                new WindowBudget(1 << 20),
                true);
        channel.pipeline().addLast(connection.handler());
        int step = bytes.length == 0 ? 1 : 1 + (bytes[0] & 0x3f);
        for (int at = 0; at < bytes.length && channel.isOpen(); at += step) {
            ByteBuf piece = channel.alloc().buffer();
            channel.writeInbound(piece.writeBytes(bytes, at, Math.min(step, bytes.length - at)));
            channel.runPendingTasks();
            assertThat(piece.refCnt() <= 1 || channel.isOpen()).isTrue();
            drain(channel);
        }
        connection.close();
        channel.runPendingTasks();
        channel.finishAndReleaseAll();
        assertThat(connection.closed()).isCompleted();
    }

    private static void drain(EmbeddedChannel channel) {
        ByteBuf sent;
        while ((sent = channel.readOutbound()) != null) {
            sent.release();
        }
    }

    private record Echo(io.ppiofs.overlay.host.Stream stream) implements Reader {
        @Override
        public void onData(ByteBuf data) {
            stream.write(data);
        }

        @Override
        public void onEnd() {
            stream.closeWrite();
        }

        @Override
        public void onReset(Throwable cause) {
            stream.reset();
        }
    }
}
