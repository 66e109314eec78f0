package io.ppiofs.overlay.storage;

import com.google.common.collect.Iterables;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.cbor.Cbor;
import io.ppiofs.cbor.CborArray;
import io.ppiofs.cbor.CborBytes;
import io.ppiofs.cbor.CborDecoder;
import io.ppiofs.cbor.CborEncoder;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.CborSimple;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.host.Host;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.host.SingleExchange;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.network.Network;
import io.ppiofs.overlay.placement.GroupId;
import io.ppiofs.overlay.placement.Inventory;
import io.ppiofs.overlay.placement.SlotAddress;
import io.ppiofs.overlay.placement.TableChain;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Asks operators. Each call is one request to one peer, dialled if need be under the addresses that the host's address book
 * knows; futures complete on the connection's loop or the host's scheduler: what takes long goes elsewhere.
 *
 * <p>Every future may fail with a {@link PpiofsException}: NOT_CONNECTED (not reached, or no answer within 20 s: the request
 * may have been carried out, and repeating it is harmless), NOT_SUPPORTED (it lends nothing), CORRUPT (it answered nonsense),
 * or a refusal of the operator: ACCESS_DENIED (no grant, or no right), QUOTA_EXCEEDED (the grant's bytes are used up), NO_SPACE
 * (the operator's are), NOT_FOUND, EXISTS (something newer is known there), INVALID, BUSY, IO.
 */
public final class StorageClient {
    /** How long an answer is waited for. */
    public static final Duration PATIENCE = Duration.ofSeconds(20);

    private final Host host;
    private final Network network;
    private final ProtocolId protocol;

    public StorageClient(Host host, Network network) {
        this.host = host;
        this.network = network;
        this.protocol = StorageProtocol.id(network);
    }

    /**
     * Leases that were prolonged.
     *
     * @param slots how many
     * @param lifetime how long each of them lasts now at least
     * @param holders other peers that hold something of the tenant, as far as this one knows
     */
    public record Renewed(int slots, Duration lifetime, List<PeerId> holders) {}

    private static final Renewed NOTHING_RENEWED = new Renewed(0, LeaseOrder.USUAL, List.of());

    /**
     * A lease that stands.
     *
     * @param available stored bytes that may still be put into the slot now, as grant, lease and operator's space allow
     * @param lifetime from now
     */
    public record Leased(long available, Duration lifetime) {}

    /**
     * A part of what a slot holds, in the order in which it was put.
     *
     * @param total entries in all
     * @param entries from the place that was asked for; empty at the end
     */
    public record Holdings(long total, List<Inventory.Entry> entries) {}

    /**
     * What a slot lacks of its group's inventory.
     *
     * @param generation of the table that the operator goes by
     * @param missing bit i is set where entry i of {@link Inventory#ofSlot} is not there
     */
    public record Lack(long generation, BitSet missing) {}

    /**
     * A part of a journal that an operator keeps.
     *
     * @param stream which one
     * @param trimmed entries up to this number have been dropped
     * @param next number of the entry that would come next
     * @param first number of the first entry of this part
     * @param entries in order; empty at the end
     */
    public record JournalPage(long stream, long trimmed, long next, long first, List<byte[]> entries) {}

    /** Whose storage protocol this speaks. */
    public ProtocolId protocol() {
        return protocol;
    }

    public Network network() {
        return network;
    }

    /**
     * Asks for space, or for the grant that the tenant has there already.
     *
     * @param tenant the tenant's key, as proof
     * @param bytes wanted in all; the grant may be for less
     * @param invitation of this operator, null if there is none
     * @return the grant; fails with ACCESS_DENIED if there is no reason to give one
     */
    public CompletableFuture<Grant.Signed> requestGrant(
            PeerId operator, IdentityKey tenant, long bytes, @Nullable GrantInvitation invitation) {
        GrantRequest request =
                new GrantRequest(tenant.peerId(), operator, bytes, invitation == null ? null : invitation.token());
        return ask(
                operator,
                StorageProtocol.Ask.GRANT,
                CborMap.builder().put(2, request.seal(tenant, network.id())),
                answer -> {
                    Grant.Signed grant = Grant.open(answer.bytes(2, 1, 64 * 1024), network.id());
                    if (!grant.grant().operator().equals(operator)
                            || !grant.grant().tenant().equals(tenant.peerId())) {
                        throw new MalformedException("the grant is of somebody else");
                    }
                    return grant;
                });
    }

    /**
     * Leases a slot, or extends and changes its lease; the order's sequence must be above that of the last.
     *
     * @param grant the tenant's at this operator; null if it is known there already
     * @param mandate to be kept with the group, so that holders may repair it; null leaves the one that is there
     * @return fails with ACCESS_DENIED without a grant, QUOTA_EXCEEDED or NO_SPACE if nothing is left, EXISTS if a newer order
     *     is known
     */
    public CompletableFuture<Leased> lease(
            PeerId operator,
            LeaseOrder.Signed order,
            Grant.@Nullable Signed grant,
            RepairMandate.@Nullable Signed mandate) {
        CborMap.Builder fields = CborMap.builder()
                .put(2, order.envelope())
                .put(3, grant == null ? CborSimple.NULL : CborBytes.of(grant.envelope()))
                .put(4, mandate == null ? CborSimple.NULL : CborBytes.of(mandate.envelope()));
        return ask(operator, StorageProtocol.Ask.LEASE, fields, StorageClient::leased);
    }

    /**
     * A holder of a group leases a replacement slot under the tenant's mandate, for itself as the only uploader.
     *
     * @param slot of the generation after the chain's
     * @param maxBytes no more than the mandate's
     * @param chain proves that this host is a holder
     */
    public CompletableFuture<Leased> leaseForRepair(
            PeerId operator, SlotAddress slot, long maxBytes, RepairMandate.Signed mandate, TableChain chain) {
        CborMap.Builder fields = RecordFields.address(CborMap.builder(), 2, slot)
                .put(5, maxBytes)
                .put(6, mandate.envelope())
                .put(7, RecordFields.envelopes(chain.envelopes()));
        return ask(operator, StorageProtocol.Ask.REPAIR_LEASE, fields, StorageClient::leased);
    }

    private static Leased leased(CborMap answer) throws MalformedException {
        return new Leased(answer.uint(2, Long.MAX_VALUE), RecordFields.lifetime(answer, 3));
    }

    /** Gives a slot back; it is deleted after the operator's delay. Fails with EXISTS if a newer order is known. */
    public CompletableFuture<Void> release(PeerId operator, ReleaseOrder.Signed order) {
        return ask(operator, StorageProtocol.Ask.RELEASE, CborMap.builder().put(2, order.envelope()), answer -> true)
                .thenAccept(done -> {});
    }

    /**
     * Tells a group's slot table.
     *
     * @return the chain that holds there now: the one given, or a newer one, whose makers know better. Fails with NOT_FOUND
     *     if the operator has no slot of the group
     */
    public CompletableFuture<TableChain> tell(PeerId operator, TableChain chain) {
        return ask(
                operator,
                StorageProtocol.Ask.TABLE,
                CborMap.builder().put(2, RecordFields.envelopes(chain.envelopes())),
                answer -> chain(answer, chain.tenant(), chain.group()));
    }

    /** The slot table that the operator goes by; fails with NOT_FOUND. */
    public CompletableFuture<TableChain> table(PeerId operator, PeerId tenant, GroupId group) {
        CborMap.Builder fields = CborMap.builder().put(2, tenant.toBytes()).put(3, group.bytes());
        return ask(operator, StorageProtocol.Ask.TABLES, fields, answer -> chain(answer, tenant, group));
    }

    private TableChain chain(CborMap answer, PeerId tenant, GroupId group) throws MalformedException {
        TableChain chain = TableChain.open(
                RecordFields.envelopes(answer, 2, TableChain.MAX_TABLES, TableChain.MAX_BYTES), network.id());
        if (!chain.tenant().equals(tenant) || !chain.group().equals(group)) {
            throw new MalformedException("the table is of another group");
        }
        return chain;
    }

    /** Up to 4,096 of a slot's blocks. @param from how many to pass over */
    public CompletableFuture<Holdings> holdings(PeerId operator, PeerId tenant, GroupId group, int slot, long from) {
        CborMap.Builder fields = CborMap.builder()
                .put(2, tenant.toBytes())
                .put(3, group.bytes())
                .put(4, slot)
                .put(5, from);
        return ask(operator, StorageProtocol.Ask.HOLDINGS, fields, StorageClient::holdings);
    }

    private static Holdings holdings(CborMap answer) throws MalformedException {
        long total = answer.uint(2, Integer.MAX_VALUE);
        ByteBuffer packed = ByteBuffer.wrap(answer.bytes(3, 0, StorageProtocol.PAGE * (Cid.DIGEST_LENGTH + 4)));
        if (packed.remaining() % (Cid.DIGEST_LENGTH + 4) != 0) {
            throw new MalformedException("the holdings are cut off");
        }
        List<Inventory.Entry> entries = new ArrayList<>();
        while (packed.hasRemaining()) {
            Cid cid = Cid.readDigest(packed);
            int length = packed.getInt();
            if (length <= 0) {
                throw new MalformedException("a holding has no length");
            }
            entries.add(new Inventory.Entry(cid, length));
        }
        return new Holdings(total, entries);
    }

    /** All of a slot's blocks, page by page; at most {@link Inventory#MAX_ENTRIES}. */
    public CompletableFuture<List<Inventory.Entry>> allHoldings(
            PeerId operator, PeerId tenant, GroupId group, int slot) {
        return moreHoldings(operator, tenant, group, slot, new ArrayList<>());
    }

    private CompletableFuture<List<Inventory.Entry>> moreHoldings(
            PeerId operator, PeerId tenant, GroupId group, int slot, List<Inventory.Entry> sofar) {
        return holdings(operator, tenant, group, slot, sofar.size()).thenCompose(page -> {
            sofar.addAll(page.entries());
            boolean all =
                    page.entries().isEmpty() || sofar.size() >= page.total() || sofar.size() >= Inventory.MAX_ENTRIES;
            return all ? CompletableFuture.completedFuture(sofar) : moreHoldings(operator, tenant, group, slot, sofar);
        });
    }

    /**
     * What a slot of a closed group lacks.
     *
     * @param restore whether the operator shall fetch that from the group's other holders, as fast as it repairs
     * @return fails with NOT_FOUND if the operator has no lease of the slot, no table of a closed group, or not the block that
     *     is the inventory
     */
    public CompletableFuture<Lack> lacks(PeerId operator, PeerId tenant, GroupId group, int slot, boolean restore) {
        CborMap.Builder fields =
                CborMap.builder().put(2, tenant.toBytes()).put(3, group.bytes()).put(4, slot);
        if (restore) {
            fields.put(5, CborSimple.TRUE);
        }
        return ask(
                operator,
                StorageProtocol.Ask.LACKS,
                fields,
                answer -> new Lack(
                        answer.uint(2, Long.MAX_VALUE), BitSet.valueOf(answer.bytes(3, 0, Inventory.MAX_ENTRIES / 8))));
    }

    /**
     * All groups of the tenant that the operator knows, with their tables: what a machine that has only the capability asks
     * everybody for.
     */
    public CompletableFuture<List<TableChain>> groups(PeerId operator, PeerId tenant) {
        return moreGroups(operator, tenant, new byte[0], new ArrayList<>());
    }

    private CompletableFuture<List<TableChain>> moreGroups(
            PeerId operator, PeerId tenant, byte[] after, List<TableChain> sofar) {
        CborMap.Builder fields = CborMap.builder().put(2, tenant.toBytes()).put(3, after);
        return ask(operator, StorageProtocol.Ask.GROUPS, fields, answer -> groupsPage(answer, tenant))
                .thenCompose(page -> {
                    boolean forward = sofar.isEmpty()
                            || page.isEmpty()
                            || page.get(0)
                                            .group()
                                            .compareTo(
                                                    sofar.get(sofar.size() - 1).group())
                                    > 0;
                    sofar.addAll(page);
                    return page.isEmpty() || !forward
                            ? CompletableFuture.completedFuture(sofar)
                            : moreGroups(
                                    operator,
                                    tenant,
                                    page.get(page.size() - 1).group().bytes(),
                                    sofar);
                });
    }

    private List<TableChain> groupsPage(CborMap answer, PeerId tenant) throws MalformedException {
        List<TableChain> chains = new ArrayList<>();
        for (Cbor item : answer.array(2, StorageProtocol.GROUPS_PAGE).items()) {
            if (!(item instanceof CborArray envelopes)) {
                throw new MalformedException("the groups are no tables");
            }
            List<byte[]> bytes = new ArrayList<>();
            for (Cbor envelope : envelopes.items()) {
                if (!(envelope instanceof CborBytes b)) {
                    throw new MalformedException("the groups are no tables");
                }
                bytes.add(b.value());
            }
            TableChain chain = TableChain.open(bytes, network.id());
            if (!chain.tenant().equals(tenant)) {
                throw new MalformedException("a group is of another tenant");
            }
            chains.add(chain);
        }
        return chains;
    }

    /** Has the operator keep a head; completes with the highest sequence it keeps now, which may be of a later head. */
    public CompletableFuture<Long> pinHead(PeerId operator, PinnedHead.Signed head) {
        return ask(
                operator,
                StorageProtocol.Ask.PIN_HEAD,
                CborMap.builder().put(2, head.envelope()),
                answer -> answer.uint(2, Long.MAX_VALUE));
    }

    /** The newest head of a volume that the operator keeps for the tenant. @param volume 32 bytes */
    public CompletableFuture<Optional<PinnedHead.Signed>> head(PeerId operator, PeerId tenant, byte[] volume) {
        CborMap.Builder fields = CborMap.builder().put(2, tenant.toBytes()).put(3, volume);
        return ask(operator, StorageProtocol.Ask.HEAD, fields, answer -> {
            if (answer.get(2) == CborSimple.NULL) {
                return Optional.empty();
            }
            PinnedHead.Signed head = PinnedHead.open(answer.bytes(2, 1, 64 * 1024), network.id());
            if (!head.pin().tenant().equals(tenant) || !Arrays.equals(head.pin().volume(), volume)) {
                throw new MalformedException("the head is of another volume");
            }
            return Optional.of(head);
        });
    }

    /**
     * The newest heads of a volume that the operator keeps, one for each tenant who pinned one: for who knows the volume and
     * not its tenant. Whether a head is the volume's, only the volume's own signatures tell.
     *
     * @param volume 32 bytes
     */
    public CompletableFuture<List<PinnedHead.Signed>> heads(PeerId operator, byte[] volume) {
        CborMap.Builder fields = CborMap.builder().put(2, volume);
        return ask(operator, StorageProtocol.Ask.HEADS, fields, answer -> {
            List<PinnedHead.Signed> heads = new ArrayList<>();
            for (Cbor item : answer.array(2, StorageProtocol.HEADS_PAGE).items()) {
                if (!(item instanceof CborBytes envelope) || envelope.length() > 64 * 1024) {
                    throw new MalformedException("a head is none");
                }
                PinnedHead.Signed head = PinnedHead.open(envelope.value(), network.id());
                if (!Arrays.equals(head.pin().volume(), volume)) {
                    throw new MalformedException("a head is of another volume");
                }
                heads.add(head);
            }
            return heads;
        });
    }

    /**
     * Extends a volume's journal, begins a new stream of it, or trims it.
     *
     * @param entries up to {@link JournalOrder#MAX_ENTRIES_BYTES} in all; may be none
     * @return the number of the next entry: all before it are on the operator's disk, or trimmed. Fails with NOT_FOUND if
     *     entries before the first one are missing there, EXISTS if a newer stream is kept or an entry with other bytes,
     *     ACCESS_DENIED without a grant, QUOTA_EXCEEDED, NO_SPACE
     */
    public CompletableFuture<Long> journal(PeerId operator, JournalOrder.Signed order, List<byte[]> entries) {
        CborMap.Builder fields = CborMap.builder().put(2, order.envelope()).put(3, RecordFields.envelopes(entries));
        return ask(operator, StorageProtocol.Ask.JOURNAL, fields, answer -> answer.uint(2, Long.MAX_VALUE));
    }

    /**
     * Reads a volume's journal. Fails with NOT_FOUND if the operator keeps none.
     *
     * @param volume 32 bytes
     * @param from number of the first entry that is wanted
     */
    public CompletableFuture<JournalPage> journalPage(PeerId operator, PeerId tenant, byte[] volume, long from) {
        CborMap.Builder fields =
                CborMap.builder().put(2, tenant.toBytes()).put(3, volume).put(4, from);
        return ask(operator, StorageProtocol.Ask.JOURNAL_PAGE, fields, answer -> {
            long trimmed = answer.uint(3, Long.MAX_VALUE - 1);
            long next = answer.uint(4, Long.MAX_VALUE);
            long first = answer.uint(5, Long.MAX_VALUE);
            List<byte[]> entries =
                    RecordFields.envelopes(answer, 6, JournalOrder.MAX_ENTRIES, JournalOrder.MAX_ENTRIES_BYTES);
            if (next <= trimmed
                    || !entries.isEmpty() && (first != Math.max(from, trimmed + 1) || next - first < entries.size())) {
                throw new MalformedException("the journal's numbers do not fit");
            }
            return new JournalPage(answer.uint(2, Long.MAX_VALUE), trimmed, next, first, entries);
        });
    }

    /**
     * Asks for the lease of a volume's only writer, renews it or gives it back.
     *
     * @return who has it now: another writer if that has one that has not ended. Fails with ACCESS_DENIED without a grant, EXISTS if a
     *     later order of the same writer is known
     */
    public CompletableFuture<WriterLease.Held> writer(PeerId operator, WriterLease.Signed lease) {
        return ask(
                operator,
                StorageProtocol.Ask.WRITER,
                CborMap.builder().put(2, lease.envelope()),
                answer -> new WriterLease.Held(
                        RecordFields.peer(answer, 2),
                        Duration.ofMillis(answer.uint(3, WriterLease.LONGEST.toMillis())),
                        answer.uint(4, Long.MAX_VALUE)));
    }

    /**
     * Prolongs leases of a tenant whose custodian this peer is.
     *
     * @param groups of which; null for all that the tenant has there
     * @return what is leased there; fails with ACCESS_DENIED if the right is another peer's or has ended, or the tenant has no grant
     */
    public CompletableFuture<Renewed> renew(
            PeerId operator, Custody.Signed custody, @Nullable Collection<GroupId> groups) {
        if (groups == null) {
            return renew(operator, custody, CborSimple.NULL);
        }
        CompletableFuture<Renewed> all = CompletableFuture.completedFuture(NOTHING_RENEWED);
        for (List<GroupId> page : Iterables.partition(groups, StorageProtocol.RENEWED_GROUPS)) {
            ByteBuffer packed = ByteBuffer.allocate(page.size() * GroupId.LENGTH);
            page.forEach(group -> packed.put(group.bytes()));
            all = all.thenCompose(before -> renew(operator, custody, CborBytes.of(packed.array()))
                    .thenApply(more -> new Renewed(before.slots() + more.slots(), more.lifetime(), more.holders())));
        }
        return all;
    }

    private CompletableFuture<Renewed> renew(PeerId operator, Custody.Signed custody, Cbor groups) {
        return ask(
                operator,
                StorageProtocol.Ask.RENEW,
                CborMap.builder().put(2, custody.envelope()).put(3, groups),
                answer -> new Renewed(
                        (int) answer.uint(2, Integer.MAX_VALUE),
                        RecordFields.lifetime(answer, 3),
                        RecordFields.peers(answer, 4, StorageProtocol.CO_HOLDERS)));
    }

    /** What the operator says of itself. */
    public CompletableFuture<StorageAdvert.Signed> advert(PeerId operator) {
        return ask(operator, StorageProtocol.Ask.ADVERT, CborMap.builder(), answer -> {
            StorageAdvert.Signed advert = StorageAdvert.open(answer.bytes(2, 1, 64 * 1024), network.id());
            if (!advert.advert().operator().equals(operator)) {
                throw new MalformedException("the advert is of somebody else");
            }
            return advert;
        });
    }

    /**
     * Whether a co-holder lives, and whether it knows the same tables.
     *
     * @param digest of the tables of all groups that both hold, as this host knows them
     * @return the same as the other knows them
     */
    public CompletableFuture<Long> probe(PeerId coHolder, long digest) {
        return ask(
                coHolder,
                StorageProtocol.Ask.PROBE,
                CborMap.builder().put(2, digest & Long.MAX_VALUE),
                answer -> answer.uint(2, Long.MAX_VALUE));
    }

    /** A group and the generation of the table that a co-holder goes by. */
    public record SharedGroup(PeerId tenant, GroupId group, long generation) {}

    /** The groups that, as far as the co-holder knows, both hold. @param from how many to pass over; up to 2,048 come at once */
    public CompletableFuture<List<SharedGroup>> shared(PeerId coHolder, long from) {
        return ask(coHolder, StorageProtocol.Ask.SHARED, CborMap.builder().put(2, from), answer -> {
            List<SharedGroup> groups = new ArrayList<>();
            for (Cbor item : answer.array(2, 2_048).items()) {
                if (!(item instanceof CborMap fields)) {
                    throw new MalformedException("a shared group is none");
                }
                groups.add(new SharedGroup(
                        RecordFields.peer(fields, 1), RecordFields.group(fields, 2), fields.uint(3, Long.MAX_VALUE)));
            }
            return groups;
        });
    }

    /** How long ago a co-holder has heard another one; the longest duration of a second count if it does not watch it. */
    public CompletableFuture<Duration> vouch(PeerId coHolder, PeerId about) {
        return ask(
                coHolder,
                StorageProtocol.Ask.VOUCH,
                CborMap.builder().put(2, about.toBytes()),
                answer -> Duration.ofSeconds(answer.uint(2, RecordFields.MAX_SECONDS)));
    }

    // ------------------------------------------------------------------------------------------------- asking

    /** Turns an answer that is no refusal into a value. */
    @FunctionalInterface
    private interface Answer<T extends @Nullable Object> {
        T read(CborMap answer) throws MalformedException;
    }

    private <T extends @Nullable Object> CompletableFuture<T> ask(
            PeerId operator, StorageProtocol.Ask what, CborMap.Builder fields, Answer<T> reader) {
        byte[] request = CborEncoder.encode(fields.put(1, what.ordinal()).build());
        return SingleExchange.ask(
                        host,
                        operator,
                        protocol,
                        request,
                        StorageProtocol.MAX_MESSAGE,
                        PATIENCE,
                        (subject, detail) -> ended(what, subject, detail))
                .thenApply(answer -> read(operator, what, answer, reader));
    }

    private static <T extends @Nullable Object> T read(
            PeerId operator, StorageProtocol.Ask what, byte[] encoded, Answer<T> reader) {
        try {
            CborMap answer = CborDecoder.decodeMap(encoded);
            int status = (int) answer.uint(1, 255);
            if (status == 0) {
                return reader.read(answer);
            }
            StorageProtocol.Refusal[] refusals = StorageProtocol.Refusal.values();
            StorageProtocol.Refusal refusal =
                    status <= refusals.length ? refusals[status - 1] : StorageProtocol.Refusal.FAILED;
            throw refusal.on(name(what), operator.toString(), answer.text(2, StorageProtocol.MAX_TEXT));
        } catch (MalformedException e) {
            throw new PpiofsException(
                    ErrorKind.CORRUPT, name(what), operator.toString(), "it answered nonsense: " + e.getMessage(), e);
        }
    }

    private static PpiofsException ended(StorageProtocol.Ask what, String subject, String detail) {
        return new PpiofsException(ErrorKind.NOT_CONNECTED, name(what), subject, detail);
    }

    private static String name(StorageProtocol.Ask what) {
        return "ask for " + what.name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }
}
