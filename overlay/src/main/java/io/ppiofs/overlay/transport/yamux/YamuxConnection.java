package io.ppiofs.overlay.transport.yamux;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.util.collection.IntObjectHashMap;
import io.netty.util.concurrent.Future;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.host.Direction;
import io.ppiofs.overlay.transport.StreamAcceptor;
import io.ppiofs.overlay.transport.TransportOptions;
import io.ppiofs.overlay.transport.Violation;
import io.ppiofs.overlay.transport.YamuxOptions;
import io.ppiofs.overlay.transport.mux.ConnectionInfo;
import io.ppiofs.overlay.transport.mux.MuxedConnection;
import io.ppiofs.overlay.transport.mux.MuxedStream;
import java.util.ArrayDeque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A yamux session as the last handler of a secured channel. All state belongs to the channel's event loop. */
public final class YamuxConnection extends MuxedConnection {
    /** The name in multistream-select and ALPN. */
    public static final String PROTOCOL = "/yamux/1.0.0";

    private static final Logger LOG = LoggerFactory.getLogger(YamuxConnection.class);
    private static final int BATCH = 64 * 1024;
    private static final int TURN = 256 * 1024;
    private static final int MAX_QUEUED_CONTROL = 1 << 20;
    private static final int DISCARD_SLACK = 1 << 20;
    private static final int MAX_REFUSED = 2_000;
    private static final long ABANDONED_NANOS = TimeUnit.MINUTES.toNanos(5);
    private static final long FIRST_PING_NANOS = TimeUnit.MILLISECONDS.toNanos(100);
    private static final long DRAIN_NANOS = TimeUnit.SECONDS.toNanos(10);

    private final Channel channel;
    private final YamuxOptions yamux;
    private final WindowBudget hostBudget;
    private final WindowBudget ownBudget;
    private final boolean heapFrames;
    private final int localParity;
    private final IntObjectHashMap<YamuxStream> streams = new IntObjectHashMap<>();
    private final SendScheduler scheduler = new SendScheduler();
    private final ArrayDeque<CompletableFuture<MuxedStream>> opening = new ArrayDeque<>();
    private final Frames frames = new Frames();
    private @Nullable ChannelHandlerContext ctx;

    private int nextId;
    private int highestRemoteId;
    private int inbound;
    private int outbound;
    private int unacknowledged;
    private long unread;
    private long discardAllowance = DISCARD_SLACK;
    private int refused;

    private boolean inRead;
    private boolean sendScheduled;
    private boolean flushNeeded;
    private volatile boolean goingAway;
    private volatile boolean ended;

    private int pingId;
    private boolean pingOpen;
    private long pingSent;
    private long roundTrip;
    private @Nullable Future<?> keepAlive;
    private @Nullable Future<?> pingTimeout;

    /**
     * @param channel secured; add {@link #handler()} as its last handler at once
     * @param initiator whether this side's streams have odd numbers
     * @param hostBudget shared by the connections of a host
     * @param heapFrames whether frames are better built on the heap (Noise) than off it (TLS)
     */
    public YamuxConnection(
            Channel channel,
            ConnectionInfo info,
            boolean initiator,
            StreamAcceptor acceptor,
            TransportOptions options,
            WindowBudget hostBudget,
            boolean heapFrames) {
        super(info, channel.eventLoop(), acceptor, options);
        this.channel = channel;
        this.yamux = options.yamux();
        this.hostBudget = hostBudget;
        this.ownBudget = new WindowBudget(yamux.connectionBudget());
        this.heapFrames = heapFrames;
        this.localParity = initiator ? 1 : 0;
        this.nextId = initiator ? 1 : 2;
    }

    /** The handler that makes the channel this connection. */
    public ChannelHandler handler() {
        return frames;
    }

    // ---- streams

    @Override
    protected CompletableFuture<MuxedStream> openStream() {
        CompletableFuture<MuxedStream> result = new CompletableFuture<>();
        if (ended || goingAway || nextId < 0) {
            result.completeExceptionally(ended("open stream to"));
        } else if (outbound + opening.size() >= yamux.maxOutboundStreams()) {
            result.completeExceptionally(new PpiofsException(
                    ErrorKind.RANGE,
                    "open stream to",
                    remotePeer().toString(),
                    yamux.maxOutboundStreams() + " streams are open on this connection, close some first"));
        } else if (unacknowledged >= yamux.maxUnacknowledged()) {
            opening.add(result);
        } else {
            result.complete(newOutbound());
        }
        return result;
    }

