package io.ppiofs.overlay.blocks;

import io.ppiofs.blockstore.BlockStore.StoredBlock;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.host.ConnectionClass;
import io.ppiofs.overlay.host.Host;
import io.ppiofs.overlay.host.OpenOptions;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.host.Stream;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.placement.SlotAddress;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** The client over the streams of a host. */
public final class StreamBlockClient implements BlockClient {
    private static final OpenOptions BULK = OpenOptions.DEFAULT.withClass(ConnectionClass.BULK);

    /** Blocks of one request on the wire; further ones follow when it has ended. */
    private static final int BATCH = 1024;

    private final Host host;
    private final ProtocolId protocol;
    private final ClientOptions options;
    private final Map<PeerId, CompletableFuture<ClientSession>> sessions = new ConcurrentHashMap<>();
    private final Map<PeerId, SpeedMeter> meters = new ConcurrentHashMap<>();
    private volatile boolean closed;

    /** @param protocol {@link io.ppiofs.overlay.network.Network#blocks()} */
    public StreamBlockClient(Host host, ProtocolId protocol, ClientOptions options) {
        this.host = host;
        this.protocol = protocol;
        this.options = options;
    }

    // ---- streams

    private SpeedMeter meter(PeerId peer) {
        return meters.computeIfAbsent(peer, unknown -> new SpeedMeter());
    }

    /** Sends the call over the stream to the peer, which is opened if there is none. */
    private void start(PeerId peer, Call call) {
        if (closed) {
            call.end(interrupted(peer));
            return;
        }
        CompletableFuture<ClientSession> fresh = new CompletableFuture<>();
        CompletableFuture<ClientSession> known = sessions.putIfAbsent(peer, fresh);
        if (known == null) {
            open(peer, fresh);
        }
        (known == null ? fresh : known).whenComplete((session, failure) -> {
            if (session == null) {
                call.end(cause(failure));
            } else {
                session.start(call);
            }
        });
    }

    private void open(PeerId peer, CompletableFuture<ClientSession> fresh) {
        host.open(peer, List.of(protocol), BULK).whenComplete((stream, failure) -> {
            if (stream == null) {
                sessions.remove(peer, fresh);
                fresh.completeExceptionally(notConnected(peer, cause(failure)));
                return;
            }
            begin(peer, stream, fresh);
        });
    }

    private void begin(PeerId peer, Stream stream, CompletableFuture<ClientSession> fresh) {
        ClientSession session = new ClientSession(
                options, host.scheduler(), stream, host.id(), meter(peer), () -> sessions.remove(peer, fresh));
        session.begin();
        fresh.complete(session);
        if (closed) {
            session.close(interrupted(peer));
        }
    }

    private static Throwable cause(@Nullable Throwable failure) {
        if (failure instanceof CompletionException e && e.getCause() != null) {
            return e.getCause();
        }
        return failure == null ? new IllegalStateException("neither result nor failure") : failure;
    }

    /** Dialling fails in many ways; for who asks for blocks the peer is not there, or does not speak the protocol. */
    private static PpiofsException notConnected(PeerId peer, Throwable cause) {
        ErrorKind kind = cause instanceof PpiofsException e && e.kind() == ErrorKind.NOT_SUPPORTED
                ? ErrorKind.NOT_SUPPORTED
                : ErrorKind.NOT_CONNECTED;
        return new PpiofsException(
                kind, "exchange blocks with", peer.toString(), String.valueOf(cause.getMessage()), cause);
    }

    private static PpiofsException interrupted(PeerId peer) {
        return new PpiofsException(
                ErrorKind.INTERRUPTED, "exchange blocks with", peer.toString(), "this node is closing");
    }

    // ---- what users call

    @Override
    public CompletableFuture<BitSet> have(PeerId peer, List<Cid> cids) {
        CompletableFuture<BitSet> result = CompletableFuture.completedFuture(new BitSet());
        for (int from = 0; from < cids.size(); from += BlockLimits.MAX_CIDS) {
            int begin = from;
            List<Cid> part = List.copyOf(cids.subList(from, Math.min(cids.size(), from + BlockLimits.MAX_CIDS)));
            result = result.thenCompose(so -> {
                HaveCall call = new HaveCall(part);
                start(peer, call);
                return call.result.thenApply(bits -> {
                    BitSet all = (BitSet) so.clone();
                    bits.stream().forEach(i -> all.set(begin + i));
                    return all;
                });
            });
        }
        return result;
    }

    @Override
    public Fetch get(PeerId peer, List<Cid> cids, Priority priority, BlockSink sink) {
        List<Integer> indices = IntStream.range(0, cids.size()).boxed().toList();
        return resume(peer, new FetchRest(cids, indices, null), priority, sink);
    }

    @Override
    public Fetch resume(PeerId peer, FetchRest rest, Priority priority, BlockSink sink) {
        BlocksFetch fetch = new BlocksFetch(peer, rest, priority, sink);
        fetch.next();
        return fetch;
    }

