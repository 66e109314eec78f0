package io.ppiofs.overlay.host;

/** Who began a connection or stream. */
public enum Direction {
    /** The other side. */
    INBOUND,
    /** This side. */
    OUTBOUND
}
