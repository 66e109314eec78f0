package io.ppiofs.overlay.repair;

/** What a co-holder's silence says, in the order in which it comes. */
public enum Liveness {
    ALIVE,
    /** Silent for a while; counts as lost only where nothing else is left. */
    SUSPECT,
    /** Silent for long; nothing is moved yet. */
    DOWN,
    /** Lost: its slots are given to others. */
    OUT
}
