package io.ppiofs.overlay.blocks;

import com.google.protobuf.ByteString;
import io.netty.buffer.ByteBuf;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.host.Scheduler;
import io.ppiofs.overlay.host.Stream;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.network.Opening;
import io.ppiofs.overlay.wire.BlocksWire.Cancel;
import io.ppiofs.overlay.wire.BlocksWire.Credit;
import io.ppiofs.overlay.wire.BlocksWire.Data;
import io.ppiofs.overlay.wire.BlocksWire.Failed;
import io.ppiofs.overlay.wire.BlocksWire.Frame;
import io.ppiofs.overlay.wire.BlocksWire.Hello;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One stream to one peer. Frames come on the connection's loop; calls from any thread. State is under this object's lock;
 * calls are ended, and sinks called, without it.
 */
final class ClientSession implements Stream.Reader, FrameDecoder.Target {
    private static final Logger LOG = LoggerFactory.getLogger(ClientSession.class);

    /** Requests under way that are believed of a server, whatever it says. */
    private static final int MAX_REQUESTS = 4096;

    /** Payload after which a receipt is sent. */
    private static final long RECEIPT_EVERY = 16L << 20;

    private final ClientOptions options;
    private final Scheduler scheduler;
    private final Stream stream;
    private final PeerId peer;
    private final PeerId tenant;
    private final SpeedMeter meter;
    private final Runnable onEnd;
    private final FrameDecoder decoder = new FrameDecoder(this);

    private final Map<Integer, Call> calls = new HashMap<>();
    private final List<ArrayDeque<Call>> waiting = new ArrayList<>();
    private final List<ArrayDeque<PutCall>> sending = new ArrayList<>();
    private final PriorityPicker picker = new PriorityPicker();
    private int limit;
    private int lastRequest;
    private long putCredit;
    private boolean pumping;
    private @Nullable PpiofsException over;

    // on the loop
    private @Nullable Call dataFor;
    private long received;
    private long receipted;
    private long sequence;
    private volatile long alive;

    private final Scheduler.Timer stallTimer;
    private long aliveBefore;

    ClientSession(
            ClientOptions options, Scheduler scheduler, Stream stream, PeerId self, SpeedMeter meter, Runnable onEnd) {
        this.options = options;
        this.scheduler = scheduler;
        this.stream = stream;
        this.peer = stream.connection().remotePeer();
        PeerId payer = options.tenant();
        this.tenant = payer == null ? self : payer;
        this.meter = meter;
        this.onEnd = onEnd;
        for (int i = 0; i < Priority.values().length; i++) {
            waiting.add(new ArrayDeque<>());
            sending.add(new ArrayDeque<>());
        }
        this.stallTimer = scheduler.scheduleRepeating(options.stall(), this::checkProgress);
    }

    void begin() {
        write(Wire.hello(0, 0));
        stream.read(this);
    }

    private void write(Frame frame) {
        var unused = stream.write(Wire.encode(frame, 0));
    }

    // ---- calls

    /** Sends the call, at once or when there is a place for it; ends it if the stream has ended. */
    void start(Call call) {
        call.belongsTo(this);
        PpiofsException failure;
        synchronized (this) {
            failure = over;
            if (failure == null) {
                waiting.get(call.priority.ordinal()).add(call);
                startWaiting();
            }
        }
        if (failure != null) {
            call.end(failure);
        }
    }

    /** Under the lock. */
    private void startWaiting() {
        for (ArrayDeque<Call> queue : waiting) {
            while (calls.size() < limit && !queue.isEmpty()) {
                Call call = queue.remove();
                if (!call.isEnded()) {
                    call.request = ++lastRequest;
                    calls.put(call.request, call);
                    meter.began(isFetch(call), scheduler.nanoTime());
                    call.begunNanos = scheduler.nanoTime();
                    call.alone = meter.isAlone();
                    write(call.message());
                }
            }
        }
    }

    private static boolean isFetch(Call call) {
        return call instanceof GetCall || call instanceof RangesCall;
    }

    /** The call has ended: its place is free. */
    void forget(Call call, @Nullable Throwable failure) {
        synchronized (this) {
            if (call.request == 0) {
                waiting.get(call.priority.ordinal()).remove(call);
            } else if (calls.remove(call.request, call)) {
                boolean failed = failure instanceof PpiofsException e && e.kind() != ErrorKind.INTERRUPTED;
                meter.ended(isFetch(call), failed, scheduler.nanoTime());
                if (call instanceof PutCall put) {
                    abandon(put);
                }
                startWaiting();
            }
        }
        pump();
    }

    /** A put that ends with a block half sent: what was reserved for the rest of it is free again. Under the lock. */
    private void abandon(PutCall put) {
        Integer index = put.toSend.peek();
        if (index != null && put.sent >= 0) {
            putCredit += put.bytes(index).remaining() - put.sent;
        }
        put.toSend.clear();
        sending.get(put.priority.ordinal()).remove(put);
    }

