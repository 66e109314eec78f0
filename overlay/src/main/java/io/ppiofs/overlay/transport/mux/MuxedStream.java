package io.ppiofs.overlay.transport.mux;

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
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicLongFieldUpdater;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A stream as its users see it: delivers to the reader, keeps what arrives while nobody reads, counts what waits to be sent.
 * Subclasses move the bytes. Fields without other note belong to the connection's loop.
 */
public abstract class MuxedStream implements Stream {
    /** Above this many waiting bytes a stream is not writable. */
    public static final long HIGH_WATER = 256 * 1024;

    /** At or below this many waiting bytes it becomes writable again. */
    public static final long LOW_WATER = 64 * 1024;

    private static final Logger LOG = LoggerFactory.getLogger(MuxedStream.class);
    private static final int SMALL_PIECE = 4_096;
    private static final ProtocolId NEGOTIATING = new ProtocolId("/multistream/1.0.0");
    private static final AtomicLongFieldUpdater<MuxedStream> QUEUED =
            AtomicLongFieldUpdater.newUpdater(MuxedStream.class, "queued");

    private enum State {
        OPEN,
        /** The other side has closed its half; unread bytes may be left. */
        ENDED,
        /** The end, or a reset, has been told to the reader. */
        DONE
    }

    private final MuxedConnection connection;
    private final Direction direction;
    private volatile ProtocolId protocol = NEGOTIATING;
    private volatile long queued;
    private volatile boolean writable = true;
    private volatile boolean writingEnded;

    private @Nullable Reader reader;
    private @Nullable ArrayDeque<ByteBuf> unread;
    private @Nullable Throwable resetCause;
    private State state = State.OPEN;
    private boolean reading = true;
    private boolean delivering;
    private int pushedBack;

    protected MuxedStream(MuxedConnection connection, Direction direction) {
        this.connection = connection;
        this.direction = direction;
    }

    // ---- what subclasses do

    /** Sends {@code data}, which it takes over, when it may; then calls {@link #sent}. On the loop. */
    protected abstract void transmit(ByteBuf data, CompletableFuture<Void> done);

    /** Closes the writing half after everything that was transmitted. On the loop. */
    protected abstract void transmitEnd(CompletableFuture<Void> done);

    /** Tells the other side of the reset and forgets the stream. On the loop, idempotent. */
    protected abstract void transmitReset();

    /** {@code bytes} were delivered to the reader: the other side may send as many again. On the loop. */
    protected abstract void consumed(int bytes);

    /** The reader has stopped ({@code false}) or resumed. On the loop. */
    protected void readingChanged(boolean nowReading) {}

    /** The protocol was agreed on. On the loop. */
    protected void protocolAgreed() {}

    // ---- receiving: called by subclasses on the loop

    /** Bytes have come; takes {@code data} over. Dropped after an end or reset. */
    protected final void received(ByteBuf data) {
        if (state != State.OPEN) {
            data.release();
            return;
        }
        if (reader != null && reading && !delivering && unread == null) {
            deliver(data);
            deliverUnread();
        } else {
            keep(data);
        }
    }

    /** The other side has closed its half. */
    protected final void receivedEnd() {
        if (state == State.OPEN) {
            state = State.ENDED;
            deliverUnread();
        }
    }

    /**
     * The stream ended by force. If the other side had closed its half before, the reader still gets all bytes and the
     * end: it lost nothing.
     */
    protected final void receivedReset(Throwable cause) {
        if (state == State.DONE || (state == State.ENDED && unread != null)) {
            return;
        }
        state = State.DONE;
        dropUnread();
        resetCause = cause;
        if (reader != null) {
            guard(() -> {
                if (reader != null) {
                    reader.onReset(cause);
                }
            });
        }
    }

    /** Gives bytes back that a reader could not use, in front of all others; takes {@code data} over. */
    final void pushBack(ByteBuf data) {
        if (!data.isReadable()) {
            data.release();
            return;
        }
        pushedBack += data.readableBytes();
        queue().addFirst(data);
    }

    /** Bytes that wait for the reader. */
    protected final long unreadBytes() {
        long sum = 0;
        if (unread != null) {
            for (ByteBuf piece : unread) {
                sum += piece.readableBytes();
            }
        }
        return sum;
    }

    private void deliver(ByteBuf data) {
        Reader to = reader;
        int bytes = data.readableBytes();
        if (to == null || bytes == 0) {
            data.release();
            return;
        }
        delivering = true;
        pushedBack = 0;
        try {
            to.onData(data);
        } catch (RuntimeException e) {
            LOG.warn("reader of {} failed, stream is reset", this, e);
            reset();
        } finally {
            delivering = false;
        }
        consumed(bytes - pushedBack);
        pushedBack = 0;
    }

    private void deliverUnread() {
        while (!delivering && reader != null && reading && unread != null) {
            ByteBuf next = unread.poll();
            if (next == null) {
                unread = null;
            } else {
                deliver(next);
            }
        }
        if (!delivering && reader != null && reading && unread == null && state == State.ENDED) {
            state = State.DONE;
            guard(() -> {
                if (reader != null) {
                    reader.onEnd();
                }
            });
        }
    }

