package io.ppiofs.overlay.transport.mux;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.util.concurrent.Future;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.host.Stream;
import io.ppiofs.overlay.host.StreamHandler;
import io.ppiofs.overlay.transport.StreamAcceptor;
import io.ppiofs.overlay.transport.Violation;
import io.ppiofs.overlay.transport.multistream.Negotiation;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Runs multistream-select as the first reader of a stream; on the connection's loop. */
final class StreamNegotiation implements Stream.Reader {
    private static final Logger LOG = LoggerFactory.getLogger(StreamNegotiation.class);

    /** What happens at the end. */
    private interface Outcome {
        void agreed(ProtocolId protocol);

        void failed(Throwable cause);
    }

    private final MuxedStream stream;
    private final Negotiation negotiation;
    private final Outcome outcome;
    private final Future<?> timer;
    private boolean done;

    private StreamNegotiation(MuxedStream stream, Negotiation negotiation, Duration timeout, Outcome outcome) {
        this.stream = stream;
        this.negotiation = negotiation;
        this.outcome = outcome;
        MuxedConnection connection = (MuxedConnection) stream.connection();
        this.timer = connection.loop().schedule(this::onTimeout, timeout.toNanos(), TimeUnit.NANOSECONDS);
    }

    /** Proposes {@code protocols}; completes {@code result} with the stream. */
    static void propose(
            MuxedStream stream, List<ProtocolId> protocols, Duration timeout, CompletableFuture<Stream> result) {
        Negotiation negotiation =
                Negotiation.initiator(protocols.stream().map(ProtocolId::name).toList());
        StreamNegotiation reader = new StreamNegotiation(stream, negotiation, timeout, new Outcome() {
            @Override
            public void agreed(ProtocolId protocol) {
                if (!result.complete(stream)) {
                    stream.reset(); // whoever asked has given up
                }
            }

            @Override
            public void failed(Throwable cause) {
                result.completeExceptionally(cause);
            }
        });
        ByteBuf out = ByteBufAllocator.DEFAULT.buffer(128);
        negotiation.begin(out);
        reader.send(out);
        stream.read(reader);
    }

    /** Answers proposals by what {@code acceptor} handles, and calls the handler. */
    static void answer(MuxedStream stream, StreamAcceptor acceptor, Duration timeout) {
        Chosen chosen = new Chosen(acceptor, stream.connection());
        Negotiation negotiation = Negotiation.responder(
                chosen::accepts,
                () -> acceptor.protocols(stream.connection()).stream()
                        .map(ProtocolId::name)
                        .toList());
        stream.read(new StreamNegotiation(stream, negotiation, timeout, new Outcome() {
            @Override
            public void agreed(ProtocolId protocol) {
                StreamHandler handler = chosen.handler;
                if (handler != null) {
                    handler.onStream(stream);
                }
            }

            @Override
            public void failed(Throwable cause) {
                LOG.debug("inbound stream of {} agreed on no protocol", stream.connection(), cause);
            }
        }));
    }

    /** Remembers the handler of the proposal that was taken. */
    private static final class Chosen {
        private final StreamAcceptor acceptor;
        private final Connection connection;
        private @Nullable StreamHandler handler;

        Chosen(StreamAcceptor acceptor, Connection connection) {
            this.acceptor = acceptor;
            this.connection = connection;
        }

        boolean accepts(String name) {
            if (!name.startsWith("/") || name.length() > ProtocolId.MAX_LENGTH || !printable(name)) {
                return false;
            }
            handler = acceptor.handler(connection, new ProtocolId(name));
            return handler != null;
        }

        private static boolean printable(String name) {
            return name.chars().allMatch(c -> c > 0x20 && c < 0x7f);
        }
    }

    @Override
    public void onData(ByteBuf data) {
        if (done) {
            data.release();
            return;
        }
        ByteBuf out = data.alloc().buffer(128);
        String agreed;
        try {
            agreed = negotiation.advance(data, out);
        } catch (RuntimeException e) {
            data.release();
            send(out);
            boolean refused = e instanceof PpiofsException p && p.kind() == ErrorKind.NOT_SUPPORTED;
            if (!refused) {
                ((MuxedConnection) stream.connection()).report(Violation.MALFORMED);
            }
            fail(e);
            return;
        }
        send(out);
        if (agreed == null) {
            data.release();
        } else {
            finish(new ProtocolId(agreed), data);
        }
    }

    private void finish(ProtocolId protocol, ByteBuf rest) {
        done = true;
        timer.cancel(false);
        stream.detachReader();
        stream.pushBack(rest);
        stream.agree(protocol);
        outcome.agreed(protocol);
    }

    private void send(ByteBuf out) {
        if (out.isReadable()) {
            stream.write(out);
        } else {
            out.release();
        }
    }

    private void fail(Throwable cause) {
        if (!done) {
            done = true;
            timer.cancel(false);
            stream.reset();
            outcome.failed(cause);
        }
    }

    private void onTimeout() {
        if (!done) {
            ((MuxedConnection) stream.connection()).report(Violation.SLOW_NEGOTIATION);
            fail(new PpiofsException(
                    ErrorKind.NOT_CONNECTED, "open stream to", subject(), "no agreement on a protocol in time"));
        }
    }

    @Override
    public void onEnd() {
        fail(new PpiofsException(
                ErrorKind.NOT_CONNECTED, "open stream to", subject(), "the peer closed the stream at once"));
    }

    @Override
    public void onReset(Throwable cause) {
        fail(new PpiofsException(
                ErrorKind.NOT_CONNECTED, "open stream to", subject(), "the peer reset the stream at once", cause));
    }

    private String subject() {
        return stream.connection().remotePeer().toString();
    }
}
