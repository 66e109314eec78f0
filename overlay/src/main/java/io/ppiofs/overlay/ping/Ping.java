package io.ppiofs.overlay.ping;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.host.HandlerOptions;
import io.ppiofs.overlay.host.Host;
import io.ppiofs.overlay.host.OpenOptions;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.host.Scheduler;
import io.ppiofs.overlay.host.Stream;
import io.ppiofs.overlay.identity.PeerId;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** Answers pings and measures round trips. Safe for any thread. */
public final class Ping {
    /** The protocol of the specification. */
    public static final ProtocolId PROTOCOL = new ProtocolId("/ipfs/ping/1.0.0");

    private static final int SIZE = 32;
    private static final int MAX_STREAMS = 4;
    private static final Duration IDLE = Duration.ofSeconds(60);

    private final Host host;
    private final Duration timeout;
    private final SecureRandom random = new SecureRandom();

    public Ping(Host host) {
        this(host, Duration.ofSeconds(10));
    }

    /** @param timeout bound on one ping, dialling included */
    public Ping(Host host, Duration timeout) {
        this.host = host;
        this.timeout = timeout;
    }

    /** Begins to answer others. */
    public void serve() {
        HandlerOptions options =
                HandlerOptions.DEFAULT.withMaxStreamsPerPeer(MAX_STREAMS).withOverLimited(true);
        host.handle(PROTOCOL, options, stream -> stream.read(new Echo(stream)));
    }

    /**
     * The round-trip time to {@code peer}, connecting first if there is no connection. Fails as {@link Host#open}, with
     * NOT_CONNECTED if no answer comes in time and CORRUPT if a wrong one comes.
     */
    public CompletableFuture<Duration> ping(PeerId peer) {
        OpenOptions options = OpenOptions.DEFAULT.withOverLimited(true).withTimeout(timeout);
        return host.open(peer, List.of(PROTOCOL), options).thenCompose(this::measure);
    }

    /** The round-trip time of this connection. */
    public CompletableFuture<Duration> ping(Connection connection) {
        return connection.open(List.of(PROTOCOL)).thenCompose(this::measure);
    }

    private CompletableFuture<Duration> measure(Stream stream) {
        byte[] payload = new byte[SIZE];
        random.nextBytes(payload);
        Measurement measurement =
                new Measurement(stream, payload, host.scheduler().nanoTime());
        measurement.begin();
        return measurement.result;
    }

    /** One ping that waits for its answer. */
    private final class Measurement implements Stream.Reader {
        private final Stream stream;
        private final byte[] payload;
        private final long began;
        private final byte[] answer = new byte[SIZE];
        private final CompletableFuture<Duration> result = new CompletableFuture<>();
        private int filled;

        Measurement(Stream stream, byte[] payload, long began) {
            this.stream = stream;
            this.payload = payload;
            this.began = began;
        }

        void begin() {
            Scheduler.Timer timer = host.scheduler()
                    .schedule(timeout, () -> fail("no answer within " + timeout.toMillis() + " ms", null));
            result.whenComplete((time, failure) -> timer.cancel());
            stream.read(this);
            stream.write(Unpooled.wrappedBuffer(payload)).whenComplete((done, failure) -> {
                if (failure != null) {
                    fail("the connection broke", failure);
                }
            });
        }

        @Override
        public void onData(ByteBuf data) {
            try {
                int n = Math.min(SIZE - filled, data.readableBytes());
                data.readBytes(answer, filled, n);
                filled += n;
                if (filled == SIZE) {
                    finish();
                }
            } finally {
                data.release();
            }
        }

        private void finish() {
            if (Arrays.equals(payload, answer)) {
                result.complete(Duration.ofNanos(host.scheduler().nanoTime() - began));
                var unused = stream.closeWrite();
            } else {
                stream.reset();
                result.completeExceptionally(failure(ErrorKind.CORRUPT, "the peer sent other bytes back", null));
            }
        }

        @Override
        public void onEnd() {
            if (filled < SIZE) {
                fail("the peer closed the stream without an answer", null);
            }
        }

        @Override
        public void onReset(Throwable cause) {
            fail("the peer reset the stream", cause);
        }

        private void fail(String detail, @Nullable Throwable cause) {
            if (result.completeExceptionally(failure(ErrorKind.NOT_CONNECTED, detail, cause))) {
                stream.reset();
            }
        }

        private PpiofsException failure(ErrorKind kind, String detail, @Nullable Throwable cause) {
            return new PpiofsException(
                    kind, "ping", stream.connection().remotePeer().toString(), detail, cause);
        }
    }

    /** Sends back what comes, in blocks of 32 bytes; on the connection's loop. A silent stream is reset after a minute. */
    private final class Echo implements Stream.Reader {
        private final Stream stream;
        private final byte[] block = new byte[SIZE];
        private int filled;
        private Scheduler.Timer idle;

        Echo(Stream stream) {
            this.stream = stream;
            this.idle = host.scheduler().schedule(IDLE, stream::reset);
        }

        @Override
        public void onData(ByteBuf data) {
            try {
                while (data.isReadable()) {
                    int n = Math.min(SIZE - filled, data.readableBytes());
                    data.readBytes(block, filled, n);
                    filled += n;
                    if (filled == SIZE && !echo()) {
                        return;
                    }
                }
            } finally {
                data.release();
            }
        }

        private boolean echo() {
            filled = 0;
            if (!stream.isWritable()) {
                idle.cancel();
                stream.reset(); // sends pings and does not read the answers
                return false;
            }
            idle.cancel();
            idle = host.scheduler().schedule(IDLE, stream::reset);
            var unused = stream.write(Unpooled.copiedBuffer(block));
            return true;
        }

        @Override
        public void onEnd() {
            idle.cancel();
            var unused = stream.closeWrite();
        }

        @Override
        public void onReset(Throwable cause) {
            idle.cancel();
        }
    }
}
