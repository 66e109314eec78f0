package io.ppiofs.overlay.transport.quic;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelInitializer;
import io.netty.handler.codec.quic.QuicChannel;
import io.netty.handler.codec.quic.QuicStreamChannel;
import io.netty.handler.codec.quic.QuicStreamType;
import io.netty.util.concurrent.Future;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.host.Direction;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.host.Stream;
import io.ppiofs.overlay.transport.StreamAcceptor;
import io.ppiofs.overlay.transport.TransportOptions;
import io.ppiofs.overlay.transport.mux.ConnectionInfo;
import io.ppiofs.overlay.transport.mux.MuxedConnection;
import io.ppiofs.overlay.transport.mux.MuxedStream;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** An authenticated QUIC connection. State belongs to its channel's event loop. */
final class QuicConnection extends MuxedConnection {
    private static final Logger LOG = LoggerFactory.getLogger(QuicConnection.class);
    private static final ProtocolId PING = new ProtocolId("/ipfs/ping/1.0.0");
    private static final int PING_BYTES = 32;

    private final QuicChannel channel;
    private final Future<?> keepAlive;
    private volatile boolean ended;
    private boolean idle = true;
    private long unread;

    QuicConnection(QuicChannel channel, ConnectionInfo info, StreamAcceptor acceptor, TransportOptions options) {
        super(info, channel.eventLoop(), acceptor, options);
        this.channel = channel;
        long period = QuicTransport.IDLE_TIMEOUT.toNanos() / 3;
        this.keepAlive =
                channel.eventLoop().scheduleWithFixedDelay(this::onTimer, period, period, TimeUnit.NANOSECONDS);
        channel.closeFuture().addListener(closed -> finish());
    }

    /** Admits a stream that the other side has opened; on the loop. */
    void admit(QuicStreamChannel stream) {
        if (stream.type() != QuicStreamType.BIDIRECTIONAL || ended) {
            stream.close();
            return;
        }
        QuicStream admitted = new QuicStream(this, stream, Direction.INBOUND);
        stream.pipeline().addLast(admitted.handler());
        accept(admitted);
    }

    @Override
    protected CompletableFuture<MuxedStream> openStream() {
        CompletableFuture<MuxedStream> result = new CompletableFuture<>();
        if (ended) {
            result.completeExceptionally(ended("open stream to"));
            return result;
        }
        if (channel.peerAllowedStreams(QuicStreamType.BIDIRECTIONAL) <= 0) {
            result.completeExceptionally(new PpiofsException(
                    ErrorKind.RANGE,
                    "open stream to",
                    remotePeer().toString(),
                    "the peer allows no more streams on this connection, close some first"));
            return result;
        }
        Opener opener = new Opener();
        channel.createStream(QuicStreamType.BIDIRECTIONAL, opener).addListener(created -> {
            QuicStream stream = opener.stream;
            if (created.isSuccess() && stream != null) {
                result.complete(stream);
            } else {
                result.completeExceptionally(ended("open stream to"));
            }
        });
        return result;
    }

    /** Puts the stream's handler in place before anything can arrive. */
    private final class Opener extends ChannelInitializer<QuicStreamChannel> {
        private @Nullable QuicStream stream;

        @Override
        protected void initChannel(QuicStreamChannel created) {
            QuicStream made = new QuicStream(QuicConnection.this, created, Direction.OUTBOUND);
            created.pipeline().addLast(made.handler());
            stream = made;
        }
    }

    /** Bytes have come. */
    void active(int bytes) {
        idle = false;
        options().metrics().onReceived(bytes);
    }

    void unreadChanged(int by) {
        unread += by;
    }

    boolean tooMuchUnread() {
        return unread > options().yamux().maxUnread();
    }

    void sent(int bytes) {
        options().metrics().onSent(bytes);
    }

    /** QUIC ends idle connections, and the codec sends no keep-alive: a ping of libp2p keeps it. */
    private void onTimer() {
        if (!idle || ended) {
            idle = true;
            return;
        }
        open(List.of(PING)).whenComplete((stream, failure) -> {
            if (failure == null) {
                ping(stream);
            } else {
                LOG.debug("{} takes no ping", this, failure); // asking was traffic enough
            }
        });
    }

    private static void ping(Stream stream) {
        stream.read(new Discarding(stream));
        stream.write(Unpooled.wrappedBuffer(new byte[PING_BYTES]));
        stream.closeWrite();
    }

    /** Reads an answer that says only that the peer lives. */
    private record Discarding(Stream stream) implements Stream.Reader {
        @Override
        public void onData(ByteBuf data) {
            data.release();
        }

        @Override
        public void onEnd() {
            // both halves are closed now
        }

        @Override
        public void onReset(Throwable cause) {
            LOG.debug("{} was reset", stream, cause);
        }
    }

    @Override
    protected void shutDown() {
        if (!ended) {
            // after the ends of streams, which are sent in tasks of their own
            loop().execute(() -> channel.close(true, 0, Unpooled.EMPTY_BUFFER));
            finish();
        }
    }

    private void finish() {
        if (!ended) {
            ended = true;
            keepAlive.cancel(false);
            markClosed();
        }
    }

    @Override
    public boolean isOpen() {
        return !ended && channel.isActive();
    }
}
