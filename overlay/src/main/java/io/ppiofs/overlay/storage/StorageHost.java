package io.ppiofs.overlay.storage;

import io.ppiofs.blockstore.BlockStore;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.erasure.Scheme;
import io.ppiofs.blockstore.gc.LiveSet;
import io.ppiofs.blockstore.gc.MarkSet;
import io.ppiofs.blockstore.gc.Sweepable;
import io.ppiofs.blockstore.segment.CorruptBlock;
import io.ppiofs.blockstore.segment.ScrubWatcher;
import io.ppiofs.blockstore.segment.SegmentBlockStore;
import io.ppiofs.cbor.CborEncoder;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.file.DurableFile;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.blocks.BlockHost;
import io.ppiofs.overlay.blocks.BlockSource;
import io.ppiofs.overlay.blocks.Verdict;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.placement.GroupId;
import io.ppiofs.overlay.placement.Inventory;
import io.ppiofs.overlay.placement.SlotAddress;
import io.ppiofs.overlay.placement.SlotTable;
import io.ppiofs.overlay.placement.TableChain;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What an operator hosts: leased slots with their blocks, the slot tables of their groups, mandates, heads and journals, under the
 * accounts of a {@link GrantBook}. Blocks lie in a store of their own; a slot's holdings are a list of names, so one block may
 * be in several slots and goes when it is in none. Everything that was answered survives kill -9; orders, tables and heads
 * survive power loss when a method returns, blocks after {@link #durable}.
 *
 * <p>Thread-safe. Methods touch the disk: not for event loops. Refusals are {@link PpiofsException}s: ACCESS_DENIED,
 * QUOTA_EXCEEDED, NO_SPACE, NOT_FOUND, EXISTS (something newer is known), INVALID.
 */
public final class StorageHost implements BlockHost, AutoCloseable {
    /** Most leases of all tenants together. */
    public static final int MAX_LEASES = 200_000;

    private static final Logger LOG = LoggerFactory.getLogger(StorageHost.class);
    private static final int MAX_LEASES_OF_TENANT = 50_000;
    private static final int MAX_HEADS_OF_TENANT = 256;
    private static final int MAX_WRITERS = 10_000;
    private static final long MAX_HEAD_BYTES = 32L << 20;
    private static final long MAX_LOADED_NAMES = 2_000_000;
    private static final int MAX_LOADED_SLOTS = 256;
    private static final Duration LONGEST_LEASE = Duration.ofDays(366);
    /** A slot that a holder leased for repair must be named by a table until then. */
    private static final Duration MANDATED = Duration.ofDays(1);

    /** A lease that would be prolonged by less stays as it is: writing the book costs. */
    private static final Duration RENEWED_AGAIN = Duration.ofDays(1);

    private static final String LEASE = "l/";
    private static final String TABLE = "t/";
    private static final String MANDATE = "m/";
    private static final String HEAD = "h/";
    private static final String JOURNAL = ".journal";
    private static final String LEAVING = "leaving";

    private static final int MAX_JOURNALS = 4_096;
    private static final int MAX_JOURNALS_OF_TENANT = 64;

    /** What is hosted, for people and metrics. @param bytes stored bytes of all slots and journals */
    public record Usage(long capacity, long bytes, int leases, int groups, int accounts, int heads, int journals) {}

    private record JournalKey(PeerId tenant, String volume) {}

    /** A slot that is leased here, for the repair of its group. @param ending whether it is to be deleted */
    public record Hosted(PeerId tenant, GroupId group, int slot, long generation, long bytes, boolean ending) {}

    private record GroupKey(PeerId tenant, GroupId group) {}

    /** A slot with its terms and files; the terms are guarded by the host's monitor. */
    private static final class Slot {
        volatile Lease lease;
        final SlotFile file;

        Slot(Lease lease, SlotFile file) {
            this.lease = lease;
            this.file = file;
        }
    }

    private final IdentityKey operator;
    private final NetworkId network;
    private final StorageOptions options;
    private final BlockStore blocks;
    private final LongSupplier wallMillis;
    private final BookFile book;
    private final GrantBook grants;
    private final Path slotDirectory;
    private final Path journalDirectory;
    private final Map<JournalKey, JournalFile> journals = new HashMap<>();

    private final Map<Lease.Key, Slot> slots = new HashMap<>();
    private final Map<PeerId, Long> usedByTenant = new HashMap<>();
    private final Map<PeerId, Integer> leasesOfTenant = new HashMap<>();
    private final Map<GroupKey, TableChain> tables = new HashMap<>();
    private final Map<PeerId, RepairMandate.Signed> mandates = new HashMap<>();
    private final Map<String, PinnedHead.Signed> heads = new TreeMap<>();
    private final Map<String, Writing> writers = new HashMap<>();
    private final Map<Slot, Boolean> loaded = new LinkedHashMap<>(16, 0.75f, true);
    private final List<Consumer<TableChain>> observers = new CopyOnWriteArrayList<>();
    private final List<Consumer<PinnedHead.Signed>> headObservers = new CopyOnWriteArrayList<>();
    private final Map<PeerId, Long> digests = new HashMap<>();
    private long used;
    private long headBytes;

    /** Puts hold it shared; the beginning and the end of a collection hold it alone. */
    private final ReadWriteLock gate = new ReentrantReadWriteLock();

    private volatile boolean leaving;
    private volatile LongConsumer useObserver = bytes -> {};
    private volatile BooleanSupplier diskRoom = () -> false;
    private boolean collecting;
    private boolean garbage;

    private final Set<SlotFile> unsynced = ConcurrentHashMap.newKeySet();
    private final Object flushing = new Object();
    private final AtomicLong asked = new AtomicLong();
    private long flushed;

    private StorageHost(
            IdentityKey operator,
            NetworkId network,
            StorageOptions options,
            BlockStore blocks,
            Path directory,
            LongSupplier wallMillis) {
        this.operator = operator;
        this.network = network;
        this.options = options;
        this.blocks = blocks;
        this.wallMillis = wallMillis;
        this.slotDirectory = directory.resolve("slots");
        this.journalDirectory = directory.resolve("journals");
        this.book = BookFile.open(GrantBook.bookFile(directory));
        this.grants = new GrantBook(book);
        load();
    }

    /**
     * Opens or begins what is hosted in {@code directory}; one host at a time.
     *
     * @param blocks the store of hosted blocks, closed with the host
     * @param wallMillis the operator's clock, milliseconds since 1970
     */
    public static StorageHost open(
            Path directory,
            IdentityKey operator,
            NetworkId network,
            StorageOptions options,
            BlockStore blocks,
            LongSupplier wallMillis) {
        return new StorageHost(operator, network, options, blocks, directory, wallMillis);
    }

    private void load() {
        try {
            Files.createDirectories(slotDirectory);
            Files.createDirectories(journalDirectory);
        } catch (IOException e) {
            throw DurableFile.failure("open hosted slots", slotDirectory, e);
        }
        loadJournals();
        book.forEach(LEASE, GrantBook.decoded(LEASE, (key, fields) -> register(Lease.decode(fields))));
        book.forEach(TABLE, GrantBook.decoded(TABLE, (key, fields) -> {
            TableChain chain = TableChain.open(
                    RecordFields.envelopes(fields, 1, TableChain.MAX_TABLES, TableChain.MAX_BYTES), network);
            tables.put(new GroupKey(chain.tenant(), chain.group()), chain);
        }));
        book.forEach(MANDATE, (key, value) -> {
            RepairMandate.Signed mandate = RepairMandate.open(value, network);
            mandates.put(mandate.mandate().tenant(), mandate);
        });
        book.forEach(HEAD, (key, value) -> {
            heads.put(key, PinnedHead.open(value, network));
            headBytes += value.length;
        });
        leaving = book.get(LEAVING) != null;
        garbage = true; // a crash may have left blocks that no slot names
    }

    private Slot register(Lease lease) {
        Slot slot = new Slot(lease, new SlotFile(slotDirectory.resolve(fileName(lease.key()))));
        slots.put(lease.key(), slot);
        leasesOfTenant.merge(lease.key().tenant(), 1, Integer::sum);
        charge(lease.key().tenant(), slot.file.bytes());
        return slot;
    }

    private static String fileName(Lease.Key key) {
        Cid tenant = Cid.of(ByteBuffer.wrap(key.tenant().toBytes()));
        return key.group() + "-" + key.slot() + "-" + HexFormat.of().toHexDigits(tenant.word(0));
    }

    private synchronized void charge(PeerId tenant, long bytes) {
        usedByTenant.merge(tenant, bytes, Long::sum);
        used += bytes;
        if (bytes > 0) {
            useObserver.accept(used);
        }
    }

    /** Tells how many bytes are hosted whenever they are more, under the host's monitor: the observer must only look and return. */
    public void observeUse(LongConsumer observer) {
        useObserver = observer;
    }

    /** @param giveUp frees something that may go when the disk is full, and says whether it did; may take its time */
    public void whenDiskIsFull(BooleanSupplier giveUp) {
        diskRoom = giveUp;
    }

    public GrantBook grants() {
        return grants;
    }

    public StorageOptions options() {
        return options;
    }

    public PeerId operator() {
        return operator.peerId();
    }

    /** Whether this operator wants to give all that it holds to others; durable. */
    public boolean isLeaving() {
        return leaving;
    }

    /** From now on no new slot is leased; those that are leased go on until a table gives them to others. Durable. */
    public void leave() {
        setLeaving(new byte[] {1});
    }

    /** Takes {@link #leave} back. What has gone to others stays there. */
    public void stay() {
        setLeaving(null);
    }

    private synchronized void setLeaving(byte @Nullable [] mark) {
        book.put(LEAVING, mark);
        book.sync();
        leaving = mark != null;
    }

    /** Hears of every table that is taken, on the thread that brought it. */
    public void observe(Consumer<TableChain> observer) {
        observers.add(observer);
    }

    // ------------------------------------------------------------------------------------------------- grants

    /** Answers a tenant that asks for space; see {@link GrantBook#request}. */
    Grant.Signed requestGrant(GrantRequest request, GrantBook.Applicant applicant) {
        if (!request.operator().equals(operator.peerId())) {
            throw refused(ErrorKind.INVALID, "grant", "the request is meant for another operator");
        }
        GrantBook.Account account =
                grants.request(request.tenant(), request.bytes(), request.token(), applicant, wallMillis.getAsLong());
        if (account == null) {
            throw refused(
                    ErrorKind.ACCESS_DENIED,
                    "grant",
                    "this operator lends to tenants that it knows; ask it for an invitation (ppiofs grant invite)");
        }
        return signed(account);
    }

    private Grant.Signed signed(GrantBook.Account account) {
        long left = GrantBook.LIFETIME.toMillis() - (wallMillis.getAsLong() - account.issuedMillis());
        Duration lifetime = Duration.ofSeconds(Math.max(1, Math.min(left, GrantBook.LIFETIME.toMillis()) / 1000));
        return new Grant(
                        account.tenant(),
                        operator.peerId(),
                        account.sequence(),
                        account.bytes(),
                        lifetime,
                        account.kind())
                .sign(operator, network);
    }

    // ------------------------------------------------------------------------------------------------- leases

    /** Leases a slot as its tenant orders, or changes its lease. */
    synchronized StorageClient.Leased lease(
            LeaseOrder order, Grant.@Nullable Signed grant, RepairMandate.@Nullable Signed mandate) {
        if (grant != null && grant.grant().operator().equals(operator.peerId())) {
            grants.adopt(grant.grant(), wallMillis.getAsLong());
        }
        Lease.Key key =
                new Lease.Key(order.tenant(), order.slot().group(), order.slot().slot());
        requireLive(order.tenant());
        Slot slot = slots.get(key);
        if (slot != null && slot.lease.sequence() > order.sequence()) {
            throw refused(ErrorKind.EXISTS, "lease", "a newer order for this slot is known");
        }
        if (slot == null) {
            requireRoom(order.tenant());
        }
        Duration lifetime = order.lifetime().compareTo(LONGEST_LEASE) < 0 ? order.lifetime() : LONGEST_LEASE;
        long generation = Math.max(order.slot().generation(), slot == null ? 0 : slot.lease.generation());
        Lease lease = new Lease(
                key,
                generation,
                order.sequence(),
                order.uploaders(),
                order.maxBytes(),
                wallMillis.getAsLong() + lifetime.toMillis(),
                0,
                false,
                false);
        Slot kept = keep(slot, lease);
        if (mandate != null && mandate.mandate().tenant().equals(order.tenant())) {
            keepMandate(mandate);
        }
        book.sync();
        return new StorageClient.Leased(available(kept), lifetime);
    }

    /**
     * Prolongs the leases of a tenant; not those that are to be deleted, nor those that no table names yet.
     *
     * @param asker must be the custodian
     * @param groups of which; null for all
     */
    public synchronized StorageClient.Renewed renew(PeerId asker, Custody custody, @Nullable Set<GroupId> groups) {
        long now = wallMillis.getAsLong();
        PeerId tenant = custody.tenant();
        if (!custody.custodian().equals(asker) || custody.untilMillis() <= now) {
            throw refused(ErrorKind.ACCESS_DENIED, "renew", "the right is another peer's, or has ended");
        }
        grants.prolong(tenant, now);
        requireLive(tenant);
        long until = now + LeaseOrder.USUAL.toMillis();
        int renewed = 0;
        for (Slot slot : slots.values()) {
            Lease lease = slot.lease;
            boolean wanted = groups == null || groups.contains(lease.key().group());
            if (wanted && lease.key().tenant().equals(tenant) && lease.deleteAtMillis() == 0 && !lease.mandated()) {
                if (until - lease.untilMillis() > RENEWED_AGAIN.toMillis()) {
                    var same = keep(slot, lease.prolonged(until));
                    LOG.debug("slot {} lasts longer", same.lease.key().text());
                }
                renewed++;
            }
        }
        book.sync();
        List<PeerId> holders = tables.values().stream()
                .filter(chain -> chain.tenant().equals(tenant))
                .flatMap(chain -> chain.newest().holders().stream())
                .filter(holder -> !holder.equals(operator.peerId()))
                .distinct()
                .limit(StorageProtocol.CO_HOLDERS)
                .toList();
        return new StorageClient.Renewed(renewed, LeaseOrder.USUAL.minus(RENEWED_AGAIN), holders);
    }

    /** Leases a replacement slot to a holder of the group, under the tenant's mandate. */
    synchronized StorageClient.Leased leaseForRepair(
            PeerId asker, SlotAddress address, long maxBytes, RepairMandate.Signed mandate, TableChain chain) {
        PeerId tenant = chain.tenant();
        SlotTable table = chain.newest();
        RepairMandate terms = newer(mandate).mandate();
        boolean entitled = mandate.mandate().tenant().equals(tenant)
                && table.group().equals(address.group())
                && table.holders().contains(asker)
                && table.generation() + 1 == address.generation()
                && address.slot() < table.holders().size()
                && table.state() != SlotTable.State.RETIRED
                && maxBytes <= terms.maxBytes();
        if (!entitled) {
            throw refused(ErrorKind.ACCESS_DENIED, "lease for repair", "the mandate does not cover this");
        }
        TableChain known = tables.get(new GroupKey(tenant, table.group()));
        if (known != null && known.generation() >= address.generation()) {
            throw refused(ErrorKind.EXISTS, "lease for repair", "a newer table of the group is known");
        }
        long now = wallMillis.getAsLong();
        if (grants.live(tenant, now) == null) {
            grants.request(tenant, maxBytes, null, new GrantBook.Applicant(asker, "", 0), now);
        }
        requireLive(tenant);
        Lease.Key key = new Lease.Key(tenant, address.group(), address.slot());
        Slot slot = slots.get(key);
        if (slot == null) {
            requireRoom(tenant);
        }
        Lease lease = new Lease(
                key,
                address.generation(),
                slot == null ? 0 : slot.lease.sequence(),
                uploaders(slot, asker),
                maxBytes,
                Math.max(now + MANDATED.toMillis(), slot == null ? 0 : slot.lease.untilMillis()),
                0,
                false,
                slot == null || slot.lease.mandated());
        Slot kept = keep(slot, lease);
        keepMandate(mandate);
        book.sync();
        return new StorageClient.Leased(available(kept), Duration.ofMillis(lease.untilMillis() - now));
    }

    /** Those of a lease that the tenant ordered stay: it may be just about to fill the slot. */
    private static List<PeerId> uploaders(@Nullable Slot slot, PeerId asker) {
        List<PeerId> all = new ArrayList<>();
        if (slot != null && !slot.lease.mandated()) {
            slot.lease.uploaders().stream()
                    .filter(peer -> !peer.equals(asker))
                    .limit(LeaseOrder.MAX_UPLOADERS - 1)
                    .forEach(all::add);
        }
        all.add(asker);
        return all;
    }

    private Slot keep(@Nullable Slot slot, Lease lease) {
        book.put(LEASE + lease.key().text(), CborEncoder.encode(lease.encode()));
        if (slot == null) {
            return register(lease);
        }
        slot.lease = lease;
        return slot;
    }

    private RepairMandate.Signed newer(RepairMandate.Signed mandate) {
        RepairMandate.Signed known = mandates.get(mandate.mandate().tenant());
        return known != null && known.mandate().sequence() > mandate.mandate().sequence() ? known : mandate;
    }

    private void keepMandate(RepairMandate.Signed mandate) {
        if (newer(mandate) == mandate) {
            mandates.put(mandate.mandate().tenant(), mandate);
            book.put(MANDATE + mandate.mandate().tenant(), mandate.envelope());
        }
    }

    private void requireLive(PeerId tenant) {
        if (grants.live(tenant, wallMillis.getAsLong()) == null) {
            throw refused(ErrorKind.ACCESS_DENIED, "lease", "the tenant has no grant here");
        }
    }

    /** For a new lease. */
    private void requireRoom(PeerId tenant) {
        if (leaving) {
            throw refused(ErrorKind.NO_SPACE, "lease", "the operator is leaving");
        }
        if (slots.size() >= MAX_LEASES || leasesOfTenant.getOrDefault(tenant, 0) >= MAX_LEASES_OF_TENANT) {
            throw refused(ErrorKind.QUOTA_EXCEEDED, "lease", "there are too many leases already");
        }
        if (freeOf(tenant) <= 0) {
            throw refused(ErrorKind.QUOTA_EXCEEDED, "lease", "the grant's bytes are used up");
        }
        if (options.capacity() - used <= 0 && !makeRoom()) {
            throw refused(ErrorKind.NO_SPACE, "lease", "the operator's space is used up");
        }
    }

    private long freeOf(PeerId tenant) {
        GrantBook.Account account = grants.live(tenant, wallMillis.getAsLong());
        return account == null ? 0 : account.bytes() - usedByTenant.getOrDefault(tenant, 0L);
    }

    private synchronized long available(Slot slot) {
        long room = Math.min(freeOf(slot.lease.key().tenant()), options.capacity() - used);
        return Math.max(0, Math.min(room, slot.lease.maxBytes() - slot.file.bytes()));
    }

    /** Gives a slot back; its blocks are deleted after the delay. */
    synchronized void release(ReleaseOrder order) {
        Slot slot = slots.get(
                new Lease.Key(order.tenant(), order.slot().group(), order.slot().slot()));
        if (slot == null) {
            throw refused(ErrorKind.NOT_FOUND, "release", "there is no such lease");
        }
        if (slot.lease.sequence() > order.sequence()
                || slot.lease.generation() > order.slot().generation()) {
            throw refused(ErrorKind.EXISTS, "release", "a newer order or table of this slot is known");
        }
        Lease lease = slot.lease;
        long deleteAt = lease.deleteAtMillis() != 0
                ? lease.deleteAtMillis()
                : wallMillis.getAsLong() + options.deletionDelay().toMillis();
        keep(slot, lease.ending(deleteAt, true));
        book.sync();
    }

    // ------------------------------------------------------------------------------------------------- tables

    /**
     * Takes a group's table if it replaces the one that is known.
     *
     * @return the chain that holds now
     */
    public TableChain offer(TableChain chain) {
        TableChain held;
        synchronized (this) {
            GroupKey key = new GroupKey(chain.tenant(), chain.group());
            TableChain known = tables.get(key);
            if (known != null && !chain.replaces(known)) {
                return known;
            }
            List<Slot> mine = slotsOf(chain.tenant(), chain.group());
            if (mine.isEmpty()) {
                throw refused(ErrorKind.NOT_FOUND, "tell table", "no slot of this group is leased here");
            }
            tables.put(key, chain);
            digests.clear();
            book.put(
                    TABLE + chain.tenant() + "/" + chain.group(),
                    CborEncoder.encode(CborMap.builder()
                            .put(1, RecordFields.envelopes(chain.envelopes()))
                            .build()));
            mine.forEach(slot -> follow(slot, chain.newest()));
            book.sync();
            held = chain;
        }
        observers.forEach(observer -> observer.accept(held));
        return held;
    }

    private List<Slot> slotsOf(PeerId tenant, GroupId group) {
        List<Slot> mine = new ArrayList<>();
        for (int i = 0; i < Scheme.MAX_SLOTS; i++) {
            Slot slot = slots.get(new Lease.Key(tenant, group, i));
            if (slot != null) {
                mine.add(slot);
            }
        }
        return mine;
    }

    /** What a new table means for a slot that is leased here. */
    private void follow(Slot slot, SlotTable table) {
        Lease lease = slot.lease;
        int place = lease.key().slot();
        boolean named = table.state() != SlotTable.State.RETIRED
                && place < table.holders().size()
                && table.holders().get(place).equals(operator.peerId());
        if (named) {
            RepairMandate.Signed mandate = mandates.get(table.tenant());
            long until = lease.mandated() && mandate != null
                    ? wallMillis.getAsLong()
                            + Math.min(mandate.mandate().lifetime().toMillis(), LONGEST_LEASE.toMillis())
                    : 0;
            keep(slot, lease.named(table.generation(), until));
        } else if (lease.deleteAtMillis() == 0 && lease.generation() <= table.generation()) {
            keep(
                    slot,
                    lease.ending(
                            wallMillis.getAsLong() + options.deletionDelay().toMillis(), false));
        }
    }

    /** The table of a group that is hosted here, null if none is known. */
    public synchronized @Nullable TableChain table(PeerId tenant, GroupId group) {
        return tables.get(new GroupKey(tenant, group));
    }

    /** All tables known here. */
    public synchronized List<TableChain> tables() {
        return new ArrayList<>(tables.values());
    }

    /** The tenant's mandate for repair, null if it gave none. */
    public synchronized RepairMandate.@Nullable Signed mandate(PeerId tenant) {
        return mandates.get(tenant);
    }

    /** The tables of a tenant's groups, by group id, those after {@code after} (null: from the first). */
    synchronized List<TableChain> groups(PeerId tenant, @Nullable GroupId after, int most) {
        return tables.values().stream()
                .filter(chain -> chain.tenant().equals(tenant))
                .filter(chain -> after == null || chain.group().compareTo(after) > 0)
                .sorted((a, b) -> a.group().compareTo(b.group()))
                .limit(most)
                .toList();
    }

    /** Groups that by the tables known here both this operator and the peer hold. */
    public synchronized List<TableChain> shared(PeerId peer) {
        PeerId self = operator.peerId();
        return tables.values().stream()
                .filter(chain -> chain.newest().holders().contains(peer)
                        && chain.newest().holders().contains(self))
                .sorted((a, b) -> a.group().compareTo(b.group()))
                .toList();
    }

    /** A number that is equal on both sides when both know the same tables of all groups that they share; not negative. */
    public synchronized long digest(PeerId peer) {
        Long known = digests.get(peer);
        if (known == null) {
            long sum = 0;
            for (TableChain chain : shared(peer)) {
                Cid hash = Cid.of(ByteBuffer.wrap(chain.newestSigned().envelope()));
                sum += hash.word(0);
            }
            known = sum & Long.MAX_VALUE;
            if (digests.size() > 10_000) {
                digests.clear();
            }
            digests.put(peer, known);
        }
        return known;
    }

    // --------------------------------------------------------------------------------------------- what is here

    /** All leased slots. */
    public synchronized List<Hosted> hosted() {
        List<Hosted> all = new ArrayList<>();
        slots.values().forEach(slot -> all.add(describe(slot)));
        return all;
    }

    private static Hosted describe(Slot slot) {
        Lease lease = slot.lease;
        return new Hosted(
                lease.key().tenant(),
                lease.key().group(),
                lease.key().slot(),
                lease.generation(),
                slot.file.bytes(),
                lease.deleteAtMillis() != 0);
    }

    private synchronized Slot slot(PeerId tenant, GroupId group, int number) {
        Slot slot = slots.get(new Lease.Key(tenant, group, number));
        if (slot == null) {
            throw refused(ErrorKind.NOT_FOUND, "look into slot", "no such slot is leased here");
        }
        return slot;
    }

    /** Up to {@code most} of a slot's blocks after the first {@code from}, in the order in which they came. */
    public StorageClient.Holdings holdings(PeerId tenant, GroupId group, int number, long from, int most) {
        SlotFile file = slot(tenant, group, number).file;
        return new StorageClient.Holdings(file.count(), file.entries(from, most));
    }

    /** What a slot lacks of the inventory of its closed group; NOT_FOUND without one. */
    public StorageClient.Lack lacks(PeerId tenant, GroupId group, int number) {
        Slot slot = slot(tenant, group, number);
        TableChain chain = table(tenant, group);
        Inventory inventory = chain == null ? null : inventory(chain.newest());
        if (chain == null || inventory == null) {
            throw refused(ErrorKind.NOT_FOUND, "look into slot", "the group's inventory is not here");
        }
        List<Inventory.Entry> wanted = inventory.ofSlot(number);
        BitSet stored = blocks.has(wanted.stream().map(Inventory.Entry::cid).toList());
        BitSet missing = new BitSet(wanted.size());
        for (int i = 0; i < wanted.size(); i++) {
            missing.set(i, !stored.get(i) || !slot.file.contains(wanted.get(i).cid()));
        }
        used(slot);
        return new StorageClient.Lack(chain.generation(), missing);
    }

    /** The inventory of a closed group if its block is here and sound; else null. */
    public @Nullable Inventory inventory(SlotTable table) {
        Cid cid = table.inventory();
        if (cid == null) {
            return null;
        }
        try {
            ByteBuffer bytes = blocks.get(List.of(cid)).get(0);
            if (bytes == null) {
                return null;
            }
            byte[] copy = new byte[bytes.remaining()];
            bytes.get(copy);
            return Inventory.decode(copy);
        } catch (PpiofsException e) {
            LOG.warn("the inventory of group {}: {}", table.group(), e.getMessage());
            return null;
        }
    }

    /** The whole block, checked; null if it is not here. @throws PpiofsException CORRUPT, IO */
    public @Nullable ByteBuffer block(Cid cid) {
        return blocks.get(List.of(cid)).get(0);
    }

    public synchronized Usage usage() {
        return new Usage(
                options.capacity(),
                used,
                slots.size(),
                tables.size(),
                grants.accounts().size(),
                heads.size(),
                journals.size());
    }

    /** Stored bytes of a tenant's slots and journals. */
    public synchronized long usedBy(PeerId tenant) {
        return usedByTenant.getOrDefault(tenant, 0L);
    }

    // -------------------------------------------------------------------------------------------------- heads

    /** Keeps a head unless a newer one is here. @return the highest sequence that is kept */
    synchronized long pin(PinnedHead.Signed head) {
        PeerId tenant = head.pin().tenant();
        String key = headKey(tenant, head.pin().volume());
        PinnedHead.Signed known = heads.get(key);
        if (known != null && known.pin().sequence() >= head.pin().sequence()) {
            return known.pin().sequence();
        }
        requireLive(tenant);
        long more = head.envelope().length - (known == null ? 0 : known.envelope().length);
        long ofTenant = heads.keySet().stream()
                .filter(k -> k.startsWith(HEAD + tenant + "/"))
                .count();
        if (headBytes + more > MAX_HEAD_BYTES || (known == null && ofTenant >= MAX_HEADS_OF_TENANT)) {
            throw refused(ErrorKind.NO_SPACE, "pin head", "too many heads are kept already");
        }
        heads.put(key, head);
        headBytes += more;
        book.put(key, head.envelope());
        book.sync();
        headObservers.forEach(observer -> observer.accept(head));
        return head.pin().sequence();
    }

    /** @param observer hears of each head that is kept from now on, under this object's lock: it must not wait */
    public void observeHeads(Consumer<PinnedHead.Signed> observer) {
        headObservers.add(observer);
    }

    /** All heads that are kept. */
    public synchronized List<PinnedHead.Signed> heads() {
        return List.copyOf(heads.values());
    }

    synchronized PinnedHead.@Nullable Signed head(PeerId tenant, byte[] volume) {
        return heads.get(headKey(tenant, volume));
    }

    /** The heads of a volume, whoever pinned them, highest sequences first; the envelopes. */
    synchronized List<byte[]> heads(byte[] volume, int most) {
        return heads.values().stream()
                .filter(head -> Arrays.equals(head.pin().volume(), volume))
                .sorted(Comparator.comparingLong(
                                (PinnedHead.Signed head) -> head.pin().sequence())
                        .reversed())
                .limit(most)
                .map(PinnedHead.Signed::envelope)
                .toList();
    }

    private static String headKey(PeerId tenant, byte[] volume) {
        return HEAD + tenant + "/" + HexFormat.of().formatHex(volume);
    }

    // -------------------------------------------------------------------------------------------------- writers

    /** Who writes a volume. Not on disk: it is advice, and as old as the shortest of its lives after a restart. */
    private record Writing(PeerId writer, long sequence, long untilMillis, long renewals) {}

    /**
     * Gives the lease of a volume's only writer to who asks, unless another has one that has not ended.
     *
     * @return who has it now
     */
    synchronized WriterLease.Held writer(WriterLease order) {
        requireLive(order.tenant());
        long now = wallMillis.getAsLong();
        String key = headKey(order.tenant(), order.volume());
        Writing held = writers.get(key);
        long renewals = 1;
        if (held == null) {
            requireRoomForWriter(order.tenant(), now);
        } else {
            boolean live = held.untilMillis() > now;
            boolean same = held.writer().equals(order.writer());
            if (live && !same) {
                return new WriterLease.Held(
                        held.writer(), Duration.ofMillis(held.untilMillis() - now), held.renewals());
            }
            if (same && held.sequence() >= order.sequence()) {
                throw refused(ErrorKind.EXISTS, "lease to write", "a later order of this writer is known");
            }
            renewals += live ? held.renewals() : 0;
        }
        writers.put(
                key,
                new Writing(
                        order.writer(), order.sequence(), now + order.lifetime().toMillis(), renewals));
        return new WriterLease.Held(order.writer(), order.lifetime(), renewals);
    }

    private void requireRoomForWriter(PeerId tenant, long now) {
        String mine = HEAD + tenant + "/";
        if (writers.size() >= MAX_WRITERS || writersOf(mine) >= MAX_HEADS_OF_TENANT) {
            writers.values().removeIf(writing -> writing.untilMillis() <= now);
        }
        if (writers.size() >= MAX_WRITERS || writersOf(mine) >= MAX_HEADS_OF_TENANT) {
            throw refused(ErrorKind.BUSY, "lease to write", "too many volumes are written already");
        }
    }

    private long writersOf(String keyPrefix) {
        return writers.keySet().stream()
                .filter(key -> key.startsWith(keyPrefix))
                .count();
    }

    // ------------------------------------------------------------------------------------------------- journals

    private void loadJournals() {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(journalDirectory, "*" + JOURNAL)) {
            for (Path file : files) {
                JournalFile journal = JournalFile.openOrNull(file);
                if (journal != null) {
                    keep(key(journal.tenant(), journal.volume()), journal);
                }
            }
        } catch (IOException e) {
            throw DurableFile.failure("open kept journals", journalDirectory, e);
        }
    }

    private static JournalKey key(PeerId tenant, byte[] volume) {
        return new JournalKey(tenant, HexFormat.of().formatHex(volume));
    }

    /**
     * Extends, begins or trims the journal of a tenant's volume; what was taken survives power loss when it returns.
     *
     * @param entries fit the order's digest
     * @return the number of the next entry
     */
    long journal(JournalOrder order, List<byte[]> entries) {
        if (!Arrays.equals(order.digest(), JournalOrder.digest(entries))
                || entries.stream().anyMatch(e -> e.length == 0 || e.length > JournalOrder.MAX_ENTRY)) {
            throw refused(ErrorKind.INVALID, "keep journal", "the entries are not those of the order");
        }
        JournalFile journal;
        synchronized (this) {
            requireLive(order.tenant());
            requireRoomForJournal(order.tenant(), JournalFile.cost(entries));
            journal = journal(order, entries.isEmpty());
        }
        return journal.append(order.trimmed(), order.first(), entries, grown -> charge(order.tenant(), grown));
    }

    /** The journal that the order goes into; begun if there is none of its stream. */
    private JournalFile journal(JournalOrder order, boolean empty) {
        JournalKey key = key(order.tenant(), order.volume());
        JournalFile known = journals.get(key);
        if (known != null && known.stream() > order.stream()) {
            throw refused(
                    ErrorKind.EXISTS,
                    "keep journal",
                    "a newer journal of this volume has been begun: another machine writes to the volume now");
        }
        if (known != null && known.stream() == order.stream()) {
            return known;
        }
        if (!empty && order.first() > order.trimmed() + 1) {
            throw refused(
                    ErrorKind.NOT_FOUND,
                    "keep journal",
                    "entries " + (order.trimmed() + 1) + " to " + (order.first() - 1) + " are missing here");
        }
        long ofTenant = journals.keySet().stream()
                .filter(k -> k.tenant().equals(order.tenant()))
                .count();
        if (known == null && (journals.size() >= MAX_JOURNALS || ofTenant >= MAX_JOURNALS_OF_TENANT)) {
            throw refused(ErrorKind.QUOTA_EXCEEDED, "keep journal", "too many journals are kept already");
        }
        Cid name = Cid.of(ByteBuffer.wrap((key.tenant() + "/" + key.volume()).getBytes(StandardCharsets.US_ASCII)));
        Path file = journalDirectory.resolve(name + JOURNAL);
        if (known != null) {
            known.abandon();
            journals.remove(key);
            charge(order.tenant(), -known.bytes());
        }
        try {
            return keep(key, JournalFile.begin(file, order.tenant(), order.volume(), order.stream(), order.trimmed()));
        } catch (RuntimeException e) {
            JournalFile old = known == null ? null : JournalFile.openOrNull(file);
            if (old != null) {
                keep(key, old);
            }
            throw e;
        }
    }

    private JournalFile keep(JournalKey key, JournalFile journal) {
        journals.put(key, journal);
        charge(key.tenant(), journal.bytes());
        return journal;
    }

    private void requireRoomForJournal(PeerId tenant, long bytes) {
        if (bytes > 0 && freeOf(tenant) < bytes) {
            throw refused(ErrorKind.QUOTA_EXCEEDED, "keep journal", "the grant's bytes are used up");
        }
        if (bytes > 0 && options.capacity() - used < bytes && !makeRoom()) {
            throw refused(ErrorKind.NO_SPACE, "keep journal", "the operator's space is used up");
        }
    }

    /** A part of a journal. @throws PpiofsException NOT_FOUND if none is kept */
    StorageClient.JournalPage journal(PeerId tenant, byte[] volume, long from, int maxBytes) {
        JournalFile journal;
        synchronized (this) {
            journal = journals.get(key(tenant, volume));
        }
        if (journal == null) {
            throw refused(ErrorKind.NOT_FOUND, "read journal", "none of this volume is kept");
        }
        return journal.read(from, maxBytes);
    }

    /** Journals end with the grant. */
    private void expireJournals(long now) {
        journals.values().removeIf(journal -> {
            boolean over = grants.live(journal.tenant(), now) == null;
            if (over) {
                charge(journal.tenant(), -journal.bytes());
                journal.delete();
            }
            return over;
        });
    }

    // ------------------------------------------------------------------------------------------------- blocks

    @Override
    public BitSet has(PeerId asker, List<Cid> cids) {
        return blocks.has(cids);
    }

    @Override
    public @Nullable BlockSource open(PeerId asker, Cid cid) {
        int length = (int) blocks.length(cid);
        return length <= 0 ? null : new Source(cid, length);
    }

    private final class Source implements BlockSource {
        private final Cid cid;
        private final int length;

        Source(Cid cid, int length) {
            this.cid = cid;
            this.length = length;
        }

        @Override
        public int length() {
            return length;
        }

        @Override
        public void read(int offset, ByteBuffer into) {
            while (into.hasRemaining()) {
                int n = blocks.read(cid, offset, into);
                if (n <= 0) {
                    throw refused(ErrorKind.NOT_FOUND, "read block", "it went away");
                }
                offset += n;
            }
        }
    }

    @Override
    public @Nullable Verdict admit(PeerId asker, PeerId tenant, SlotAddress address, Cid cid, int length) {
        Slot slot = writable(asker, tenant, address);
        if (slot == null) {
            return Verdict.refused("no lease of slot " + address + " lets this peer put into it");
        }
        used(slot);
        if (slot.file.contains(cid) && blocks.length(cid) >= 0) {
            return Verdict.STORED;
        }
        Verdict room = room(slot, length);
        if (room != null) {
            return room;
        }
        gate.readLock().lock();
        try {
            // while blocks are collected one that is here may be on its way out: then its bytes must come anew
            return !collecting && blocks.length(cid) == length ? hold(slot, cid, length) : null;
        } finally {
            gate.readLock().unlock();
        }
    }

    @Override
    public Verdict store(PeerId asker, PeerId tenant, SlotAddress address, Cid cid, ByteBuffer bytes) {
        Slot slot = writable(asker, tenant, address);
        if (slot == null) {
            return Verdict.refused("no lease of slot " + address + " lets this peer put into it");
        }
        return store(slot, cid, bytes);
    }

    private Verdict store(Slot slot, Cid cid, ByteBuffer bytes) {
        int length = bytes.remaining();
        boolean again = slot.file.contains(cid);
        Verdict room = again ? null : room(slot, length);
        if (room != null) {
            return room;
        }
        ByteBuffer once = bytes.duplicate();
        Verdict stored = put(slot, cid, once, again);
        // not while the gate is held: a collection would wait for it, and everybody else for the collection
        if (stored == null && diskRoom.getAsBoolean()) {
            stored = put(slot, cid, bytes, again);
        }
        return stored == null ? Verdict.noSpace("the operator's disk is full") : stored;
    }

    /** @return null if the disk is full */
    private @Nullable Verdict put(Slot slot, Cid cid, ByteBuffer bytes, boolean again) {
        int length = bytes.remaining();
        gate.readLock().lock();
        try {
            blocks.putCold(List.of(new BlockStore.StoredBlock(cid, bytes)));
            return again ? Verdict.STORED : hold(slot, cid, length);
        } catch (PpiofsException e) {
            if (e.kind() == ErrorKind.NO_SPACE || e.kind() == ErrorKind.QUOTA_EXCEEDED) {
                return null;
            }
            throw e;
        } finally {
            gate.readLock().unlock();
        }
    }

    /** Puts a block into a slot of this host that it lacks: repair of what is its own. @throws PpiofsException NOT_FOUND */
    public Verdict restore(PeerId tenant, GroupId group, int number, Cid cid, ByteBuffer bytes) {
        return store(slot(tenant, group, number), cid, bytes);
    }

    private Verdict hold(Slot slot, Cid cid, int length) {
        PeerId tenant = slot.lease.key().tenant();
        synchronized (this) {
            Verdict room = room(slot, length);
            if (room != null) {
                return room;
            }
            charge(tenant, length);
        }
        boolean added = false;
        try {
            added = slot.file.append(cid, length);
        } finally {
            if (!added) {
                charge(tenant, -length); // another put of the same block was faster, or the disk failed
            }
        }
        if (slot.file.isGone()) {
            return Verdict.refused("the slot was deleted just now");
        }
        unsynced.add(slot.file);
        used(slot);
        return Verdict.STORED;
    }

    /** Why a block of this length does not fit, null if it does. */
    private synchronized @Nullable Verdict room(Slot slot, long length) {
        Lease lease = slot.lease;
        if (slot.file.bytes() + length > lease.maxBytes()) {
            return Verdict.noSpace("the lease of the slot is for " + lease.maxBytes() + " bytes");
        }
        if (freeOf(lease.key().tenant()) < length) {
            return Verdict.noSpace("the grant's bytes are used up");
        }
        if (options.capacity() - used < length && !makeRoom()) {
            return Verdict.noSpace("the operator's space is used up");
        }
        return null;
    }

    private synchronized @Nullable Slot writable(PeerId asker, PeerId tenant, SlotAddress address) {
        Slot slot = slots.get(new Lease.Key(tenant, address.group(), address.slot()));
        if (slot == null
                || slot.lease.deleteAtMillis() != 0
                || slot.lease.untilMillis() < wallMillis.getAsLong()
                || !slot.lease.uploaders().contains(asker)) {
            return null;
        }
        return slot;
    }

    /** Notes that the slot's names are in use, and lets others go when there are too many in memory. */
    private void used(Slot slot) {
        List<Slot> resting = new ArrayList<>();
        synchronized (loaded) {
            loaded.put(slot, true);
            long names = 0;
            for (Slot each : loaded.keySet()) {
                names += each.file.loaded();
            }
            var oldest = loaded.keySet().iterator();
            while ((names > MAX_LOADED_NAMES || loaded.size() - resting.size() > MAX_LOADED_SLOTS)
                    && loaded.size() - resting.size() > 1) {
                Slot next = oldest.next();
                names -= next.file.loaded();
                resting.add(next);
            }
            resting.forEach(loaded::remove);
        }
        resting.forEach(each -> each.file.rest());
    }

    @Override
    public void durable() {
        long mine = asked.incrementAndGet();
        synchronized (flushing) {
            if (flushed >= mine) {
                return; // the flush of another that began after our puts has served us, too
            }
            long all = asked.get();
            blocks.sync();
            for (SlotFile file : List.copyOf(unsynced)) {
                unsynced.remove(file);
                file.sync();
            }
            flushed = all;
        }
    }

    // -------------------------------------------------------------------------------------- ends of leases, garbage

    /** Deletes expired leases early when space is needed. @return whether that freed something at once */
    private boolean makeRoom() {
        long now = wallMillis.getAsLong();
        long before = used;
        for (Slot slot : List.copyOf(slots.values())) {
            if (slot.lease.untilMillis() < now) {
                drop(slot);
            }
        }
        return used < before;
    }

    /**
     * Ends what has come to its end: slots whose deletion is due, leases that expired longer ago than the grace. To be called
     * now and then.
     *
     * @return whether {@link #collect} has something to do
     */
    public synchronized boolean expire() {
        long now = wallMillis.getAsLong();
        for (Slot slot : List.copyOf(slots.values())) {
            Lease lease = slot.lease;
            boolean due = lease.deleteAtMillis() != 0 && lease.deleteAtMillis() <= now;
            Duration grace = lease.mandated() ? Duration.ZERO : options.grace();
            if (due || lease.untilMillis() + grace.toMillis() < now) {
                drop(slot);
            }
        }
        expireJournals(now);
        book.sync();
        return garbage;
    }

    private void drop(Slot slot) {
        Lease.Key key = slot.lease.key();
        charge(key.tenant(), -slot.file.bytes());
        leasesOfTenant.merge(key.tenant(), -1, Integer::sum);
        slots.remove(key);
        book.put(LEASE + key.text(), null);
        synchronized (loaded) {
            loaded.remove(slot);
        }
        unsynced.remove(slot.file);
        slot.file.delete();
        if (slotsOf(key.tenant(), key.group()).isEmpty()) {
            tables.remove(new GroupKey(key.tenant(), key.group()));
            digests.clear();
            book.put(TABLE + key.tenant() + "/" + key.group(), null);
        }
        garbage = true;
        LOG.info("slot {} of group {} is deleted", key.slot(), key.group());
    }

    /** Deletes the blocks that no slot names. Long: reads all holdings. Puts go on meanwhile. */
    public void collect() {
        if (!(blocks instanceof Sweepable sweepable)) {
            return;
        }
        if (blocks instanceof SegmentBlockStore segments) {
            segments.awaitIndex();
        }
        long epoch;
        gate.writeLock().lock();
        try {
            if (collecting) {
                return;
            }
            collecting = true;
            garbage = false;
            epoch = sweepable.beginMark();
        } finally {
            gate.writeLock().unlock();
        }
        try {
            sweepable.sweep(marked(), epoch);
        } finally {
            gate.writeLock().lock();
            collecting = false;
            gate.writeLock().unlock();
        }
    }

    private LiveSet marked() {
        List<SlotFile> files = new ArrayList<>();
        long names = 0;
        synchronized (this) {
            for (Slot slot : slots.values()) {
                files.add(slot.file);
                names += slot.file.count();
            }
        }
        MarkSet marks = new MarkSet((int) Math.min(names, 1 << 28));
        files.forEach(file -> file.mark(marks));
        return marks;
    }

    /**
     * Hashes all hosted blocks and drops the damaged ones, which makes them lacking: repair fetches them anew.
     *
     * @param bytesPerSecond how fast at most
     * @param cancelled asked now and then
     * @return how many were damaged
     */
    public int scrub(long bytesPerSecond, BooleanSupplier cancelled) {
        if (!(blocks instanceof SegmentBlockStore segments)) {
            return 0;
        }
        Set<Cid> damaged = new HashSet<>();
        segments.verifyAll(bytesPerSecond, new ScrubWatcher() {
            @Override
            public void damaged(CorruptBlock block) {
                Cid cid = block.cid();
                if (cid != null) {
                    damaged.add(cid);
                }
            }

            @Override
            public void progress(long bytes) {}

            @Override
            public boolean cancelled() {
                return cancelled.getAsBoolean();
            }
        });
        blocks.delete(damaged);
        return damaged.size();
    }

    /** Drops one block that turned out to be damaged. */
    public void dropDamaged(Cid cid) {
        blocks.delete(Set.of(cid));
    }

    private static PpiofsException refused(ErrorKind kind, String operation, String detail) {
        return new PpiofsException(kind, operation, "at the operator", detail);
    }

    /** Flushes and closes the book, the holdings and the blocks. */
    @Override
    public void close() {
        try {
            durable();
        } finally {
            synchronized (this) {
                slots.values().forEach(slot -> slot.file.rest());
                journals.values().forEach(JournalFile::close);
                book.close();
            }
            blocks.close();
        }
    }
}
