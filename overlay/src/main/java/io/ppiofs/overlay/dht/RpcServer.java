package io.ppiofs.overlay.dht;

import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.host.HandlerOptions;
import io.ppiofs.overlay.host.Host;
import io.ppiofs.overlay.host.MessageChannel;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.host.Scheduler;
import io.ppiofs.overlay.host.Stream;
import io.ppiofs.overlay.identity.PeerId;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Takes requests from streams, any number per stream, and sends answers. A stream is reset when it brings something
 * malformed, more than its peer may ask, asks on without reading its answers, or is silent for a minute. On the host's
 * scheduler, except for the callbacks, which hop there.
 */
final class RpcServer {
    /** Answers a request; null if it has no answer. Throws CORRUPT, INVALID or another error to have the stream reset. */
    interface Service {
        @Nullable
        DhtMessage serve(PeerId from, DhtMessage request);
    }

    private static final int MAX_STREAMS_PER_PEER = 32;
    private static final int MAX_WAITING = 64;
    private static final Duration SILENCE = Duration.ofMinutes(1);
    private static final int BUDGETS = 256;

    private final Host host;
    private final Scheduler scheduler;
    private final ProtocolId protocol;
    private final int requestsPerSecond;
    private final Service service;
    private final AtomicLong served;
    private final AtomicLong refused;
    private final Set<Inbound> streams = new HashSet<>();
    private final Map<PeerId, Budget> budgets = new HashMap<>();
    private Scheduler.@Nullable Timer sweeper;
    private boolean open;

    RpcServer(
            Host host,
            ProtocolId protocol,
            int requestsPerSecond,
            Service service,
            AtomicLong served,
            AtomicLong refused) {
        this.host = host;
        this.scheduler = host.scheduler();
        this.protocol = protocol;
        this.requestsPerSecond = requestsPerSecond;
        this.service = service;
        this.served = served;
        this.refused = refused;
    }

    boolean isOpen() {
        return open;
    }

    void start() {
        open = true;
        host.handle(protocol, HandlerOptions.DEFAULT.withMaxStreamsPerPeer(MAX_STREAMS_PER_PEER), this::accept);
    }

    void stop() {
        open = false;
        host.unhandle(protocol);
        for (Inbound inbound : List.copyOf(streams)) {
            inbound.reset();
        }
        if (sweeper != null) {
            sweeper.cancel();
            sweeper = null;
        }
    }

    private void accept(Stream stream) {
        Inbound inbound = new Inbound(new MessageChannel(stream, DhtMessage.MAX_BYTES));
        scheduler.execute(() -> {
            if (open) {
                streams.add(inbound);
                sweepLater();
                inbound.messages.receive(inbound);
            } else {
                stream.reset();
            }
        });
    }

    private void sweepLater() {
        if (sweeper == null && !streams.isEmpty() && open) {
            sweeper = scheduler.schedule(SILENCE, this::sweep);
        }
    }

    private void sweep() {
        sweeper = null;
        long before = scheduler.nanoTime() - SILENCE.toNanos();
        for (Inbound inbound : List.copyOf(streams)) {
            if (inbound.lastMessage <= before) {
                inbound.reset();
            }
        }
        sweepLater();
    }

    /** Takes one request out of what the peer may ask: a bucket that refills with time. */
    private boolean mayAsk(PeerId peer) {
        long now = scheduler.nanoTime();
        Budget budget = budgets.get(peer);
        if (budget == null) {
            if (budgets.size() >= BUDGETS) {
                budgets.values().removeIf(each -> each.refill(now) >= 2.0 * requestsPerSecond);
            }
            budget = new Budget(2.0 * requestsPerSecond, now);
            budgets.put(peer, budget);
        }
        return budget.take(now);
    }

    private final class Budget {
        private double left;
        private long at;

        Budget(double left, long at) {
            this.left = left;
            this.at = at;
        }

        double refill(long now) {
            left = Math.min(2.0 * requestsPerSecond, left + (now - at) * 1e-9 * requestsPerSecond);
            at = now;
            return left;
        }

        boolean take(long now) {
            if (refill(now) < 1) {
                return false;
            }
            left--;
            return true;
        }
    }

    /** One stream of a peer that asks. */
    private final class Inbound implements MessageChannel.Receiver {
        final MessageChannel messages;
        private final PeerId peer;
        private final AtomicLong waiting = new AtomicLong();
        long lastMessage;
        private boolean over;

        Inbound(MessageChannel messages) {
            this.messages = messages;
            this.peer = messages.stream().connection().remotePeer();
            this.lastMessage = scheduler.nanoTime();
        }

        @Override
        public void onMessage(byte[] message) {
            if (waiting.incrementAndGet() > MAX_WAITING) {
                messages.stream().reset();
                scheduler.execute(this::refuse);
                return;
            }
            scheduler.execute(() -> {
                waiting.decrementAndGet();
                asked(message);
            });
        }

        private void asked(byte[] message) {
            if (over) {
                return;
            }
            lastMessage = scheduler.nanoTime();
            if (!mayAsk(peer) || !messages.stream().isWritable()) {
                refuse();
                return;
            }
            try {
                DhtMessage answer = service.serve(peer, DhtMessage.decode(message));
                served.incrementAndGet();
                if (answer != null) {
                    messages.send(answer.encode());
                }
            } catch (PpiofsException e) {
                refuse();
            }
        }

        private void refuse() {
            if (!over) {
                refused.incrementAndGet();
                reset();
            }
        }

        void reset() {
            over = true;
            streams.remove(this);
            messages.stream().reset();
        }

        @Override
        public void onEnd(boolean complete) {
            scheduler.execute(() -> {
                if (!over) {
                    over = true;
                    streams.remove(this);
                    messages.stream().closeWrite();
                }
            });
        }

        @Override
        public void onReset(Throwable cause) {
            scheduler.execute(() -> {
                over = true;
                streams.remove(this);
            });
        }
    }
}
