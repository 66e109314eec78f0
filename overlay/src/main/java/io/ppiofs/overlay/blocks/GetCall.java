package io.ppiofs.overlay.blocks;

import io.netty.buffer.ByteBuf;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.wire.BlocksWire.Data;
import io.ppiofs.overlay.wire.BlocksWire.Frame;
import io.ppiofs.overlay.wire.BlocksWire.Get;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/** Fetches whole blocks and checks each while it arrives. */
final class GetCall extends Call {
    /** Hears of the end, after the last call of the sink. */
    interface End {
        void onEnd(@Nullable Throwable failure, FetchRest rest);
    }

    /** Payload that the peer may send before the sink has taken some; more than the largest block. */
    static final int WINDOW = 2 * BlockLimits.MAX_BLOCK;

    private final PeerId peer;
    private final List<Cid> cids;
    private final List<Integer> indices;
    private final BlockSink sink;
    private final SerialExecutor toSink;
    private final ClientOptions.WrongBytesListener wrongBytes;
    private final End onEnd;

    // under this object's lock
    private @Nullable BlockBuffer arriving;
    private int next;
    private final BitSet settled = new BitSet();
    private int left;
    private long credit = WINDOW;

    private volatile int inSink;
    private boolean sinkBroken;

    GetCall(
            PeerId peer,
            FetchRest what,
            Priority priority,
            BlockSink sink,
            Executor executor,
            ClientOptions.WrongBytesListener wrongBytes,
            End onEnd) {
        super(priority);
        this.peer = peer;
        this.cids = what.cids();
        this.indices = what.indices();
        this.arriving = what.begun();
        this.sink = sink;
        this.toSink = new SerialExecutor(executor);
        this.wrongBytes = wrongBytes;
        this.onEnd = onEnd;
        this.left = cids.size();
    }

    @Override
    Frame message() {
        Get.Builder get = Get.newBuilder()
                .setRequest(request)
                .setPriority(priority.ordinal())
                .setDigests(Wire.digests(cids))
                .setCredit(WINDOW);
        BlockBuffer begun = arriving;
        if (begun != null) {
            get.addOffsets(begun.filled());
        }
        return Frame.newBuilder().setGet(get).build();
    }

    @Override
    String operation() {
        return "fetch blocks from";
    }

    @Override
    boolean waitsForUs() {
        return inSink > 0;
    }

    @Override
    int patience() {
        return priority == Priority.FOREGROUND ? 1 : PATIENCE;
    }

    @Override
    synchronized void onFrame(Frame frame) {
        if (isEnded()) {
            return;
        }
        if (!frame.hasMissing()) {
            throw FrameDecoder.refused("another answer than was asked for");
        }
        int index = frame.getMissing().getIndex();
        if (index != next || index >= cids.size()) {
            throw FrameDecoder.refused("an answer out of order");
        }
        if (arriving != null) {
            arriving = null; // it went away while it was read: nothing of it was given on
        }
        settle(index);
        toSink.execute(() -> callSink(() -> sink.onMissing(indices.get(index), cids.get(index))));
        endIfDone();
    }

    private void settle(int index) {
        next = index + 1;
        settled.set(index);
        left--;
        progress += BlockLimits.MIN_PROGRESS;
    }

    @Override
    synchronized void onData(Data data) {
        if (isEnded()) {
            return;
        }
        int index = data.getIndex();
        if (index != next || index >= cids.size()) {
            throw FrameDecoder.refused("an answer out of order");
        }
        BlockBuffer buffer = arriving;
        if (buffer == null) {
            int total = data.getTotal();
            if (total <= 0 || total > BlockLimits.MAX_BLOCK) {
                throw FrameDecoder.refused("a block of " + Integer.toUnsignedString(total) + " bytes");
            }
            buffer = new BlockBuffer(cids.get(index), total);
            arriving = buffer;
        } else if (data.getTotal() != 0 && data.getTotal() != buffer.length()) {
            throw FrameDecoder.refused("another length than before");
        }
        credit -= data.getLength();
        if (data.getOffset() != buffer.filled() || data.getLength() > buffer.length() - buffer.filled()) {
            throw FrameDecoder.refused("bytes at the wrong place of a block");
        }
        if (credit < 0) {
            throw FrameDecoder.refused("more than it has credit for");
        }
    }

    @Override
    synchronized void onPayload(ByteBuf part, boolean last) {
        if (isEnded()) {
            return;
        }
        BlockBuffer buffer = arriving;
        if (buffer == null) {
            throw new IllegalStateException("payload without data");
        }
        progress += part.readableBytes();
        buffer.append(part);
        if (buffer.isFull()) {
            arriving = null;
            complete(next, buffer);
        }
    }

    private void complete(int index, BlockBuffer buffer) {
        if (!buffer.isRight()) {
            wrongBytes.onWrongBytes(peer, buffer.cid());
            ClientSession owner = owner();
            if (owner != null) {
                owner.countCorrupt();
                owner.tellCancelled(this);
            }
            end(new PpiofsException(
                    ErrorKind.CORRUPT,
                    operation(),
                    peer.toString(),
                    "it sent other bytes than " + buffer.cid() + " names; ask another peer"));
            return;
        }
        settle(index);
        synchronized (this) {
            inSink++;
        }
        toSink.execute(() -> {
            callSink(() -> sink.onBlock(indices.get(index), buffer.cid(), buffer.bytes()));
            synchronized (this) {
                inSink--;
            }
            ClientSession owner = owner();
            if (owner != null) {
                owner.giveCredit(this, buffer.length());
            }
        });
        endIfDone();
    }

    /** More credit was sent. */
    synchronized void credited(int bytes) {
        credit += bytes;
    }

    private void endIfDone() {
        if (left == 0) {
            end(null);
        }
    }

    private void callSink(Runnable call) {
        if (sinkBroken) {
            return;
        }
        try {
            call.run();
        } catch (RuntimeException e) {
            sinkBroken = true;
            PpiofsException failure = new PpiofsException(
                    ErrorKind.INTERNAL, operation(), peer.toString(), "the receiver of the blocks failed", e);
            sinkFailure = failure;
            ClientSession owner = owner();
            if (end(failure) && owner != null) {
                owner.tellCancelled(this);
            }
        }
    }

    private @Nullable PpiofsException sinkFailure;

    @Override
    void finish(@Nullable Throwable failure) {
        toSink.execute(() -> {
            Throwable cause = failure == null ? sinkFailure : failure;
            onEnd.onEnd(cause, rest(cause));
        });
    }

    /** What is left, read after the end: nothing changes it any more. */
    private synchronized FetchRest rest(@Nullable Throwable cause) {
        List<Cid> leftCids = new ArrayList<>();
        List<Integer> leftIndices = new ArrayList<>();
        for (int i = settled.nextClearBit(0); i < cids.size(); i = settled.nextClearBit(i + 1)) {
            leftCids.add(cids.get(i));
            leftIndices.add(indices.get(i));
        }
        boolean keeps = cause instanceof PpiofsException e && e.kind() != ErrorKind.CORRUPT && !leftCids.isEmpty();
        return new FetchRest(leftCids, leftIndices, keeps ? arriving : null);
    }
}
