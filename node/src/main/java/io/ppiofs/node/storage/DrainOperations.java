package io.ppiofs.node.storage;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.node.control.Handler.Asker;
import io.ppiofs.node.control.Request;
import io.ppiofs.overlay.repair.RepairService.Leaving;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The operation of the control protocol behind {@code ppiofs node drain}. Thread-safe. */
public final class DrainOperations {
    /** Nothing was left for so long: a slot that was being leased when leaving began would have been seen. */
    private static final Duration SETTLED = Duration.ofSeconds(2);

    private static final long LOOK_MILLIS = 100;
    private static final long BEGIN_SECONDS = 90;

    private final Supplier<@Nullable StorageService> running;

    /** @param running the service, while the node lends */
    public DrainOperations(Supplier<@Nullable StorageService> running) {
        this.running = running;
    }

    /**
     * Begins to leave, and returns when nothing is left here; or takes that back. The wait ends with the command that asked,
     * leaving goes on.
     *
     * @throws PpiofsException NOT_CONNECTED if the node lends nothing; NO_SPACE if something cannot go anywhere now
     */
    public Map<String, @Nullable Object> handle(Request request, Asker asker) {
        StorageService service = running.get();
        if (service == null) {
            throw new PpiofsException(
                    ErrorKind.NOT_CONNECTED,
                    "drain",
                    "the node",
                    "it lends nothing now; start it with 'ppiofs node --store SIZE', which goes on leaving");
        }
        if (request.flag("cancel")) {
            service.stay();
        } else {
            AtomicBoolean gone = new AtomicBoolean();
            asker.onGone(() -> gone.set(true));
            try {
                drain(service, asker, gone);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new PpiofsException(ErrorKind.INTERRUPTED, "drain", "the node", "the node is ending", e);
            }
        }
        Map<String, @Nullable Object> facts = new LinkedHashMap<>();
        facts.put("leaving", service.storage().isLeaving());
        facts.put("groupsMoved", service.leaving().moved());
        facts.put("groupsToMove", (long) service.leaving().groups());
        return facts;
    }

    private static void drain(StorageService service, Asker asker, AtomicBoolean gone) throws InterruptedException {
        try {
            service.leave().get(BEGIN_SECONDS, TimeUnit.SECONDS);
        } catch (ExecutionException | TimeoutException e) {
            throw new PpiofsException(ErrorKind.IO, "drain", "the node", "it could not look at what it holds: " + e, e);
        }
        long before = service.leaving().moved();
        long emptySince = System.nanoTime();
        while (!gone.get()) {
            Leaving left = service.leaving();
            if (!service.storage().isLeaving()) {
                throw new PpiofsException(ErrorKind.INTERRUPTED, "drain", "the node", "somebody has taken it back");
            }
            if (left.isStuck()) {
                throw new PpiofsException(
                        ErrorKind.NO_SPACE,
                        "drain",
                        "the node",
                        left.groups() + " groups cannot be moved now: " + left.why()
                                + "; it goes on when that changes, --cancel takes it back");
            }
            long now = System.nanoTime();
            if (left.groups() > 0) {
                emptySince = now;
            } else if (now - emptySince >= SETTLED.toNanos()) {
                return;
            }
            long moved = left.moved() - before;
            asker.report("moving groups", moved, moved + left.groups());
            TimeUnit.MILLISECONDS.sleep(LOOK_MILLIS);
        }
    }
}
