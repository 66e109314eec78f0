package io.ppiofs.node.swarm;

import io.ppiofs.blockstore.BlockStore;
import io.ppiofs.blockstore.BlockStore.StoredBlock;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.network.NetworkId;
import io.ppiofs.node.audit.AuditOutcome;
import io.ppiofs.node.audit.AuditedVolume;
import io.ppiofs.node.audit.TagIndex;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.placement.Inventory;
import io.ppiofs.overlay.placement.SlotAddress;
import io.ppiofs.overlay.placement.SlotTable;
import io.ppiofs.proofs.audit.AuditForm;
import io.ppiofs.proofs.sdr.SealParameters;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A volume's groups as an auditor sees them. Thread-safe. */
final class AuditedGroups implements AuditedVolume {
    /** What the owner's auditor does otherwise than others'. */
    interface Role {
        /** See {@link AuditedVolume#form}. */
        AuditForm form();

        /** See {@link AuditedVolume#isFilled}. */
        boolean isFilled(SlotAddress slot);

        /** See {@link AuditedVolume#isBusy}. */
        boolean isBusy();

        /** See {@link AuditedVolume#isDrawn}. */
        boolean isDrawn(SlotTable table, int slot, long epoch);

        /** See {@link AuditedVolume#seals}. */
        default @Nullable SealParameters seals() {
            return null;
        }

        /** Whether peers shall have the public tags of a group. */
        boolean tags(Group group);

        /** See {@link AuditedVolume#failed}. */
        void failed(AuditOutcome outcome);

        /** See {@link AuditedVolume#here}. */
        BlockStore here();

        /** See {@link AuditedVolume#everywhere}. */
        BlockStore everywhere();
    }

    private final String name;
    private final NetworkId network;
    private final PeerId self;
    private final GroupBook book;
    private final TagBlocks tags;
    private final HolderTrust trust;
    private final Consumer<PeerId> caught;
    private final Role role;

    /**
     * @param trust where failures count
     * @param caught hears of each, too
     */
    AuditedGroups(
            String name,
            NetworkId network,
            PeerId self,
            GroupBook book,
            TagBlocks tags,
            HolderTrust trust,
            Consumer<PeerId> caught,
            Role role) {
        this.name = name;
        this.network = network;
        this.self = self;
        this.book = book;
        this.tags = tags;
        this.trust = trust;
        this.caught = caught;
        this.role = role;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public NetworkId network() {
        return network;
    }

    @Override
    public List<SlotTable> closedGroups() {
        return book.read().stream()
                .map(Group::table)
                .filter(table -> table.state() == SlotTable.State.CLOSED)
                .toList();
    }

    @Override
    public @Nullable Inventory inventory(SlotTable table) {
        Group group = book.find(table.group());
        if (group == null) {
            return null;
        }
        Inventory inventory = new Inventory(table.scheme(), book.entries(group));
        // the table may have been replaced meanwhile
        return Cid.of(ByteBuffer.wrap(inventory.encode())).equals(table.inventory()) ? inventory : null;
    }

    @Override
    public boolean isFilled(SlotAddress slot) {
        return role.isFilled(slot);
    }

    @Override
    public boolean isBusy() {
        return role.isBusy();
    }

    @Override
    public AuditForm form() {
        return role.form();
    }

    @Override
    public @Nullable SealParameters seals() {
        return role.seals();
    }

    @Override
    public boolean isDrawn(SlotTable table, int slot, long epoch) {
        return role.isDrawn(table, slot, epoch);
    }

    @Override
    public PeerId self() {
        return self;
    }

    @Override
    public boolean wantsTags(SlotTable table) {
        Group group = book.find(table.group());
        return group != null && role.tags(group) && !tags.areShared(group);
    }

    @Override
    public void shareTags(SlotTable table, TagIndex index, List<StoredBlock> blocks) {
        tags.share(table, index, blocks);
    }

    @Override
    public @Nullable TagIndex tagIndex(SlotTable table) {
        Group group = book.find(table.group());
        return group == null ? null : tags.index(group);
    }

    @Override
    public Map<Cid, ByteBuffer> tagBlocks(TagIndex index) {
        return tags.get(index);
    }

    @Override
    public BlockStore here() {
        return role.here();
    }

    @Override
    public BlockStore everywhere() {
        return role.everywhere();
    }

    @Override
    public void failed(AuditOutcome outcome) {
        role.failed(outcome);
    }

    @Override
    public void kept(PeerId holder) {
        trust.kept(holder);
    }

    @Override
    public void broke(PeerId holder) {
        caught.accept(holder);
        trust.broke(holder);
    }
}
