package io.ppiofs.fs.fuse;

import java.nio.file.Path;
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

    /** See {@link FuseMount#canBeHandedOver}. */
    default boolean canBeHandedOver() {
        return false;
    }

    /**
     * See {@link FuseMount#pause}.
     *
     * @param request has the kernel ask something that the mount answers, and returns with the answer
     */
    default boolean pause(Duration timeout, Runnable request) throws InterruptedException {
        throw new UnsupportedOperationException("for those that canBeHandedOver");
    }

    /** See {@link FuseMount#resume}. */
    default void resume() {
        throw new UnsupportedOperationException("for those that canBeHandedOver");
    }

    /** See {@link FuseMount#handOver}. */
    default MountHandover handOver(Path mountPoint, MountTable.Entry entry) {
        throw new UnsupportedOperationException("for those that canBeHandedOver");
    }

    void awaitEnd() throws InterruptedException;

    /** @return false if it goes on after {@code timeout} */
    boolean awaitEnd(Duration timeout) throws InterruptedException;
}
