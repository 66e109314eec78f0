package io.ppiofs.overlay.fetch;

import io.ppiofs.blockstore.Cid;
import java.util.Collection;
import java.util.List;

/**
 * A fetch whose end is not known when it begins: blocks are added as their reader goes on. Each piece is asked of the peer that is
 * predicted to have it first, so the first blocks come first however slow one of the peers is. Safe for any thread.
 */
public interface StreamTransfer extends Transfer {
    /**
     * Adds blocks behind those that are wanted already.
     *
     * @return false if the transfer has ended: nothing was added
     */
    boolean want(List<Want> next);

    /**
     * Nobody wants these any more, as after a seek. Those of which some was asked for come all the same, but last.
     *
     * @return those that are forgotten: the sink never hears of them
     */
    List<Cid> drop(Collection<Cid> cids);

    /** Whether some of a block was asked for, it has not come yet, and it was not dropped. */
    boolean hasBegun(Cid cid);

    /** No more will be wanted: it ends when all has come. */
    void finish();
}
