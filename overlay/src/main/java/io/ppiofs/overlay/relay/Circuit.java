package io.ppiofs.overlay.relay;

import io.netty.buffer.ByteBuf;
import io.ppiofs.overlay.host.Scheduler;
import io.ppiofs.overlay.host.Stream;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongConsumer;

/** Two streams of a relay joined into one connection, within limits. Bytes are not copied; each loop feeds the other. */
final class Circuit {
    private final Stream from;
    private final Stream to;
    private final long maxBytes;
    private final LongConsumer carried;
    private final CompletableFuture<Void> ended = new CompletableFuture<>();
    private final AtomicInteger openHalves = new AtomicInteger(2);

    /** @param carried hears of each piece of bytes */
    Circuit(Stream from, Stream to, RelayLimits limits, Scheduler scheduler, LongConsumer carried) {
        this.from = from;
        this.to = to;
        this.maxBytes = limits.bytes();
        this.carried = carried;
        Duration duration = limits.duration();
        if (!duration.isZero()) {
            Scheduler.Timer timer = scheduler.schedule(duration, this::end);
            ended.whenComplete((done, failure) -> timer.cancel());
        }
    }

    void begin() {
        from.read(new Half(from, to));
        to.read(new Half(to, from));
    }

    /** Completes when both halves have ended. */
    CompletableFuture<Void> ended() {
        return ended;
    }

    private void end() {
        from.reset();
        to.reset();
        ended.complete(null);
    }

    /** Carries one direction. */
    private final class Half implements Stream.Reader {
        private final Stream source;
        private final Stream target;
        private long bytes;

        Half(Stream source, Stream target) {
            this.source = source;
            this.target = target;
        }

        @Override
        public void onData(ByteBuf data) {
            int n = data.readableBytes();
            bytes += n;
            if (maxBytes > 0 && bytes > maxBytes) {
                data.release();
                end();
                return;
            }
            carried.accept(n);
            target.write(data).whenComplete((done, failure) -> {
                if (failure != null) {
                    end();
                }
            });
            if (!target.isWritable()) {
                source.setReading(false);
                if (target.isWritable()) {
                    source.setReading(true); // it became writable in between and told nobody
                }
            }
        }

        /** The source of the other half can take more. */
        @Override
        public void onWritabilityChanged(boolean writable) {
            if (writable) {
                target.setReading(true);
            }
        }

        @Override
        public void onEnd() {
            var unused = target.closeWrite();
            if (openHalves.decrementAndGet() == 0) {
                ended.complete(null);
            }
        }

        @Override
        public void onReset(Throwable cause) {
            end();
        }
    }
}
