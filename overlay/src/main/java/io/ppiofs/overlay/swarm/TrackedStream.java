package io.ppiofs.overlay.swarm;

import io.netty.buffer.ByteBuf;
import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.host.Direction;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.host.Stream;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;

/**
 * A stream that the swarm counts from beginning to end: it has ended when both halves are closed or it was reset. A
 * handler that closes its half and still does not read ten seconds later has no interest in more: the rest is dropped.
 */
final class TrackedStream implements Stream {
    private static final Runnable NOBODY = () -> {};
    private static final Runnable DONE = new Runnable() {
        @Override
        public void run() {}
    };

    private static final Duration UNREAD = Duration.ofSeconds(10);

    private final Stream raw;
    private final SwarmConnection connection;
    private final SwarmMetrics metrics;
    private final AtomicReference<Runnable> endListener = new AtomicReference<>(NOBODY);
    private final AtomicBoolean ended = new AtomicBoolean();
    private final AtomicBoolean reading = new AtomicBoolean();
    private volatile boolean readEnded;
    private volatile boolean writeClosed;

    TrackedStream(Stream raw, SwarmConnection connection, SwarmMetrics metrics) {
        this.raw = raw;
        this.connection = connection;
        this.metrics = metrics;
    }

    @Override
    public ProtocolId protocol() {
        return raw.protocol();
    }

    @Override
    public Connection connection() {
        return connection;
    }

    @Override
    public Direction direction() {
        return raw.direction();
    }

    @Override
    public void read(Reader reader) {
        reading.set(true);
        raw.read(new CountingReader(reader));
    }

    @Override
    public void setReading(boolean value) {
        raw.setReading(value);
    }

    @Override
    public CompletableFuture<Void> write(ByteBuf data) {
        int bytes = data.readableBytes();
        metrics.sent(protocol(), bytes);
        return raw.write(data);
    }

    @Override
    public boolean isWritable() {
        return raw.isWritable();
    }

    @Override
    public CompletableFuture<Void> closeWrite() {
        writeClosed = true;
        if (!reading.get()) {
            connection.later(UNREAD, this::drainIfUnread); // a request may be closed before its answer is read
        }
        endIfDone();
        return raw.closeWrite();
    }

    @Override
    public void reset() {
        raw.reset();
        end();
    }

    private void drainIfUnread() {
        if (!reading.get() && !ended.get()) {
            read(new Drain());
        }
    }

    private void endIfDone() {
        if (readEnded && writeClosed) {
            end();
        }
    }

    void end() {
        if (ended.compareAndSet(false, true)) {
            connection.streamEnded(this);
        }
    }

    /** Called by the connection once, at the end. */
    void ended() {
        Runnable listener = endListener.getAndSet(DONE);
        listener.run();
    }

    /** Sets who hears of the end; at once if it has come. */
    void onEnded(Runnable listener) {
        if (!endListener.compareAndSet(NOBODY, listener)) {
            listener.run();
        }
    }

    /** Whether the protocol only looks after the connection itself. */
    boolean background() {
        String name = protocol().name();
        return name.startsWith("/ipfs/ping/") || name.startsWith("/ipfs/id/");
    }

    /** Drops everything. */
    private static final class Drain implements Reader {
        @Override
        public void onData(ByteBuf data) {
            data.release();
        }

        @Override
        public void onEnd() {}

        @Override
        public void onReset(Throwable cause) {}
    }

    /** Sees the end of the stream before the reader does. */
    private final class CountingReader implements Reader {
        private final Reader reader;

        CountingReader(Reader reader) {
            this.reader = reader;
        }

        @Override
        public void onData(ByteBuf data) {
            connection.heard();
            metrics.received(protocol(), data.readableBytes());
            reader.onData(data);
        }

        @Override
        public void onEnd() {
            readEnded = true;
            endIfDone();
            reader.onEnd();
        }

        @Override
        public void onReset(Throwable cause) {
            end();
            reader.onReset(cause);
        }

        @Override
        public void onWritabilityChanged(boolean writable) {
            reader.onWritabilityChanged(writable);
        }
    }
}
