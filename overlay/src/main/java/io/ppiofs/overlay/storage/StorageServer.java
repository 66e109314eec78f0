package io.ppiofs.overlay.storage;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.cbor.Cbor;
import io.ppiofs.cbor.CborArray;
import io.ppiofs.cbor.CborBytes;
import io.ppiofs.cbor.CborDecoder;
import io.ppiofs.cbor.CborEncoder;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.CborSimple;
import io.ppiofs.cbor.CborText;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.autonat.Reachability;
import io.ppiofs.overlay.host.HandlerOptions;
import io.ppiofs.overlay.host.Host;
import io.ppiofs.overlay.host.MessageChannel;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.host.Scheduler;
import io.ppiofs.overlay.host.SingleExchange;
import io.ppiofs.overlay.host.Stream;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.network.Network;
import io.ppiofs.overlay.placement.GroupId;
import io.ppiofs.overlay.placement.Inventory;
import io.ppiofs.overlay.placement.NetworkPrefix;
import io.ppiofs.overlay.placement.TableChain;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Serves a {@link StorageHost} to the network: answers {@code /ppiofs/ID/storage/1.0.0}, makes adverts, ends leases on time.
 * Requests are carried out on the given executor, which may block.
 */
public final class StorageServer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(StorageServer.class);
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final Duration ROUND = Duration.ofMinutes(1);
    private static final Duration SHORTEST_ROUND = Duration.ofSeconds(1);
    private static final Duration ADVERT = Duration.ofMinutes(30);
    private static final int STREAMS_PER_PEER = 32;
    private static final int MAX_SHARED = 2_048;

    private final Host host;
    private final NetworkId network;
    private final ProtocolId protocol;
    private final StorageHost storage;
    private final Executor work;
    private final Supplier<Reachability> reachability;
    private final ToLongFunction<PeerId> storedForUs;
    private volatile Function<PeerId, Duration> silences = peer -> Duration.ofSeconds(RecordFields.MAX_SECONDS);
    private volatile BiConsumer<PeerId, GroupId> restorer = (tenant, group) -> {};
    private final AtomicBoolean tidying = new AtomicBoolean();
    private final Scheduler.Timer timer;

    /**
     * @param work for what touches the disk
     * @param reachability whether others can dial this node, as it has measured
     * @param storedForUs bytes that a peer holds of this operator's own volumes: as much may its tenants have here
     */
    public StorageServer(
            Host host,
            Network network,
            StorageHost storage,
            Executor work,
            Supplier<Reachability> reachability,
            ToLongFunction<PeerId> storedForUs) {
        this.host = host;
        this.network = network.id();
        this.protocol = StorageProtocol.id(network);
        this.storage = storage;
        this.work = work;
        this.reachability = reachability;
        this.storedForUs = storedForUs;
        this.timer = host.scheduler().scheduleRepeating(round(storage.options()), this::round);
    }

    /** Short enough that nothing stays much longer than the operator says. */
    private static Duration round(StorageOptions options) {
        Duration part = options.deletionDelay().dividedBy(4);
        Duration round = part.compareTo(ROUND) < 0 ? part : ROUND;
        return round.compareTo(SHORTEST_ROUND) < 0 ? SHORTEST_ROUND : round;
    }

    public StorageHost storage() {
        return storage;
    }

    /** Begins to answer. */
    public void serve() {
        host.handle(protocol, HandlerOptions.DEFAULT.withMaxStreamsPerPeer(STREAMS_PER_PEER), this::accept);
        round();
    }

    private void round() {
        run(this::tidy);
    }

    private void run(Runnable task) {
        try {
            work.execute(task);
        } catch (RejectedExecutionException e) {
            LOG.debug("storage is ending: {}", e.toString());
        }
    }

    private void tidy() {
        if (!tidying.compareAndSet(false, true)) {
            return;
        }
        try {
            if (storage.expire()) {
                storage.collect();
            }
        } catch (PpiofsException e) {
            LOG.warn("hosted blocks could not be tidied, the next round tries again: {}", e.getMessage());
        } finally {
            tidying.set(false);
        }
    }

    /** Who answers how long ago this node has heard a co-holder. */
    public void vouching(Function<PeerId, Duration> newSilences) {
        silences = newSilences;
    }

    /** Who fetches what this node's slots of a tenant's group lack, when it is asked to; it decides when and how fast. */
    public void restoring(BiConsumer<PeerId, GroupId> newRestorer) {
        restorer = newRestorer;
    }

    private long vouched(PeerId about) {
        return Math.min(RecordFields.MAX_SECONDS, silences.apply(about).toSeconds());
    }

    /** What this operator says of itself now. */
    public StorageAdvert.Signed advert() {
        StorageHost.Usage usage = storage.usage();
        GrantBook.OpenMode open = storage.grants().open();
        boolean leaving = storage.isLeaving();
        return new StorageAdvert(
                        host.id(),
                        host.scheduler().wallMillis(),
                        leaving ? 0 : usage.capacity(),
                        leaving ? 0 : Math.max(0, usage.capacity() - usage.bytes()),
                        storage.options().domain(),
                        storage.options().regions(),
                        reachability.get(),
                        !leaving && open.bytes() > 0,
                        host.addresses().stream().limit(16).toList(),
                        ADVERT)
                .sign(host.key(), network);
    }

    // -------------------------------------------------------------------------------------------- answering

    /** Answers one stream of the protocol, as {@link #serve} has it done. */
    public void accept(Stream stream) {
        SingleExchange.accept(
                host,
                stream,
                StorageProtocol.MAX_MESSAGE,
                PATIENCE,
                (channel, message) -> run(() -> answer(channel, message)));
    }

    private void answer(MessageChannel channel, byte[] request) {
        CborMap.Builder answer;
        try {
            answer = answer(channel.stream(), CborDecoder.decodeMap(request)).put(1, 0);
        } catch (MalformedException e) {
            answer = refusal(StorageProtocol.Refusal.MALFORMED, String.valueOf(e.getMessage()));
        } catch (PpiofsException e) {
            answer = refusal(StorageProtocol.Refusal.of(e.kind()), e.detail());
        } catch (RuntimeException e) {
            LOG.error("a request of {} failed", channel.stream().connection().remotePeer(), e);
            answer = refusal(StorageProtocol.Refusal.FAILED, "the operator could not do it; its log says why");
        }
        var unused = channel.send(CborEncoder.encode(answer.build()));
        var ignored = channel.stream().closeWrite();
    }

    private static CborMap.Builder refusal(StorageProtocol.Refusal refusal, String text) {
        String shown = text.length() > StorageProtocol.MAX_TEXT ? text.substring(0, StorageProtocol.MAX_TEXT) : text;
        return CborMap.builder().put(1, refusal.ordinal() + 1).put(2, new CborText(shown));
    }

    private CborMap.Builder answer(Stream stream, CborMap request) throws MalformedException {
        int what = (int) request.uint(1, 255);
        if (what >= StorageProtocol.Ask.values().length) {
            throw new PpiofsException(
                    ErrorKind.NOT_SUPPORTED, "answer", "request " + what, "this version does not know it");
        }
        PeerId asker = stream.connection().remotePeer();
        return switch (StorageProtocol.Ask.values()[what]) {
            case GRANT -> grant(stream, request);
            case LEASE -> lease(request);
            case REPAIR_LEASE -> repairLease(asker, request);
            case TABLE ->
                chain(storage.offer(TableChain.open(
                        RecordFields.envelopes(request, 2, TableChain.MAX_TABLES, TableChain.MAX_BYTES), network)));
            case TABLES -> table(request);
            case HOLDINGS -> holdings(request);
            case LACKS -> lacks(request);
            case RELEASE -> {
                storage.release(ReleaseOrder.open(record(request, 2), network).order());
                yield CborMap.builder();
            }
            case GROUPS -> groups(request);
            case PIN_HEAD -> CborMap.builder().put(2, storage.pin(PinnedHead.open(record(request, 2), network)));
            case HEAD -> head(request);
            case ADVERT -> CborMap.builder().put(2, advert().envelope());
            case PROBE -> CborMap.builder().put(2, storage.digest(asker));
            case SHARED -> shared(asker, request);
            case VOUCH -> CborMap.builder().put(2, vouched(RecordFields.peer(request, 2)));
            case JOURNAL ->
                CborMap.builder()
                        .put(
                                2,
                                storage.journal(
                                        JournalOrder.open(record(request, 2), network)
                                                .order(),
                                        RecordFields.envelopes(
                                                request, 3, JournalOrder.MAX_ENTRIES, JournalOrder.MAX_ENTRIES_BYTES)));
            case JOURNAL_PAGE -> journalPage(request);
            case WRITER -> {
                WriterLease.Held held = storage.writer(
                        WriterLease.open(record(request, 2), network).lease());
                yield CborMap.builder()
                        .put(2, held.writer().toBytes())
                        .put(3, held.left().toMillis())
                        .put(4, held.renewals());
            }
            case RENEW -> {
                StorageClient.Renewed renewed = storage.renew(
                        asker, Custody.open(record(request, 2), network).custody(), renewedGroups(request));
                yield CborMap.builder()
                        .put(2, renewed.slots())
                        .put(3, renewed.lifetime().toSeconds())
                        .put(4, RecordFields.peers(renewed.holders()));
            }
            case HEADS ->
                CborMap.builder()
                        .put(
                                2,
                                RecordFields.envelopes(storage.heads(
                                        request.bytes(2, PinnedHead.VOLUME), StorageProtocol.HEADS_PAGE)));
        };
    }

    /** Null: all. */
    private static @Nullable Set<GroupId> renewedGroups(CborMap request) throws MalformedException {
        if (request.get(3) == CborSimple.NULL) {
            return null;
        }
        byte[] packed = request.bytes(3, 0, StorageProtocol.RENEWED_GROUPS * GroupId.LENGTH);
        if (packed.length % GroupId.LENGTH != 0) {
            throw new MalformedException("field 3 is no list of groups");
        }
        Set<GroupId> groups = new HashSet<>();
        for (int at = 0; at < packed.length; at += GroupId.LENGTH) {
            groups.add(GroupId.of(Arrays.copyOfRange(packed, at, at + GroupId.LENGTH)));
        }
        return groups;
    }

    private static byte[] record(CborMap request, int field) throws MalformedException {
        return request.bytes(field, 1, 64 * 1024);
    }

    private static byte[] recordOrEmpty(CborMap request, int field) throws MalformedException {
        return request.get(field) == CborSimple.NULL ? new byte[0] : record(request, field);
    }

    private CborMap.Builder grant(Stream stream, CborMap request) throws MalformedException {
        GrantRequest order = GrantRequest.open(record(request, 2), network);
        PeerId asker = stream.connection().remotePeer();
        String prefix = NetworkPrefix.of(stream.connection().remoteAddress())
                .map(NetworkPrefix::text)
                .orElse("");
        GrantBook.Applicant applicant =
                new GrantBook.Applicant(asker, prefix, Math.max(0, storedForUs.applyAsLong(asker)));
        return CborMap.builder().put(2, storage.requestGrant(order, applicant).envelope());
    }

    private CborMap.Builder lease(CborMap request) throws MalformedException {
        LeaseOrder order = LeaseOrder.open(record(request, 2), network).order();
        byte[] grant = recordOrEmpty(request, 3);
        byte[] mandate = recordOrEmpty(request, 4);
        return leased(storage.lease(
                order,
                grant.length == 0 ? null : Grant.open(grant, network),
                mandate.length == 0 ? null : RepairMandate.open(mandate, network)));
    }

    private CborMap.Builder repairLease(PeerId asker, CborMap request) throws MalformedException {
        return leased(storage.leaseForRepair(
                asker,
                RecordFields.address(request, 2),
                request.uint(5, Long.MAX_VALUE),
                RepairMandate.open(record(request, 6), network),
                TableChain.open(
                        RecordFields.envelopes(request, 7, TableChain.MAX_TABLES, TableChain.MAX_BYTES), network)));
    }

    private static CborMap.Builder leased(StorageClient.Leased leased) {
        return CborMap.builder()
                .put(2, leased.available())
                .put(3, Math.max(1, leased.lifetime().toSeconds()));
    }

    private static CborMap.Builder chain(TableChain chain) {
        return CborMap.builder().put(2, RecordFields.envelopes(chain.envelopes()));
    }

    private CborMap.Builder table(CborMap request) throws MalformedException {
        TableChain chain = storage.table(RecordFields.peer(request, 2), RecordFields.group(request, 3));
        if (chain == null) {
            throw PpiofsException.expected(ErrorKind.NOT_FOUND, "table", "of the group");
        }
        return chain(chain);
    }

    private CborMap.Builder holdings(CborMap request) throws MalformedException {
        StorageClient.Holdings page = storage.holdings(
                RecordFields.peer(request, 2),
                RecordFields.group(request, 3),
                RecordFields.slot(request, 4),
                request.uint(5, Integer.MAX_VALUE),
                StorageProtocol.PAGE);
        ByteBuffer packed = ByteBuffer.allocate(page.entries().size() * (Cid.DIGEST_LENGTH + 4));
        for (Inventory.Entry entry : page.entries()) {
            entry.cid().writeDigest(packed);
            packed.putInt(entry.length());
        }
        return CborMap.builder().put(2, page.total()).put(3, packed.array());
    }

    private CborMap.Builder lacks(CborMap request) throws MalformedException {
        PeerId tenant = RecordFields.peer(request, 2);
        GroupId group = RecordFields.group(request, 3);
        StorageClient.Lack lack = storage.lacks(tenant, group, RecordFields.slot(request, 4));
        boolean restore = request.size() > 4 && request.bool(5);
        if (restore && !lack.missing().isEmpty()) {
            restorer.accept(tenant, group);
        }
        return CborMap.builder().put(2, lack.generation()).put(3, lack.missing().toByteArray());
    }

    private CborMap.Builder groups(CborMap request) throws MalformedException {
        byte[] after = request.bytes(3, 0, GroupId.LENGTH);
        if (after.length != 0 && after.length != GroupId.LENGTH) {
            throw new MalformedException("field 3 is no group");
        }
        List<Cbor> chains = new ArrayList<>();
        int bytes = 0;
        for (TableChain chain : storage.groups(
                RecordFields.peer(request, 2),
                after.length == 0 ? null : GroupId.of(after),
                StorageProtocol.GROUPS_PAGE)) {
            int more = chain.envelopes().stream().mapToInt(e -> e.length + 5).sum() + 5;
            if (!chains.isEmpty() && bytes + more > StorageProtocol.MAX_MESSAGE - 1_024) {
                break;
            }
            bytes += more;
            chains.add(RecordFields.envelopes(chain.envelopes()));
        }
        return CborMap.builder().put(2, new CborArray(chains));
    }

    private CborMap.Builder head(CborMap request) throws MalformedException {
        PinnedHead.Signed head = storage.head(RecordFields.peer(request, 2), request.bytes(3, PinnedHead.VOLUME));
        return CborMap.builder().put(2, head == null ? CborSimple.NULL : CborBytes.of(head.envelope()));
    }

    private CborMap.Builder journalPage(CborMap request) throws MalformedException {
        StorageClient.JournalPage page = storage.journal(
                RecordFields.peer(request, 2),
                request.bytes(3, PinnedHead.VOLUME),
                request.uint(4, Long.MAX_VALUE),
                JournalOrder.MAX_ENTRIES_BYTES);
        return CborMap.builder()
                .put(2, page.stream())
                .put(3, page.trimmed())
                .put(4, page.next())
                .put(5, page.first())
                .put(6, RecordFields.envelopes(page.entries()));
    }

    private CborMap.Builder shared(PeerId asker, CborMap request) throws MalformedException {
        List<Cbor> groups = new ArrayList<>();
        storage.shared(asker).stream()
                .skip(request.uint(2, Integer.MAX_VALUE))
                .limit(MAX_SHARED)
                .forEach(chain -> groups.add(CborMap.builder()
                        .put(1, chain.tenant().toBytes())
                        .put(2, chain.group().bytes())
                        .put(3, chain.generation())
                        .build()));
        return CborMap.builder().put(2, new CborArray(groups));
    }

    /** Stops answering; the storage stays open. */
    @Override
    public void close() {
        timer.cancel();
        host.unhandle(protocol);
    }
}