    /** A fetch as one or several requests, one after the other. */
    private final class BlocksFetch implements Fetch {
        private final PeerId peer;
        private final Priority priority;
        private final BlockSink sink;
        private final CompletableFuture<Void> done = new CompletableFuture<>();
        private FetchRest left;
        private @Nullable GetCall current;
        private boolean cancelled;

        BlocksFetch(PeerId peer, FetchRest what, Priority priority, BlockSink sink) {
            this.peer = peer;
            this.priority = priority;
            this.sink = sink;
            this.left = what;
        }

        void next() {
            FetchRest all;
            synchronized (this) {
                all = left;
            }
            int n = Math.min(BATCH, all.cids().size());
            if (n == 0) {
                done.complete(null);
                return;
            }
            FetchRest part =
                    new FetchRest(all.cids().subList(0, n), all.indices().subList(0, n), all.begun());
            FetchRest later = new FetchRest(
                    all.cids().subList(n, all.cids().size()),
                    all.indices().subList(n, all.indices().size()),
                    null);
            GetCall call = new GetCall(
                    peer,
                    part,
                    priority,
                    sink,
                    options.executor(),
                    options.wrongBytes(),
                    (failure, rest) -> ended(failure, rest, later));
            boolean end;
            synchronized (this) {
                current = call;
                end = cancelled;
            }
            if (end) {
                call.cancel(peer.toString());
            } else {
                start(peer, call);
            }
        }

        private void ended(@Nullable Throwable failure, FetchRest rest, FetchRest later) {
            synchronized (this) {
                List<Cid> cids = new ArrayList<>(rest.cids());
                cids.addAll(later.cids());
                List<Integer> indices = new ArrayList<>(rest.indices());
                indices.addAll(later.indices());
                left = new FetchRest(cids, indices, rest.begun());
            }
            if (failure != null) {
                done.completeExceptionally(failure);
            } else {
                next();
            }
        }

        @Override
        public PeerId peer() {
            return peer;
        }

        @Override
        public CompletableFuture<Void> done() {
            return done;
        }

        @Override
        public void cancel() {
            GetCall call;
            synchronized (this) {
                cancelled = true;
                call = current;
            }
            if (call != null) {
                call.cancel(peer.toString());
            }
        }

        @Override
        public synchronized FetchRest rest() {
            if (!done.isDone()) {
                throw new IllegalStateException("the fetch is under way");
            }
            return left;
        }
    }

    @Override
    public Fetch ranges(PeerId peer, List<BlockRange> ranges, Priority priority, RangeSink sink) {
        if (ranges.size() > BlockLimits.MAX_CIDS) {
            throw new IllegalArgumentException("more than " + BlockLimits.MAX_CIDS + " ranges");
        }
        RangesCall call = new RangesCall(List.copyOf(ranges), priority, sink, options.executor());
        if (ranges.isEmpty()) {
            call.end(null);
        } else {
            start(peer, call);
        }
        return new Fetch() {
            @Override
            public PeerId peer() {
                return peer;
            }

            @Override
            public CompletableFuture<Void> done() {
                return call.result;
            }

            @Override
            public void cancel() {
                call.cancel(peer.toString());
            }

            @Override
            public FetchRest rest() {
                return new FetchRest(List.of(), List.of(), null);
            }
        };
    }

    @Override
    public CompletableFuture<List<Verdict>> put(
            PeerId peer, PeerId tenant, SlotAddress slot, List<StoredBlock> blocks, Priority priority) {
        for (StoredBlock block : blocks) {
            int length = block.bytes().remaining();
            if (length == 0 || length > BlockLimits.MAX_BLOCK) {
                throw new IllegalArgumentException("no block: " + length + " bytes");
            }
        }
        CompletableFuture<List<Verdict>> result = CompletableFuture.completedFuture(List.of());
        for (int from = 0; from < blocks.size(); from += BATCH) {
            List<StoredBlock> part = List.copyOf(blocks.subList(from, Math.min(blocks.size(), from + BATCH)));
            result = result.thenCompose(so -> {
                PutCall call = new PutCall(tenant, slot, part, priority);
                start(peer, call);
                return call.result.thenApply(verdicts -> {
                    List<Verdict> all = new ArrayList<>(so);
                    all.addAll(verdicts);
                    return List.copyOf(all);
                });
            });
        }
        return result;
    }

    @Override
    public PeerStatistics statistics(PeerId peer) {
        SpeedMeter meter = meters.get(peer);
        return meter == null ? PeerStatistics.NONE : meter.statistics();
    }

    @Override
    public Map<PeerId, PeerStatistics> statistics() {
        Map<PeerId, PeerStatistics> all = new HashMap<>();
        meters.forEach((peer, meter) -> all.put(peer, meter.statistics()));
        return all;
    }

    @Override
    public void close() {
        closed = true;
        sessions.forEach((peer, opening) -> opening.thenAccept(session -> session.close(interrupted(peer))));
    }
}
