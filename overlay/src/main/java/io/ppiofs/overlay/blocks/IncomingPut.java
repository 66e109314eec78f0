package io.ppiofs.overlay.blocks;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.placement.SlotAddress;
import java.util.BitSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A put that a server is taking. Under the session's lock, but for what is final. */
final class IncomingPut {
    final int request;
    final PeerId tenant;
    final SlotAddress slot;
    final List<Cid> cids;
    final int[] lengths;
    final @Nullable Verdict[] verdicts;

    /** Blocks whose bytes are still to come. */
    final BitSet wanted = new BitSet();

    /** Blocks without a verdict. */
    int open;

    /** The block that is arriving; null with {@link #index} set: its bytes are dropped. */
    @Nullable
    BlockBuffer arriving;

    int index = -1;
    int arrived;
    boolean cancelled;

    IncomingPut(int request, PeerId tenant, SlotAddress slot, List<Cid> cids, int[] lengths) {
        this.request = request;
        this.tenant = tenant;
        this.slot = slot;
        this.cids = cids;
        this.lengths = lengths;
        this.verdicts = new Verdict[cids.size()];
        this.open = cids.size();
    }

    /** @return whether this was the last one */
    boolean decide(int which, Verdict verdict) {
        verdicts[which] = verdict;
        return --open == 0;
    }
}
