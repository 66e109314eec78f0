package io.ppiofs.overlay.transport.yamux;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.ppiofs.overlay.NoLeaks;
import io.ppiofs.overlay.host.ConnectionClass;
import io.ppiofs.overlay.host.Direction;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.host.Stream;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.transport.TransportMetrics;
import io.ppiofs.overlay.transport.TransportOptions;
import io.ppiofs.overlay.transport.Violation;
import io.ppiofs.overlay.transport.YamuxOptions;
import io.ppiofs.overlay.transport.mux.ConnectionInfo;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** One side of a connection against frames written by hand, in virtual time. */
@ExtendWith(NoLeaks.class)
class YamuxConnectionTest {
    private static final ProtocolId PROTOCOL = new ProtocolId("/a");
    private static final String AGREEMENT = "\u0013/multistream/1.0.0\n\u0003/a\n";

    private record Seen(int type, int flags, int stream, int length, String data) {}

    private final List<Violation> violations = new ArrayList<>();
    private final List<Stream> accepted = new ArrayList<>();
    private final List<String> received = new ArrayList<>();
    private boolean readAtOnce = true;
    private YamuxOptions yamux = YamuxOptions.DEFAULT;
    private EmbeddedChannel channel;
    private YamuxConnection connection;

    @BeforeEach
    void connect() {
        channel = new EmbeddedChannel();
        channel.freezeTime();
        IdentityKey peer = IdentityKey.generate(new SecureRandom());
        ConnectionInfo info = new ConnectionInfo(
                peer.peerId(),
                peer.publicKey(),
                Multiaddr.parse("/ip4/192.0.2.1/tcp/1"),
                Multiaddr.parse("/ip4/192.0.2.2/tcp/2"),
                Direction.INBOUND,
                ConnectionClass.CONTROL,
                false,
                "test/yamux");
        TransportMetrics metrics = new TransportMetrics() {
            @Override
            public void onViolation(Violation reason, Multiaddr remote) {
                violations.add(reason);
            }
        };
        connection = new YamuxConnection(
                channel,
                info,
                false,
                (c, protocol) -> protocol.equals(PROTOCOL) ? this::accept : null,
                TransportOptions.DEFAULT.withYamux(yamux).withMetrics(metrics),
                new WindowBudget(1 << 30),
                true);
        channel.pipeline().addLast(connection.handler());
        channel.runPendingTasks();
        Seen ping = read();
        assertThat(ping.type).isEqualTo(Frame.PING);
        answerPing(ping);
    }

    private void advance(Duration by) {
        channel.advanceTimeBy(by.toMillis(), TimeUnit.MILLISECONDS);
        channel.runScheduledPendingTasks();
        channel.runPendingTasks();
    }

    private void answerPing(Seen ping) {
        send(Frame.PING, Frame.ACK, 0, ping.length, "");
    }

    @AfterEach
    void end() {
        connection.close();
        channel.runPendingTasks();
        channel.finishAndReleaseAll();
    }

    private void accept(Stream stream) {
        accepted.add(stream);
        if (readAtOnce) {
            stream.read(new Noting());
        }
    }

    private class Noting implements Stream.Reader {
        @Override
        public void onData(ByteBuf data) {
            received.add(data.toString(UTF_8));
            data.release();
        }

        @Override
        public void onEnd() {
            received.add("END");
        }

        @Override
        public void onReset(Throwable cause) {
            received.add("RESET");
        }
    }

    private void send(int type, int flags, int stream, int length, String data) {
        ByteBuf frame = Unpooled.buffer();
        Frame.writeHeader(frame, type, flags, stream, length);
        frame.writeCharSequence(data, UTF_8);
        channel.writeInbound(frame);
        channel.runPendingTasks();
    }

    private void sendData(int flags, int stream, String data) {
        send(Frame.DATA, flags, stream, data.length(), data);
    }

