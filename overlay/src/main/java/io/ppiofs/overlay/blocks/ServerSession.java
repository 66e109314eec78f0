package io.ppiofs.overlay.blocks;

import com.google.protobuf.ByteString;
import io.netty.buffer.ByteBuf;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.host.Scheduler;
import io.ppiofs.overlay.host.Stream;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.network.Opening;
import io.ppiofs.overlay.placement.GroupId;
import io.ppiofs.overlay.placement.SlotAddress;
import io.ppiofs.overlay.wire.BlocksWire.Admission;
import io.ppiofs.overlay.wire.BlocksWire.Credit;
import io.ppiofs.overlay.wire.BlocksWire.Data;
import io.ppiofs.overlay.wire.BlocksWire.Failed;
import io.ppiofs.overlay.wire.BlocksWire.Frame;
import io.ppiofs.overlay.wire.BlocksWire.Get;
import io.ppiofs.overlay.wire.BlocksWire.Has;
import io.ppiofs.overlay.wire.BlocksWire.Have;
import io.ppiofs.overlay.wire.BlocksWire.Missing;
import io.ppiofs.overlay.wire.BlocksWire.Put;
import io.ppiofs.overlay.wire.BlocksWire.Verdicts;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One stream of one asker. Frames come on the connection's loop, disk work runs on the server's threads; what both see is
 * under this object's lock, and the host is never called while it is held.
 */
final class ServerSession implements Stream.Reader, FrameDecoder.Target, SendQueue.Sender {
    private static final Logger LOG = LoggerFactory.getLogger(ServerSession.class);
    private static final Priority[] PRIORITIES = Priority.values();

    private final BlockServer server;
    private final Stream stream;
    private final PeerId peer;
    private final BlockServer.Account account;
    private final FrameDecoder decoder = new FrameDecoder(this);

    private final Map<Integer, OutgoingGet> gets = new HashMap<>();
    private final Map<Integer, IncomingPut> puts = new HashMap<>();
    private final List<ArrayDeque<OutgoingGet>> ready = new ArrayList<>();
    private final boolean[] queued = new boolean[PRIORITIES.length];
    private int haves;
    private boolean greeted;
    private boolean over;

    /** Payload of puts that has come and for which no credit was given back. */
    private long putUnderWay;

    private @Nullable IncomingPut arrivingFor;
    private long received;
    private long receivedBefore;
    private Scheduler.@Nullable Timer stallTimer;
    private final Map<PeerId, Receipt> receipts = new HashMap<>(2);

    ServerSession(BlockServer server, Stream stream) {
        this.server = server;
        this.stream = stream;
        this.peer = stream.connection().remotePeer();
        this.account = server.account(peer);
        for (Priority priority : PRIORITIES) {
            ready.add(new ArrayDeque<>());
            assert ready.size() == priority.ordinal() + 1;
        }
    }

    void begin() {
        send(Wire.hello(server.limits().requests(), server.limits().putWindow()));
        stallTimer = server.scheduler().scheduleRepeating(server.limits().stall(), this::checkProgress);
        stream.read(this);
    }

    void close() {
        end();
        stream.reset();
    }

    // ---- what comes

    @Override
    public void onData(ByteBuf data) {
        try {
            if (!over) {
                decoder.decode(data);
            }
        } catch (PpiofsException e) {
            violation(e.getMessage());
        } catch (IllegalArgumentException e) {
            violation("a value out of range: " + e.getMessage());
        } finally {
            data.release();
        }
    }

    @Override
    public void onEnd() {
        end();
        var unused = stream.closeWrite();
    }

    @Override
    public void onReset(Throwable cause) {
        end();
    }

    @Override
    public void onWritabilityChanged(boolean writable) {
        if (writable) {
            offerAll();
        }
    }

    private void violation(@Nullable String detail) {
        LOG.debug("blocks for {}: {}", peer, detail);
        server.counters.violations.increment();
        end();
        stream.reset();
    }

