package io.ppiofs.fs.fuse;

import java.time.Duration;
import java.util.List;

/** What serves a mount until the kernel ends it. Thread-safe. */
public interface MountSession {
    /** Whether the last request is answered, everything is given back and the descriptor is closed. */
    boolean hasEnded();

    /** See {@link FuseMount#requestTimes}. */
    default List<RequestTimes.Row> requestTimes() {
        return List.of();
    }

    /** See {@link FuseMount#accessLog}. */
    default String accessLog() {
        return "";
    }

    void awaitEnd() throws InterruptedException;

    /** @return false if it goes on after {@code timeout} */
    boolean awaitEnd(Duration timeout) throws InterruptedException;
}
