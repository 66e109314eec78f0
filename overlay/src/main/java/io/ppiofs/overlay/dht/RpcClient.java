package io.ppiofs.overlay.dht;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.host.Host;
import io.ppiofs.overlay.host.MessageChannel;
import io.ppiofs.overlay.host.OpenOptions;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.host.Scheduler;
import io.ppiofs.overlay.host.Stream;
import io.ppiofs.overlay.identity.PeerId;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Sends requests. A stream carries one request at a time and, if the other side leaves it open, the next one to the same
 * peer within 6 to 8 s (js-libp2p closes its side after 10 s). A request that finds such a stream ended is sent once more on a
 * new one. On the host's scheduler only.
 */
final class RpcClient {
    private static final Duration KEEP = Duration.ofSeconds(6);
    private static final Duration SWEEP = Duration.ofSeconds(2);

    private final Host host;
    private final Scheduler scheduler;
    private final ProtocolId protocol;
    private final Duration timeout;
    private final Map<PeerId, Channel> idle = new HashMap<>();
    private final Set<Channel> all = new HashSet<>();
    private Scheduler.@Nullable Timer sweeper;
    private boolean closed;

    RpcClient(Host host, ProtocolId protocol, Duration timeout) {
        this.host = host;
        this.scheduler = host.scheduler();
        this.protocol = protocol;
        this.timeout = timeout;
    }

    /** The answer to {@code request}; fails with NOT_CONNECTED, NOT_SUPPORTED, CORRUPT or what {@link Host#open} gives. */
    CompletableFuture<DhtMessage> ask(PeerId peer, byte[] request) {
        Call call = new Call(peer, request, true);
        begin(call);
        return call.answer;
    }

    /** Sends what is not answered; done when it is on its way. */
    CompletableFuture<Void> tell(PeerId peer, byte[] request) {
        Call call = new Call(peer, request, false);
        begin(call);
        return call.answer.thenApply(none -> null);
    }

    void close() {
        closed = true;
        for (Channel channel : List.copyOf(all)) {
            channel.end(failure(channel.peer, "this node has been closed"), true);
        }
        if (sweeper != null) {
            sweeper.cancel();
        }
    }

    private void begin(Call call) {
        if (closed) {
            call.answer.completeExceptionally(failure(call.peer, "this node has been closed"));
            return;
        }
        call.timer = scheduler.schedule(timeout, call::expired);
        Channel channel = idle.remove(call.peer);
        if (channel != null) {
            channel.run(call, true);
        } else {
            open(call);
        }
    }

    private void open(Call call) {
        OpenOptions options = OpenOptions.DEFAULT.withTimeout(timeout);
        host.open(call.peer, List.of(protocol), options)
                .whenComplete((stream, error) -> scheduler.execute(() -> opened(call, stream, error)));
    }

    private void opened(Call call, @Nullable Stream stream, @Nullable Throwable error) {
        if (stream == null) {
            call.fail(error == null ? failure(call.peer, "no stream") : error);
        } else if (call.answer.isDone() || closed) {
            stream.reset(); // the caller has given up meanwhile
        } else {
            Channel channel = new Channel(call.peer, new MessageChannel(stream, DhtMessage.MAX_BYTES));
            all.add(channel);
            channel.run(call, false);
            channel.messages.receive(channel);
        }
    }

    private void sweep() {
        sweeper = null;
        long before = scheduler.nanoTime() - KEEP.toNanos();
        for (Channel channel : new ArrayList<>(idle.values())) {
            if (channel.idleSince <= before) {
                idle.remove(channel.peer);
                channel.finish();
            }
        }
        sweepLater();
    }

    private void sweepLater() {
        if (sweeper == null && !idle.isEmpty() && !closed) {
            sweeper = scheduler.schedule(SWEEP, this::sweep);
        }
    }