    private void end() {
        List<OutgoingGet> idle = new ArrayList<>();
        synchronized (this) {
            if (over) {
                return;
            }
            over = true;
            for (OutgoingGet get : gets.values()) {
                get.cancelled = true;
                if (!queued[get.priority.ordinal()]) {
                    idle.add(get);
                }
            }
            gets.clear();
            for (IncomingPut put : puts.values()) {
                put.cancelled = true;
                dropArriving(put);
            }
            puts.clear();
        }
        idle.forEach(OutgoingGet::closeSource);
        if (stallTimer != null) {
            stallTimer.cancel();
        }
        server.ended(this);
    }

    private void send(Frame frame) {
        var unused = stream.write(Wire.encode(frame, 0));
    }

    @Override
    public void onFrame(Frame frame) {
        if (frame.hasHello() == greeted) {
            throw FrameDecoder.refused(greeted ? "a second hello" : "something before its hello");
        }
        switch (frame.getKindCase()) {
            case HELLO -> {
                Wire.OPENING.agree(Opening.decode(frame.getHello().getOpening().toByteArray()), "blocks");
                greeted = true;
            }
            case HAVE -> onHave(frame.getHave());
            case GET -> onGet(frame.getGet());
            case PUT -> onPut(frame.getPut());
            case DATA -> onPutData(frame.getData());
            case CANCEL -> onCancel(frame.getCancel().getRequest());
            case CREDIT -> onCredit(frame.getCredit());
            case RECEIPT -> onReceipt(frame.getReceipt());
            default -> {
                // a later version's frame: means nothing here
            }
        }
    }

    /** Whether a further request may begin; answers and counts it if not. */
    private boolean admits(int request) {
        long now = server.scheduler().nanoTime();
        synchronized (this) {
            if (gets.size() + puts.size() + haves >= 2 * server.limits().requests()) {
                throw FrameDecoder.refused("more requests at once than allowed");
            }
            if (request == 0 || gets.containsKey(request) || puts.containsKey(request)) {
                throw FrameDecoder.refused("a request number that is in use");
            }
        }
        if (account.requests.waitNanos(now) > 0) {
            fail(request, Failed.Reason.BUSY, "too many requests, ask less often");
            return false;
        }
        account.requests.take(1, now);
        return true;
    }

    private void fail(int request, Failed.Reason reason, String detail) {
        send(Frame.newBuilder()
                .setFailed(Failed.newBuilder()
                        .setRequest(request)
                        .setReason(reason)
                        .setDetail(detail))
                .build());
    }

    private void onHave(Have have) {
        var cids = Wire.cids(have.getDigests());
        if (!admits(have.getRequest())) {
            return;
        }
        synchronized (this) {
            haves++;
        }
        server.onDisk(() -> {
            BitSet there;
            try {
                there = server.blocks().has(peer, cids);
            } catch (RuntimeException e) {
                LOG.warn("look up blocks for {}", peer, e);
                there = new BitSet();
            }
            synchronized (this) {
                haves--;
            }
            send(Frame.newBuilder()
                    .setHas(Has.newBuilder().setRequest(have.getRequest()).setBits(Wire.bits(there)))
                    .build());
        });
    }

    // ---- gets

    private void onGet(Get message) {
        var cids = Wire.cids(message.getDigests());
        if (message.getOffsetsCount() > cids.size() || message.getLengthsCount() > cids.size()) {
            throw FrameDecoder.refused("more ranges than digests");
        }
        int[] offsets = new int[cids.size()];
        int[] lengths = new int[cids.size()];
        for (int i = 0; i < cids.size(); i++) {
            offsets[i] = i < message.getOffsetsCount() ? message.getOffsets(i) : 0;
            lengths[i] = i < message.getLengthsCount() ? message.getLengths(i) : 0;
            if (offsets[i] < 0 || lengths[i] < 0) {
                throw FrameDecoder.refused("a range beyond all blocks");
            }
        }
        Priority priority = Wire.priority(message.getPriority());
        if (!admits(message.getRequest())) {
            return;
        }
        OutgoingGet get = new OutgoingGet(
                message.getRequest(), priority, cids, offsets, lengths, Math.max(0, message.getCredit()));
        synchronized (this) {
            if (over) {
                return;
            }
            gets.put(get.request, get);
            ready.get(priority.ordinal()).add(get);
        }
        offer(priority);
    }

