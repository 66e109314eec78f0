package io.ppiofs.node.control;

/** Hears how far a long operation is. Called from the thread that works; calls are few (a handful a second at most). */
@FunctionalInterface
public interface Progress {
    /** For who does not want to know. */
    Progress NONE = (task, done, total) -> {};

    /**
     * @param task what is being done, a few words
     * @param total what {@code done} will be at the end, or 0 if nobody knows
     */
    void report(String task, long done, long total);
}
