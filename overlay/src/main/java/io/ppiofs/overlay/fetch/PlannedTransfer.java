package io.ppiofs.overlay.fetch;

import com.google.common.util.concurrent.MoreExecutors;
import io.netty.buffer.ByteBuf;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.blocks.BlockClient;
import io.ppiofs.overlay.blocks.BlockRange;
import io.ppiofs.overlay.blocks.BlockSink;
import io.ppiofs.overlay.blocks.Fetch;
import io.ppiofs.overlay.blocks.Priority;
import io.ppiofs.overlay.blocks.RangeSink;
import io.ppiofs.overlay.host.Scheduler;
import io.ppiofs.overlay.identity.PeerId;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/** Carries out a {@link TransferPlan}, of a transfer or of a stream, over a client. Plan and buffers are under this object's lock. */
final class PlannedTransfer implements StreamTransfer {
    private static final Duration TICK = Duration.ofMillis(250);

    /** A stream of which nothing is wanted for so long ends. */
    private static final Duration IDLE = Duration.ofSeconds(10);

    private final BlockClient client;
    private final Scheduler scheduler;
    private final List<Want> wants;
    private final Priority priority;
    private final BlockSink sink;
    private final Executor toSink;
    private final TransferPlan plan;
    private final Map<Integer, byte[]> buffers = new HashMap<>();
    private final Map<Integer, Fetch> fetches = new HashMap<>();
    private final Map<Integer, Suspect> suspects = new HashMap<>();
    private final CompletableFuture<Void> done = new CompletableFuture<>();
    private Scheduler.@Nullable Timer ticking;
    private boolean over;
    private boolean mayGrow;
    private long lastWanted;
    private boolean finishing;
    private boolean wrong;
    private boolean unreachable;
    private long wasted;

    /** A block whose bytes were wrong, and who sent which piece. */
    private record Suspect(byte[] bytes, List<PeerId> senders) {}

    /**
     * @param plan of these wants
     * @param mayGrow wants will be added until {@link #finish}
     */
    PlannedTransfer(
            BlockClient client,
            Scheduler scheduler,
            Executor executor,
            TransferPlan plan,
            List<Want> wants,
            Priority priority,
            BlockSink sink,
            boolean mayGrow) {
        this.client = client;
        this.scheduler = scheduler;
        this.wants = new ArrayList<>(wants);
        this.priority = priority;
        this.sink = sink;
        this.toSink = MoreExecutors.newSequentialExecutor(executor);
        this.plan = plan;
        this.mayGrow = mayGrow;
        this.lastWanted = scheduler.nanoTime();
    }

    PlannedTransfer start() {
        synchronized (this) {
            ticking = scheduler.scheduleRepeating(TICK, this::tick);
        }
        drive();
        return this;
    }

    @Override
    public CompletableFuture<Void> done() {
        return done;
    }

    @Override
    public void cancel() {
        end(new PpiofsException(ErrorKind.INTERRUPTED, "fetch blocks", count() + " blocks", "it was cancelled"));
    }

    @Override
    public boolean want(List<Want> next) {
        synchronized (this) {
            if (over || !mayGrow) {
                return false;
            }
            wants.addAll(next);
            plan.add(next);
            lastWanted = scheduler.nanoTime();
        }
        drive();
        return true;
    }

    @Override
    public List<Cid> drop(Collection<Cid> cids) {
        Set<Cid> unwanted = new HashSet<>(cids);
        List<Cid> dropped = new ArrayList<>();
        synchronized (this) {
            for (int i = plan.firstOpen(); i < wants.size(); i++) {
                Cid cid = wants.get(i).cid();
                if (unwanted.contains(cid) && plan.drop(i)) {
                    dropped.add(cid);
                    buffers.remove(i);
                    suspects.remove(i);
                }
            }
        }
        return dropped;
    }

    @Override
    public synchronized boolean hasBegun(Cid cid) {
        for (int i = plan.firstOpen(); i < wants.size(); i++) {
            if (plan.hasBegun(i) && wants.get(i).cid().equals(cid)) {
                return true;
            }
        }
        return false;
    }

