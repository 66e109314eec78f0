package io.ppiofs.node.sectors;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.placement.GroupId;
import io.ppiofs.overlay.placement.Inventory;
import io.ppiofs.overlay.placement.SlotTable;
import io.ppiofs.overlay.placement.TableChain;
import io.ppiofs.overlay.storage.StorageHost;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** What a node hosts, as sealing sees it; each as {@link StorageHost} says. Thread-safe. */
public interface HostedSlots {
    PeerId operator();

    List<StorageHost.Hosted> hosted();

    @Nullable
    TableChain table(PeerId tenant, GroupId group);

    @Nullable
    Inventory inventory(SlotTable table);

    @Nullable
    ByteBuffer block(Cid cid);

    /** Bytes of the disk that are lent, and in which nothing is yet: they are promised to who hosts here. */
    default long unusedBytes() {
        return 0;
    }

    /** @param idle bytes that something else fills of what is lent, and gives back */
    static HostedSlots of(StorageHost storage, LongSupplier idle) {
        return new HostedSlots() {
            @Override
            public PeerId operator() {
                return storage.operator();
            }

            @Override
            public List<StorageHost.Hosted> hosted() {
                return storage.hosted();
            }

            @Override
            public @Nullable TableChain table(PeerId tenant, GroupId group) {
                return storage.table(tenant, group);
            }

            @Override
            public @Nullable Inventory inventory(SlotTable table) {
                return storage.inventory(table);
            }

            @Override
            public @Nullable ByteBuffer block(Cid cid) {
                return storage.block(cid);
            }

            @Override
            public long unusedBytes() {
                StorageHost.Usage usage = storage.usage();
                return Math.max(0, usage.capacity() - usage.bytes() - idle.getAsLong());
            }
        };
    }
}
