package io.ppiofs.overlay.repair;

import io.ppiofs.overlay.host.Scheduler;
import io.ppiofs.overlay.placement.Inventory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Function;

/** Places of a slot's entries, cut into batches that fit into memory and go out no faster than the limit. */
final class Batches {
    private static final int MOST = 512;

    private record Batch(List<Integer> places, long bytes) {}

    private final List<Batch> batches = new ArrayList<>();
    private final RepairOptions options;
    private final Scheduler scheduler;

    Batches(List<Integer> places, List<Inventory.Entry> entries, RepairOptions options, Scheduler scheduler) {
        this.options = options;
        this.scheduler = scheduler;
        List<Integer> current = new ArrayList<>();
        long bytes = 0;
        for (int place : places) {
            int length = entries.get(place).length();
            if (!current.isEmpty() && (bytes + length > options.batchBytes() || current.size() >= MOST)) {
                batches.add(new Batch(current, bytes));
                current = new ArrayList<>();
                bytes = 0;
            }
            current.add(place);
            bytes += length;
        }
        if (!current.isEmpty()) {
            batches.add(new Batch(current, bytes));
        }
    }

    /** One batch after the other; a failure ends it. */
    CompletableFuture<Void> each(Function<List<Integer>, CompletableFuture<Void>> action, Executor work) {
        return next(0, action, work);
    }

    private CompletableFuture<Void> next(
            int i, Function<List<Integer>, CompletableFuture<Void>> action, Executor work) {
        if (i >= batches.size()) {
            return CompletableFuture.completedFuture(null);
        }
        Batch batch = batches.get(i);
        long begun = scheduler.nanoTime();
        return action.apply(batch.places())
                .thenCompose(done -> pause(batch.bytes(), scheduler.nanoTime() - begun))
                .thenComposeAsync(done -> next(i + 1, action, work), work);
    }

    /** Waits until the bytes have taken as long as the limit wants. */
    private CompletableFuture<Void> pause(long bytes, long spentNanos) {
        long due = (long) (bytes * 1e9 / options.bytesPerSecond()) - spentNanos;
        CompletableFuture<Void> done = new CompletableFuture<>();
        if (due <= 0) {
            done.complete(null);
        } else {
            scheduler.schedule(Duration.ofNanos(due), () -> done.complete(null));
        }
        return done;
    }
}
