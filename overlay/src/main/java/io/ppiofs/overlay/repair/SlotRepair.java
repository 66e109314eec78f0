package io.ppiofs.overlay.repair;

import io.ppiofs.blockstore.BlockStore.StoredBlock;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.blocks.Verdict;
import io.ppiofs.overlay.host.Host;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.network.Network;
import io.ppiofs.overlay.placement.Candidate;
import io.ppiofs.overlay.placement.Inventory;
import io.ppiofs.overlay.placement.Proposal;
import io.ppiofs.overlay.placement.Rendezvous;
import io.ppiofs.overlay.placement.SlotAddress;
import io.ppiofs.overlay.placement.SlotTable;
import io.ppiofs.overlay.placement.TableChain;
import io.ppiofs.overlay.storage.PinnedHead;
import io.ppiofs.overlay.storage.RepairMandate;
import io.ppiofs.overlay.storage.StorageAdvert;
import io.ppiofs.overlay.storage.StorageClient;
import io.ppiofs.overlay.storage.StorageDirectory;
import io.ppiofs.overlay.storage.StorageHost;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One repair of one group: for each lost slot a new holder, its lease, its blocks; then the next table, told to everybody.
 * A holder that leaves gives its own slots to others in the same way ({@link Goal#HAND_OVER}).
 * Runs on the environment's serial executor. Failing leaves nothing but leases that end by themselves.
 */
final class SlotRepair {
    private static final Logger LOG = LoggerFactory.getLogger(SlotRepair.class);
    private static final int MOST_TRIES = 8;

    /** Why slots get other holders. */
    enum Goal {
        /** Their holders are lost; whoever takes them makes things better. */
        RESTORE,
        /**
         * This host, which has them, is leaving. Not for less redundancy than there is now, and not before each new holder has
         * said that it has everything and goes by the table that names it.
         */
        HAND_OVER
    }

    /** What every repair works with. */
    record Environment(
            Host host,
            Network network,
            StorageHost storage,
            StorageClient client,
            StorageDirectory directory,
            BlockMover mover,
            RepairOptions options,
            Executor work,
            AtomicLong bytesSent,
            AtomicLong bytesFetched) {}

    private final Environment env;
    private final Goal goal;
    private final TableChain chain;
    private final SlotTable table;
    private final List<Integer> lost;
    private final List<Integer> live;
    private final BooleanSupplier moot;
    private final List<@Nullable PeerId> holders;
    private final Set<PeerId> refused = new HashSet<>();
    private final Rendezvous rendezvous;

    /**
     * @param lost slots to be given to others; of a {@link Goal#HAND_OVER} this host's own
     * @param live slots whose holders are alive
     * @param moot whether the repair has no reason any more; asked between batches
     */
    SlotRepair(
            Environment env,
            Goal goal,
            TableChain chain,
            List<Integer> lost,
            List<Integer> live,
            BooleanSupplier moot) {
        this.env = env;
        this.goal = goal;
        this.chain = chain;
        this.table = chain.newest();
        this.lost = lost;
        this.live = live;
        this.moot = moot;
        this.holders = new ArrayList<>(table.holders());
        lost.forEach(slot -> holders.set(slot, null));
        // known to holders only and equal for all of them: who takes over chooses the same peer and goes on with its
        // slot
        byte[] salt = Cid.of(ByteBuffer.wrap(chain.newestSigned().envelope())).digest();
        this.rendezvous = new Rendezvous(Arrays.copyOf(salt, Rendezvous.SALT));
    }

    CompletableFuture<Void> run() {
        return contents()
                .thenComposeAsync(
                        inventory -> {
                            CompletableFuture<Void> all = CompletableFuture.completedFuture(null);
                            for (int slot : lost) {
                                all = all.thenComposeAsync(done -> replace(slot, inventory, 0), env.work());
                            }
                            return all.thenComposeAsync(done -> publish(), env.work());
                        },
                        env.work());
    }

    // -------------------------------------------------------------------------------------- what must be there

    /** The inventory, or for an open group what its live holders have together. */
    private CompletableFuture<Inventory> contents() {
        Inventory here = env.storage().inventory(table);
        if (here != null) {
            return CompletableFuture.completedFuture(here);
        }
        if (table.state() != SlotTable.State.OPEN) {
            return CompletableFuture.failedFuture(failure(ErrorKind.NOT_FOUND, "its inventory is not here"));
        }
        Map<Cid, Inventory.Entry> union = new LinkedHashMap<>();
        CompletableFuture<Void> all = CompletableFuture.completedFuture(null);
        for (int slot : live) {
            all = all.thenComposeAsync(done -> holdings(slot, union), env.work());
        }
        return all.thenApply(done -> new Inventory(table.scheme(), new ArrayList<>(union.values())));
    }

    private CompletableFuture<Void> holdings(int slot, Map<Cid, Inventory.Entry> union) {
        PeerId holder = table.holders().get(slot);
        if (holder.equals(env.host().id())) {
            env.storage()
                    .holdings(chain.tenant(), chain.group(), slot, 0, Inventory.MAX_ENTRIES)
                    .entries()
                    .forEach(entry -> union.put(entry.cid(), entry));
            return CompletableFuture.completedFuture(null);
        }
        return env.client()
                .allHoldings(holder, chain.tenant(), chain.group(), slot)
                .exceptionally(failure -> List.of())
                .thenAcceptAsync(
                        entries -> entries.forEach(entry -> union.putIfAbsent(entry.cid(), entry)), env.work());
    }

    // ------------------------------------------------------------------------------------------- one lost slot

    private CompletableFuture<Void> replace(int slot, Inventory inventory, int tries) {
        if (moot.getAsBoolean()) {
            return CompletableFuture.failedFuture(
                    failure(ErrorKind.INTERRUPTED, "there is nothing to repair any more"));
        }
        List<Inventory.Entry> entries = inventory.ofSlot(slot);
        List<Inventory.Entry> more = goal == Goal.HAND_OVER ? beyond(slot, entries) : List.of();
        long bytes = entries.stream().mapToLong(Inventory.Entry::length).sum()
                + more.stream().mapToLong(Inventory.Entry::length).sum()
                + inventory.encode().length;
        PeerId peer = tries >= MOST_TRIES ? null : choose(slot, bytes);
        if (peer == null) {
            return CompletableFuture.failedFuture(
                    failure(ErrorKind.NO_SPACE, "no other operator takes slot " + slot + " now"));
        }
        SlotAddress address = new SlotAddress(chain.group(), slot, chain.generation() + 1);
        return lease(peer, address, bytes)
                .thenComposeAsync(leased -> move(peer, address, inventory, entries, more), env.work())
                .handleAsync(
                        (done, failed) -> {
                            if (failed == null) {
                                holders.set(slot, peer);
                                env.directory().served(peer);
                                return CompletableFuture.<Void>completedFuture(null);
                            }
                            if (moot.getAsBoolean()) {
                                return CompletableFuture.<Void>failedFuture(failed);
                            }
                            LOG.info("group {}: {} does not take slot {}: {}", chain, peer, slot, failed.toString());
                            refused.add(peer);
                            if (isUnreachable(failed)) {
                                env.directory().failed(peer);
                            }
                            return replace(slot, inventory, tries + 1);
                        },
                        env.work())
                .thenCompose(next -> next);
    }

    /** What this host's slot holds and no inventory names: the newest manifests. */
    private List<Inventory.Entry> beyond(int slot, List<Inventory.Entry> named) {
        Set<Cid> known = new HashSet<>();
        named.forEach(entry -> known.add(entry.cid()));
        Cid inventory = table.inventory();
        if (inventory != null) {
            known.add(inventory); // sent last
        }
        List<Inventory.Entry> more = new ArrayList<>();
        long from = 0;
        List<Inventory.Entry> page = held(slot, from);
        while (!page.isEmpty()) {
            page.stream().filter(entry -> known.add(entry.cid())).forEach(more::add);
            from += page.size();
            page = held(slot, from);
        }
        return more;
    }

    private List<Inventory.Entry> held(int slot, long from) {
        try {
            return env.storage()
                    .holdings(chain.tenant(), chain.group(), slot, from, Inventory.MAX_ENTRIES)
                    .entries();
        } catch (PpiofsException e) {
            if (e.kind() == ErrorKind.NOT_FOUND) {
                return List.of(); // the table names this host, but it has no such slot
            }
            throw e;
        }
    }

    private static boolean isUnreachable(Throwable failed) {
        Throwable cause =
                failed instanceof CompletionException && failed.getCause() != null ? failed.getCause() : failed;
        return cause instanceof PpiofsException e && e.kind() == ErrorKind.NOT_CONNECTED;
    }

    private @Nullable PeerId choose(int slot, long bytes) {
        List<Candidate> candidates = new ArrayList<>();
        for (StorageDirectory.Operator operator : env.directory().operators()) {
            StorageAdvert advert = operator.advert();
            if (!refused.contains(operator.peer())
                    && !operator.peer().equals(env.host().id())) {
                candidates.add(new Candidate(
                        operator.peer(),
                        advert.capacity(),
                        advert.free(),
                        advert.domain(),
                        Candidate.prefixes(advert.addresses()),
                        advert.reachability(),
                        operator.score()));
            }
        }
        List<PeerId> filled = rendezvous
                .fill(chain.group(), holders, bytes, candidates, peer -> 0)
                .holders();
        PeerId chosen = filled.isEmpty() ? null : filled.get(slot);
        if (goal == Goal.HAND_OVER) {
            boolean less = !filled.isEmpty()
                    && Proposal.tolerates(table.scheme(), filled) < Proposal.tolerates(table.scheme(), table.holders());
            return less ? null : chosen;
        }
        // a second copy with one peer protects from nothing
        return chosen != null && table.scheme().isCopies() && holders.contains(chosen) ? null : chosen;
    }

    private CompletableFuture<StorageClient.Leased> lease(PeerId peer, SlotAddress address, long bytes) {
        RepairMandate.Signed mandate = env.storage().mandate(chain.tenant());
        if (mandate == null || mandate.mandate().maxBytes() < bytes) {
            return CompletableFuture.failedFuture(
                    failure(ErrorKind.ACCESS_DENIED, "the tenant's mandate does not cover " + bytes + " bytes"));
        }
        return env.client().leaseForRepair(peer, address, mandate.mandate().maxBytes(), mandate, chain);
    }

    private CompletableFuture<Void> move(
            PeerId peer,
            SlotAddress address,
            Inventory inventory,
            List<Inventory.Entry> entries,
            List<Inventory.Entry> more) {
        SlotSource source =
                new SlotSource(env.storage(), env.mover(), env.work(), env.bytesFetched(), table, inventory, live);
        return env.client()
                .allHoldings(peer, chain.tenant(), chain.group(), address.slot())
                .thenComposeAsync(
                        held -> {
                            Set<Cid> there = new HashSet<>();
                            held.forEach(entry -> there.add(entry.cid()));
                            List<Integer> places = new ArrayList<>();
                            for (int i = 0; i < entries.size(); i++) {
                                if (!there.contains(entries.get(i).cid())) {
                                    places.add(i);
                                }
                            }
                            Batches batches = new Batches(
                                    places, entries, env.options(), env.host().scheduler());
                            return batches.each(batch -> send(peer, address, source, batch), env.work())
                                    .thenComposeAsync(done -> sendHeld(peer, address, more, there), env.work());
                        },
                        env.work())
                .thenComposeAsync(done -> sendInventory(peer, address, inventory), env.work());
    }

    private CompletableFuture<Void> send(PeerId peer, SlotAddress address, SlotSource source, List<Integer> batch) {
        if (moot.getAsBoolean()) {
            return CompletableFuture.failedFuture(
                    failure(ErrorKind.INTERRUPTED, "there is nothing to repair any more"));
        }
        return source.blocks(address.slot(), batch).thenComposeAsync(blocks -> put(peer, address, blocks), env.work());
    }

    /** Sends what is here and not there yet, as it is. */
    private CompletableFuture<Void> sendHeld(
            PeerId peer, SlotAddress address, List<Inventory.Entry> entries, Set<Cid> there) {
        List<Integer> places = new ArrayList<>();
        for (int i = 0; i < entries.size(); i++) {
            if (!there.contains(entries.get(i).cid())) {
                places.add(i);
            }
        }
        Batches batches = new Batches(places, entries, env.options(), env.host().scheduler());
        return batches.each(
                batch -> {
                    List<@Nullable StoredBlock> blocks = new ArrayList<>();
                    for (int place : batch) {
                        Cid cid = entries.get(place).cid();
                        ByteBuffer bytes = env.storage().block(cid);
                        blocks.add(bytes == null ? null : new StoredBlock(cid, bytes));
                    }
                    return put(peer, address, blocks);
                },
                env.work());
    }

    private CompletableFuture<Void> sendInventory(PeerId peer, SlotAddress address, Inventory inventory) {
        Cid cid = table.inventory();
        if (cid == null) {
            return CompletableFuture.completedFuture(null);
        }
        return put(peer, address, List.of(new StoredBlock(cid, ByteBuffer.wrap(inventory.encode()))));
    }

    private CompletableFuture<Void> put(PeerId peer, SlotAddress address, List<@Nullable StoredBlock> blocks) {
        List<StoredBlock> all = new ArrayList<>();
        for (StoredBlock block : blocks) {
            if (block == null) {
                return CompletableFuture.failedFuture(
                        failure(ErrorKind.NO_DATA, "a block cannot be had from the live holders now"));
            }
            all.add(block);
        }
        long bytes = all.stream().mapToLong(block -> block.bytes().remaining()).sum();
        return env.mover().put(peer, chain.tenant(), address, all).thenAccept(verdicts -> {
            env.bytesSent().addAndGet(bytes);
            for (Verdict verdict : verdicts) {
                if (!verdict.isStored()) {
                    throw failure(ErrorKind.NO_SPACE, verdict.outcome() + ", " + verdict.reason());
                }
            }
        });
    }

    // ------------------------------------------------------------------------------------------ the next table

    private CompletableFuture<Void> publish() {
        if (moot.getAsBoolean()) {
            return CompletableFuture.failedFuture(
                    failure(ErrorKind.INTERRUPTED, "there is nothing to repair any more"));
        }
        List<PeerId> all = new ArrayList<>();
        holders.forEach(holder -> {
            if (holder != null) {
                all.add(holder);
            }
        });
        TableChain next =
                chain.then(table.moved(all).sign(env.host().key(), env.network().id()));
        if (goal == Goal.RESTORE) {
            return tellAll(next, all);
        }
        Set<PeerId> fresh = new HashSet<>();
        lost.forEach(slot -> fresh.add(all.get(slot)));
        List<CompletableFuture<?>> taken = new ArrayList<>();
        for (PeerId peer : fresh) {
            taken.add(env.client().tell(peer, next));
            taken.addAll(giveHeads(peer));
        }
        return CompletableFuture.allOf(taken.toArray(CompletableFuture<?>[]::new))
                .thenComposeAsync(done -> tellAll(next, all), env.work());
    }

    /** The tenant's heads are kept by the holders of its newest group; whoever takes over a group keeps them, too. */
    private List<CompletableFuture<Boolean>> giveHeads(PeerId peer) {
        List<CompletableFuture<Boolean>> given = new ArrayList<>();
        for (PinnedHead.Signed head : env.storage().heads()) {
            if (head.pin().tenant().equals(chain.tenant())) {
                given.add(env.client().pinHead(peer, head).handle((kept, failed) -> {
                    if (failed != null) {
                        // the group's other holders keep it, too
                        LOG.info("group {}: {} does not keep its tenant's head: {}", chain, peer, failed.toString());
                    }
                    return failed == null;
                }));
            }
        }
        return given;
    }

    private CompletableFuture<Void> tellAll(TableChain next, List<PeerId> all) {
        env.storage().offer(next);
        Set<PeerId> told = new HashSet<>(all);
        told.addAll(table.holders());
        told.remove(env.host().id());
        List<CompletableFuture<?>> answers = new ArrayList<>();
        for (PeerId peer : told) {
            answers.add(env.client().tell(peer, next).handle((theirs, failed) -> {
                if (failed != null) {
                    LOG.debug("group {}: {} was not told of its table: {}", next, peer, failed.toString());
                }
                return true; // who was not reached hears it when tables are compared
            }));
        }
        return CompletableFuture.allOf(answers.toArray(CompletableFuture<?>[]::new));
    }

    private PpiofsException failure(ErrorKind kind, String detail) {
        return new PpiofsException(kind, "repair", chain.toString(), detail);
    }
}
