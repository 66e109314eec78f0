package io.ppiofs.overlay.storage;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.blockstore.BlockStore;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.erasure.Scheme;
import io.ppiofs.blockstore.gc.Sweepable;
import io.ppiofs.blockstore.segment.SegmentBlockStore;
import io.ppiofs.blockstore.segment.SegmentOptions;
import io.ppiofs.blockstore.space.SpaceBudget;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.blocks.BlockSource;
import io.ppiofs.overlay.blocks.Verdict;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.network.Network;
import io.ppiofs.overlay.placement.GroupId;
import io.ppiofs.overlay.placement.SlotAddress;
import io.ppiofs.overlay.placement.SlotTable;
import io.ppiofs.overlay.placement.TableChain;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Hosted blocks on a real disk: what is there after a crash, and under many hands. */
@Tag("quick")
class StorageHostTest {
    private static final SecureRandom SECRETS = new SecureRandom();
    private static final long MIB = 1 << 20;

    @TempDir
    private Path directory;

    private final IdentityKey operator = IdentityKey.generate(SECRETS);
    private final IdentityKey tenant = IdentityKey.generate(SECRETS);
    private final PeerId uploader = IdentityKey.generate(SECRETS).peerId();
    private final AtomicLong clock = new AtomicLong(1_800_000_000_000L);
    private final Random random = new Random(5);
    private final List<AutoCloseable> open = new ArrayList<>();
    private StorageHost storage;
    private long sequence = 1;

    @BeforeEach
    void begin() {
        storage = open(directory.resolve("first"), 64 * MIB);
        storage.grants().allow(tenant.peerId(), 32 * MIB, clock.get());
    }

    @AfterEach
    void end() throws Exception {
        for (AutoCloseable each : open) {
            each.close();
        }
    }

    private StorageHost open(Path where, long capacity) {
        SpaceBudget budget = SpaceBudget.open(where, Long.MAX_VALUE);
        SegmentBlockStore blocks = SegmentBlockStore.open(
                where.resolve("blocks"), SegmentOptions.defaults().withSegmentBytes(4 << 20), budget);
        StorageHost host =
                StorageHost.open(where, operator, Network.PUBLIC.id(), StorageOptions.of(capacity), blocks, clock::get);
        open.add(0, budget);
        open.add(0, host);
        return host;
    }

    /** What a kill -9 at this moment would leave: the bytes that have been written, copied elsewhere. */
    private StorageHost afterKill(String name) throws IOException {
        Path image = directory.resolve(name);
        try (Stream<Path> files = Files.walk(directory.resolve("first"))) {
            for (Path file : (Iterable<Path>) files::iterator) {
                Path to = image.resolve(
                        directory.resolve("first").relativize(file).toString());
                if (Files.isDirectory(file)) {
                    Files.createDirectories(to);
                } else if (!file.getFileName().toString().contains("lock")) {
                    Files.copy(file, to);
                }
            }
        }
        return open(image, 64 * MIB);
    }

    private GroupId lease(long bytes) {
        GroupId group = GroupId.random(SECRETS);
        storage.lease(
                new LeaseOrder(
                        tenant.peerId(),
                        new SlotAddress(group, 0, 1),
                        sequence++,
                        List.of(uploader),
                        bytes,
                        LeaseOrder.USUAL),
                null,
                new RepairMandate(tenant.peerId(), 1, bytes, Duration.ofDays(9)).sign(tenant, Network.PUBLIC.id()));
        return group;
    }

    private BlockStore.StoredBlock block(int bytes) {
        byte[] content = new byte[bytes];
        synchronized (random) {
            random.nextBytes(content);
        }
        ByteBuffer buffer = ByteBuffer.wrap(content);
        return new BlockStore.StoredBlock(Cid.of(buffer.duplicate()), buffer);
    }

    private Verdict put(GroupId group, BlockStore.StoredBlock block) {
        SlotAddress slot = new SlotAddress(group, 0, 1);
        Verdict admitted = storage.admit(
                uploader, tenant.peerId(), slot, block.cid(), block.bytes().remaining());
        return admitted != null
                ? admitted
                : storage.store(
                        uploader,
                        tenant.peerId(),
                        slot,
                        block.cid(),
                        block.bytes().duplicate());
    }

    private SlotTable table(GroupId group) {
        return new SlotTable(
                tenant.peerId(), group, 1, Scheme.copies(1), SlotTable.State.OPEN, List.of(operator.peerId()), null);
    }

