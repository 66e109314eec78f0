package io.ppiofs.overlay.fetch;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.overlay.blocks.BlockClient;
import io.ppiofs.overlay.blocks.BlockSink;
import io.ppiofs.overlay.blocks.Priority;
import io.ppiofs.overlay.host.Scheduler;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** The fetcher over a client: {@link HedgedRead} for a single block that somebody waits for, {@link TransferPlan} for all else. */
public final class SwarmFetcher implements Fetcher {
    private static final long STREAM_WINDOW = 32 << 20;

    private final BlockClient client;
    private final Scheduler scheduler;
    private final PeerMemory memory;
    private final FetchOptions options;
    private final Executor executor;
    private final Latencies latencies;

    /**
     * @param scheduler the host's
     * @param executor checks blocks and calls sinks; not the event loop
     */
    public SwarmFetcher(
            BlockClient client, Scheduler scheduler, PeerMemory memory, FetchOptions options, Executor executor) {
        this.client = client;
        this.scheduler = scheduler;
        this.memory = memory;
        this.options = options;
        this.executor = executor;
        this.latencies = new Latencies(options);
    }

    private HedgedRead hedged(Want want) {
        return new HedgedRead(client, scheduler, memory, latencies, want);
    }

    private PlannedTransfer planned(List<Want> wants, Priority priority, BlockSink sink) {
        TransferPlan plan = new TransferPlan(wants, memory, options);
        return new PlannedTransfer(client, scheduler, executor, plan, wants, priority, sink, false).start();
    }

    @Override
    public StreamTransfer stream(Priority priority, BlockSink sink) {
        TransferPlan plan =
                TransferPlan.ofStream(memory, options.withWindow(Math.min(options.window(), STREAM_WINDOW)));
        return new PlannedTransfer(client, scheduler, executor, plan, List.of(), priority, sink, true).start();
    }

    @Override
    public Transfer fetch(List<Want> wants, Priority priority, BlockSink sink) {
        if (wants.size() != 1 || priority != Priority.FOREGROUND) {
            return planned(wants, priority, sink);
        }
        Cid cid = wants.get(0).cid();
        HedgedRead read = hedged(wants.get(0));
        CompletableFuture<ByteBuffer> reading = read.start();
        CompletableFuture<Void> done = reading.handle((bytes, failure) -> {
            if (bytes != null) {
                sink.onBlock(0, cid, bytes);
            } else if (failure != null && !reading.isCancelled()) {
                sink.onMissing(0, cid);
            }
            return null;
        });
        return new Transfer() {
            @Override
            public CompletableFuture<Void> done() {
                return done;
            }

            @Override
            public boolean isDoubtful() {
                return read.isDoubtful();
            }

            @Override
            public void cancel() {
                reading.cancel(false);
            }
        };
    }

    @Override
    public CompletableFuture<List<ByteBuffer>> fetch(List<Want> wants, Priority priority) {
        if (wants.size() == 1 && priority == Priority.FOREGROUND) {
            return hedged(wants.get(0)).start().thenApply(List::of);
        }
        @Nullable ByteBuffer[] blocks = new ByteBuffer[wants.size()];
        AtomicReference<@Nullable Cid> missing = new AtomicReference<>();
        PlannedTransfer transfer = planned(wants, priority, new BlockSink() {
            @Override
            public void onBlock(int index, Cid cid, ByteBuffer bytes) {
                blocks[index] = bytes;
            }

            @Override
            public void onMissing(int index, Cid cid) {
                missing.compareAndSet(null, cid);
            }
        });
        return transfer.done().thenApply(nothing -> {
            Cid lost = missing.get();
            if (lost != null) {
                throw transfer.loss(lost);
            }
            return Arrays.asList(blocks);
        });
    }
}