    /** A whole frame of data. */
    private static ByteBuf dataFrame(int flags, int stream, String data) {
        ByteBuf frame = Unpooled.buffer();
        Frame.writeHeader(frame, Frame.DATA, flags, stream, data.length());
        frame.writeCharSequence(data, UTF_8);
        return frame;
    }

    private void open(int stream) {
        sendData(Frame.SYN, stream, AGREEMENT);
        assertThat(read()).isEqualTo(new Seen(Frame.WINDOW_UPDATE, Frame.ACK, stream, 0, ""));
        assertThat(read().data).isEqualTo(AGREEMENT);
    }

    private Seen read() {
        ByteBuf frame = channel.readOutbound();
        if (frame == null) {
            return null;
        }
        frame.skipBytes(1);
        int type = frame.readByte();
        int flags = frame.readShort();
        int stream = frame.readInt();
        int length = frame.readInt();
        String data = frame.toString(UTF_8);
        frame.release();
        return new Seen(type, flags, stream, length, data);
    }

    private void assertEnded(Violation reason) {
        assertThat(violations).containsExactly(reason);
        assertThat(connection.isOpen()).isFalse();
        assertThat(connection.closed()).isCompleted();
        Seen last = null;
        for (Seen next = read(); next != null; next = read()) {
            last = next;
        }
        assertThat(last).isEqualTo(new Seen(Frame.GO_AWAY, 0, 0, Frame.PROTOCOL_ERROR, ""));
    }

    // ---- ordinary life

    @Test
    void anInboundStreamIsAcknowledgedAndHandled() {
        open(1);
        sendData(0, 1, "hello");
        sendData(Frame.FIN, 1, "bye");
        assertThat(received).containsExactly("hello", "bye", "END");
    }

    @Test
    void theEndHasAFrameOfItsOwn() {
        open(1);
        accepted.get(0).write(Unpooled.copiedBuffer("last", UTF_8));
        accepted.get(0).closeWrite();
        channel.runPendingTasks();
        assertThat(read()).isEqualTo(new Seen(Frame.DATA, 0, 1, 4, "last"));
        assertThat(read()).isEqualTo(new Seen(Frame.WINDOW_UPDATE, Frame.FIN, 1, 0, ""));
    }

    @Test
    void aHandlerMayAnswerAfterTheEndOfTheOtherSide() {
        open(1);
        send(Frame.WINDOW_UPDATE, Frame.FIN, 1, 0, "");
        CompletableFuture<Void> written = accepted.get(0).write(Unpooled.copiedBuffer("answer", UTF_8));
        channel.runPendingTasks();
        assertThat(read().data).isEqualTo("answer");
        assertThat(written).isCompleted();
    }

    @Test
    void pingsAreAnsweredWithTheirValue() {
        send(Frame.PING, Frame.SYN, 0, 4711, "");
        assertThat(read()).isEqualTo(new Seen(Frame.PING, Frame.ACK, 0, 4711, ""));
    }

    @Test
    void anUnknownProtocolIsRefusedAndTheStreamGoesOn() {
        sendData(Frame.SYN, 1, "\u0013/multistream/1.0.0\n\u0003/b\n");
        read();
        assertThat(read().data).endsWith("\u0003na\n");
        sendData(0, 1, "\u0003/a\n");
        assertThat(accepted).hasSize(1);
    }

    @Test
    void openingFailsWhenTheOtherSideKnowsNoneOfTheProtocols() {
        CompletableFuture<Stream> opening = connection.open(List.of(PROTOCOL));
        channel.runPendingTasks();
        assertThat(read()).isEqualTo(new Seen(Frame.WINDOW_UPDATE, Frame.SYN, 2, 0, ""));
        assertThat(read().data).isEqualTo(AGREEMENT);
        sendData(Frame.ACK, 2, "\u0013/multistream/1.0.0\n\u0003na\n");
        assertThat(opening).isCompletedExceptionally();
        assertThat(read()).isEqualTo(new Seen(Frame.WINDOW_UPDATE, Frame.RST, 2, 0, ""));
    }

