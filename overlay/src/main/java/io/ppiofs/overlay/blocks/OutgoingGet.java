package io.ppiofs.overlay.blocks;

import io.ppiofs.blockstore.Cid;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A get that a server is answering. Position and source belong to the thread that has the turn of its priority; credit and
 * cancellation are under the session's lock.
 */
final class OutgoingGet {
    final int request;
    final Priority priority;
    final List<Cid> cids;
    final int[] offsets;
    final int[] lengths;

    long credit;
    boolean cancelled;

    int index;
    int offset;
    int end;
    boolean announced;

    @Nullable
    BlockSource source;

    OutgoingGet(int request, Priority priority, List<Cid> cids, int[] offsets, int[] lengths, long credit) {
        this.request = request;
        this.priority = priority;
        this.cids = cids;
        this.offsets = offsets;
        this.lengths = lengths;
        this.credit = credit;
    }

    boolean isDone() {
        return index == cids.size();
    }

    void next() {
        closeSource();
        index++;
    }

    void closeSource() {
        BlockSource open = source;
        source = null;
        if (open != null) {
            open.close();
        }
    }
}
