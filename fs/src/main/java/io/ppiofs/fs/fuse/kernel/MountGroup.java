package io.ppiofs.fs.fuse.kernel;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.core.FileName;
import io.ppiofs.fs.core.Ino;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The mounts of one core in this process. What changes through one of them is taken out of the kernel's memory for the
 * others before the change is answered, so that long timeouts stay true. Thread-safe.
 *
 * <p>The wait for the others is bounded: two mounts that change one directory at the same moment each hold the directory
 * in the kernel until their own change is answered, and would wait for each other for ever. Then the answer goes first
 * and the invalidation follows at once.
 */
final class MountGroup {
    private static final long PATIENCE_MILLIS = 50;

    private final List<Invalidator> members = new CopyOnWriteArrayList<>();

    /** Something that the other mounts must not remember. */
    sealed interface Change {
        /** A name that has come, gone, or means another inode. */
        record Entry(Ino parent, FileName name) implements Change {}

        /**
         * A name that stays, of an inode with another owner or mode. Who changes, removes or links that inode is judged by
         * what the kernel remembers even after {@link Inode}; only the next lookup of a name brings it up to date.
         */
        record Again(Ino parent, FileName name) implements Change {}

        /** @param offset from where pages go, -1: only attributes and ACLs @param length 0: up to the end */
        record Inode(long ino, long offset, long length) implements Change {}
    }

    /** @throws PpiofsException INVALID if written pages would be kept from another mount */
    synchronized void join(Invalidator member, boolean writeback, String mountPoint) {
        boolean others = !members.isEmpty();
        if (others && (writeback || members.stream().anyMatch(Invalidator::writeback))) {
            throw new PpiofsException(
                    ErrorKind.INVALID,
                    "mount",
                    mountPoint,
                    "writeback_cache needs to be the only mount of its volume; mount without it");
        }
        members.add(member);
    }

    void leave(Invalidator member) {
        members.remove(member);
    }

    boolean empty() {
        return members.isEmpty();
    }

    /** Whether somebody but one mount is there. */
    boolean shared() {
        return members.size() > 1;
    }

    /** Has all but {@code from} forget; returns when they have, or after the patience. */
    void tell(@Nullable Invalidator from, Change... changes) {
        List<Invalidator> others = members.stream().filter(m -> m != from).toList();
        CountDownLatch told = new CountDownLatch(others.size());
        others.forEach(o -> o.forget(List.of(changes), told));
        try {
            // false: it follows at once, see above
            boolean inTime = told.await(PATIENCE_MILLIS, TimeUnit.MILLISECONDS);
            if (!inTime) {
                others.forEach(Invalidator::late);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
