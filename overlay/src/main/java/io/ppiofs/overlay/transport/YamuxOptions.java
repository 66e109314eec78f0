package io.ppiofs.overlay.transport;

import io.ppiofs.overlay.host.ProtocolId;
import java.time.Duration;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * Limits and times of the multiplexer. Windows and limits of streams hold for QUIC, too.
 *
 * @param maxInboundStreams most open streams that the other side may have opened on one connection
 * @param maxOutboundStreams most open streams that this side opens on one connection
 * @param maxUnacknowledged most streams opened by this side that the other has not acknowledged; further ones wait
 * @param maxWindow largest receive window of a stream, bytes
 * @param bulkWindow receive window that bulk streams get at once, bytes
 * @param connectionBudget bytes by which the windows of one connection may exceed the initial ones together
 * @param hostBudget the same for all connections together
 * @param maxUnread most bytes of one connection that wait for their readers
 * @param keepAlive time between pings
 * @param keepAliveTimeout how long the answer to a ping may take
 * @param bulk protocols whose streams carry long transfers
 */
public record YamuxOptions(
        int maxInboundStreams,
        int maxOutboundStreams,
        int maxUnacknowledged,
        int maxWindow,
        int bulkWindow,
        long connectionBudget,
        long hostBudget,
        long maxUnread,
        Duration keepAlive,
        Duration keepAliveTimeout,
        Predicate<ProtocolId> bulk) {
    /** What the yamux specification begins with. */
    public static final int INITIAL_WINDOW = 256 * 1024;

    public static final YamuxOptions DEFAULT = new YamuxOptions(
            1_024,
            16_384,
            256,
            16 << 20,
            4 << 20,
            64L << 20,
            256L << 20,
            64L << 20,
            Duration.ofSeconds(30),
            Duration.ofSeconds(20),
            protocol -> false);

    public YamuxOptions {
        if (maxWindow < INITIAL_WINDOW || bulkWindow < INITIAL_WINDOW || bulkWindow > maxWindow) {
            throw new IllegalArgumentException("windows must be ordered: 262144 <= bulkWindow <= maxWindow");
        }
    }

    public YamuxOptions withMaxInboundStreams(int value) {
        return with(change -> change.maxInboundStreams = value);
    }

    public YamuxOptions withKeepAlive(Duration period, Duration timeout) {
        return with(change -> {
            change.keepAlive = period;
            change.keepAliveTimeout = timeout;
        });
    }

    public YamuxOptions withMaxUnread(long value) {
        return with(change -> change.maxUnread = value);
    }

    public YamuxOptions withBulk(Predicate<ProtocolId> value) {
        return with(change -> change.bulk = value);
    }

    private YamuxOptions with(Consumer<Change> change) {
        Change values = new Change(this);
        change.accept(values);
        return new YamuxOptions(
                values.maxInboundStreams,
                values.maxOutboundStreams,
                values.maxUnacknowledged,
                values.maxWindow,
                values.bulkWindow,
                values.connectionBudget,
                values.hostBudget,
                values.maxUnread,
                values.keepAlive,
                values.keepAliveTimeout,
                values.bulk);
    }

    /** The same values, of which some are about to be others. */
    private static final class Change {
        int maxInboundStreams;
        int maxOutboundStreams;
        int maxUnacknowledged;
        int maxWindow;
        int bulkWindow;
        long connectionBudget;
        long hostBudget;
        long maxUnread;
        Duration keepAlive;
        Duration keepAliveTimeout;
        Predicate<ProtocolId> bulk;

        Change(YamuxOptions from) {
            maxInboundStreams = from.maxInboundStreams;
            maxOutboundStreams = from.maxOutboundStreams;
            maxUnacknowledged = from.maxUnacknowledged;
            maxWindow = from.maxWindow;
            bulkWindow = from.bulkWindow;
            connectionBudget = from.connectionBudget;
            hostBudget = from.hostBudget;
            maxUnread = from.maxUnread;
            keepAlive = from.keepAlive;
            keepAliveTimeout = from.keepAliveTimeout;
            bulk = from.bulk;
        }
    }
}