    private void keep(ByteBuf data) {
        ArrayDeque<ByteBuf> queue = queue();
        int n = data.readableBytes();
        if (n >= SMALL_PIECE) {
            queue.add(data);
            return;
        }
        ByteBuf last = queue.peekLast();
        if (last == null || last.maxCapacity() != SMALL_PIECE || last.writableBytes() < n) {
            last = Unpooled.buffer(Math.max(n, 256), SMALL_PIECE);
            queue.add(last);
        }
        last.ensureWritable(n);
        last.writeBytes(data);
        data.release();
    }

    private ArrayDeque<ByteBuf> queue() {
        if (unread == null) {
            unread = new ArrayDeque<>(4);
        }
        return unread;
    }

    private void dropUnread() {
        if (unread != null) {
            unread.forEach(ByteBuf::release);
            unread = null;
        }
    }

    private void guard(Runnable callback) {
        try {
            callback.run();
        } catch (RuntimeException e) {
            LOG.warn("reader of {} failed", this, e);
        }
    }

    // ---- sending

    /**
     * Nothing more can be written. Told before what waits is dropped: who writes while a stream is writable would go on
     * for ever, for what fails at once never fills the queue. On the loop.
     */
    protected final void writingEnded() {
        writingEnded = true;
    }

    /** {@code bytes} have been handed to the connection; on the loop. */
    protected final void sent(int bytes) {
        long left = QUEUED.addAndGet(this, -bytes);
        if (!writable && !writingEnded && left <= LOW_WATER) {
            writable = true;
            tellWritability(true);
        }
    }

    private void tellWritability(boolean now) {
        Reader to = reader;
        if (to != null) {
            guard(() -> to.onWritabilityChanged(now));
        }
    }

    @Override
    public final CompletableFuture<Void> write(ByteBuf data) {
        CompletableFuture<Void> done = new CompletableFuture<>();
        int bytes = data.readableBytes();
        boolean over = QUEUED.addAndGet(this, bytes) > HIGH_WATER;
        try {
            connection.runOnLoop(() -> writeOnLoop(data, over, done));
        } catch (RejectedExecutionException e) {
            data.release();
            done.completeExceptionally(connection.ended("write to"));
        }
        return done;
    }

    private void writeOnLoop(ByteBuf data, boolean over, CompletableFuture<Void> done) {
        if (over && writable) {
            writable = false;
            tellWritability(false);
        }
        transmit(data, done);
    }

    @Override
    public final boolean isWritable() {
        return writable && !writingEnded && queued <= HIGH_WATER;
    }

    @Override
    public final CompletableFuture<Void> closeWrite() {
        CompletableFuture<Void> done = new CompletableFuture<>();
        try {
            connection.runOnLoop(() -> {
                writingEnded();
                transmitEnd(done);
            });
        } catch (RejectedExecutionException e) {
            done.completeExceptionally(connection.ended("close stream to"));
        }
        return done;
    }

    @Override
    public final void reset() {
        try {
            connection.runOnLoop(this::resetOnLoop);
        } catch (RejectedExecutionException e) {
            LOG.debug("reset of {} after its connection's end", this);
        }
    }

    private void resetOnLoop() {
        state = State.DONE;
        dropUnread();
        reader = null;
        writingEnded();
        transmitReset();
    }

    /** The error of a write on a stream that no longer takes any. */
    protected final PpiofsException notWritable() {
        return new PpiofsException(
                ErrorKind.NOT_CONNECTED, "write to", protocol.name(), "the stream is closed, open another one");
    }

    // ---- what users see

    @Override
    public final void read(Reader newReader) {
        try {
            connection.runOnLoop(() -> readOnLoop(newReader));
        } catch (RejectedExecutionException e) {
            newReader.onReset(connection.ended("read from"));
        }
    }

    private void readOnLoop(Reader newReader) {
        reader = newReader;
        Throwable cause = resetCause;
        if (cause != null) {
            guard(() -> newReader.onReset(cause));
        } else {
            deliverUnread();
        }
    }

    @Override
    public final void setReading(boolean wanted) {
        try {
            connection.runOnLoop(() -> {
                if (reading != wanted) {
                    reading = wanted;
                    readingChanged(wanted);
                    deliverUnread();
                }
            });
        } catch (RejectedExecutionException e) {
            LOG.debug("reading of {} changed after its connection's end", this);
        }
    }

    final void agree(ProtocolId agreed) {
        protocol = agreed;
        protocolAgreed();
    }

    /** Takes the negotiation's reader off: bytes wait for the user's. */
    final void detachReader() {
        reader = null;
    }

    @Override
    public final ProtocolId protocol() {
        return protocol;
    }

    @Override
    public final Connection connection() {
        return connection;
    }

    @Override
    public final Direction direction() {
        return direction;
    }

    @Override
    public final String toString() {
        return protocol + " stream " + direction + " over " + connection;
    }
}
