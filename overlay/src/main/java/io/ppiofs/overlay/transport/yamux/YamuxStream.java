package io.ppiofs.overlay.transport.yamux;

import io.netty.buffer.ByteBuf;
import io.ppiofs.overlay.host.ConnectionClass;
import io.ppiofs.overlay.host.Direction;
import io.ppiofs.overlay.transport.Violation;
import io.ppiofs.overlay.transport.YamuxOptions;
import io.ppiofs.overlay.transport.mux.MuxedStream;
import java.util.ArrayDeque;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** One stream: its two windows and what waits to be sent. On the connection's loop. */
final class YamuxStream extends MuxedStream {
    private record Pending(ByteBuf data, CompletableFuture<Void> done) {}

    /** Largest frame: header and data fill one TLS record. */
    private static final int MAX_DATA = 16_384 - Frame.HEADER;

    /** Half a window used up within so many round trips asks for more: windows settle at four times the path's capacity. */
    private static final long GROW_ROUND_TRIPS = 2;

    private static final long NANOS_PER_MILLI = 1_000_000;

    private final YamuxConnection connection;
    private final int id;

    private long sendWindow = YamuxOptions.INITIAL_WINDOW;
    private @Nullable ArrayDeque<Pending> waiting;
    private @Nullable CompletableFuture<Void> ending;
    private int run;
    private boolean queued;
    private boolean localEnded;

    private int window = YamuxOptions.INITIAL_WINDOW;
    private int credit = YamuxOptions.INITIAL_WINDOW;
    private int unread;
    private long lastUpdate;
    private boolean remoteEnded;

    private boolean acknowledged;
    private boolean gone;
    private long lastActive;

    YamuxStream(YamuxConnection connection, int id, Direction direction, long now) {
        super(connection, direction);
        this.connection = connection;
        this.id = id;
        this.acknowledged = direction == Direction.INBOUND;
        this.lastUpdate = now;
        this.lastActive = now;
    }

    int id() {
        return id;
    }

    // ---- receiving

    /** A data frame of {@code length} bytes begins. */
    void onDataHeader(long length) throws YamuxException {
        if (length > credit) {
            throw new YamuxException(Violation.WINDOW, length + " bytes on a window of " + credit);
        }
        if (remoteEnded && length > 0) {
            throw new YamuxException(Violation.MALFORMED, "data after the end of the stream");
        }
        credit -= (int) length;
    }

    void onPayload(ByteBuf piece) {
        if (gone) {
            piece.release(); // reset while the frame was coming
            return;
        }
        int n = piece.readableBytes();
        unread += n;
        connection.unreadChanged(n);
        if (connection.tooMuchUnread()) {
            piece.release();
            unread -= n;
            connection.unreadChanged(-n);
            connection.report(Violation.UNREAD_DATA);
            reset();
            return;
        }
        received(piece);
    }

    void onEnd() {
        if (!remoteEnded) {
            remoteEnded = true;
            receivedEnd();
            forgetIfEnded();
        }
    }

    /** The stream has ended by force, from the other side or with the connection; already forgotten by it. */
    void onReset(Throwable cause) {
        gone = true;
        writingEnded();
        failWaiting();
        receivedReset(cause);
        dropAccounts();
    }

    @Override
    protected void consumed(int bytes) {
        int counted = Math.min(bytes, unread); // a reset inside the reader has taken them off already
        unread -= counted;
        connection.unreadChanged(-counted);
        renewCredit();
    }

    private void renewCredit() {
        int due = window - credit - unread;
        if (gone || remoteEnded || due < window / 2) {
            return;
        }
        long now = connection.now();
        if (now - lastUpdate < GROW_ROUND_TRIPS * Math.max(connection.roundTripNanos(), NANOS_PER_MILLI)) {
            enlarge(Math.min(2L * window, connection.yamux().maxWindow()));
        }
        lastUpdate = now;
        grant(window - credit - unread);
    }

    private void grant(int bytes) {
        credit += bytes;
        connection.sendControl(Frame.WINDOW_UPDATE, 0, id, bytes);
    }

    /** Raises the window, as far as the budgets allow. */
    private void enlarge(long wanted) {
        if (wanted > window && connection.takeBudget(wanted - window)) {
            window = (int) wanted;
        }
    }

    @Override
    protected void protocolAgreed() {
        boolean bulk = connection.connectionClass() == ConnectionClass.BULK
                || connection.yamux().bulk().test(protocol());
        if (bulk && !gone && !remoteEnded) {
            int before = window;
            enlarge(connection.yamux().bulkWindow());
            if (window > before) {
                grant(window - before);
            }
        }
    }

    /** The credit that the other side may still use up after a reset. */
    int credit() {
        return remoteEnded ? 0 : credit;
    }

