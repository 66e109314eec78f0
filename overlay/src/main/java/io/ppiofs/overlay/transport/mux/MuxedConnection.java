package io.ppiofs.overlay.transport.mux;

import io.netty.util.concurrent.EventExecutor;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.host.ConnectionClass;
import io.ppiofs.overlay.host.Direction;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.host.Stream;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.identity.PublicKey;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.transport.StreamAcceptor;
import io.ppiofs.overlay.transport.TransportOptions;
import io.ppiofs.overlay.transport.Violation;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;

/** A connection whose streams agree on their protocols by multistream-select. Subclasses make the streams. */
public abstract class MuxedConnection implements Connection {
    private final ConnectionInfo info;
    private final EventExecutor loop;
    private final StreamAcceptor acceptor;
    private final TransportOptions options;
    private final CompletableFuture<Void> closed = new CompletableFuture<>();

    protected MuxedConnection(
            ConnectionInfo info, EventExecutor loop, StreamAcceptor acceptor, TransportOptions options) {
        this.info = info;
        this.loop = loop;
        this.acceptor = acceptor;
        this.options = options;
    }

    /** Opens a stream without protocol; on the loop. Fails as {@link Connection#open}. */
    protected abstract CompletableFuture<MuxedStream> openStream();

    /** Ends the connection; on the loop, idempotent. */
    protected abstract void shutDown();

    @Override
    public final CompletableFuture<Stream> open(List<ProtocolId> protocols) {
        if (protocols.isEmpty()) {
            throw new IllegalArgumentException("protocols must not be empty");
        }
        CompletableFuture<Stream> result = new CompletableFuture<>();
        try {
            runOnLoop(() -> openOnLoop(List.copyOf(protocols), result));
        } catch (RejectedExecutionException e) {
            result.completeExceptionally(ended("open stream to"));
        }
        return result;
    }

    private void openOnLoop(List<ProtocolId> protocols, CompletableFuture<Stream> result) {
        openStream().whenComplete((stream, failure) -> {
            if (stream == null) {
                result.completeExceptionally(failure);
            } else {
                StreamNegotiation.propose(stream, protocols, options.negotiationTimeout(), result);
            }
        });
    }

    /** Admits a stream that the other side has opened: agrees on its protocol and calls the handler; on the loop. */
    public final void accept(MuxedStream stream) {
        StreamNegotiation.answer(stream, acceptor, options.negotiationTimeout());
    }

    @Override
    public final CompletableFuture<Void> close() {
        try {
            runOnLoop(this::shutDown);
        } catch (RejectedExecutionException e) {
            closed.complete(null); // the loop has ended, and with it the connection
        }
        return closed;
    }

    protected final void runOnLoop(Runnable task) {
        if (loop.inEventLoop()) {
            task.run();
        } else {
            loop.execute(task);
        }
    }

    /** To be called once when the connection has ended. */
    protected final void markClosed() {
        closed.complete(null);
    }

    /** NOT_CONNECTED: the connection has ended. */
    public final PpiofsException ended(String operation) {
        return new PpiofsException(
                ErrorKind.NOT_CONNECTED,
                operation,
                info.remotePeer().toString(),
                "the connection has ended, connect again");
    }

    /** Counts what the other side did. */
    public final void report(Violation violation) {
        options.metrics().onViolation(violation, info.remoteAddress());
    }

    public final TransportOptions options() {
        return options;
    }

    public final EventExecutor loop() {
        return loop;
    }

    @Override
    public final PeerId remotePeer() {
        return info.remotePeer();
    }

    @Override
    public final PublicKey remoteKey() {
        return info.remoteKey();
    }

    @Override
    public final Multiaddr remoteAddress() {
        return info.remoteAddress();
    }

    @Override
    public final Multiaddr localAddress() {
        return info.localAddress();
    }

    @Override
    public final Direction direction() {
        return info.direction();
    }

    @Override
    public final ConnectionClass connectionClass() {
        return info.connectionClass();
    }

    @Override
    public final boolean limited() {
        return info.limited();
    }

    @Override
    public final String description() {
        return info.description();
    }

    @Override
    public final CompletableFuture<Void> closed() {
        return closed;
    }

    @Override
    public final String toString() {
        return info.description() + " " + info.direction() + " " + info.remotePeer() + " at " + info.remoteAddress();
    }
}
