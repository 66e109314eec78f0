package io.ppiofs.overlay.pod;

import io.netty.util.concurrent.DefaultThreadFactory;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.host.HandlerOptions;
import io.ppiofs.overlay.host.Host;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.host.Scheduler;
import io.ppiofs.overlay.host.Stream;
import io.ppiofs.overlay.network.Network;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Holds conversations that others begin: {@value #CONVERSATIONS} at a time, {@value #OF_A_PEER} of a peer; the next one hears
 * BUSY. One that says nothing for 20 s is reset before it costs a thread. Thread-safe.
 */
public final class PodServer implements AutoCloseable {
    /** One side of a conversation. */
    @FunctionalInterface
    public interface Conversation {
        /**
         * Holds it, on a thread of its own, and returns when it is over; the link is closed then. A {@link PpiofsException} is said to the
         * other side.
         */
        void hold(PodLink link);
    }

    private static final Logger LOG = LoggerFactory.getLogger(PodServer.class);
    private static final Duration FIRST_WORD = Duration.ofSeconds(20);
    private static final Duration LAST_WORD = Duration.ofSeconds(5);
    private static final int CONVERSATIONS = 32;
    private static final int OF_A_PEER = 4;

    private final Host host;
    private final ProtocolId protocol;
    private final Conversation conversation;
    private final ThreadPoolExecutor threads;
    private final Set<PodLink> links = ConcurrentHashMap.newKeySet();

    public PodServer(Host host, Network network, Conversation conversation) {
        this.host = host;
        this.protocol = id(network);
        this.conversation = conversation;
        this.threads = new ThreadPoolExecutor(
                0,
                CONVERSATIONS,
                10,
                TimeUnit.SECONDS,
                new SynchronousQueue<>(),
                new DefaultThreadFactory("pod", true, Thread.MIN_PRIORITY));
    }

    static ProtocolId id(Network network) {
        return network.protocol("pod", "1.0.0");
    }

    /** Begins to take conversations. */
    public void serve() {
        host.handle(protocol, HandlerOptions.DEFAULT.withMaxStreamsPerPeer(OF_A_PEER), this::accept);
    }

    private void accept(Stream stream) {
        PodLink link = new PodLink(stream);
        Scheduler.Timer silent = host.scheduler().schedule(FIRST_WORD, stream::reset);
        link.begin(() -> {
            silent.cancel();
            try {
                threads.execute(() -> hold(link));
            } catch (RejectedExecutionException e) {
                LOG.debug("no conversation with {}: {}", link.peer(), e.toString());
                link.refuse(
                        new PpiofsException(ErrorKind.BUSY, "deal", "node", "too many deals are under way"),
                        Duration.ZERO);
                resetLater(link);
            }
        });
    }

    private void hold(PodLink link) {
        links.add(link);
        try {
            conversation.hold(link);
            link.close();
        } catch (PpiofsException e) {
            LOG.debug("a deal with {} ended: {}", link.peer(), e.getMessage());
            link.refuse(e, LAST_WORD);
        } catch (RuntimeException | LinkageError e) {
            LOG.error("a deal with {} failed", link.peer(), e);
            link.refuse(
                    new PpiofsException(ErrorKind.IO, "deal", "node", "the operator could not do it; its log says why"),
                    LAST_WORD);
        } finally {
            links.remove(link);
            resetLater(link);
        }
    }

    /** The other side may not close its half. */
    private void resetLater(PodLink link) {
        var unused = host.scheduler().schedule(FIRST_WORD, link::reset);
    }

    /** Ends all conversations, and waits some seconds for their threads; the protocol is no longer spoken. */
    @Override
    public void close() {
        host.unhandle(protocol);
        threads.shutdownNow();
        links.forEach(PodLink::reset);
        try {
            if (!threads.awaitTermination(10, TimeUnit.SECONDS)) {
                LOG.warn("a deal has not ended in 10 s");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