    @Override
    public void finish() {
        synchronized (this) {
            mayGrow = false;
        }
        drive();
    }

    private synchronized int count() {
        return wants.size();
    }

    private synchronized Want want(int index) {
        return wants.get(index);
    }

    /** Payload that came for pieces that had been given to others meanwhile. */
    synchronized long wasted() {
        return wasted;
    }

    @Override
    public synchronized boolean isDoubtful() {
        return unreachable || !fetches.isEmpty();
    }

    /** Why blocks were missing. */
    synchronized PpiofsException loss(Cid cid) {
        return HedgedRead.loss(cid, wrong, unreachable);
    }

    // ---- driving

    private void drive() {
        List<TransferPlan.Run> runs = new ArrayList<>();
        List<Integer> lost = new ArrayList<>();
        boolean finished;
        synchronized (this) {
            if (over) {
                return;
            }
            runs.addAll(plan.assign(scheduler.nanoTime()));
            for (TransferPlan.Run run : runs) {
                buffers.computeIfAbsent(
                        run.block(), index -> new byte[wants.get(index).length()]);
            }
            for (int index = plan.takeLost(); index >= 0; index = plan.takeLost()) {
                lost.add(index);
                buffers.remove(index);
            }
            finished = plan.isOver() && !mayGrow && !finishing;
            finishing |= finished;
        }
        for (int index : lost) {
            toSink.execute(
                    () -> callSink(() -> sink.onMissing(index, want(index).cid())));
        }
        runs.forEach(this::begin);
        if (finished) {
            toSink.execute(() -> end(null));
        }
    }

    private void begin(TransferPlan.Run run) {
        Want want = want(run.block());
        int offset = run.first() * TransferPlan.PIECE;
        int length = Math.min(run.count() * TransferPlan.PIECE, want.length() - offset);
        BlockRange range = new BlockRange(want.cid(), offset, length);
        Fetch fetch = client.ranges(run.peer(), List.of(range), priority, new Arriving(run, offset + length));
        boolean wanted;
        synchronized (this) {
            wanted = plan.isOpen(run.tunnel()) && !over;
            if (wanted) {
                fetches.put(run.tunnel(), fetch);
            }
        }
        if (!wanted) {
            fetch.cancel();
        }
        var unused = fetch.done().whenComplete((nothing, failure) -> {
            synchronized (this) {
                fetches.remove(run.tunnel());
            }
            if (failure != null) {
                failed(run, failure);
            }
        });
    }

    private void failed(TransferPlan.Run run, Throwable failure) {
        List<Integer> closed;
        synchronized (this) {
            if (over || !plan.isOpen(run.tunnel())) {
                return; // it was cancelled because its peer failed before
            }
            unreachable |= HedgedRead.kind(failure) != ErrorKind.CORRUPT;
            closed = plan.onFailure(run.peer(), scheduler.nanoTime());
        }
        cancelAll(closed);
        drive();
    }

    private void cancelAll(List<Integer> tunnels) {
        List<Fetch> some = new ArrayList<>();
        synchronized (this) {
            for (int tunnel : tunnels) {
                Fetch fetch = fetches.remove(tunnel);
                if (fetch != null) {
                    some.add(fetch);
                }
            }
        }
        some.forEach(Fetch::cancel);
    }

    private void tick() {
        List<Integer> closed = new ArrayList<>();
        synchronized (this) {
            if (over) {
                return;
            }
            long now = scheduler.nanoTime();
            for (PeerId peer : plan.overdue(now)) {
                unreachable = true;
                closed.addAll(plan.onFailure(peer, now));
            }
            mayGrow &= !plan.isOver() || now - lastWanted < IDLE.toNanos();
        }
        cancelAll(closed);
        drive();
    }