    private void onCredit(Credit credit) {
        Priority priority;
        synchronized (this) {
            OutgoingGet get = gets.get(credit.getRequest());
            if (get == null) {
                return; // it ended meanwhile
            }
            if (credit.getBytes() < 0 || get.credit > Long.MAX_VALUE - credit.getBytes()) {
                throw FrameDecoder.refused("credit beyond all bounds");
            }
            get.credit += credit.getBytes();
            priority = get.priority;
        }
        offer(priority);
    }

    private void onCancel(int request) {
        OutgoingGet idle = null;
        synchronized (this) {
            OutgoingGet get = gets.remove(request);
            if (get != null) {
                get.cancelled = true;
                if (!queued[get.priority.ordinal()]) {
                    ready.get(get.priority.ordinal()).remove(get);
                    idle = get;
                }
            }
            IncomingPut put = puts.remove(request);
            if (put != null) {
                put.cancelled = true;
                dropArriving(put);
            }
        }
        if (idle != null) {
            idle.closeSource();
        }
    }

    private void offerAll() {
        for (Priority priority : PRIORITIES) {
            offer(priority);
        }
    }

    /** Stands in line for a turn of this priority, unless it does, or there is nothing to do. */
    private void offer(Priority priority) {
        synchronized (this) {
            if (queued[priority.ordinal()] || next(priority) == null || !stream.isWritable()) {
                return;
            }
            queued[priority.ordinal()] = true;
        }
        server.sendQueue().offer(this, priority);
    }

    /** The first get of this priority that can go on (or was cancelled and must be cleaned up), null if none. */
    private @Nullable OutgoingGet next(Priority priority) {
        for (OutgoingGet get : ready.get(priority.ordinal())) {
            if (get.credit > 0 || get.cancelled) {
                return get;
            }
        }
        return null;
    }

    @Override
    public boolean step(Priority priority) {
        long wait = account.send.waitNanos(server.scheduler().nanoTime());
        OutgoingGet get;
        synchronized (this) {
            get = wait > 0 || !stream.isWritable() && !over ? null : next(priority);
            if (get == null) {
                queued[priority.ordinal()] = false;
            }
        }
        if (get == null) {
            if (wait > 0) {
                var unused = server.scheduler().schedule(Duration.ofNanos(wait), () -> offer(priority));
            } else {
                offer(priority); // what changed between the two looks
            }
            return false;
        }
        advance(get);
        boolean more;
        synchronized (this) {
            if (get.isDone() || get.cancelled) {
                ready.get(priority.ordinal()).remove(get);
                gets.remove(get.request, get);
            }
            more = next(priority) != null && stream.isWritable();
            queued[priority.ordinal()] = more;
        }
        if (get.isDone() || get.cancelled) {
            get.closeSource();
        }
        if (!more) {
            offer(priority);
        }
        return more;
    }

    /** Sends the next piece of a get, or that a block is missing. Has the turn, holds no lock. */
    private void advance(OutgoingGet get) {
        if (get.cancelled || get.isDone()) {
            return;
        }
        try {
            if (get.source == null && !open(get)) {
                missing(get);
                return;
            }
            piece(get);
        } catch (RuntimeException e) {
            LOG.warn("read block {} for {}", get.cids.get(get.index), peer, e);
            missing(get);
        }
    }

