package io.ppiofs.tests.interop;

import com.google.common.hash.HashCode;
import com.google.common.hash.Hasher;
import com.google.common.hash.Hashing;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.ppiofs.overlay.host.HandlerOptions;
import io.ppiofs.overlay.host.Host;
import io.ppiofs.overlay.host.OpenOptions;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.host.Stream;
import io.ppiofs.overlay.identity.PeerId;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** The counterpart of the JavaScript peer's echo: sends back what it gets, and stops reading while that does not drain. */
final class EchoService {
    static final ProtocolId PROTOCOL = new ProtocolId(JsPeer.ECHO);

    private static final int CHUNK = 64 * 1024;
    private static final long LIMIT_SECONDS = 120;

    private EchoService() {}

    static void serve(Host host) {
        HandlerOptions options = HandlerOptions.DEFAULT.withOverLimited(true).withMaxStreamsPerPeer(1_000);
        host.handle(PROTOCOL, options, stream -> stream.read(new Echo(stream)));
    }

    /** What came back: as many bytes as were sent, and the same ones, or not. */
    record Result(long sent, long received, boolean equal, boolean limited, long millis) {}

    /** Sends random bytes on a new stream, over whatever connection there is, and reads them back. */
    static Result call(Host host, PeerId peer, long size, long seed) {
        OpenOptions options = OpenOptions.DEFAULT.withOverLimited(true);
        Stream stream = get(host.open(peer, List.of(PROTOCOL), options));
        Collector collector = new Collector();
        stream.read(collector);
        long started = System.nanoTime();
        HashCode sent = send(stream, size, seed);
        get(stream.closeWrite());
        HashCode received = get(collector.done);
        return new Result(
                size,
                collector.count,
                collector.count == size && sent.equals(received),
                stream.connection().limited(),
                TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - started));
    }

    private static HashCode send(Stream stream, long size, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        Hasher hasher = Hashing.sha256().newHasher();
        byte[] chunk = new byte[CHUNK];
        for (long left = size; left > 0; left -= CHUNK) {
            random.nextBytes(chunk);
            int length = (int) Math.min(left, CHUNK);
            hasher.putBytes(chunk, 0, length);
            get(stream.write(ByteBufAllocator.DEFAULT.buffer(length).writeBytes(chunk, 0, length)));
        }
        return hasher.hash();
    }

    private static <T> T get(CompletableFuture<T> future) {
        try {
            return future.get(LIMIT_SECONDS, TimeUnit.SECONDS);
        } catch (ExecutionException | TimeoutException e) {
            throw new AssertionError("the echo does not go on", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted", e);
        }
    }

    private static final class Echo implements Stream.Reader {
        private final Stream stream;

        Echo(Stream stream) {
            this.stream = stream;
        }

        @Override
        public void onData(ByteBuf data) {
            stream.write(data).whenComplete((done, error) -> {
                if (error != null) {
                    stream.reset();
                }
            });
            if (!stream.isWritable()) {
                stream.setReading(false);
            }
        }

        @Override
        public void onEnd() {
            stream.closeWrite();
        }

        @Override
        public void onReset(Throwable cause) {
            stream.reset();
        }

        @Override
        public void onWritabilityChanged(boolean writable) {
            stream.setReading(writable);
        }
    }

    private static final class Collector implements Stream.Reader {
        private final CompletableFuture<HashCode> done = new CompletableFuture<>();
        private final Hasher hasher = Hashing.sha256().newHasher();
        private volatile long count;

        @Override
        public void onData(ByteBuf data) {
            count += data.readableBytes();
            for (java.nio.ByteBuffer part : data.nioBuffers()) {
                hasher.putBytes(part);
            }
            data.release();
        }

        @Override
        public void onEnd() {
            done.complete(hasher.hash());
        }

        @Override
        public void onReset(Throwable cause) {
            done.completeExceptionally(cause);
        }
    }
}
