package io.ppiofs.overlay.relay;

import io.netty.buffer.ByteBuf;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.host.Direction;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.host.Scheduler;
import io.ppiofs.overlay.host.Stream;
import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A stream that begins with one message of ours and then belongs to somebody else. No byte behind the message is lost:
 * what comes before the next reader is kept for it (at most the stream's window, for reading stops meanwhile).
 */
final class HandoverStream implements Stream {
    private static final int MAX_MESSAGE = 4 * 1024;
    private static final Object END = new Object();

    /** Releases everything; for a stream that nobody wants any more. */
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

    private final Stream raw;
    private final CompletableFuture<byte[]> first = new CompletableFuture<>();
    private final Queue<Object> events = new ConcurrentLinkedQueue<>();
    private final AtomicInteger drains = new AtomicInteger();
    private volatile @Nullable Reader reader;

    HandoverStream(Stream raw) {
        this.raw = raw;
    }

    /**
     * The one message; completes on the connection's loop. Fails, and the stream is reset, if it is too long or not there in
     * time.
     */
    CompletableFuture<byte[]> message(Scheduler scheduler, Duration timeout) {
        Scheduler.Timer timer =
                scheduler.schedule(timeout, () -> fail("no message within " + timeout.toSeconds() + " s"));
        first.whenComplete((message, failure) -> timer.cancel());
        raw.read(new First());
        return first;
    }

    /** Sends a message with its length before it. */
    CompletableFuture<Void> send(byte[] message) {
        return new io.ppiofs.overlay.host.MessageChannel(raw, MAX_MESSAGE).send(message);
    }

    private void fail(String detail) {
        boolean first = this.first.completeExceptionally(new PpiofsException(
                ErrorKind.CORRUPT,
                "read relay message from",
                connection().remotePeer().toString(),
                detail));
        if (first) {
            reset();
        }
    }

    @Override
    public ProtocolId protocol() {
        return raw.protocol();
    }

    @Override
    public Connection connection() {
        return raw.connection();
    }

    @Override
    public Direction direction() {
        return raw.direction();
    }

    @Override
    public void read(Reader value) {
        reader = value;
        drain();
        raw.setReading(true);
    }

    @Override
    public void setReading(boolean reading) {
        raw.setReading(reading);
    }

    @Override
    public CompletableFuture<Void> write(ByteBuf data) {
        return raw.write(data);
    }

    @Override
    public boolean isWritable() {
        return raw.isWritable();
    }

    @Override
    public CompletableFuture<Void> closeWrite() {
        return raw.closeWrite();
    }

    @Override
    public void reset() {
        if (reader == null) {
            reader = new Drain();
        }
        raw.reset();
        drain();
    }

    /** Delivers what waits; one thread at a time, whoever comes meanwhile lets the first go round again. */
    private void drain() {
        if (drains.getAndIncrement() != 0) {
            return;
        }
        int seen = 1;
        do {
            Reader to = reader;
            Object event;
            while (to != null && (event = events.poll()) != null) {
                deliver(to, event);
                to = reader;
            }
            seen = drains.addAndGet(-seen);
        } while (seen != 0);
    }

    private static void deliver(Reader to, Object event) {
        if (event instanceof ByteBuf data) {
            to.onData(data);
        } else if (event instanceof Throwable cause) {
            to.onReset(cause);
        } else {
            to.onEnd();
        }
    }

    /** Reads the message, then queues; on the connection's loop. */
    private final class First implements Reader {
        private byte @Nullable [] message;
        private int length;
        private int shift;
        private int filled;
        private boolean done;

        @Override
        public void onData(ByteBuf data) {
            while (!done && data.isReadable()) {
                byte[] into = message;
                if (into == null) {
                    readLength(data.readByte());
                } else {
                    int n = Math.min(into.length - filled, data.readableBytes());
                    data.readBytes(into, filled, n);
                    filled += n;
                }
                complete();
            }
            if (data.isReadable()) {
                events.add(data);
                drain();
            } else {
                data.release();
            }
        }

        private void readLength(byte b) {
            length |= (b & 0x7f) << shift;
            shift += 7;
            if (length < 0 || length > MAX_MESSAGE || (b < 0 && shift > 21)) {
                done = true;
                fail("a message of more than " + MAX_MESSAGE + " bytes");
            } else if (b >= 0) {
                message = new byte[length];
            }
        }

        private void complete() {
            byte[] full = message;
            if (!done && full != null && filled == full.length) {
                done = true;
                raw.setReading(false);
                first.complete(full);
            }
        }

        @Override
        public void onEnd() {
            if (done) {
                events.add(END);
                drain();
            } else {
                fail("the stream ended before the message");
            }
        }

        @Override
        public void onReset(Throwable cause) {
            if (done) {
                events.add(cause);
                drain();
            } else {
                fail("the stream was reset");
            }
        }

        @Override
        public void onWritabilityChanged(boolean writable) {
            Reader to = reader;
            if (to != null) {
                to.onWritabilityChanged(writable);
            }
        }
    }
}
