package io.ppiofs.fs.journal;

/**
 * Runs before records are written: makes durable what they refer to ({@code blocks.sync()}). Runs on the journal's
 * thread; must not call the journal. An exception fails the commit; the records stay pending.
 */
@FunctionalInterface
public interface Barrier {
    void run();
}
