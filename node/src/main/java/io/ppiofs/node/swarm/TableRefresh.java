package io.ppiofs.node.swarm;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.placement.GroupId;
import io.ppiofs.overlay.placement.SlotTable;
import io.ppiofs.overlay.placement.TableChain;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks the holders of groups for newer slot tables, when what the book says does not help: holders repair their groups among
 * themselves, and a manifest is as old as its writer's last change. A table counts if a chain of signatures leads to it from
 * the tenant that the book names. Thread-safe.
 */
final class TableRefresh {
    private static final Logger LOG = LoggerFactory.getLogger(TableRefresh.class);
    private static final Duration PATIENCE = Duration.ofSeconds(3);

    /** A group is asked for no more often than this. */
    private static final Duration PAUSE = Duration.ofSeconds(10);

    /** Asks a peer for the table of a tenant's group. */
    @FunctionalInterface
    interface Asking {
        CompletableFuture<TableChain> table(PeerId holder, PeerId tenant, GroupId group);
    }

    private final GroupBook book;
    private final Asking asking;

    /** When, System.nanoTime. */
    private final Map<GroupId, Long> asked = new ConcurrentHashMap<>();

    TableRefresh(GroupBook book, Asking asking) {
        this.book = book;
        this.asking = asking;
    }

    /**
     * @return whether the book knows a newer table of one of them now
     * @throws PpiofsException INTERRUPTED
     */
    boolean refresh(Collection<Group> groups) {
        long end = System.nanoTime() + PATIENCE.toNanos();
        List<CompletableFuture<TableChain>> answers = new ArrayList<>();
        for (Group group : groups) {
            Long last = asked.get(group.id());
            if (last == null || System.nanoTime() - last >= PAUSE.toNanos()) {
                asked.put(group.id(), System.nanoTime());
                group.holders()
                        .forEach(peer ->
                                answers.add(asking.table(peer, group.table().tenant(), group.id())));
            }
        }
        boolean changed = false;
        for (CompletableFuture<TableChain> answer : answers) {
            changed |= take(answer, end);
        }
        return changed;
    }

    private boolean take(CompletableFuture<TableChain> answer, long end) {
        try {
            SlotTable.Signed table = answer.get(Math.max(0, end - System.nanoTime()), TimeUnit.NANOSECONDS)
                    .newestSigned();
            return table.table().state() != SlotTable.State.RETIRED && book.replace(table);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new PpiofsException(ErrorKind.INTERRUPTED, "read", "slot tables of peers", "interrupted", e);
        } catch (ExecutionException | TimeoutException e) {
            LOG.debug("a holder has no newer table: {}", e.toString());
            return false;
        }
    }
}