    @Test
    void what_was_answered_is_there_after_a_kill() throws IOException {
        GroupId group = lease(16 * MIB);
        List<BlockStore.StoredBlock> blocks = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            blocks.add(block(10_000 + i));
            assertThat(put(group, blocks.get(i))).isEqualTo(Verdict.STORED);
        }
        storage.durable();
        storage.offer(TableChain.of(table(group).sign(tenant, Network.PUBLIC.id())));
        storage.pin(new PinnedHead(tenant.peerId(), new byte[32], 4, new byte[] {9}).sign(tenant, Network.PUBLIC.id()));
        storage.grants().setOpen(new GrantBook.OpenMode(5 * MIB, MIB));
        byte[] token = storage.grants().invite(MIB, SECRETS);

        StorageHost again = afterKill("again");
        assertThat(again.usage()).isEqualTo(storage.usage());
        assertThat(again.hosted()).isEqualTo(storage.hosted());
        assertThat(again.holdings(tenant.peerId(), group, 0, 0, 100).entries())
                .extracting(e -> e.cid())
                .containsExactlyElementsOf(
                        blocks.stream().map(BlockStore.StoredBlock::cid).toList());
        for (BlockStore.StoredBlock block : blocks) {
            assertThat(again.block(block.cid())).isEqualTo(block.bytes());
        }
        assertThat(again.table(tenant.peerId(), group).newest()).isEqualTo(table(group));
        assertThat(again.mandate(tenant.peerId())).isNotNull();
        assertThat(again.head(tenant.peerId(), new byte[32]).pin().sequence()).isEqualTo(4);
        assertThat(again.grants().open()).isEqualTo(new GrantBook.OpenMode(5 * MIB, MIB));
        GrantBook.Applicant stranger = new GrantBook.Applicant(uploader, "", 0);
        PeerId guest = IdentityKey.generate(SECRETS).peerId();
        assertThat(again.grants()
                        .request(guest, MIB, token, stranger, clock.get())
                        .kind())
                .isEqualTo(Grant.Kind.INVITATION);
    }

    @Test
    void a_record_that_was_written_in_part_is_dropped_and_nothing_before_it() throws IOException {
        GroupId group = lease(16 * MIB);
        for (int i = 0; i < 3; i++) {
            put(group, block(1_000));
        }
        storage.durable();
        List<Path> torn;
        try (Stream<Path> files = Files.list(directory.resolve("first/slots"))) {
            torn = new ArrayList<>(files.toList());
        }
        torn.add(directory.resolve("first/book"));
        for (Path file : torn) {
            Files.write(file, new byte[] {0, 0, 0, 40, 1, 2, 3, 4, 5, 6, 7}, StandardOpenOption.APPEND);
        }
        StorageHost again = afterKill("torn");
        assertThat(again.usage()).isEqualTo(storage.usage());
        assertThat(again.holdings(tenant.peerId(), group, 0, 0, 10).entries()).hasSize(3);
    }

    @Test
    void many_hands_never_take_more_than_the_grant() throws Exception {
        long granted = 32 * MIB;
        List<GroupId> groups = List.of(lease(granted), lease(granted), lease(granted));
        List<BlockStore.StoredBlock> common = List.of(block(70_000), block(70_001), block(70_002));
        ExecutorService hands = Executors.newFixedThreadPool(6);
        try {
            List<Future<Long>> sums = new ArrayList<>();
            for (int hand = 0; hand < 6; hand++) {
                int number = hand;
                sums.add(hands.submit(() -> {
                    long stored = 0;
                    for (int i = 0; i < 120; i++) {
                        BlockStore.StoredBlock block = i % 10 == 0 ? common.get(i / 10 % 3) : block(80_000 + number);
                        Verdict verdict = put(groups.get(i % 3), block);
                        stored += verdict.isStored() ? 1 : 0;
                        if (i % 20 == 0) {
                            storage.durable();
                        }
                        if (i == 60) {
                            storage.collect();
                        }
                    }
                    return stored;
                }));
            }
            for (Future<Long> sum : sums) {
                assertThat(sum.get(2, TimeUnit.MINUTES)).isPositive();
            }
        } finally {
            hands.shutdownNow();
        }
        long held =
                storage.hosted().stream().mapToLong(StorageHost.Hosted::bytes).sum();
        assertThat(held).isLessThanOrEqualTo(granted).isGreaterThan(granted - 100_000);
        assertThat(storage.usage().bytes()).isEqualTo(held);
        assertThat(storage.usedBy(tenant.peerId())).isEqualTo(held);
        storage.collect();
        for (GroupId group : groups) {
            storage.holdings(tenant.peerId(), group, 0, 0, 10_000)
                    .entries()
                    .forEach(e -> assertThat(storage.block(e.cid())).isNotNull());
        }
    }

    @Test
    void a_block_that_the_disk_has_damaged_is_found_and_dropped() throws IOException {
        GroupId group = lease(16 * MIB);
        List<BlockStore.StoredBlock> blocks = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            blocks.add(block(50_000));
            put(group, blocks.get(i));
        }
        storage.durable();
        Path segment;
        try (Stream<Path> files = Files.walk(directory.resolve("first/blocks"))) {
            segment =
                    files.filter(f -> f.toString().endsWith(".seg")).findFirst().orElseThrow();
        }
        byte[] bytes = Files.readAllBytes(segment);
        int at = indexOf(bytes, blocks.get(3).bytes().array());
        try (var channel = Files.newByteChannel(segment, StandardOpenOption.WRITE)) {
            channel.position(at + 100).write(ByteBuffer.wrap(new byte[64]));
        }
        assertThat(storage.scrub(0, () -> false)).isEqualTo(1);
        assertThat(storage.block(blocks.get(3).cid())).isNull();
        assertThat(storage.admit(
                        uploader,
                        tenant.peerId(),
                        new SlotAddress(group, 0, 1),
                        blocks.get(3).cid(),
                        50_000))
                .isNull();
        assertThat(put(group, blocks.get(3))).isEqualTo(Verdict.STORED);
        assertThat(storage.block(blocks.get(3).cid())).isEqualTo(blocks.get(3).bytes());
        assertThat(storage.usage().bytes()).isEqualTo(8 * 50_000);
    }

    private static int indexOf(byte[] in, byte[] what) {
        for (int i = 0; i + what.length <= in.length; i++) {
            if (in[i] == what[0]
                    && in[i + 1] == what[1]
                    && Arrays.equals(in, i, i + what.length, what, 0, what.length)) {
                return i;
            }
        }
        throw new AssertionError("the segment does not have the block");
    }

    @Test
    void blocks_are_read_by_offset() {
        GroupId group = lease(16 * MIB);
        BlockStore.StoredBlock block = block(300_000);
        put(group, block);
        try (BlockSource source = storage.open(uploader, block.cid())) {
            assertThat(source).isNotNull();
            assertThat(source.length()).isEqualTo(300_000);
            ByteBuffer part = ByteBuffer.allocate(1_000);
            source.read(200_000, part);
            assertThat(part.flip()).isEqualTo(block.bytes().slice(200_000, 1_000));
        }
        assertThat(storage.open(uploader, block(10).cid())).isNull();
    }

    @Test
    void whoever_keeps_idle_space_hears_of_each_byte_more_and_is_asked_to_give_some_up_when_the_disk_is_full() {
        List<Long> heard = new ArrayList<>();
        storage.observeUse(heard::add);
        GroupId group = lease(16 * MIB);
        put(group, block(1_000));
        put(group, block(500));
        assertThat(heard).containsExactly(1_000L, 1_500L);

        AtomicLong idle = new AtomicLong(1);
        BlockStore full = (BlockStore) Proxy.newProxyInstance(
                BlockStore.class.getClassLoader(),
                new Class<?>[] {BlockStore.class, Sweepable.class},
                (proxy, method, arguments) -> {
                    if (method.getName().startsWith("put") && idle.get() > 0) {
                        throw PpiofsException.expected(ErrorKind.NO_SPACE, "put", "block");
                    }
                    return method.getReturnType() == long.class ? 0L : null;
                });
        storage = StorageHost.open(
                directory.resolve("full"),
                operator,
                Network.PUBLIC.id(),
                StorageOptions.of(64 * MIB),
                full,
                clock::get);
        open.add(0, storage);
        storage.grants().allow(tenant.peerId(), 32 * MIB, clock.get());
        GroupId other = lease(16 * MIB);
        assertThat(put(other, block(700))).isEqualTo(Verdict.noSpace("the operator's disk is full"));
        StorageHost host = storage;
        storage.whenDiskIsFull(() -> {
            // what takes its time holds up neither a collection nor, behind it, everybody else
            CompletableFuture.runAsync(host::collect)
                    .orTimeout(20, TimeUnit.SECONDS)
                    .join();
            return idle.getAndDecrement() > 0;
        });
        assertThat(put(other, block(700))).isEqualTo(Verdict.STORED);
        assertThat(storage.usage().bytes()).isEqualTo(700);
    }
}
