package io.ppiofs.overlay.sim;

/** How a host stands behind address translation. */
public enum Nat {
    /** Everybody may dial it. */
    PUBLIC,
    /**
     * Inbound dials fail, except from hosts that it has dialled itself in the last seconds and that are not behind a
     * symmetric one (endpoint-independent mapping, address-dependent filter).
     */
    CONE,
    /** Inbound dials fail. */
    SYMMETRIC
}
