package io.ppiofs.overlay.blocks;

import io.netty.buffer.ByteBuf;
import io.ppiofs.overlay.wire.BlocksWire.Data;
import io.ppiofs.overlay.wire.BlocksWire.Frame;
import io.ppiofs.overlay.wire.BlocksWire.Get;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/** Fetches parts of blocks, unchecked. */
final class RangesCall extends Call {
    /** Credit is given back in portions of this. */
    private static final int PORTION = 1 << 20;

    final CompletableFuture<Void> result = new CompletableFuture<>();
    private final List<BlockRange> ranges;
    private final RangeSink sink;
    private final Executor executor;

    // on the loop
    private int next;
    private int offset = -1;
    private long credit = GetCall.WINDOW;
    private int owed;

    RangesCall(List<BlockRange> ranges, Priority priority, RangeSink sink, Executor executor) {
        super(priority);
        this.ranges = ranges;
        this.sink = sink;
        this.executor = executor;
    }

    @Override
    Frame message() {
        Get.Builder get = Get.newBuilder()
                .setRequest(request)
                .setPriority(priority.ordinal())
                .setDigests(Wire.digests(ranges.stream().map(BlockRange::cid).toList()))
                .setCredit(GetCall.WINDOW);
        ranges.forEach(range -> get.addOffsets(range.offset()).addLengths(range.length()));
        return Frame.newBuilder().setGet(get).build();
    }

    @Override
    String operation() {
        return "fetch parts of blocks from";
    }

    @Override
    int patience() {
        return priority == Priority.FOREGROUND ? 1 : PATIENCE;
    }

    @Override
    void onFrame(Frame frame) {
        if (!frame.hasMissing()) {
            throw FrameDecoder.refused("another answer than was asked for");
        }
        requireNext(frame.getMissing().getIndex());
        progress += BlockLimits.MIN_PROGRESS;
        int index = next;
        advance();
        sink.onMissing(index);
        endIfDone();
    }

    private void requireNext(int index) {
        if (index != next || index >= ranges.size()) {
            throw FrameDecoder.refused("an answer out of order");
        }
    }

    private void advance() {
        next++;
        offset = -1;
    }

    @Override
    void onData(Data data) {
        requireNext(data.getIndex());
        BlockRange range = ranges.get(next);
        if (offset < 0) {
            offset = range.offset();
        }
        credit -= data.getLength();
        if (data.getOffset() != offset || data.getLength() > range.offset() + range.length() - offset) {
            throw FrameDecoder.refused("bytes at the wrong place of a block");
        }
        if (credit < 0) {
            throw FrameDecoder.refused("more than it has credit for");
        }
    }

    @Override
    void onPayload(ByteBuf part, boolean last) {
        int n = part.readableBytes();
        int at = offset;
        offset += n;
        owed += n;
        progress += n;
        BlockRange range = ranges.get(next);
        sink.onData(next, at, part);
        if (offset == range.offset() + range.length()) {
            advance();
            endIfDone();
        }
        ClientSession owner = owner();
        if (owed >= PORTION && owner != null && !isEnded()) {
            credit += owed;
            owner.sendCredit(this, owed);
            owed = 0;
        }
    }

    private void endIfDone() {
        if (next == ranges.size()) {
            end(null);
        }
    }

    @Override
    void finish(@Nullable Throwable failure) {
        executor.execute(() -> {
            if (failure == null) {
                result.complete(null);
            } else {
                result.completeExceptionally(failure);
            }
        });
    }
}