    private boolean open(OutgoingGet get) {
        BlockSource source = server.blocks().open(peer, get.cids.get(get.index));
        if (source == null) {
            return false;
        }
        get.source = source;
        int offset = get.offsets[get.index];
        int length = get.lengths[get.index] == 0 ? source.length() - offset : get.lengths[get.index];
        get.offset = offset;
        get.end = offset + length;
        get.announced = false;
        return source.length() <= BlockLimits.MAX_BLOCK && length > 0 && length <= source.length() - offset;
    }

    private void missing(OutgoingGet get) {
        server.counters.missing.increment();
        send(Frame.newBuilder()
                .setMissing(Missing.newBuilder().setRequest(get.request).setIndex(get.index))
                .build());
        get.next();
    }

    private void piece(OutgoingGet get) {
        BlockSource source = get.source;
        if (source == null) {
            throw new IllegalStateException("no source");
        }
        int n;
        synchronized (this) {
            n = (int) Math.min(Math.min(BlockLimits.PIECE, get.end - get.offset), get.credit);
            get.credit -= n;
        }
        boolean last = get.offset + n == get.end;
        Data.Builder data = Data.newBuilder()
                .setRequest(get.request)
                .setIndex(get.index)
                .setOffset(get.offset)
                .setLength(n)
                .setLast(last);
        if (!get.announced) {
            data.setTotal(source.length());
        }
        ByteBuf frame = Wire.encode(Frame.newBuilder().setData(data).build(), n);
        try {
            int at = frame.writerIndex();
            ByteBuffer into = frame.nioBuffer(at, n);
            source.read(get.offset, into);
            if (into.hasRemaining()) {
                throw new IllegalStateException("a block source left " + into.remaining() + " bytes unread");
            }
            frame.writerIndex(at + n);
        } catch (RuntimeException e) {
            frame.release();
            throw e;
        }
        var unused = stream.write(frame);
        get.announced = true;
        get.offset += n;
        account.send.take(n, server.scheduler().nanoTime());
        server.counters.sent.add(n);
        if (last) {
            server.counters.found.increment();
            get.next();
        }
    }

    // ---- puts

    private void onPut(Put message) {
        var cids = Wire.cids(message.getDigests());
        if (message.getLengthsCount() != cids.size()) {
            throw FrameDecoder.refused("another number of lengths than of digests");
        }
        int[] lengths = message.getLengthsList().stream().mapToInt(i -> i).toArray();
        for (int length : lengths) {
            if (length <= 0 || length > BlockLimits.MAX_BLOCK) {
                throw FrameDecoder.refused("a block of " + Integer.toUnsignedString(length) + " bytes");
            }
        }
        var unused = Wire.priority(message.getPriority());
        PeerId tenant = PeerId.fromBytes(message.getTenant().toByteArray());
        SlotAddress slot = new SlotAddress(
                GroupId.of(message.getGroup().toByteArray()), message.getSlot(), message.getGeneration());
        if (!admits(message.getRequest())) {
            return;
        }
        IncomingPut put = new IncomingPut(message.getRequest(), tenant, slot, cids, lengths);
        synchronized (this) {
            if (over) {
                return;
            }
            puts.put(put.request, put);
        }
        server.onDisk(() -> admit(put));
    }

    private void admit(IncomingPut put) {
        Verdict[] answers = new Verdict[put.cids.size()];
        BitSet wanted = new BitSet();
        for (int i = 0; i < answers.length; i++) {
            Verdict answer;
            try {
                answer = server.blocks().admit(peer, put.tenant, put.slot, put.cids.get(i), put.lengths[i]);
            } catch (RuntimeException e) {
                LOG.warn("admit block {} of {}", put.cids.get(i), peer, e);
                answer = Verdict.busy("the peer had an internal error");
            }
            if (answer == null) {
                wanted.set(i);
            } else {
                answers[i] = answer;
            }
        }
        boolean decided = false;
        synchronized (this) {
            if (put.cancelled) {
                return;
            }
            put.wanted.or(wanted);
            for (int i = 0; i < answers.length; i++) {
                Verdict answer = answers[i];
                if (answer != null) {
                    decided = put.decide(i, answer);
                }
            }
        }
        send(Frame.newBuilder()
                .setAdmission(Admission.newBuilder().setRequest(put.request).setBits(Wire.bits(wanted)))
                .build());
        if (decided) {
            finish(put);
        }
    }

