package io.ppiofs.node.control;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.io.Closeable;
import java.io.IOException;
import java.net.ConnectException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The command's end of one control connection: one request. Not thread-safe. */
public final class ControlClient implements Closeable {
    private final Wire wire;

    private ControlClient(Wire wire) {
        this.wire = wire;
    }

    /** @return null if no node listens there: no socket, or one left over from a node that died */
    public static @Nullable ControlClient connect(Path socket) {
        if (!Files.exists(socket)) {
            return null;
        }
        try {
            SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
            try {
                channel.connect(UnixDomainSocketAddress.of(socket));
                return new ControlClient(new Wire(channel, Wire.MAX_REPLY));
            } catch (ConnectException e) {
                channel.close();
                return null;
            }
        } catch (IOException e) {
            if (!Files.exists(socket)) {
                return null;
            }
            throw new PpiofsException(
                    ErrorKind.ACCESS_DENIED,
                    "control",
                    socket.toString(),
                    "cannot be reached (" + e.getMessage() + "); use the account that owns the home",
                    e);
        }
    }

    /** {@link #call(Request, Progress, Consumer)} for who expects nothing but the answer. */
    public Map<?, ?> call(Request request) {
        return call(request, Progress.NONE, message -> {});
    }

    /**
     * Sends the request and waits for its answer.
     *
     * @param between hears messages before the answer other than progress
     * @return the facts of the answer
     * @throws PpiofsException what the node answered, or NOT_CONNECTED if it ended before it did
     */
    public Map<?, ?> call(Request request, Progress progress, Consumer<Map<String, @Nullable Object>> between) {
        try {
            wire.send(request.toMessage());
            while (true) {
                Map<String, @Nullable Object> message = wire.receive();
                if (message == null) {
                    throw new PpiofsException(
                            ErrorKind.NOT_CONNECTED,
                            request.operation(),
                            "node",
                            "ended before it answered; see its log");
                }
                if (message.get("ok") instanceof Map<?, ?> facts) {
                    return facts;
                }
                if (message.get("error") instanceof Map<?, ?> error) {
                    throw Failure.ofMessage(error);
                }
                if (message.get("progress") instanceof Map<?, ?> p
                        && p.get("done") instanceof Long done
                        && p.get("total") instanceof Long total) {
                    progress.report(String.valueOf(p.get("task")), done, total);
                } else {
                    between.accept(message);
                }
            }
        } catch (IOException e) {
            throw new PpiofsException(
                    ErrorKind.NOT_CONNECTED,
                    request.operation(),
                    "node",
                    "connection lost (" + e.getMessage() + "); see the node's log",
                    e);
        }
    }

    /** Waits until the node's process has ended; it closes its connections only then. */
    public void awaitNodeEnd() {
        try {
            while (wire.receive() != null) {
                // nothing more is expected; only the end counts
                continue;
            }
        } catch (IOException e) {
            // a reset connection is an end, too
            return;
        }
    }

    @Override
    public void close() throws IOException {
        wire.close();
    }
}
