package io.ppiofs.overlay.blocks;

import io.ppiofs.blockstore.BlockStore.StoredBlock;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.placement.SlotAddress;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/**
 * Asks peers for blocks and gives them blocks. Connects by itself and keeps one stream per peer. Safe for any thread; no
 * method blocks. Futures complete on the connection's event loop or the client's executor: do not block in their callbacks.
 *
 * <p>Futures fail with {@link io.ppiofs.error.PpiofsException}: NOT_CONNECTED (no way to the peer, or lost on the way),
 * NOT_SUPPORTED (it does not speak the protocol, or insists on a feature that we lack), BUSY, IO (too slow), CORRUPT (wrong
 * bytes, or not this protocol), INTERRUPTED (the client is closed).
 */
public interface BlockClient extends AutoCloseable {
    /** Bit i is set where the peer says it has {@code cids.get(i)}: a hint. Any number of CIDs. */
    CompletableFuture<BitSet> have(PeerId peer, List<Cid> cids);

    /** Fetches whole blocks, in this order as far as priorities leave it to the peer. Any number of CIDs. */
    Fetch get(PeerId peer, List<Cid> cids, Priority priority, BlockSink sink);

    /** Goes on with a fetch that failed, with any peer. */
    Fetch resume(PeerId peer, FetchRest rest, Priority priority, BlockSink sink);

    /**
     * Fetches parts of blocks without checking them.
     *
     * @return its {@link Fetch#rest} is empty: the caller knows what it got
     */
    Fetch ranges(PeerId peer, List<BlockRange> ranges, Priority priority, RangeSink sink);

    /**
     * Gives blocks to the peer for one slot. The bytes are sent from the callers' buffers, which must not change before the
     * future ends; blocks that the peer has, or does not take, are not sent.
     *
     * @return one verdict per block, in order; a failed future says nothing about any of them
     */
    CompletableFuture<List<Verdict>> put(
            PeerId peer, PeerId tenant, SlotAddress slot, List<StoredBlock> blocks, Priority priority);

    /** What is known of the peer. */
    PeerStatistics statistics(PeerId peer);

    /** What is known of all peers that were asked. */
    Map<PeerId, PeerStatistics> statistics();

    /** Ends all requests with INTERRUPTED, and all streams. Idempotent. */
    @Override
    void close();
}
