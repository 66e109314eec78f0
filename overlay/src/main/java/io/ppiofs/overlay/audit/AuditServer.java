package io.ppiofs.overlay.audit;

import io.netty.util.concurrent.DefaultThreadFactory;
import io.ppiofs.cbor.CborEncoder;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.CborText;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.host.HandlerOptions;
import io.ppiofs.overlay.host.Host;
import io.ppiofs.overlay.host.MessageChannel;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.host.SingleExchange;
import io.ppiofs.overlay.host.Stream;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.network.Network;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Answers audits: one at a time, on a thread of lowest priority, so that readers do not wait for verifiers. An asker may have {@value
 * #WAITING_PER_PEER} questions waiting, all together {@value #WAITING}; the next one hears BUSY. Thread-safe.
 */
public final class AuditServer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(AuditServer.class);
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final int WAITING = 64;
    private static final int WAITING_PER_PEER = 4;

    private final Host host;
    private final NetworkId network;
    private final ProtocolId protocol;
    private final AuditProver prover;
    private final Map<PeerId, Integer> waiting = new HashMap<>();
    private final AtomicLong answered = new AtomicLong();
    private final AtomicLong refused = new AtomicLong();
    private final Executor work;
    private final Runnable end;

    public AuditServer(Host host, Network network, AuditProver prover) {
        this(host, network, prover, thread());
    }

    private AuditServer(Host host, Network network, AuditProver prover, ExecutorService thread) {
        this(host, network, prover, thread, () -> end(thread));
    }

    /** @param work carries out questions; refuses them when too many wait */
    AuditServer(Host host, Network network, AuditProver prover, Executor work, Runnable end) {
        this.host = host;
        this.network = network.id();
        this.protocol = AuditProtocol.id(network);
        this.prover = prover;
        this.work = work;
        this.end = end;
    }

    private static ExecutorService thread() {
        return new ThreadPoolExecutor(
                1,
                1,
                0,
                TimeUnit.SECONDS,
                new ArrayBlockingQueue<>(WAITING),
                new DefaultThreadFactory("audit", true, Thread.MIN_PRIORITY));
    }

    private static void end(ExecutorService thread) {
        thread.shutdownNow();
        try {
            if (!thread.awaitTermination(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
                LOG.warn("an audit has not ended in {} s", PATIENCE.toSeconds());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Begins to answer. */
    public void serve() {
        host.handle(protocol, HandlerOptions.DEFAULT.withMaxStreamsPerPeer(2 * WAITING_PER_PEER), this::accept);
    }

    /** Proofs that were given. */
    public long answered() {
        return answered.get();
    }

    /** Questions that were answered with a refusal. */
    public long refused() {
        return refused.get();
    }

    /** Answers one stream of the protocol, as {@link #serve} has it done. */
    public void accept(Stream stream) {
        SingleExchange.accept(host, stream, AuditProtocol.MAX_MESSAGE, PATIENCE, this::queue);
    }

    private void queue(MessageChannel channel, byte[] message) {
        PeerId asker = channel.stream().connection().remotePeer();
        if (!enter(asker)) {
            send(channel, refusal(AuditProtocol.Refusal.BUSY, "too many questions at once"));
            return;
        }
        try {
            work.execute(() -> {
                try {
                    send(channel, answer(asker, message));
                } finally {
                    leave(asker);
                }
            });
        } catch (RejectedExecutionException e) {
            leave(asker);
            LOG.debug("no audit for {}: {}", asker, e.toString());
            send(channel, refusal(AuditProtocol.Refusal.BUSY, "too many questions are waiting"));
        }
    }

    private synchronized boolean enter(PeerId asker) {
        int now = waiting.getOrDefault(asker, 0);
        if (now >= WAITING_PER_PEER) {
            return false;
        }
        waiting.put(asker, now + 1);
        return true;
    }

    private synchronized void leave(PeerId asker) {
        waiting.computeIfPresent(asker, (peer, now) -> now == 1 ? null : now - 1);
    }

    private CborMap answer(PeerId asker, byte[] message) {
        try {
            AuditAsk question = AuditAsk.decode(message);
            byte[] proof = prover.prove(question);
            answered.incrementAndGet();
            return CborMap.builder()
                    .put(1, 0)
                    .put(
                            2,
                            AuditAnswer.sign(question, proof, host.key(), network)
                                    .envelope())
                    .build();
        } catch (PpiofsException e) {
            return refusal(AuditProtocol.Refusal.of(e.kind()), e.detail());
        } catch (RuntimeException | LinkageError e) {
            LOG.error("an audit of {} failed", asker, e);
            return refusal(AuditProtocol.Refusal.FAILED, "the operator could not do it; its log says why");
        }
    }

    private CborMap refusal(AuditProtocol.Refusal refusal, String text) {
        refused.incrementAndGet();
        String shown = text.length() > AuditProtocol.MAX_TEXT ? text.substring(0, AuditProtocol.MAX_TEXT) : text;
        return CborMap.builder()
                .put(1, refusal.ordinal() + 1)
                .put(2, new CborText(shown))
                .build();
    }

    private static void send(MessageChannel channel, CborMap answer) {
        var unused = channel.send(CborEncoder.encode(answer));
        var ignored = channel.stream().closeWrite();
    }

    /** Ends what is under way; the protocol is no longer spoken. */
    @Override
    public void close() {
        host.unhandle(protocol);
        end.run();
    }
}