    private YamuxStream newOutbound() {
        YamuxStream stream = new YamuxStream(this, nextId, Direction.OUTBOUND, now());
        nextId += 2;
        outbound++;
        unacknowledged++;
        streams.put(stream.id(), stream);
        sendControl(Frame.WINDOW_UPDATE, Frame.SYN, stream.id(), 0);
        return stream;
    }

    private void acknowledge(YamuxStream stream) {
        if (stream.markAcknowledged()) {
            unacknowledged--;
            while (!opening.isEmpty() && unacknowledged < yamux.maxUnacknowledged() && !ended && !goingAway) {
                opening.remove().complete(newOutbound());
            }
        }
    }

    private void admit(int id) throws YamuxException {
        if ((id & 1) == localParity) {
            throw new YamuxException(Violation.UNKNOWN_STREAM, "opened a stream with a number of this side");
        }
        if (streams.containsKey(id)) {
            throw new YamuxException(Violation.MALFORMED, "opened stream " + id + " twice");
        }
        if (Integer.compareUnsigned(id, highestRemoteId) > 0) {
            highestRemoteId = id;
        }
        if (inbound >= yamux.maxInboundStreams() || goingAway) {
            discardAllowance += YamuxOptions.INITIAL_WINDOW;
            sendControl(Frame.WINDOW_UPDATE, Frame.RST, id, 0);
            if (++refused > MAX_REFUSED) {
                throw new YamuxException(Violation.STREAM_FLOOD, "went on opening streams beyond the limit");
            }
            return;
        }
        YamuxStream stream = new YamuxStream(this, id, Direction.INBOUND, now());
        inbound++;
        streams.put(id, stream);
        sendControl(Frame.WINDOW_UPDATE, Frame.ACK, id, 0);
        accept(stream);
    }

    /** The stream has ended on both sides. */
    void forget(YamuxStream stream) {
        if (streams.remove(stream.id()) == null) {
            return;
        }
        if (stream.direction() == Direction.INBOUND) {
            inbound--;
        } else {
            outbound--;
            acknowledge(stream);
        }
        if (goingAway && streams.isEmpty()) {
            terminate(ended("use"), Frame.NORMAL);
        }
    }

    /** This side resets the stream; what is under way may still come. */
    void forgetReset(YamuxStream stream) {
        discardAllowance += stream.credit();
        sendControl(Frame.WINDOW_UPDATE, Frame.RST, stream.id(), 0);
        forget(stream);
    }

    // ---- accounts that streams share

    YamuxOptions yamux() {
        return yamux;
    }

    void unreadChanged(int by) {
        unread += by;
    }

    boolean tooMuchUnread() {
        return unread > yamux.maxUnread();
    }

    boolean takeBudget(long bytes) {
        if (!ownBudget.take(bytes)) {
            return false;
        }
        if (!hostBudget.take(bytes)) {
            ownBudget.giveBack(bytes);
            return false;
        }
        return true;
    }

    void giveBudgetBack(long bytes) {
        if (bytes > 0) {
            ownBudget.giveBack(bytes);
            hostBudget.giveBack(bytes);
        }
    }

    long now() {
        return loop().ticker().nanoTime();
    }

    /** The shortest of the latest round trips, without what queues add to it; 0 if none was measured. */
    long roundTripNanos() {
        return roundTrip;
    }

    // ---- sending

    ByteBuf allocate(int bytes) {
        return heapFrames ? channel.alloc().heapBuffer(bytes) : channel.alloc().directBuffer(bytes);
    }

    void scheduleSend(YamuxStream stream) {
        scheduler.add(stream);
        scheduleDrain();
    }

    private void scheduleDrain() {
        if (!sendScheduled && !inRead && !ended) {
            sendScheduled = true;
            loop().execute(frames.drainTask);
        }
    }

    void sendControl(int type, int flags, int stream, int length) {
        if (ended) {
            return;
        }
        ByteBuf frame = allocate(Frame.HEADER);
        Frame.writeHeader(frame, type, flags, stream, length);
        send(frame);
        scheduleDrain();
        if (!channel.isWritable() && channel.bytesBeforeWritable() > MAX_QUEUED_CONTROL) {
            violated(new YamuxException(Violation.CONTROL_FLOOD, "asked for more answers than it takes"));
        }
    }

    void send(ByteBuf frame) {
        ChannelHandlerContext to = ctx;
        if (ended || to == null) {
            frame.release();
            return;
        }
        options().metrics().onSent(frame.readableBytes());
        flushNeeded = true;
        to.write(frame, to.voidPromise());
    }

