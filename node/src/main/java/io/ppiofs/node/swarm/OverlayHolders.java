package io.ppiofs.node.swarm;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.ppiofs.blockstore.BlockStore.StoredBlock;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.blocks.BlockClient;
import io.ppiofs.overlay.blocks.BlockRange;
import io.ppiofs.overlay.blocks.Fetch;
import io.ppiofs.overlay.blocks.Priority;
import io.ppiofs.overlay.blocks.RangeSink;
import io.ppiofs.overlay.blocks.Verdict;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.placement.GroupId;
import io.ppiofs.overlay.placement.SlotAddress;
import io.ppiofs.overlay.placement.SlotTable;
import io.ppiofs.overlay.placement.TableChain;
import io.ppiofs.overlay.storage.Grant;
import io.ppiofs.overlay.storage.LeaseOrder;
import io.ppiofs.overlay.storage.RepairMandate;
import io.ppiofs.overlay.storage.StorageClient;
import io.ppiofs.overlay.storage.StorageDirectory;
import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** Holders over the storage and block protocols, for one volume's tenant key. Thread-safe. */
final class OverlayHolders implements Holders {
    /** Asked for at an operator that has given no grant yet; it may give less. */
    private static final long GRANT = 1L << 40;

    /** Bytes of a block that are compared to see whether a holder has it. */
    static final int PART = 4 << 10;

    private static final SecureRandom RANDOM = new SecureRandom();

    private final PeerId self;
    private final IdentityKey tenant;
    private final StorageClient storage;
    private final StorageDirectory directory;
    private final BlockClient blocks;
    private final Proposer proposer;
    private final RepairMandate.Signed mandate;
    private final Map<PeerId, CompletableFuture<Grant.Signed>> grants = new ConcurrentHashMap<>();
    private final AtomicLong sequence = new AtomicLong(System.currentTimeMillis());

    /** Chooses peers for slots; see {@link Holders#propose}. */
    @FunctionalInterface
    interface Proposer {
        List<PeerId> propose(GroupId group, List<@Nullable PeerId> slots, Set<PeerId> avoid);
    }

    /** @param self the peer that sends blocks, this node */
    OverlayHolders(
            PeerId self,
            IdentityKey tenant,
            StorageClient storage,
            StorageDirectory directory,
            BlockClient blocks,
            Proposer proposer,
            long groupBytes) {
        this.self = self;
        this.tenant = tenant;
        this.storage = storage;
        this.directory = directory;
        this.blocks = blocks;
        this.proposer = proposer;
        this.mandate = new RepairMandate(tenant.peerId(), System.currentTimeMillis(), 2 * groupBytes, LeaseOrder.USUAL)
                .sign(tenant, network());
    }

    private NetworkId network() {
        return storage.network().id();
    }

    @Override
    public List<PeerId> propose(GroupId group, List<@Nullable PeerId> slots, Set<PeerId> avoid) {
        return proposer.propose(group, slots, avoid);
    }

    @Override
    public boolean isLeaving(PeerId holder) {
        return directory.isLeaving(holder);
    }

    @Override
    public CompletableFuture<Void> admit(PeerId holder, SlotTable.Signed table, long maxBytes) {
        return grant(holder)
                .thenCompose(grant -> {
                    List<CompletableFuture<?>> leases = new ArrayList<>();
                    for (int slot : table.table().slotsOf(holder)) {
                        LeaseOrder order = new LeaseOrder(
                                tenant.peerId(),
                                table.table().slot(slot),
                                sequence.incrementAndGet(),
                                List.of(self),
                                maxBytes,
                                LeaseOrder.USUAL);
                        leases.add(storage.lease(holder, order.sign(tenant, network()), grant, mandate));
                    }
                    return CompletableFuture.allOf(leases.toArray(CompletableFuture<?>[]::new));
                })
                .thenCompose(leased -> storage.tell(holder, TableChain.of(table)))
                .whenComplete((told, failure) -> observe(holder, failure))
                .thenAccept(told -> {});
    }

    private CompletableFuture<Grant.Signed> grant(PeerId holder) {
        CompletableFuture<Grant.Signed> grant =
                grants.computeIfAbsent(holder, peer -> storage.requestGrant(peer, tenant, GRANT, null));
        if (grant.isCompletedExceptionally()) {
            grants.remove(holder, grant);
        }
        return grant;
    }

    /** A lease is of one generation, so a new table means new leases. */
    @Override
    public CompletableFuture<Void> tell(PeerId holder, SlotTable.Signed table) {
        return admit(holder, table, mandate.mandate().maxBytes());
    }

