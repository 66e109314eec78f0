package io.ppiofs.overlay.transport.upgrade;

import io.netty.buffer.ByteBuf;
import io.netty.channel.AbstractChannel;
import io.netty.channel.ChannelConfig;
import io.netty.channel.ChannelMetadata;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.ChannelPromise;
import io.netty.channel.DefaultChannelConfig;
import io.netty.channel.EventLoop;
import io.ppiofs.overlay.host.Stream;
import java.net.SocketAddress;
import java.util.concurrent.TimeUnit;

/**
 * A stream as a Netty channel, so that the handlers of an upgrade run over it. What is written goes to the stream while it
 * is writable; the stream's end closes the channel.
 */
final class CircuitChannel extends AbstractChannel {
    private static final ChannelMetadata METADATA = new ChannelMetadata(false);
    private static final long LINGER_SECONDS = 5;

    /** The ends have no socket addresses. */
    private static final class StreamEnd extends SocketAddress {
        private static final long serialVersionUID = 1L;

        @Override
        public String toString() {
            return "stream";
        }
    }

    private final Stream stream;
    private final ChannelConfig config = new DefaultChannelConfig(this);
    private final SocketAddress end = new StreamEnd();
    private volatile boolean open = true;

    CircuitChannel(Stream stream) {
        super(null);
        this.stream = stream;
    }

    /** To be called when the first handlers are in place. */
    void startReading() {
        stream.read(new Events());
    }

    private final class Events implements Stream.Reader {
        @Override
        public void onData(ByteBuf data) {
            run(() -> {
                pipeline().fireChannelRead(data);
                pipeline().fireChannelReadComplete();
            });
        }

        @Override
        public void onEnd() {
            run(() -> unsafe().close(voidPromise()));
        }

        @Override
        public void onReset(Throwable cause) {
            run(() -> unsafe().close(voidPromise()));
        }

        @Override
        public void onWritabilityChanged(boolean writable) {
            if (writable) {
                run(() -> unsafe().flush());
            }
        }

        private void run(Runnable event) {
            if (eventLoop().inEventLoop()) {
                event.run();
            } else {
                eventLoop().execute(event);
            }
        }
    }

    @Override
    protected void doWrite(ChannelOutboundBuffer waiting) {
        while (stream.isWritable()) {
            Object message = waiting.current();
            if (message == null) {
                return;
            }
            stream.write(((ByteBuf) message).retain());
            waiting.remove();
        }
    }

    @Override
    protected void doClose() {
        open = false;
        stream.closeWrite();
        eventLoop().schedule(stream::reset, LINGER_SECONDS, TimeUnit.SECONDS);
    }

    @Override
    protected AbstractUnsafe newUnsafe() {
        return new AbstractUnsafe() {
            @Override
            public void connect(SocketAddress remote, SocketAddress local, ChannelPromise promise) {
                promise.setFailure(new UnsupportedOperationException("a stream is connected from the start"));
            }
        };
    }

    @Override
    protected boolean isCompatible(EventLoop loop) {
        return true;
    }

    @Override
    protected SocketAddress localAddress0() {
        return end;
    }

    @Override
    protected SocketAddress remoteAddress0() {
        return end;
    }

    @Override
    protected void doBind(SocketAddress address) {
        throw new UnsupportedOperationException("a stream has no socket");
    }

    @Override
    protected void doDisconnect() {
        doClose();
    }

    @Override
    protected void doBeginRead() {
        // the stream's window bounds what may come: reading never stops
    }

    @Override
    public ChannelConfig config() {
        return config;
    }

    @Override
    public boolean isOpen() {
        return open;
    }

    @Override
    public boolean isActive() {
        return open;
    }

    @Override
    public ChannelMetadata metadata() {
        return METADATA;
    }
}