    private void drain() {
        int turn = 0;
        int batch = 0;
        while (!ended && turn < TURN && channel.isWritable()) {
            YamuxStream stream = scheduler.next();
            if (stream == null) {
                break;
            }
            batch += stream.sendFrame();
            if (batch >= BATCH) {
                flush();
                turn += batch;
                batch = 0;
            }
        }
        flush();
        if (!scheduler.isEmpty() && channel.isWritable()) {
            scheduleDrain();
        }
    }

    private void flush() {
        ChannelHandlerContext to = ctx;
        if (flushNeeded && to != null) {
            flushNeeded = false;
            to.flush();
        }
    }

    // ---- keep-alive and end

    /** Pings soon and then more and more seldom: the first ones find the shortest round trip. */
    private void keepAliveIn(long nanos) {
        ping();
        long period = yamux.keepAlive().toNanos();
        long delay = Math.min(nanos, period);
        keepAlive = loop().schedule(
                        () -> {
                            sweep();
                            keepAliveIn(4 * delay);
                        },
                        delay,
                        TimeUnit.NANOSECONDS);
    }

    private void sweep() {
        long since = now() - ABANDONED_NANOS;
        List<YamuxStream> abandoned =
                streams.values().stream().filter(s -> s.abandoned(since)).toList();
        abandoned.forEach(MuxedStream::reset);
        refused = 0;
    }

    private void ping() {
        if (pingOpen || ended) {
            return;
        }
        pingOpen = true;
        pingSent = now();
        sendControl(Frame.PING, Frame.SYN, 0, ++pingId);
        pingTimeout = loop().schedule(
                        () -> violated(new YamuxException(Violation.KEEP_ALIVE, "did not answer a keep-alive")),
                        yamux.keepAliveTimeout().toNanos(),
                        TimeUnit.NANOSECONDS);
    }

    private void onPong(int id) {
        if (pingOpen && id == pingId) {
            pingOpen = false;
            cancel(pingTimeout);
            long measured = Math.max(1, now() - pingSent);
            roundTrip = roundTrip == 0 ? measured : Math.min(measured, roundTrip + roundTrip / 4);
        }
    }

    private void onGoAway() {
        if (goingAway || ended) {
            return;
        }
        goingAway = true;
        opening.forEach(o -> o.completeExceptionally(ended("open stream to")));
        opening.clear();
        if (streams.isEmpty()) {
            terminate(ended("use"), Frame.NORMAL);
        } else {
            cancel(keepAlive);
            keepAlive = loop().schedule(() -> terminate(ended("use"), Frame.NORMAL), DRAIN_NANOS, TimeUnit.NANOSECONDS);
        }
    }

    private void violated(YamuxException e) {
        if (!ended) {
            LOG.debug("{} ends: the peer {}", this, e.getMessage());
            report(e.violation());
            terminate(
                    new PpiofsException(
                            ErrorKind.NOT_CONNECTED,
                            "use connection to",
                            remotePeer().toString(),
                            "ended because the peer broke the protocol (" + e.violation() + ")",
                            e),
                    Frame.PROTOCOL_ERROR);
        }
    }

    @Override
    protected void shutDown() {
        terminate(ended("use"), Frame.NORMAL);
    }

    /** Says good-bye, closes the channel behind what was written, resets the streams. */
    private void terminate(Throwable cause, int goAwayCode) {
        if (ended) {
            return;
        }
        sendControlLast(goAwayCode);
        ended = true;
        cancel(keepAlive);
        cancel(pingTimeout);
        opening.forEach(o -> o.completeExceptionally(ended("open stream to")));
        opening.clear();
        scheduler.clear();
        List<YamuxStream> left = List.copyOf(streams.values());
        streams.clear();
        left.forEach(stream -> stream.onReset(cause));
        channel.close();
        markClosed();
    }

    private void sendControlLast(int code) {
        ChannelHandlerContext to = ctx;
        if (to == null || !channel.isActive()) {
            return;
        }
        ByteBuf frame = allocate(Frame.HEADER);
        Frame.writeHeader(frame, Frame.GO_AWAY, 0, 0, code);
        to.writeAndFlush(frame).addListener(ChannelFutureListener.CLOSE_ON_FAILURE);
    }

    private static void cancel(@Nullable Future<?> timer) {
        if (timer != null) {
            timer.cancel(false);
        }
    }

    @Override
    public boolean isOpen() {
        return !ended && !goingAway;
    }

    /** The channel's last handler: frames in, events. */
    private final class Frames extends ChannelInboundHandlerAdapter implements FrameParser.Sink {
        private final FrameParser parser = new FrameParser(this);
        private final Runnable drainTask = this::runDrain;
        private @Nullable YamuxStream into;
        private int flags;

        private void runDrain() {
            sendScheduled = false;
            drain();
        }