    @Test
    void whatComesBeforeTheReaderIsKeptForIt() {
        readAtOnce = false;
        open(1);
        sendData(0, 1, "early");
        send(Frame.WINDOW_UPDATE, Frame.FIN, 1, 0, "");
        assertThat(received).isEmpty();
        accepted.get(0).read(new Noting());
        assertThat(received).containsExactly("early", "END");
    }

    // ---- flow control

    @Test
    void nothingIsSentBeyondTheWindow() {
        open(1);
        Stream stream = accepted.get(0);
        stream.write(Unpooled.wrappedBuffer(new byte[600 * 1024]));
        channel.runPendingTasks();
        assertThat(sentOn(1)).isEqualTo(YamuxOptions.INITIAL_WINDOW - AGREEMENT.length());
        assertThat(stream.isWritable()).isFalse();
        send(Frame.WINDOW_UPDATE, 0, 1, 1 << 20, "");
        assertThat(sentOn(1)).isEqualTo(600 * 1024 - YamuxOptions.INITIAL_WINDOW + AGREEMENT.length());
        assertThat(stream.isWritable()).isTrue();
    }

    private int sentOn(int stream) {
        int sum = 0;
        for (Seen next = read(); next != null; next = read()) {
            if (next.type == Frame.DATA && next.stream == stream) {
                sum += next.length;
            }
        }
        return sum;
    }

    @Test
    void creditIsRenewedOnlyForWhatWasRead() {
        readAtOnce = false;
        open(1);
        sendData(0, 1, "x".repeat(200_000));
        assertThat(read()).isNull();
        accepted.get(0).read(new Noting());
        channel.runPendingTasks();
        Seen update = read();
        assertThat(update.type).isEqualTo(Frame.WINDOW_UPDATE);
        assertThat(update.length).isGreaterThanOrEqualTo(200_000);
    }

    @Test
    void aWindowUsedUpWithinAFewRoundTripsGrows() {
        open(1);
        int granted = YamuxOptions.INITIAL_WINDOW - AGREEMENT.length();
        int largest = 0;
        for (int i = 0; i < 100; i++) {
            int n = Math.min(granted, 150_000);
            sendData(0, 1, "x".repeat(n));
            granted -= n;
            for (Seen next = read(); next != null; next = read()) {
                granted += next.length;
            }
            largest = Math.max(largest, granted);
        }
        assertThat(largest).isGreaterThan(8 << 20).isLessThanOrEqualTo(YamuxOptions.DEFAULT.maxWindow());
    }

    @Test
    void aShortMessageOvertakesALongTransfer() {
        open(1);
        open(3);
        send(Frame.WINDOW_UPDATE, 0, 1, 16 << 20, "");
        accepted.get(0).write(Unpooled.wrappedBuffer(new byte[4 << 20]));
        accepted.get(1).write(Unpooled.copiedBuffer("ping", UTF_8));
        channel.runPendingTasks();
        int before = 0;
        for (Seen next = read(); next.stream != 3; next = read()) {
            before += next.length;
        }
        assertThat(before).isLessThanOrEqualTo(64 * 1024);
        assertThat(sentOn(1)).isEqualTo((4 << 20) - before);
    }

    // ---- keep-alive

    @Test
    void aPeerThatDoesNotAnswerPingsIsDropped() {
        advance(yamux.keepAlive());
        assertThat(read().type).isEqualTo(Frame.PING);
        advance(yamux.keepAliveTimeout());
        assertEnded(Violation.KEEP_ALIVE);
    }

    @Test
    void aPeerThatAnswersPingsIsKept() {
        for (int i = 0; i < 20; i++) {
            advance(yamux.keepAlive());
            answerPing(read());
        }
        assertThat(connection.isOpen()).isTrue();
    }