    private void end(@Nullable PpiofsException failure) {
        List<Fetch> open;
        synchronized (this) {
            if (over) {
                return;
            }
            over = true;
            open = List.copyOf(fetches.values());
            fetches.clear();
            buffers.clear();
            suspects.clear();
            plan.learn();
            if (ticking != null) {
                ticking.cancel();
            }
        }
        open.forEach(Fetch::cancel);
        if (failure == null) {
            done.complete(null);
        } else {
            toSink.execute(() -> done.completeExceptionally(failure));
        }
    }

    private void callSink(Runnable call) {
        synchronized (this) {
            if (over) {
                return;
            }
        }
        try {
            call.run();
        } catch (RuntimeException e) {
            end(new PpiofsException(
                    ErrorKind.INTERNAL, "fetch blocks", count() + " blocks", "their receiver failed", e));
        }
    }

    // ---- what comes

    /** The bytes of one run, on an event loop. */
    private final class Arriving implements RangeSink {
        private final TransferPlan.Run run;
        private final int end;
        private int pieceEnd;

        Arriving(TransferPlan.Run run, int end) {
            this.run = run;
            this.end = end;
            this.pieceEnd = Math.min(end, (run.first() + 1) * TransferPlan.PIECE);
        }

        @Override
        public void onData(int index, int offset, ByteBuf data) {
            boolean whole = false;
            boolean free = false;
            synchronized (PlannedTransfer.this) {
                byte[] buffer = buffers.get(run.block());
                if (over || buffer == null || !plan.isOpen(run.tunnel())) {
                    wasted += data.readableBytes();
                    return;
                }
                int at = offset + data.readableBytes();
                data.readBytes(buffer, offset, data.readableBytes());
                while (at >= pieceEnd && plan.isOpen(run.tunnel())) {
                    whole = plan.onPiece(run.tunnel(), scheduler.nanoTime());
                    free = pieceEnd == end;
                    pieceEnd = Math.min(end, pieceEnd + TransferPlan.PIECE);
                }
            }
            if (whole) {
                toSink.execute(() -> check(run.block()));
            }
            if (free) {
                drive();
            }
        }

        @Override
        public void onMissing(int index) {
            synchronized (PlannedTransfer.this) {
                plan.onMissing(run.tunnel());
            }
            drive();
        }
    }

    private void check(int index) {
        byte[] bytes;
        synchronized (this) {
            bytes = buffers.get(index);
        }
        if (bytes == null) {
            return;
        }
        Cid cid = want(index).cid();
        if (!Cid.of(ByteBuffer.wrap(bytes)).equals(cid)) {
            onWrong(index, bytes);
            return;
        }
        findLiars(index, bytes);
        callSink(() -> sink.onBlock(index, cid, ByteBuffer.wrap(bytes)));
        synchronized (this) {
            buffers.remove(index);
            plan.onRight(index);
        }
        drive();
    }

    private void onWrong(int index, byte[] bytes) {
        List<Integer> closed = new ArrayList<>();
        synchronized (this) {
            wrong = true;
            List<PeerId> senders = plan.onWrong(index);
            Set<PeerId> distinct = new HashSet<>(senders);
            if (distinct.size() == 1) {
                fetches.keySet().stream().filter(tunnel -> !plan.isOpen(tunnel)).forEach(closed::add);
            } else {
                suspects.put(index, new Suspect(bytes, senders));
            }
            buffers.remove(index);
        }
        cancelAll(closed);
        drive();
    }

    /** Now that the right bytes are known: who sent a wrong piece before? */
    private void findLiars(int index, byte[] right) {
        List<Integer> closed = new ArrayList<>();
        synchronized (this) {
            Suspect suspect = suspects.remove(index);
            if (suspect == null) {
                return;
            }
            Set<PeerId> liars = new HashSet<>();
            for (int piece = 0; piece < suspect.senders.size(); piece++) {
                int from = piece * TransferPlan.PIECE;
                int to = Math.min(right.length, from + TransferPlan.PIECE);
                if (!Arrays.equals(right, from, to, suspect.bytes, from, to)) {
                    liars.add(suspect.senders.get(piece));
                }
            }
            liars.forEach(liar -> closed.addAll(plan.onLiar(liar)));
        }
        cancelAll(closed);
    }
}
