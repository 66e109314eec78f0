package io.ppiofs.node.audit;

import io.ppiofs.blockstore.BlockStore;
import io.ppiofs.blockstore.BlockStore.StoredBlock;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.MemoryBlockStore;
import io.ppiofs.blockstore.erasure.ReedSolomon;
import io.ppiofs.blockstore.erasure.Scheme;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.network.Network;
import io.ppiofs.overlay.placement.GroupId;
import io.ppiofs.overlay.placement.Inventory;
import io.ppiofs.overlay.placement.SlotAddress;
import io.ppiofs.overlay.placement.SlotTable;
import io.ppiofs.overlay.placement.Stripe;
import io.ppiofs.proofs.audit.AuditForm;
import io.ppiofs.proofs.sdr.SealParameters;
import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** A volume of one closed group of random blocks, whose parity is only in {@link #everything}. */
final class TaggedVolume implements AuditedVolume {
    static final NetworkId NETWORK = Network.PUBLIC.id();

    final IdentityKey tenant = IdentityKey.ofSeed(new byte[32]);
    final AuditKeys keys = new AuditKeys(new byte[32], tenant);
    final List<IdentityKey> holders = new ArrayList<>();
    final MemoryBlockStore local = new MemoryBlockStore();
    final MemoryBlockStore everything = new MemoryBlockStore();
    final List<PeerId> kept = new CopyOnWriteArrayList<>();
    final List<PeerId> broke = new CopyOnWriteArrayList<>();
    final Set<Integer> beingFilled = ConcurrentHashMap.newKeySet();
    final AtomicInteger looks = new AtomicInteger();
    final List<AuditOutcome> failed = new CopyOnWriteArrayList<>();
    final Set<Integer> drawn = ConcurrentHashMap.newKeySet();
    final MemoryBlockStore tagBlocks = new MemoryBlockStore();
    volatile AuditForm form = AuditForm.PRIVATE;
    volatile boolean shares;
    /** Whether there are no blocks here, nor anywhere, as for who has only the verify capability. */
    volatile boolean blind;

    /** How slots shall be sealed. */
    volatile @Nullable SealParameters seals;

    /** What goes wrong when it is looked for groups. */
    volatile @Nullable RuntimeException defect;

    final AtomicInteger fetches = new AtomicInteger();

    /** How often blocks that are elsewhere were wanted. */
    final AtomicInteger reads = new AtomicInteger();

    volatile @Nullable TagIndex index;
    final AuditedGroup group;

    /** Instead of it; null for none. */
    volatile @Nullable AuditedGroup other;

    TaggedVolume(Scheme scheme, int blocks, int bytes, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        List<Inventory.Entry> entries = new ArrayList<>();
        Map<Cid, ByteBuffer> made = new HashMap<>();
        for (int i = 0; i < blocks; i++) {
            byte[] content = new byte[bytes - (i % 3) * 5_000];
            random.nextBytes(content);
            Cid cid = Cid.of(ByteBuffer.wrap(content));
            made.put(cid, ByteBuffer.wrap(content));
            entries.add(new Inventory.Entry(cid, content.length));
            store(local, cid, content);
            store(everything, cid, content);
        }
        if (!scheme.isCopies()) {
            ReedSolomon code = ReedSolomon.cauchy(scheme.data(), scheme.parity());
            List<Inventory.Entry> all = new ArrayList<>();
            for (List<Inventory.Entry> data : Stripe.deal(entries, scheme)) {
                Stripe.Encoded encoded = Stripe.encode(code, scheme, data, made);
                all.addAll(encoded.stripe().entries());
                for (ByteBuffer parity : encoded.parity()) {
                    byte[] content = new byte[parity.remaining()];
                    parity.duplicate().get(content);
                    store(everything, Cid.of(parity.duplicate()), content);
                }
            }
            entries = all;
        }
        for (int i = 0; i < scheme.slots(); i++) {
            holders.add(IdentityKey.generate(new SecureRandom()));
        }
        Inventory inventory = new Inventory(scheme, entries);
        SlotTable table = new SlotTable(
                tenant.peerId(),
                GroupId.of(new byte[16]),
                1,
                scheme,
                SlotTable.State.CLOSED,
                holders.stream().map(IdentityKey::peerId).toList(),
                Cid.of(ByteBuffer.wrap(inventory.encode())));
        group = AuditedGroup.of(table, inventory);
        for (int slot = 0; slot < scheme.slots(); slot++) {
            drawn.add(slot);
        }
    }

    private static void store(BlockStore store, Cid cid, byte[] content) {
        store.put(List.of(new StoredBlock(cid, ByteBuffer.wrap(content))));
    }

    @Override
    public String name() {
        return "tagged";
    }

    @Override
    public NetworkId network() {
        return NETWORK;
    }

    @Override
    public List<SlotTable> closedGroups() {
        looks.incrementAndGet();
        RuntimeException wrong = defect;
        if (wrong != null) {
            defect = null;
            throw wrong;
        }
        AuditedGroup instead = other;
        return List.of(instead == null ? group.table() : instead.table());
    }

    @Override
    public @Nullable Inventory inventory(SlotTable table) {
        AuditedGroup instead = other;
        return instead == null ? group.inventory() : instead.inventory();
    }

    @Override
    public boolean isFilled(SlotAddress slot) {
        return !beingFilled.contains(slot.slot());
    }

    @Override
    public boolean isBusy() {
        return false;
    }

    @Override
    public AuditForm form() {
        return form;
    }

    @Override
    public @Nullable SealParameters seals() {
        return seals;
    }

    @Override
    public boolean isDrawn(SlotTable table, int slot, long epoch) {
        return drawn.contains(slot);
    }

    @Override
    public PeerId self() {
        return tenant.peerId();
    }

    @Override
    public boolean wantsTags(SlotTable table) {
        return shares && index == null;
    }

    @Override
    public void shareTags(SlotTable table, TagIndex shared, List<StoredBlock> blocks) {
        index = shared;
        tagBlocks.put(blocks);
    }

    @Override
    public @Nullable TagIndex tagIndex(SlotTable table) {
        return index;
    }

    @Override
    public Map<Cid, ByteBuffer> tagBlocks(TagIndex wanted) {
        Map<Cid, ByteBuffer> found = new HashMap<>();
        fetches.incrementAndGet();
        for (Cid cid : wanted.cids()) {
            ByteBuffer block = tagBlocks.get(List.of(cid)).get(0);
            if (block != null) {
                found.put(cid, block);
            }
        }
        return found;
    }

    @Override
    public void failed(AuditOutcome outcome) {
        failed.add(outcome);
    }

    @Override
    public BlockStore here() {
        return blind ? new MemoryBlockStore() : local;
    }

    @Override
    public BlockStore everywhere() {
        reads.incrementAndGet();
        return blind ? new MemoryBlockStore() : everything;
    }

    @Override
    public void kept(PeerId holder) {
        kept.add(holder);
    }

    @Override
    public void broke(PeerId holder) {
        broke.add(holder);
    }
}