    @Test
    void aStreamThatNeverAgreesOnAProtocolIsReset() {
        send(Frame.WINDOW_UPDATE, Frame.SYN, 1, 0, "");
        read();
        advance(Duration.ofSeconds(9));
        answerPing(read());
        assertThat(violations).isEmpty();
        advance(Duration.ofSeconds(1));
        assertThat(violations).containsExactly(Violation.SLOW_NEGOTIATION);
        List<Seen> frames = new ArrayList<>();
        for (Seen next = read(); next != null; next = read()) {
            frames.add(next);
        }
        assertThat(frames).contains(new Seen(Frame.WINDOW_UPDATE, Frame.RST, 1, 0, ""));
        assertThat(connection.isOpen()).isTrue();
    }

    @Test
    void afterGoAwayTheConnectionEndsWithItsLastStream() {
        open(1);
        send(Frame.GO_AWAY, 0, 0, 0, "");
        assertThat(connection.isOpen()).isFalse();
        assertThat(connection.closed()).isNotCompleted();
        accepted.get(0).closeWrite();
        send(Frame.WINDOW_UPDATE, Frame.FIN, 1, 0, "");
        assertThat(connection.closed()).isCompleted();
        assertThat(violations).isEmpty();
    }

    @Test
    void whatComesBehindTheEndInTheSameReadOpensNothing() {
        ByteBuf goAway = Unpooled.buffer();
        Frame.writeHeader(goAway, Frame.GO_AWAY, 0, 0, 0);
        channel.writeInbound(Unpooled.wrappedBuffer(goAway, dataFrame(Frame.SYN, 1, AGREEMENT)));
        channel.runPendingTasks();
        assertThat(connection.closed()).isCompleted();
        assertThat(accepted).isEmpty();
        assertThat(violations).isEmpty();
    }

    @Test
    void aReaderThatClosesTheConnectionIsNotFollowedByNewStreams() {
        readAtOnce = false;
        open(1);
        accepted.get(0).read(new Noting() {
            @Override
            public void onData(ByteBuf data) {
                super.onData(data);
                connection.close();
            }
        });
        channel.writeInbound(Unpooled.wrappedBuffer(dataFrame(0, 1, "last"), dataFrame(Frame.SYN, 3, AGREEMENT)));
        channel.runPendingTasks();
        assertThat(received).containsExactly("last", "RESET");
        assertThat(accepted).hasSize(1);
    }

    @Test
    void whoFillsAStreamIsNotToldToGoOnWhenItEnds() {
        open(1);
        Stream stream = accepted.get(0);
        stream.read(new Noting() {
            @Override
            public void onWritabilityChanged(boolean writable) {
                received.add("writable " + writable);
            }
        });
        fill(stream);
        connection.close();
        channel.runPendingTasks();
        assertThat(stream.isWritable()).isFalse();
        assertThat(received).containsExactly("writable false", "RESET");
    }

    @Test
    void aStreamIsNotWritableOnceItsHalfIsClosedOrItIsReset() {
        open(1);
        open(3);
        var unused = accepted.get(0).closeWrite();
        accepted.get(1).reset();
        channel.runPendingTasks();
        assertThat(accepted).noneMatch(Stream::isWritable);
    }

    private void fill(Stream stream) {
        while (stream.isWritable()) {
            var unused = stream.write(Unpooled.wrappedBuffer(new byte[64 * 1024]));
        }
        channel.runPendingTasks();
    }

    @Test
    void aStreamMayBeResetByWhoWaitsForItsWrite() {
        open(1);
        Stream stream = accepted.get(0);
        var unused = stream.write(Unpooled.copiedBuffer("one", UTF_8)).thenRun(stream::reset);
        var second = stream.write(Unpooled.copiedBuffer("two", UTF_8));
        channel.runPendingTasks();
        assertThat(second).isCompletedExceptionally();
        assertThat(read()).isEqualTo(new Seen(Frame.WINDOW_UPDATE, Frame.RST, 1, 0, ""));
        assertThat(violations).isEmpty();
    }

