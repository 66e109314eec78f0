package io.ppiofs.node.swarm;

import io.ppiofs.blockstore.BlockStore;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.node.audit.AuditOutcome;
import io.ppiofs.overlay.placement.SlotAddress;
import io.ppiofs.overlay.placement.SlotTable;
import io.ppiofs.proofs.audit.AuditForm;
import io.ppiofs.proofs.sdr.SealParameters;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * How the auditor of a writer goes about it: in the private form, every slot; and where somebody may verify the volume, peers are given public tags.
 *
 * @param here what this machine has
 * @param everywhere the same, and behind it what peers have
 * @param marker a file that is there since the verify capability was given to somebody
 * @param sealing how slots shall be sealed; has null for not at all
 */
record OwnerRole(
        GroupBook book,
        Drainer drainer,
        Backlog backlog,
        BlockStore here,
        BlockStore everywhere,
        Path marker,
        AtomicReference<@Nullable SealParameters> sealing)
        implements AuditedGroups.Role {
    /** Name of {@link #marker} in the volume's directory. */
    static final String MARKER = "public-tags";

    /** What reads and puts the volume's tag blocks. */
    record Blocks(BlockStore store) implements TagBlocks.Blocks {
        @Override
        public Map<Cid, ByteBuffer> get(List<Cid> cids) {
            Map<Cid, ByteBuffer> found = new HashMap<>();
            try {
                List<@Nullable ByteBuffer> blocks = store.get(cids);
                for (int i = 0; i < cids.size(); i++) {
                    ByteBuffer block = blocks.get(i);
                    if (block != null && Cid.of(block.duplicate()).equals(cids.get(i))) {
                        found.put(cids.get(i), block);
                    }
                }
            } catch (PpiofsException e) {
                if (e.kind() == ErrorKind.INTERRUPTED || e.kind() == ErrorKind.INTERNAL) {
                    throw e;
                }
            }
            return found;
        }

        @Override
        public void put(List<BlockStore.StoredBlock> blocks) {
            store.put(blocks);
        }
    }

    @Override
    public AuditForm form() {
        return AuditForm.PRIVATE;
    }

    @Override
    public boolean isFilled(SlotAddress slot) {
        return drainer.isFilled(slot);
    }

    @Override
    public boolean isBusy() {
        return backlog.size() > 0;
    }

    @Override
    public boolean isDrawn(SlotTable table, int slot, long epoch) {
        return true;
    }

    @Override
    public @Nullable SealParameters seals() {
        return sealing.get();
    }

    @Override
    public boolean tags(Group group) {
        boolean stays = group.isCurrent()
                && group.table().state() == SlotTable.State.CLOSED
                && group.scheme().equals(drainer.options().scheme());
        return stays && (Files.exists(marker) || book.hasTags());
    }

    @Override
    public void failed(AuditOutcome outcome) {
        // it is the owner's own affair
    }
}
