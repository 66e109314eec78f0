package io.ppiofs.overlay.transport.quic;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.ChannelInputShutdownReadComplete;
import io.netty.handler.codec.quic.DefaultQuicStreamFrame;
import io.netty.handler.codec.quic.QuicStreamChannel;
import io.netty.util.concurrent.Future;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.host.Direction;
import io.ppiofs.overlay.transport.Violation;
import io.ppiofs.overlay.transport.mux.MuxedStream;
import java.util.concurrent.CompletableFuture;

/** A QUIC stream. Its Netty channel reads only while the bytes that wait for the reader are few. */
final class QuicStream extends MuxedStream {
    private static final int MAX_HELD = 256 * 1024;

    private final QuicConnection connection;
    private final QuicStreamChannel channel;
    private boolean reading = true;
    private boolean localEnded;
    private boolean remoteEnded;
    private boolean gone;
    private int held;

    QuicStream(QuicConnection connection, QuicStreamChannel channel, Direction direction) {
        super(connection, direction);
        this.connection = connection;
        this.channel = channel;
    }

    /** The handler that makes the channel this stream. Netty closes the channel when both halves have ended. */
    ChannelHandler handler() {
        return new Events();
    }

    private final class Events extends ChannelInboundHandlerAdapter {
        @Override
        public void channelRead(ChannelHandlerContext ctx, Object message) {
            ByteBuf data = (ByteBuf) message;
            int n = data.readableBytes();
            connection.active(n);
            hold(n);
            if (connection.tooMuchUnread()) {
                data.release();
                connection.report(Violation.UNREAD_DATA);
                reset();
                return;
            }
            received(data);
            adjustReading();
        }

        @Override
        public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
            if (event instanceof ChannelInputShutdownEvent || event instanceof ChannelInputShutdownReadComplete) {
                remoteEnded = true;
                receivedEnd();
            }
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
            broken(cause);
        }

        @Override
        public void channelInactive(ChannelHandlerContext ctx) {
            if (remoteEnded && localEnded) {
                gone = true;
            } else {
                broken(connection.ended("use stream to"));
            }
            hold((int) unreadBytes() - held);
        }
    }

    private void broken(Throwable cause) {
        if (!gone) {
            gone = true;
            writingEnded();
            channel.close();
            receivedReset(new PpiofsException(
                    ErrorKind.NOT_CONNECTED, "use", protocol().name(), "the peer reset the stream", cause));
        }
    }

    private void adjustReading() {
        channel.config().setAutoRead(reading && held <= MAX_HELD);
    }

    /** Changes what waits for the reader, here and in the connection's account. */
    private void hold(int by) {
        held += by;
        connection.unreadChanged(by);
    }

    @Override
    protected void consumed(int bytes) {
        hold(-Math.min(bytes, held)); // a reset inside the reader has taken them off already
        adjustReading();
    }

    @Override
    protected void readingChanged(boolean nowReading) {
        reading = nowReading;
        adjustReading();
    }

    @Override
    protected void transmit(ByteBuf data, CompletableFuture<Void> done) {
        int bytes = data.readableBytes();
        if (gone || localEnded) {
            data.release();
            sent(bytes);
            done.completeExceptionally(notWritable());
            return;
        }
        connection.sent(bytes);
        channel.writeAndFlush(data).addListener(written -> {
            sent(bytes);
            settle(written, done);
        });
    }

    @Override
    protected void transmitEnd(CompletableFuture<Void> done) {
        if (gone || localEnded) {
            done.complete(null);
            return;
        }
        localEnded = true;
        connection.loop().execute(() -> writeEnd(done));
    }

    /**
     * Sends the end, in a task of its own. While the codec reads datagrams it puts off what is written, and quiche forgets
     * a stream, with an end not yet sent, once an acknowledgement of all its bytes comes: the end must not wait behind
     * datagrams still to be read (quiche issue 2525).
     */
    private void writeEnd(CompletableFuture<Void> done) {
        if (gone) {
            done.completeExceptionally(notWritable());
            return;
        }
        channel.writeAndFlush(new DefaultQuicStreamFrame(Unpooled.EMPTY_BUFFER, true))
                .addListener(written -> settle(written, done));
    }

    private void settle(Future<? super Void> written, CompletableFuture<Void> done) {
        if (written.isSuccess()) {
            done.complete(null);
        } else {
            done.completeExceptionally(notWritable());
        }
    }

    @Override
    protected void transmitReset() {
        if (!gone) {
            gone = true;
            hold(-held);
            channel.shutdown(0, channel.newPromise()).addListener(done -> channel.close());
        }
    }
}