        @Override
        public void handlerAdded(ChannelHandlerContext added) {
            ctx = added;
            keepAliveIn(FIRST_PING_NANOS);
        }

        @Override
        public void channelRead(ChannelHandlerContext from, Object message) {
            ByteBuf data = (ByteBuf) message;
            inRead = true;
            options().metrics().onReceived(data.readableBytes());
            try {
                if (!ended) {
                    parser.feed(data);
                }
            } catch (YamuxException e) {
                violated(e);
            } finally {
                data.release();
            }
        }

        @Override
        public void channelReadComplete(ChannelHandlerContext from) {
            inRead = false;
            drain();
        }

        @Override
        public void channelWritabilityChanged(ChannelHandlerContext from) {
            if (channel.isWritable() && !inRead) {
                scheduleDrain();
            }
        }

        @Override
        public void channelInactive(ChannelHandlerContext from) {
            terminate(ended("use"), Frame.NORMAL);
            from.fireChannelInactive();
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext from, Throwable cause) {
            LOG.debug("{} failed", YamuxConnection.this, cause);
            terminate(
                    new PpiofsException(
                            ErrorKind.NOT_CONNECTED,
                            "use connection to",
                            remotePeer().toString(),
                            "the connection failed, connect again",
                            cause),
                    Frame.NORMAL);
        }

        @Override
        public void onHeader(int type, int headerFlags, int id, int length) throws YamuxException {
            into = null;
            if (ended) {
                return; // by a frame before it in the same read: a stream that began now would never be ended
            }
            switch (type) {
                case Frame.PING -> onPing(headerFlags, id, length);
                case Frame.GO_AWAY -> {
                    requireSession(id);
                    onGoAway();
                }
                default -> onStreamHeader(type, headerFlags, id, Integer.toUnsignedLong(length));
            }
        }

        private void onPing(int headerFlags, int id, int value) throws YamuxException {
            requireSession(id);
            if (headerFlags == Frame.SYN) {
                sendControl(Frame.PING, Frame.ACK, 0, value);
            } else if (headerFlags == Frame.ACK) {
                onPong(value);
            } else {
                throw new YamuxException(Violation.MALFORMED, "sent a ping with flags " + headerFlags);
            }
        }

        private void requireSession(int id) throws YamuxException {
            if (id != 0) {
                throw new YamuxException(Violation.MALFORMED, "sent a session frame for stream " + id);
            }
        }

        private void onStreamHeader(int type, int headerFlags, int id, long length) throws YamuxException {
            if (id == 0) {
                throw new YamuxException(Violation.MALFORMED, "sent a stream frame for stream 0");
            }
            if ((headerFlags & Frame.SYN) != 0) {
                admit(id);
            }
            YamuxStream stream = streams.get(id);
            flags = headerFlags;
            if (stream == null) {
                discard(type, id, length);
                return;
            }
            if ((headerFlags & Frame.ACK) != 0) {
                acknowledge(stream);
            }
            if ((headerFlags & Frame.RST) != 0) {
                onRemoteReset(stream);
                discardAllowance += length;
                return;
            }
            if (type == Frame.DATA) {
                stream.onDataHeader(length);
                into = stream;
            } else {
                stream.onWindowUpdate(length);
            }
            if ((headerFlags & Frame.FIN) != 0 && (type != Frame.DATA || length == 0)) {
                stream.onEnd();
            }
        }

        private void onRemoteReset(YamuxStream stream) {
            forget(stream);
            stream.onReset(new PpiofsException(
                    ErrorKind.NOT_CONNECTED, "use", stream.protocol().name(), "the peer reset the stream"));
        }

        /** A frame for a stream that is not open: left over from one that was, or made up. */
        private void discard(int type, int id, long length) throws YamuxException {
            boolean own = (id & 1) == localParity;
            boolean known =
                    own ? Integer.compareUnsigned(id, nextId) < 0 : Integer.compareUnsigned(id, highestRemoteId) <= 0;
            if (!known) {
                throw new YamuxException(Violation.UNKNOWN_STREAM, "sent a frame for stream " + id);
            }
            if (type == Frame.DATA) {
                discardAllowance -= length;
                if (discardAllowance < 0) {
                    throw new YamuxException(Violation.DATA_AFTER_CLOSE, "went on sending on closed streams");
                }
            }
        }

        @Override
        public void onPayload(ByteBuf piece, boolean last) {
            YamuxStream stream = into;
            if (stream == null) {
                piece.release();
                return;
            }
            stream.onPayload(piece);
            if (last && (flags & Frame.FIN) != 0) {
                stream.onEnd();
            }
        }
    }
}
