package io.ppiofs.node.swarm;

import io.ppiofs.blockstore.BlockStore;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.network.NetworkId;
import io.ppiofs.node.audit.AuditedVolume;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.placement.Inventory;
import io.ppiofs.overlay.placement.SlotAddress;
import io.ppiofs.overlay.placement.SlotTable;
import io.ppiofs.overlay.storage.StorageDirectory;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** A volume's groups as its auditor sees them. Thread-safe. */
final class AuditedGroups implements AuditedVolume {
    private final String name;
    private final NetworkId network;
    private final GroupBook book;
    private final BlockStore here;
    private final BlockStore everywhere;
    private final HolderTrust trust;
    private final StorageDirectory directory;
    private final Predicate<SlotAddress> filled;
    private final BooleanSupplier busy;

    /**
     * @param filled whether a slot's holder has said that it has all of it
     * @param busy whether blocks wait to be brought to peers
     */
    AuditedGroups(
            String name,
            NetworkId network,
            GroupBook book,
            BlockStore here,
            BlockStore everywhere,
            HolderTrust trust,
            StorageDirectory directory,
            Predicate<SlotAddress> filled,
            BooleanSupplier busy) {
        this.name = name;
        this.network = network;
        this.book = book;
        this.here = here;
        this.everywhere = everywhere;
        this.trust = trust;
        this.directory = directory;
        this.filled = filled;
        this.busy = busy;
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
        return book.current().stream()
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
        return filled.test(slot);
    }

    @Override
    public boolean isBusy() {
        return busy.getAsBoolean();
    }

    @Override
    public BlockStore here() {
        return here;
    }

    @Override
    public BlockStore everywhere() {
        return everywhere;
    }

    @Override
    public void kept(PeerId holder) {
        trust.kept(holder);
    }

    @Override
    public void broke(PeerId holder) {
        directory.caught(holder);
        trust.broke(holder);
    }
}