    private void onPutData(Data data) {
        int n = data.getLength();
        synchronized (this) {
            putUnderWay += n;
            if (putUnderWay > server.limits().putWindow()) {
                throw FrameDecoder.refused("more than it has credit for");
            }
            IncomingPut put = puts.get(data.getRequest());
            arrivingFor = put;
            if (put == null) {
                return; // it failed or was cancelled while these bytes were on their way
            }
            int index = data.getIndex();
            if (index < 0 || index >= put.lengths.length || !put.wanted.get(index)) {
                throw FrameDecoder.refused("a block that was not asked for");
            }
            if (put.index != index) {
                beginBlock(put, index);
            }
            if (data.getOffset() != put.arrived || n > put.lengths[index] - put.arrived) {
                throw FrameDecoder.refused("bytes at the wrong place of a block");
            }
        }
    }

    private void beginBlock(IncomingPut put, int index) {
        if (put.index >= 0) {
            throw FrameDecoder.refused("a block before the end of the one before it");
        }
        put.index = index;
        put.arrived = 0;
        put.arriving =
                server.reserve(put.lengths[index]) ? new BlockBuffer(put.cids.get(index), put.lengths[index]) : null;
    }

    @Override
    public void onPayload(ByteBuf part, boolean last) {
        int n = part.readableBytes();
        server.counters.received.add(n);
        received += n;
        Runnable then = null;
        synchronized (this) {
            IncomingPut put = arrivingFor;
            if (put == null || put.cancelled) {
                then = () -> giveCredit(n);
            } else {
                BlockBuffer buffer = put.arriving;
                put.arrived += n;
                if (buffer != null) {
                    buffer.append(part);
                }
                if (last && put.arrived == put.lengths[put.index]) {
                    then = arrived(put, buffer);
                }
            }
        }
        if (then != null) {
            then.run();
        }
    }

    /** A block is complete. @return what is to be done without the lock */
    private Runnable arrived(IncomingPut put, @Nullable BlockBuffer buffer) {
        int index = put.index;
        int length = put.lengths[index];
        put.index = -1;
        put.arriving = null;
        put.wanted.clear(index);
        if (buffer == null) {
            return () -> decided(put, index, Verdict.busy("the peer has no memory for it now"), length, 0);
        }
        if (!buffer.isRight()) {
            server.counters.corrupt.increment();
            return () -> decided(put, index, Verdict.corrupt("other bytes than its name says"), length, length);
        }
        return () -> server.onDisk(() -> store(put, index, buffer));
    }

    private void store(IncomingPut put, int index, BlockBuffer buffer) {
        Verdict verdict;
        try {
            verdict = server.blocks().store(peer, put.tenant, put.slot, buffer.cid(), buffer.bytes());
        } catch (RuntimeException e) {
            LOG.warn("store block {} of {}", buffer.cid(), peer, e);
            verdict = Verdict.busy("the peer had an internal error");
        }
        decided(put, index, verdict, buffer.length(), buffer.length());
    }

    private void decided(IncomingPut put, int index, Verdict verdict, int credit, int reserved) {
        server.release(reserved);
        giveCredit(credit);
        boolean finished;
        synchronized (this) {
            finished = put.decide(index, verdict) && !put.cancelled;
        }
        if (finished) {
            server.onDisk(() -> finish(put));
        }
    }

    /** Gives back credit as fast as the peer's rate allows. */
    private void giveCredit(int bytes) {
        long now = server.scheduler().nanoTime();
        account.receive.take(bytes, now);
        long wait = account.receive.waitNanos(now);
        if (wait > 0) {
            var unused = server.scheduler().schedule(Duration.ofNanos(wait), () -> sendCredit(bytes));
        } else {
            sendCredit(bytes);
        }
    }