    @Override
    public CompletableFuture<Void> retire(PeerId holder, SlotTable.Signed table) {
        return unlessUnknown(storage.tell(holder, TableChain.of(table))).thenAccept(told -> {});
    }

    @Override
    public CompletableFuture<SlotTable.@Nullable Signed> table(PeerId holder, GroupId group) {
        return unlessUnknown(storage.table(holder, tenant.peerId(), group))
                .thenApply(chain -> chain == null ? null : chain.newestSigned());
    }

    @Override
    public CompletableFuture<@Nullable BitSet> lacks(PeerId holder, SlotAddress slot, boolean restore) {
        return unlessUnknown(storage.lacks(holder, tenant.peerId(), slot.group(), slot.slot(), restore))
                .thenApply(lack -> lack == null ? null : lack.missing());
    }

    /** The answer, null for NOT_FOUND. */
    private static <T> CompletableFuture<@Nullable T> unlessUnknown(CompletableFuture<T> answer) {
        return answer.<@Nullable T>thenApply(value -> value).exceptionally(failure -> {
            if (causeOf(failure) instanceof PpiofsException e && e.kind() == ErrorKind.NOT_FOUND) {
                return null;
            }
            throw wrapped(failure);
        });
    }

    private static Throwable causeOf(Throwable failure) {
        return failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
    }

    private static CompletionException wrapped(Throwable failure) {
        return failure instanceof CompletionException e ? e : new CompletionException(failure);
    }

    @Override
    public CompletableFuture<BitSet> put(PeerId holder, SlotAddress slot, List<StoredBlock> batch) {
        return blocks.put(holder, tenant.peerId(), slot, batch, Priority.DRAIN)
                .thenApply(verdicts -> stored(holder, verdicts))
                .whenComplete((stored, failure) -> observe(holder, failure));
    }

    private static BitSet stored(PeerId holder, List<Verdict> verdicts) {
        BitSet stored = new BitSet(verdicts.size());
        for (int i = 0; i < verdicts.size(); i++) {
            stored.set(i, verdicts.get(i).isStored());
        }
        if (stored.isEmpty() && !verdicts.isEmpty()) {
            throw new PpiofsException(
                    verdicts.get(0).outcome() == Verdict.Outcome.NO_SPACE ? ErrorKind.NO_SPACE : ErrorKind.BUSY,
                    "put",
                    holder.toString(),
                    "takes no blocks: " + verdicts.get(0).reason());
        }
        return stored;
    }

    @Override
    public CompletableFuture<BitSet> have(PeerId holder, List<Cid> cids) {
        return blocks.have(holder, cids);
    }

    @Override
    public CompletableFuture<Boolean> proves(PeerId holder, Cid cid, @Nullable ByteBuffer here) {
        CompletableFuture<Boolean> proof = here == null ? provesWhole(holder, cid) : provesPart(holder, cid, here);
        return proof.whenComplete((proven, failure) -> {
            if (failure == null && !proven) {
                directory.caught(holder);
            } else {
                observe(holder, failure);
            }
        });
    }

    private CompletableFuture<Boolean> provesWhole(PeerId holder, Cid cid) {
        AtomicBoolean came = new AtomicBoolean();
        Fetch fetch = blocks.get(holder, List.of(cid), Priority.REPAIR, (index, name, bytes) -> came.set(true));
        return fetch.done().thenApply(nothing -> came.get()).exceptionally(failure -> {
            if (causeOf(failure) instanceof PpiofsException e && e.kind() == ErrorKind.CORRUPT) {
                return false;
            }
            throw wrapped(failure);
        });
    }

    private CompletableFuture<Boolean> provesPart(PeerId holder, Cid cid, ByteBuffer here) {
        int length = Math.min(PART, here.remaining());
        int offset = RANDOM.nextInt(here.remaining() - length + 1);
        ByteBuffer expected = here.slice(here.position() + offset, length);
        AtomicBoolean equal = new AtomicBoolean(true);
        Fetch fetch =
                blocks.ranges(holder, List.of(new BlockRange(cid, offset, length)), Priority.REPAIR, new RangeSink() {
                    @Override
                    public void onData(int index, int at, ByteBuf data) {
                        int from = at - offset;
                        ByteBuf wanted = Unpooled.wrappedBuffer(expected.slice(from, data.readableBytes()));
                        if (!ByteBufUtil.equals(wanted, data)) {
                            equal.set(false);
                        }
                    }

                    @Override
                    public void onMissing(int index) {
                        equal.set(false);
                    }
                });
        return fetch.done().thenApply(nothing -> equal.get());
    }

    private void observe(PeerId holder, @Nullable Throwable failure) {
        if (failure == null) {
            directory.served(holder);
        } else {
            directory.failed(holder);
            grants.remove(holder);
        }
    }
}
