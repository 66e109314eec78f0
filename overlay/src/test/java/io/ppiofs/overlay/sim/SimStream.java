package io.ppiofs.overlay.sim;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.host.Direction;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.host.Stream;
import java.util.ArrayDeque;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** One end of a stream. What is written is copied at once; what is delivered is an unpooled heap buffer. */
public final class SimStream implements Stream {
    private static final int HIGH_WATER = 256 * 1024;
    private static final int LOW_WATER = 128 * 1024;

    private final SimConnection connection;
    private final ProtocolId protocol;
    private final Direction direction;
    private @Nullable SimStream other;
    private @Nullable Reader reader;
    private @Nullable ArrayDeque<byte[]> waiting;
    private @Nullable Throwable resetCause;
    private boolean reading = true;
    private boolean delivering;
    private boolean writeClosed;
    private boolean remoteClosed;
    private boolean endTold;
    private boolean writable = true;
    private int unread;

    SimStream(SimConnection connection, ProtocolId protocol, Direction direction) {
        this.connection = connection;
        this.protocol = protocol;
        this.direction = direction;
    }

    void pairWith(@Nullable SimStream end) {
        other = end;
    }

    @Override
    public ProtocolId protocol() {
        return protocol;
    }

    @Override
    public Connection connection() {
        return connection;
    }

    @Override
    public Direction direction() {
        return direction;
    }

    @Override
    public void read(Reader value) {
        reader = value;
        deliver();
    }

    @Override
    public void setReading(boolean value) {
        reading = value;
        deliver();
    }

    @Override
    public CompletableFuture<Void> write(ByteBuf data) {
        byte[] bytes = new byte[data.readableBytes()];
        data.readBytes(bytes);
        data.release();
        if (resetCause != null || writeClosed) {
            return CompletableFuture.failedFuture(new PpiofsException(
                    ErrorKind.NOT_CONNECTED, "write to", protocol.name(), "the stream has been closed or reset"));
        }
        connection.countWrite(protocol, bytes.length);
        SimStream end = other;
        if (end != null && bytes.length > 0) { // without another end it is a host that swallows everything
            unread += bytes.length;
            writable &= unread <= HIGH_WATER;
            connection.send(bytes.length, () -> end.arrived(bytes));
        }
        return CompletableFuture.completedFuture(null);
    }

    @Override
    public boolean isWritable() {
        return writable && !writeClosed && resetCause == null;
    }

    @Override
    public CompletableFuture<Void> closeWrite() {
        SimStream end = other;
        if (resetCause == null && !writeClosed) {
            writeClosed = true;
            if (end != null) {
                connection.send(0, end::remoteClosed);
            }
            leaveIfDone();
        }
        return CompletableFuture.completedFuture(null);
    }

    @Override
    public void reset() {
        SimStream end = other;
        if (resetCause != null || (writeClosed && endTold)) {
            return;
        }
        PpiofsException here = PpiofsException.expected(ErrorKind.NOT_CONNECTED, "stream reset here", protocol.name());
        if (end != null) {
            connection.send(
                    0,
                    () -> end.fail(PpiofsException.expected(
                            ErrorKind.NOT_CONNECTED, "stream reset by the peer", protocol.name())));
        }
        resetCause = here;
        waiting = null;
        reader = null;
        connection.remove(this);
    }

    /** The connection has ended, or the other side has reset the stream. */
    void fail(Throwable cause) {
        if (resetCause != null || (writeClosed && endTold)) {
            return;
        }
        resetCause = cause;
        connection.remove(this);
        Reader last = reader;
        if (last != null && !endTold) {
            reader = null;
            last.onReset(cause);
        }
    }

    private void arrived(byte[] bytes) {
        if (resetCause != null || remoteClosed) {
            return;
        }
        connection.touch();
        if (waiting == null) {
            waiting = new ArrayDeque<>(2);
        }
        waiting.add(bytes);
        deliver();
    }

    private void remoteClosed() {
        remoteClosed = true;
        deliver();
    }

    /** Not reentrant: a reader that hands the stream on, or stops reading, is heard before the next piece. */
    private void deliver() {
        if (delivering) {
            return;
        }
        delivering = true;
        try {
            while (reading && reader != null && waiting != null && !waiting.isEmpty()) {
                byte[] next = waiting.remove();
                SimStream end = other;
                if (end != null) {
                    end.wasRead(next.length);
                }
                reader.onData(Unpooled.wrappedBuffer(next));
            }
            boolean drained = waiting == null || waiting.isEmpty();
            if (reader != null && resetCause != null && !endTold) {
                Reader last = reader;
                reader = null;
                endTold = true;
                last.onReset(resetCause);
            } else if (reader != null && reading && drained && remoteClosed && !endTold) {
                waiting = null;
                endTold = true;
                reader.onEnd();
                leaveIfDone();
            }
        } finally {
            delivering = false;
        }
    }

    private void wasRead(int bytes) {
        unread -= bytes;
        Reader listener = reader;
        if (!writable && unread <= LOW_WATER) {
            writable = true;
            if (listener != null) {
                listener.onWritabilityChanged(true);
            }
        }
    }

    private void leaveIfDone() {
        if (writeClosed && endTold) {
            reader = null;
            connection.remove(this);
        }
    }
}
