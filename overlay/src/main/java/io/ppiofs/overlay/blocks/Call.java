package io.ppiofs.overlay.blocks;

import io.netty.buffer.ByteBuf;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.wire.BlocksWire.Data;
import io.ppiofs.overlay.wire.BlocksWire.Frame;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * A request of a client. Belongs to one {@link ClientSession} once it is sent; frames come on the connection's loop, the end may come
 * from any thread, once.
 */
abstract class Call {
    /** Stall periods without progress after which a call is given up although its stream makes progress. */
    static final int PATIENCE = 4;

    final Priority priority;
    private final AtomicReference<@Nullable ClientSession> session = new AtomicReference<>();
    private volatile boolean ended;

    /** 0 until it is sent. */
    volatile int request;

    /** Payload or answers since the last look; on the loop or under the session's lock. */
    volatile long progress;

    long progressBefore;
    int idlePeriods;

    /** When it was sent, and whether it was then the only one: such an answer measures the round trip. */
    long begunNanos;

    volatile boolean alone;

    Call(Priority priority) {
        this.priority = priority;
    }

    abstract Frame message();

    /** For errors. */
    abstract String operation();

    /** The answer of this kind of request, other than data. @throws PpiofsException CORRUPT: the peer broke the protocol */
    abstract void onFrame(Frame frame);

    void onData(Data data) {
        throw FrameDecoder.refused("data for a request that gets none");
    }

    void onPayload(ByteBuf part, boolean last) {
        throw FrameDecoder.refused("data for a request that gets none");
    }

    /** Called once. */
    abstract void finish(@Nullable Throwable failure);

    /** Whether it waits for something else than the peer. */
    boolean waitsForUs() {
        return false;
    }

    /** How many stall periods it may be without progress. */
    int patience() {
        return 1;
    }

    final void belongsTo(ClientSession owner) {
        session.set(owner);
    }

    final @Nullable ClientSession owner() {
        return session.get();
    }

    final boolean isEnded() {
        return ended;
    }

    /** Ends the call, and frees its place. Idempotent, from any thread. @return whether this call ended it */
    final boolean end(@Nullable Throwable failure) {
        synchronized (this) {
            if (ended) {
                return false;
            }
            ended = true;
        }
        ClientSession owner = owner();
        if (owner != null) {
            owner.forget(this, failure);
        }
        finish(failure);
        return true;
    }

    final void cancel(String peer) {
        ClientSession owner = owner();
        if (end(new PpiofsException(ErrorKind.INTERRUPTED, operation(), peer, "it was cancelled")) && owner != null) {
            owner.tellCancelled(this);
        }
    }
}
