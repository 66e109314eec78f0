package io.ppiofs.fs.journal;

import java.nio.ByteBuffer;

/** Receives the records of the last run in order. */
@FunctionalInterface
public interface ReplayConsumer {
    /** @param payload read-only, valid during the call only */
    void accept(long lsn, ByteBuffer payload);
}
