package io.ppiofs.overlay.blocks;

import io.ppiofs.overlay.host.HandlerOptions;
import io.ppiofs.overlay.host.Host;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.host.Scheduler;
import io.ppiofs.overlay.host.Stream;
import io.ppiofs.overlay.identity.PeerId;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Serves the block protocol from a {@link BlockHost}. Safe for any thread. */
public final class BlockServer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(BlockServer.class);

    /** Streams of one peer at once: one is enough, a second one may come before the end of the first is noticed. */
    private static final int STREAMS_PER_PEER = 4;

    /** Peers whose rates are remembered; the least recently seen is forgotten first. */
    private static final int MAX_PEERS = 4096;

    private static final AtomicInteger THREAD = new AtomicInteger();

    private final Host host;
    private final ProtocolId protocol;
    private final BlockHost blocks;
    private final BlockLimits limits;
    private final Executor disk;
    private final Runnable endDisk;
    private final SendQueue sendQueue;
    private final Set<ServerSession> sessions = ConcurrentHashMap.newKeySet();
    private final AtomicLong putBuffered = new AtomicLong();
    final Counters counters = new Counters();

    /** What a peer may use, over all its streams. */
    static final class Account {
        final TokenBucket send;
        final TokenBucket receive;
        final TokenBucket requests;

        Account(BlockLimits limits, long now) {
            send = TokenBucket.ofBytes(limits.sendRate(), now);
            receive = TokenBucket.ofBytes(limits.receiveRate(), now);
            requests = new TokenBucket(limits.requestRate(), limits.requestRate(), now);
        }
    }

    /** Sums of all streams. */
    static final class Counters {
        final LongAdder sent = new LongAdder();
        final LongAdder received = new LongAdder();
        final LongAdder found = new LongAdder();
        final LongAdder missing = new LongAdder();
        final LongAdder stored = new LongAdder();
        final LongAdder refused = new LongAdder();
        final LongAdder corrupt = new LongAdder();
        final LongAdder receipts = new LongAdder();
        final LongAdder receiptedBytes = new LongAdder();
        final LongAdder violations = new LongAdder();
    }

    private final LinkedHashMap<PeerId, Account> accounts = new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<PeerId, Account> eldest) {
            return size() > MAX_PEERS;
        }
    };

    /**
     * A server with disk threads of its own.
     *
     * @param protocol {@link io.ppiofs.overlay.network.Network#blocks()}
     * @param threads that call {@code blocks}; from 2 on one of them is left for puts and questions while all others read
     */
    public BlockServer(Host host, ProtocolId protocol, BlockHost blocks, BlockLimits limits, int threads) {
        this(host, protocol, blocks, limits, pool(threads), threads);
    }

    private BlockServer(
            Host host, ProtocolId protocol, BlockHost blocks, BlockLimits limits, ExecutorService disk, int threads) {
        this(host, protocol, blocks, limits, disk, threads, () -> end(disk));
    }

    BlockServer(
            Host host,
            ProtocolId protocol,
            BlockHost blocks,
            BlockLimits limits,
            Executor disk,
            int threads,
            Runnable endDisk) {
        this.host = host;
        this.protocol = protocol;
        this.blocks = blocks;
        this.limits = limits;
        this.disk = disk;
        this.endDisk = endDisk;
        this.sendQueue = new SendQueue(disk, Math.max(1, threads - 1));
    }

    private static ExecutorService pool(int threads) {
        return Executors.newFixedThreadPool(threads, task -> {
            Thread thread = new Thread(task, "ppiofs-blocks-" + THREAD.incrementAndGet());
            thread.setDaemon(true);
            return thread;
        });
    }

    private static void end(ExecutorService disk) {
        disk.shutdown();
        try {
            if (!disk.awaitTermination(10, TimeUnit.SECONDS)) {
                LOG.warn("close block server: a disk call has not returned after 10 s");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Begins to serve everybody. */
    public void serve() {
        host.handle(protocol, HandlerOptions.DEFAULT.withMaxStreamsPerPeer(STREAMS_PER_PEER), this::accept);
    }

    private void accept(Stream stream) {
        ServerSession session = new ServerSession(this, stream);
        sessions.add(session);
        session.begin();
    }

    public ServerStatistics statistics() {
        return new ServerStatistics(
                sessions.size(),
                counters.sent.sum(),
                counters.received.sum(),
                counters.found.sum(),
                counters.missing.sum(),
                counters.stored.sum(),
                counters.refused.sum(),
                counters.corrupt.sum(),
                counters.receipts.sum(),
                counters.receiptedBytes.sum(),
                counters.violations.sum());
    }

    /** Ends all streams, and waits some seconds for disk calls under way. Idempotent. */
    @Override
    public void close() {
        host.unhandle(protocol);
        sessions.forEach(ServerSession::close);
        endDisk.run();
    }

    // ---- for sessions

    BlockHost blocks() {
        return blocks;
    }

    BlockLimits limits() {
        return limits;
    }

    Scheduler scheduler() {
        return host.scheduler();
    }

    SendQueue sendQueue() {
        return sendQueue;
    }

    /** Runs disk work; after the server's end it is dropped. */
    void onDisk(Runnable work) {
        try {
            disk.execute(work);
        } catch (RejectedExecutionException e) {
            LOG.debug("the block server is closed, work is dropped");
        }
    }

    Account account(PeerId peer) {
        synchronized (accounts) {
            return accounts.computeIfAbsent(
                    peer, unknown -> new Account(limits, host.scheduler().nanoTime()));
        }
    }

    void ended(ServerSession session) {
        sessions.remove(session);
    }

    /** Takes memory for a block of a put. @return false: there is none now */
    boolean reserve(int bytes) {
        if (putBuffered.addAndGet(bytes) > limits.putBuffer()) {
            putBuffered.addAndGet(-bytes);
            return false;
        }
        return true;
    }

    void release(int bytes) {
        putBuffered.addAndGet(-bytes);
    }
}