    void tellCancelled(Call call) {
        if (call.request != 0) {
            tellCancelled(call.request);
        }
    }

    private void tellCancelled(int request) {
        write(Frame.newBuilder()
                .setCancel(Cancel.newBuilder().setRequest(request))
                .build());
    }

    void countCorrupt() {
        meter.corrupt();
    }

    /** The sink has taken a block. */
    void giveCredit(GetCall call, int bytes) {
        if (call.isEnded()) {
            return;
        }
        call.credited(bytes);
        sendCredit(call, bytes);
    }

    void sendCredit(Call call, int bytes) {
        write(Frame.newBuilder()
                .setCredit(Credit.newBuilder().setRequest(call.request).setBytes(bytes))
                .build());
    }

    // ---- puts

    /** Sends these blocks of a put. */
    void send(PutCall put, List<Integer> wanted) {
        synchronized (this) {
            if (wanted.isEmpty() || put.isEnded()) {
                return;
            }
            put.toSend.addAll(wanted);
            sending.get(put.priority.ordinal()).add(put);
        }
        pump();
    }

    /** Sends pieces while the stream takes them and the peer has room. */
    private void pump() {
        synchronized (this) {
            if (pumping) {
                return;
            }
            pumping = true;
            try {
                while (over == null && stream.isWritable()) {
                    PutCall put = nextPut();
                    if (put == null) {
                        break;
                    }
                    piece(put);
                }
            } finally {
                pumping = false;
            }
        }
    }

    /** Which put may send a piece. A block begins only when there is credit for all of it, so that each one that has begun can end. */
    private @Nullable PutCall nextPut() {
        int mask = 0;
        for (int i = 0; i < sending.size(); i++) {
            PutCall first = sending.get(i).peek();
            Integer index = first == null ? null : first.toSend.peek();
            if (first != null
                    && index != null
                    && (first.sent >= 0 || first.bytes(index).remaining() <= putCredit)) {
                mask |= 1 << i;
            }
        }
        return mask == 0 ? null : sending.get(picker.pick(mask).ordinal()).peek();
    }

    private void piece(PutCall put) {
        int index = put.toSend.element();
        ByteBuffer bytes = put.bytes(index);
        if (put.sent < 0) {
            put.sent = 0;
            putCredit -= bytes.remaining();
        }
        int n = Math.min(BlockLimits.PIECE, bytes.remaining() - put.sent);
        Data data = Data.newBuilder()
                .setRequest(put.request)
                .setIndex(index)
                .setOffset(put.sent)
                .setLength(n)
                .setLast(put.sent + n == bytes.remaining())
                .build();
        var unused = stream.write(
                Wire.encode(Frame.newBuilder().setData(data).build(), bytes.slice(bytes.position() + put.sent, n)));
        put.sent += n;
        put.progress += n;
        meter.sent(n);
        if (put.sent == bytes.remaining()) {
            put.sent = -1;
            put.toSend.remove();
            if (put.toSend.isEmpty()) {
                sending.get(put.priority.ordinal()).remove(put);
            }
        }
    }

    // ---- what comes

    @Override
    public void onData(ByteBuf data) {
        try {
            if (isOpen()) {
                decoder.decode(data);
            }
        } catch (PpiofsException e) {
            stream.reset();
            end(e);
        } finally {
            data.release();
        }
    }

    @Override
    public void onWritabilityChanged(boolean writable) {
        if (writable) {
            pump();
        }
    }

    @Override
    public void onEnd() {
        var unused = stream.closeWrite();
        end(lost("the peer ended the stream"));
    }

    @Override
    public void onReset(Throwable cause) {
        end(lost("the connection was lost: " + cause.getMessage()));
    }

    private PpiofsException lost(String detail) {
        return new PpiofsException(ErrorKind.NOT_CONNECTED, "exchange blocks with", peer.toString(), detail);
    }

    private synchronized boolean isOpen() {
        return over == null;
    }

    @Override
    public void onFrame(Frame frame) {
        alive++;
        switch (frame.getKindCase()) {
            case HELLO -> onHello(frame.getHello());
            case HAS -> answer(frame.getHas().getRequest(), frame);
            case MISSING -> answer(frame.getMissing().getRequest(), frame);
            case ADMISSION -> answer(frame.getAdmission().getRequest(), frame);
            case VERDICTS -> answer(frame.getVerdicts().getRequest(), frame);
            case DATA -> onBlockData(frame.getData());
            case CREDIT -> onCredit(frame.getCredit());
            case FAILED -> onFailed(frame.getFailed());
            default -> {
                // a later version's frame: means nothing here
            }
        }
    }

