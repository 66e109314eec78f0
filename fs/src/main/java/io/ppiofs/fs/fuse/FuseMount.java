package io.ppiofs.fs.fuse;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/** A live mount. Closing it unmounts; the core stays open and belongs to the caller. Thread-safe. */
public interface FuseMount extends AutoCloseable {
    Path mountPoint();

    /** Returns when the mount is gone, by whoever unmounted it. */
    void awaitEnd() throws InterruptedException;

    /** @return false if it is still mounted after {@code timeout} */
    boolean awaitEnd(Duration timeout) throws InterruptedException;

    boolean mounted();

    /** What the kernel has asked so far and how long the answers took; empty where the driver does not count. */
    default List<RequestTimes.Row> requestTimes() {
        return List.of();
    }

    /**
     * The last requests, oldest first, a line each: time, caller, kind, arguments, result and duration; empty where the
     * driver does not keep them.
     */
    default String accessLog() {
        return "";
    }

    /** Whether another process can go on for this one: {@link #pause}, {@link #resume}, {@link #handOver}. */
    default boolean canBeHandedOver() {
        return false;
    }

    /**
     * Takes no more requests and returns when those in hand are answered; others wait in the kernel.
     *
     * @return false if one is still in work after {@code timeout}, or the mount has ended: then it serves as before
     */
    default boolean pause(Duration timeout) throws InterruptedException {
        throw new UnsupportedOperationException("for those that canBeHandedOver");
    }

    /** Serves again, or, if the mount was adopted, for the first time. */
    default void resume() {
        throw new UnsupportedOperationException("for those that canBeHandedOver");
    }

    /**
     * Gives a paused mount away: here it has ended, the kernel does not notice.
     *
     * @return what who goes on needs, with the descriptor
     */
    default MountHandover handOver() {
        throw new UnsupportedOperationException("for those that canBeHandedOver");
    }

    /**
     * Unmounts and waits until the last request is answered.
     *
     * @param force detach at once even if files are open, abort the connection if it does not end
     * @throws io.ppiofs.error.PpiofsException BUSY if files are open and not forced
     */
    void unmount(boolean force);

    /** {@code unmount(true)}. */
    @Override
    void close();
}