    private static PpiofsException failure(PeerId peer, String detail) {
        return new PpiofsException(ErrorKind.NOT_CONNECTED, "ask", peer.toString(), detail);
    }

    private static PpiofsException expected(PeerId peer) {
        return PpiofsException.expected(ErrorKind.NOT_CONNECTED, "ask", peer.toString());
    }

    /** One request and what became of it. */
    private final class Call {
        final PeerId peer;
        final byte[] request;
        final boolean answered;
        final CompletableFuture<DhtMessage> answer = new CompletableFuture<>();
        Scheduler.@Nullable Timer timer;

        @Nullable
        Channel channel;

        Call(PeerId peer, byte[] request, boolean answered) {
            this.peer = peer;
            this.request = request;
            this.answered = answered;
        }

        void expired() {
            Channel on = channel;
            fail(expected(peer));
            if (on != null) {
                on.end(null, true);
            }
        }

        void complete(DhtMessage message) {
            stopTimer();
            answer.complete(message);
        }

        void fail(Throwable cause) {
            stopTimer();
            answer.completeExceptionally(cause);
        }

        private void stopTimer() {
            if (timer != null) {
                timer.cancel();
            }
        }
    }

    /** A stream to one peer; its callbacks hop to the scheduler. */
    private final class Channel implements MessageChannel.Receiver {
        final PeerId peer;
        final MessageChannel messages;
        private @Nullable Call current;
        private boolean reused;
        private boolean ended;
        long idleSince;

        Channel(PeerId peer, MessageChannel messages) {
            this.peer = peer;
            this.messages = messages;
        }

        void run(Call call, boolean again) {
            current = call;
            reused = again;
            call.channel = this;
            messages.send(call.request).whenComplete((done, error) -> {
                if (error != null) {
                    scheduler.execute(() -> end(error, true));
                } else if (!call.answered) {
                    scheduler.execute(() -> told(call));
                }
            });
        }

        private void told(Call call) {
            if (current == call) {
                current = null;
                finish();
                call.complete(DhtMessage.request(DhtMessage.Type.PING, new byte[0]));
            }
        }

        /** Nothing more is sent. The other side has a moment to close its half. */
        void finish() {
            ended = true;
            all.remove(this);
            messages.stream().closeWrite();
            scheduler.schedule(timeout, messages.stream()::reset);
        }

        @Override
        public void onMessage(byte[] message) {
            scheduler.execute(() -> answered(message));
        }

        private void answered(byte[] message) {
            Call call = current;
            if (ended || call == null) {
                end(null, true); // nobody asked
                return;
            }
            DhtMessage decoded;
            try {
                decoded = DhtMessage.decode(message);
            } catch (PpiofsException e) {
                end(e, true);
                return;
            }
            current = null;
            call.channel = null;
            if (idle.putIfAbsent(peer, this) == null) {
                idleSince = scheduler.nanoTime();
                sweepLater();
            } else {
                finish();
            }
            call.complete(decoded);
        }

        @Override
        public void onEnd(boolean complete) {
            scheduler.execute(() -> end(null, !complete));
        }

        @Override
        public void onReset(Throwable cause) {
            scheduler.execute(() -> end(cause, true));
        }

        /** The stream is of no more use. A request on a stream that was kept open is tried again: it may never have been seen. */
        void end(@Nullable Throwable cause, boolean reset) {
            if (ended) {
                if (reset) {
                    messages.stream().reset();
                }
                return;
            }
            ended = true;
            all.remove(this);
            idle.remove(peer, this);
            if (reset) {
                messages.stream().reset();
            } else {
                messages.stream().closeWrite();
            }
            Call call = current;
            current = null;
            if (call != null && !call.answer.isDone()) {
                call.channel = null;
                if (reused && !closed && !(cause instanceof PpiofsException e && e.kind() == ErrorKind.CORRUPT)) {
                    open(call);
                } else {
                    call.fail(cause == null ? expected(peer) : cause);
                }
            }
        }
    }
}