    private void onHello(Hello hello) {
        Wire.OPENING.agree(Opening.decode(hello.getOpening().toByteArray()), "blocks of " + peer);
        synchronized (this) {
            if (limit > 0 || hello.getRequests() <= 0) {
                throw FrameDecoder.refused("a second or an impossible hello");
            }
            limit = Math.min(hello.getRequests(), MAX_REQUESTS);
            putCredit = Math.max(0, hello.getPutWindow());
            startWaiting();
        }
    }

    private synchronized @Nullable Call call(int request) {
        return calls.get(request);
    }

    private void answer(int request, Frame frame) {
        Call call = call(request);
        if (call != null) {
            measure(call);
            call.onFrame(frame);
        }
    }

    private void measure(Call call) {
        if (call.alone) {
            meter.roundTrip(scheduler.nanoTime() - call.begunNanos);
            call.alone = false;
        }
    }

    private void onBlockData(Data data) {
        Call call = call(data.getRequest());
        dataFor = call;
        if (call == null) {
            tellCancelled(data.getRequest()); // it crossed the cancellation
            return;
        }
        measure(call);
        call.onData(data);
    }

    @Override
    public void onPayload(ByteBuf part, boolean last) {
        int n = part.readableBytes();
        alive += n;
        meter.received(n, scheduler.nanoTime());
        Call call = dataFor;
        if (call != null && !call.isEnded()) {
            received += n;
            call.onPayload(part, last);
            if (received - receipted >= RECEIPT_EVERY) {
                receipt();
            }
        }
    }

    private void receipt() {
        receipted = received;
        sequence++;
        write(Frame.newBuilder()
                .setReceipt(io.ppiofs.overlay.wire.BlocksWire.Receipt.newBuilder()
                        .setTenant(ByteString.copyFrom(tenant.toBytes()))
                        .setSequence(sequence)
                        .setBytes(received)
                        .setSignature(ByteString.copyFrom(options.signer().sign(peer, tenant, sequence, received))))
                .build());
    }

    private void onCredit(Credit credit) {
        synchronized (this) {
            long more = credit.getBytes();
            if (more < 0 || putCredit > Long.MAX_VALUE - more) {
                throw FrameDecoder.refused("credit beyond all bounds");
            }
            putCredit += more;
        }
        pump();
    }

    private void onFailed(Failed failed) {
        Call call = call(failed.getRequest());
        if (call != null) {
            ErrorKind kind = switch (failed.getReason()) {
                case BUSY -> ErrorKind.BUSY;
                case INVALID -> ErrorKind.INVALID;
                case INTERNAL -> ErrorKind.IO;
            };
            String detail = failed.getDetail();
            call.end(new PpiofsException(
                    kind,
                    call.operation(),
                    peer.toString(),
                    "it says: " + detail.substring(0, Math.min(detail.length(), Verdict.MAX_REASON))));
        }
    }

    // ---- time

    /** Ends calls to which nothing comes. A low priority may wait longer while the stream is busy with others. */
    private void checkProgress() {
        List<Call> stalled = new ArrayList<>();
        synchronized (this) {
            boolean busy = alive - aliveBefore >= BlockLimits.MIN_PROGRESS;
            aliveBefore = alive;
            for (Call call : calls.values()) {
                boolean moved = call.progress - call.progressBefore >= BlockLimits.MIN_PROGRESS || call.waitsForUs();
                call.progressBefore = call.progress;
                call.idlePeriods = moved ? 0 : call.idlePeriods + 1;
                int patience = busy || call instanceof PutCall ? call.patience() : 1;
                if (call.idlePeriods > patience) {
                    stalled.add(call);
                }
            }
            if (limit == 0 && ++periodsWithoutHello > 1) {
                waiting.forEach(stalled::addAll);
            }
        }
        for (Call call : stalled) {
            boolean ended = call.end(new PpiofsException(
                    ErrorKind.IO,
                    call.operation(),
                    peer.toString(),
                    "it sends less than " + BlockLimits.MIN_PROGRESS + " bytes in "
                            + options.stall().toMillis() + " ms; ask another peer"));
            if (ended) {
                tellCancelled(call);
            }
        }
    }

    private int periodsWithoutHello;

    /** Ends the stream and all its calls. Idempotent. */
    void end(PpiofsException failure) {
        List<Call> open = new ArrayList<>();
        synchronized (this) {
            if (over != null) {
                return;
            }
            over = failure;
            open.addAll(calls.values());
            waiting.forEach(open::addAll);
        }
        LOG.debug("blocks of {}: {}", peer, failure.getMessage());
        stallTimer.cancel();
        onEnd.run();
        open.forEach(call -> call.end(failure));
    }

    /** Ends it from this side. */
    void close(PpiofsException failure) {
        end(failure);
        stream.reset();
    }
}
