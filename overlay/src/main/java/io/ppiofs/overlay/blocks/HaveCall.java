package io.ppiofs.overlay.blocks;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.overlay.wire.BlocksWire.Frame;
import io.ppiofs.overlay.wire.BlocksWire.Have;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** Asks what is there. */
final class HaveCall extends Call {
    final CompletableFuture<BitSet> result = new CompletableFuture<>();
    private final List<Cid> cids;
    private volatile BitSet answer = new BitSet();

    HaveCall(List<Cid> cids) {
        super(Priority.FOREGROUND);
        this.cids = cids;
    }

    @Override
    Frame message() {
        return Frame.newBuilder()
                .setHave(Have.newBuilder().setRequest(request).setDigests(Wire.digests(cids)))
                .build();
    }

    @Override
    String operation() {
        return "ask for blocks";
    }

    @Override
    void onFrame(Frame frame) {
        if (!frame.hasHas()) {
            throw FrameDecoder.refused("another answer than was asked for");
        }
        answer = Wire.bits(frame.getHas().getBits(), cids.size());
        end(null);
    }

    @Override
    void finish(@Nullable Throwable failure) {
        if (failure == null) {
            result.complete(answer);
        } else {
            result.completeExceptionally(failure);
        }
    }
}
