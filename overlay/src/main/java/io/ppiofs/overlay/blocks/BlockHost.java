package io.ppiofs.overlay.blocks;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.placement.SlotAddress;
import java.nio.ByteBuffer;
import java.util.BitSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What the block server serves from and stores into. All calls come from the server's disk threads, several at once,
 * and may block; {@code asker} is the authenticated peer at the other end. An exception is logged, counted and answered as
 * if the block were not here (reading) or as {@link Verdict.Outcome#BUSY} (storing); it never ends the stream.
 */
public interface BlockHost {
    /** Bit i is set where {@code cids.get(i)} is here and {@code asker} may have it. */
    BitSet has(PeerId asker, List<Cid> cids);

    /** The block for reading, which the server closes; null if it is not here or {@code asker} may not have it. */
    @Nullable
    BlockSource open(PeerId asker, Cid cid);

    /**
     * Whether the block would be taken, asked before its bytes travel. Null: send it. {@link Verdict#STORED}: it is here
     * already (and now belongs to this slot, too; {@link #durable} is called before that is answered). Anything else refuses it.
     * What is admitted may still never come.
     *
     * @param tenant the key under which the volume stores; <em>not</em> proven to be the asker's
     * @param length bytes of the stored form, from 1 to {@link BlockLimits#MAX_BLOCK}
     */
    @Nullable
    Verdict admit(PeerId asker, PeerId tenant, SlotAddress slot, Cid cid, int length);

    /**
     * Takes a block that was admitted. Its bytes have been checked against {@code cid}; they are read from position to
     * limit and not kept after the call.
     */
    Verdict store(PeerId asker, PeerId tenant, SlotAddress slot, Cid cid, ByteBuffer bytes);

    /**
     * Makes every {@link #store} and {@link #admit} that returned before survive power loss; called before a put is answered. If it
     * throws, nothing of the put is answered as stored. Calls of several puts come together: one flush should serve them all.
     */
    void durable();

    /** A receipt for served bytes, newer than all of this peer and tenant before. */
    default void receipt(PeerId asker, Receipt receipt) {}
}
