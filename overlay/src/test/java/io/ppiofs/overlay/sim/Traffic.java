package io.ppiofs.overlay.sim;

/** What was sent under one protocol: writes to streams, and bytes in them. */
public record Traffic(long messages, long bytes) {
    static final Traffic NONE = new Traffic(0, 0);

    Traffic plus(int size) {
        return new Traffic(messages + 1, bytes + size);
    }
}
