package io.ppiofs.overlay.fetch;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.overlay.blocks.BlockLimits;
import io.ppiofs.overlay.identity.PeerId;
import java.util.List;

/**
 * A block that is wanted.
 *
 * @param length bytes of the stored form
 * @param holders who should have it, the preferred ones (same region label) first; measured speed decides in the end
 */
public record Want(Cid cid, int length, List<PeerId> holders) {
    public Want {
        holders = List.copyOf(holders);
        if (length <= 0 || length > BlockLimits.MAX_BLOCK) {
            throw new IllegalArgumentException("no block: " + length + " bytes");
        }
    }
}