    private void sendCredit(int bytes) {
        synchronized (this) {
            if (over) {
                return;
            }
            putUnderWay -= bytes;
        }
        send(Frame.newBuilder()
                .setCredit(Credit.newBuilder().setRequest(0).setBytes(bytes))
                .build());
    }

    private void finish(IncomingPut put) {
        String failure = null;
        try {
            server.blocks().durable();
        } catch (RuntimeException e) {
            LOG.warn("make blocks of {} durable", peer, e);
            failure = "the peer could not write to its disk";
        }
        byte[] outcomes = new byte[put.verdicts.length];
        Verdicts.Builder message = Verdicts.newBuilder().setRequest(put.request);
        synchronized (this) {
            if (put.cancelled) {
                return;
            }
            puts.remove(put.request);
        }
        for (int i = 0; i < outcomes.length; i++) {
            Verdict verdict = put.verdicts[i];
            if (verdict == null || verdict.isStored() && failure != null) {
                verdict = Verdict.busy(failure == null ? "no verdict" : failure);
            }
            (verdict.isStored() ? server.counters.stored : server.counters.refused).increment();
            outcomes[i] = (byte) verdict.outcome().ordinal();
            if (!verdict.isStored()) {
                message.addReasons(verdict.reason());
            }
        }
        send(Frame.newBuilder()
                .setVerdicts(message.setOutcomes(ByteString.copyFrom(outcomes)))
                .build());
    }

    /** Gives up the block that is arriving; under the lock. */
    private void dropArriving(IncomingPut put) {
        BlockBuffer buffer = put.arriving;
        if (put.index >= 0) {
            int credit = put.arrived;
            if (!over && credit > 0) {
                server.scheduler().execute(() -> giveCredit(credit));
            }
            put.index = -1;
            put.arriving = null;
            if (buffer != null) {
                server.release(buffer.length());
            }
        }
    }

    /** A block that has begun must make progress: memory is held for it. */
    private void checkProgress() {
        boolean stalled;
        synchronized (this) {
            boolean arriving = false;
            Iterator<IncomingPut> all = puts.values().iterator();
            while (all.hasNext() && !arriving) {
                arriving = all.next().index >= 0;
            }
            stalled = arriving && received - receivedBefore < BlockLimits.MIN_PROGRESS;
            receivedBefore = received;
        }
        if (stalled) {
            violation("a block that does not come to its end");
        }
    }

    // ---- receipts

    private void onReceipt(io.ppiofs.overlay.wire.BlocksWire.Receipt message) {
        if (message.getSignature().size() > Receipt.MAX_SIGNATURE) {
            throw FrameDecoder.refused(
                    "a signature of " + message.getSignature().size() + " bytes");
        }
        PeerId tenant = PeerId.fromBytes(message.getTenant().toByteArray());
        Receipt receipt = new Receipt(
                tenant,
                message.getSequence(),
                message.getBytes(),
                message.getSignature().toByteArray());
        Receipt before = receipts.get(tenant);
        if (before == null && receipts.size() == MAX_TENANTS) {
            throw FrameDecoder.refused("receipts for more tenants than a stream may have");
        }
        long sequence = before == null ? 0 : before.sequence();
        long bytes = before == null ? 0 : before.bytes();
        if (receipt.sequence() <= sequence || receipt.bytes() < bytes) {
            throw FrameDecoder.refused("a receipt that goes back");
        }
        receipts.put(tenant, receipt);
        server.counters.receipts.increment();
        server.counters.receiptedBytes.add(receipt.bytes() - bytes);
        server.onDisk(() -> server.blocks().receipt(peer, receipt));
    }

    /** Tenants that receipts of one stream may name. */
    private static final int MAX_TENANTS = 64;
}
