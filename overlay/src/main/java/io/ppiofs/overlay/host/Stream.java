package io.ppiofs.overlay.host;

import io.netty.buffer.ByteBuf;
import java.util.concurrent.CompletableFuture;

/**
 * A bidirectional, ordered byte stream of one protocol, with back pressure on both sides. Callbacks come on the
 * connection's event loop, one at a time. All methods may be called from any thread; writes from one thread keep their
 * order.
 */
public interface Stream {
    /** Gets what arrives. */
    interface Reader {
        /** Bytes in order; the callee owns and releases {@code data}. */
        void onData(ByteBuf data);

        /** The other side has closed its writing half; nothing follows. */
        void onEnd();

        /** The stream or its connection was reset; nothing follows. */
        void onReset(Throwable cause);

        /** {@link Stream#isWritable()} has changed. */
        default void onWritabilityChanged(boolean writable) {}
    }

    ProtocolId protocol();

    Connection connection();

    Direction direction();

    /**
     * Sets who gets the bytes and begins reading. What arrived before is kept for it (bounded by the stream's window).
     * May be called again to hand the stream on; the new reader gets all later events.
     */
    void read(Reader reader);

    /** Stops or resumes delivery; while stopped at most the stream's receive window arrives. */
    void setReading(boolean reading);

    /** Sends {@code data}, which it takes over. Completes when the bytes have been handed to the connection. */
    CompletableFuture<Void> write(ByteBuf data);

    /**
     * False while more than the high-water mark waits for the other side: a bulk writer should wait. False for ever, without
     * {@link Reader#onWritabilityChanged}, after {@link #closeWrite}, {@link #reset} and the end of the connection.
     */
    boolean isWritable();

    /** Closes the writing half after all writes; reading goes on. */
    CompletableFuture<Void> closeWrite();

    /** Ends both directions at once; unsent data is dropped. Idempotent. */
    void reset();
}