    private void dropAccounts() {
        connection.giveBudgetBack(window - YamuxOptions.INITIAL_WINDOW);
        window = YamuxOptions.INITIAL_WINDOW;
        int dropped = (int) (unread - unreadBytes());
        unread -= dropped;
        connection.unreadChanged(-dropped);
    }

    // ---- sending

    /** Bytes sent since the queue was last empty, which tells short messages from long transfers. */
    int run() {
        return run;
    }

    boolean markAcknowledged() {
        boolean first = !acknowledged;
        acknowledged = true;
        return first;
    }

    void onWindowUpdate(long bytes) throws YamuxException {
        sendWindow += bytes;
        if (sendWindow > 0xffff_ffffL) {
            throw new YamuxException(Violation.WINDOW, "a window beyond 2^32");
        }
        offer();
    }

    @Override
    protected void transmit(ByteBuf data, CompletableFuture<Void> done) {
        int bytes = data.readableBytes();
        if (gone || localEnded || ending != null) {
            data.release();
            sent(bytes);
            done.completeExceptionally(notWritable());
            return;
        }
        if (bytes == 0) {
            data.release();
            done.complete(null);
            return;
        }
        if (waiting == null) {
            waiting = new ArrayDeque<>(4);
        }
        waiting.add(new Pending(data, done));
        offer();
    }

    @Override
    protected void transmitEnd(CompletableFuture<Void> done) {
        if (localEnded || gone) {
            done.complete(null);
        } else if (ending != null) {
            ending.thenAccept(done::complete);
        } else {
            ending = done;
            offer();
        }
    }

    private boolean canSend() {
        return waiting != null ? sendWindow > 0 : ending != null;
    }

    private void offer() {
        if (!queued && !gone && canSend()) {
            queued = true;
            connection.scheduleSend(this);
        }
    }

    /** Sends one frame; called when the scheduler has taken the stream off. @return bytes written */
    int sendFrame() {
        queued = false;
        if (gone || !canSend()) {
            return 0;
        }
        lastActive = connection.now();
        int written = waiting != null ? sendData(waiting) : sendEnd();
        offer();
        return written;
    }

    private int sendData(ArrayDeque<Pending> queue) {
        int available = 0;
        for (Pending pending : queue) {
            available += pending.data.readableBytes();
            if (available >= MAX_DATA) {
                break;
            }
        }
        int n = (int) Math.min(Math.min(available, MAX_DATA), sendWindow);
        ByteBuf frame = connection.allocate(Frame.HEADER + n);
        Frame.writeHeader(frame, Frame.DATA, 0, id, n);
        sendWindow -= n;
        run = (int) Math.min((long) run + n, Integer.MAX_VALUE);
        int left = n;
        while (left > 0) {
            Pending head = queue.element();
            int part = Math.min(left, head.data.readableBytes());
            frame.writeBytes(head.data, part);
            left -= part;
            if (!head.data.isReadable()) {
                queue.remove();
                head.data.release();
                head.done.complete(null);
                if (gone) { // whoever waited for that has reset the stream, and what waited is released
                    frame.release();
                    return 0;
                }
            }
        }
        if (queue.isEmpty() && waiting == queue) {
            waiting = null;
            run = 0;
        }
        connection.send(frame);
        sent(n);
        return Frame.HEADER + n;
    }

    /** The end has a frame of its own after the data: some implementations drop payload that comes with it. */
    private int sendEnd() {
        CompletableFuture<Void> done = ending;
        ending = null;
        localEnded = true;
        connection.sendControl(Frame.WINDOW_UPDATE, Frame.FIN, id, 0);
        if (done != null) {
            done.complete(null);
        }
        forgetIfEnded();
        return Frame.HEADER;
    }

    private void forgetIfEnded() {
        if (localEnded && remoteEnded && !gone) {
            gone = true;
            connection.forget(this);
            dropAccounts();
        }
    }

    @Override
    protected void transmitReset() {
        if (!gone) {
            gone = true;
            connection.forgetReset(this);
            failWaiting();
        }
        dropAccounts();
    }

    private void failWaiting() {
        ArrayDeque<Pending> dropped = waiting;
        waiting = null;
        if (dropped != null) {
            for (Pending pending : dropped) {
                int bytes = pending.data.readableBytes();
                pending.data.release();
                sent(bytes);
                pending.done.completeExceptionally(notWritable());
            }
        }
        CompletableFuture<Void> unfinished = ending;
        ending = null;
        if (unfinished != null) {
            unfinished.completeExceptionally(notWritable());
        }
    }

    /** Whether this side ended its half before {@code since} and the other never did. */
    boolean abandoned(long since) {
        return localEnded && !remoteEnded && lastActive - since < 0;
    }
}
