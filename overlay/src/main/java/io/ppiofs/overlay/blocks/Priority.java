package io.ppiofs.overlay.blocks;

/** What a transfer is for: the earlier, the sooner it is served. The ordinal is the number on the wire: append only. */
public enum Priority {
    /** Somebody waits for it. */
    FOREGROUND,
    /** Somebody will probably want it soon. */
    PREFETCH,
    /** The writer's backlog on its way to the peers. */
    DRAIN,
    /** Redundancy that is to be restored. */
    REPAIR
}