    // ---- hostility

    @Test
    void dataBeyondTheWindowEndsTheConnection() {
        open(1);
        send(Frame.DATA, 0, 1, YamuxOptions.INITIAL_WINDOW + 1, "");
        assertEnded(Violation.WINDOW);
    }

    @Test
    void aWindowBeyondItsRangeEndsTheConnection() {
        open(1);
        send(Frame.WINDOW_UPDATE, 0, 1, -1, "");
        assertEnded(Violation.WINDOW);
    }

    @Test
    void aFrameForAStreamThatNeverWasEndsTheConnection() {
        sendData(0, 7, "x");
        assertEnded(Violation.UNKNOWN_STREAM);
    }

    @Test
    void aStreamWithANumberOfThisSideEndsTheConnection() {
        sendData(Frame.SYN, 2, "x");
        assertEnded(Violation.UNKNOWN_STREAM);
    }

    @Test
    void aStreamOpenedTwiceEndsTheConnection() {
        open(1);
        sendData(Frame.SYN, 1, "x");
        assertEnded(Violation.MALFORMED);
    }

    @Test
    void anotherVersionEndsTheConnection() {
        channel.writeInbound(Unpooled.wrappedBuffer(new byte[] {1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}));
        assertEnded(Violation.MALFORMED);
    }

    @Test
    void anUnknownTypeAndAPingForAStreamEndTheConnection() {
        send(Frame.PING, Frame.SYN, 5, 0, "");
        assertEnded(Violation.MALFORMED);
    }

    @Test
    void streamsBeyondTheLimitAreResetAndAFloodEndsTheConnection() {
        int limit = yamux.maxInboundStreams();
        for (int i = 0; i < limit; i++) {
            send(Frame.WINDOW_UPDATE, Frame.SYN, 2 * i + 1, 0, "");
            read();
        }
        send(Frame.WINDOW_UPDATE, Frame.SYN, 2 * limit + 1, 0, "");
        assertThat(read().flags).isEqualTo(Frame.RST);
        assertThat(connection.isOpen()).isTrue();
        for (int i = limit + 1; connection.isOpen() && i < limit + 10_000; i++) {
            send(Frame.WINDOW_UPDATE, Frame.SYN, 2 * i + 1, 0, "");
        }
        assertEnded(Violation.STREAM_FLOOD);
    }

    @Test
    void someDataAfterAResetIsForgivenAndEndlessDataIsNot() {
        open(1);
        accepted.get(0).reset();
        channel.runPendingTasks();
        assertThat(read().flags).isEqualTo(Frame.RST);
        sendData(0, 1, "x".repeat(200_000));
        assertThat(connection.isOpen()).isTrue();
        for (int i = 0; connection.isOpen() && i < 100; i++) {
            sendData(0, 1, "x".repeat(200_000));
        }
        assertEnded(Violation.DATA_AFTER_CLOSE);
    }

    @Test
    void unreadDataOfManyStreamsIsBounded() {
        end();
        yamux = yamux.withMaxUnread(1 << 20);
        connect();
        readAtOnce = false;
        for (int stream = 1; stream < 20; stream += 2) {
            open(stream);
            sendData(0, stream, "x".repeat(200_000));
            sentOn(stream);
        }
        assertThat(violations).isNotEmpty().containsOnly(Violation.UNREAD_DATA);
        assertThat(connection.isOpen()).isTrue();
    }

    @Test
    void framesMayComeByteByByte() {
        ByteBuf frame = Unpooled.buffer();
        Frame.writeHeader(frame, Frame.DATA, Frame.SYN, 1, AGREEMENT.length());
        frame.writeCharSequence(AGREEMENT, UTF_8);
        while (frame.isReadable()) {
            channel.writeInbound(frame.readRetainedSlice(1));
        }
        frame.release();
        assertThat(accepted).hasSize(1);
    }
}
