package io.ppiofs.overlay.host;

/** What a connection carries: short messages, or long transfers that must not delay them. */
public enum ConnectionClass {
    CONTROL,
    BULK
}
