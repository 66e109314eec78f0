package io.ppiofs.node.audit;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.node.sectors.HostedSeals;
import io.ppiofs.node.sectors.HostedSlots;
import io.ppiofs.node.sectors.SealConsent;
import io.ppiofs.node.sectors.SectorOperations;
import io.ppiofs.node.sectors.Sectors;
import io.ppiofs.overlay.audit.SealAcceptance;
import io.ppiofs.overlay.audit.SealAsk;
import io.ppiofs.overlay.audit.SealOrder;
import io.ppiofs.overlay.audit.SealStatus;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.placement.GroupId;
import io.ppiofs.overlay.placement.Inventory;
import io.ppiofs.overlay.placement.SlotTable;
import io.ppiofs.overlay.placement.TableChain;
import io.ppiofs.overlay.storage.StorageHost;
import io.ppiofs.proofs.sector.SectorOptions;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Who holds a slot of a {@link TaggedVolume} and seals it with the product's parts, on a disk that outlives it. */
final class SealingHolder implements HostedSlots, AutoCloseable {
    private final TaggedVolume volume;
    private final int slot;
    private final Path directory;
    final List<SealOrder> orders = new ArrayList<>();

    /** Whether the slot is still leased here. */
    volatile boolean hosts = true;

    private Sectors sectors;
    private HostedSeals seals;

    SealingHolder(TaggedVolume volume, int slot, Path directory, SealConsent consent) {
        this.volume = volume;
        this.slot = slot;
        this.directory = directory.resolve("sectors-" + slot);
        start(consent);
    }

    /** Again, after {@link #close}. */
    void start(SealConsent consent) {
        sectors = new Sectors(directory, () -> new SectorOptions(operator().toBytes(), SectorOperations.porepId(), 1));
        seals = new HostedSeals(sectors, this, TaggedVolume.NETWORK, consent);
        seals.start();
    }

    SealStatus order(SealOrder order) {
        orders.add(order);
        return seals.order(order);
    }

    /** As the server has it done. */
    byte[] prove(SealAsk question) {
        SealOrder order = SealOrder.open(question.order(), TaggedVolume.NETWORK);
        return question.kind() == SealAsk.Kind.WINDOW
                ? seals.window(order, SealAcceptance.open(question.acceptance(), TaggedVolume.NETWORK), question)
                : seals.replication(order, question);
    }

    /** Files of this name in all sectors. */
    List<Path> files(String name) {
        try (Stream<Path> all = Files.walk(directory)) {
            return all.filter(file -> file.endsWith(name)).toList();
        } catch (IOException | PpiofsException e) {
            throw new UncheckedIOException(new IOException(e));
        }
    }

    @Override
    public PeerId operator() {
        return volume.holders.get(slot).peerId();
    }

    @Override
    public List<StorageHost.Hosted> hosted() {
        SlotTable table = volume.group.table();
        return hosts
                ? List.of(new StorageHost.Hosted(table.tenant(), table.group(), slot, table.generation(), 1, false))
                : List.of();
    }

    @Override
    public @Nullable TableChain table(PeerId tenant, GroupId group) {
        return TableChain.of(volume.group.table().sign(volume.tenant, TaggedVolume.NETWORK));
    }

    @Override
    public @Nullable Inventory inventory(SlotTable table) {
        return volume.group.inventory();
    }

    @Override
    public @Nullable ByteBuffer block(Cid cid) {
        return volume.everything.get(List.of(cid)).get(0);
    }

    @Override
    public void close() {
        sectors.close();
        seals.close();
    }
}
