package io.ppiofs.fs.journal;

import java.util.concurrent.CompletableFuture;

/** Keeps copies of a journal's records on other machines. Thread-safe. */
public interface JournalReplica {
    /**
     * Records {@code firstLsn} … {@code lastLsn}, sealed, or a part of them: all parts but the last one have {@code lastLsn}
     * = {@code firstLsn} − 1, so that nothing is promised for them.
     *
     * @param bytes up to {@link ReplicaSeal#MAX_ENTRY}, not to be changed
     */
    record Sealed(long firstLsn, long lastLsn, byte[] bytes) {}

    /**
     * Takes what has just become durable on this machine, in order and without gaps; everything that the records refer to was
     * written before. Called on the journal's thread: must not wait, and must not throw.
     */
    void append(Sealed records);

    /**
     * Completes when as many other machines as promised have every record up to {@code lsn} on their disks, and everything that
     * these refer to; fails with a {@link io.ppiofs.error.PpiofsException} when that does not come about within a bounded
     * time. What failed may still come about, and a later call finds it so.
     */
    CompletableFuture<Void> confirmed(long lsn);
}
