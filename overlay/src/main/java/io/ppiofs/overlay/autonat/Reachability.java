package io.ppiofs.overlay.autonat;

/** Whether peers anywhere can dial this node. */
public enum Reachability {
    UNKNOWN,
    PUBLIC,
    PRIVATE
}
