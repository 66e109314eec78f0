package io.ppiofs.node.sectors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.erasure.Scheme;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.audit.SealAcceptance;
import io.ppiofs.overlay.audit.SealAsk;
import io.ppiofs.overlay.audit.SealOrder;
import io.ppiofs.overlay.audit.SealStatus;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.network.Network;
import io.ppiofs.overlay.placement.GroupId;
import io.ppiofs.overlay.placement.Inventory;
import io.ppiofs.overlay.placement.SlotTable;
import io.ppiofs.overlay.placement.TableChain;
import io.ppiofs.overlay.storage.StorageHost;
import io.ppiofs.proofs.audit.SealStatement;
import io.ppiofs.proofs.audit.VerifierKey;
import io.ppiofs.proofs.sdr.SealParameters;
import io.ppiofs.proofs.sector.SectorOptions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An operator that seals, whose disk, tenants or blocks are not as they should be. */
class HostedSealsTest {
    private static final NetworkId NETWORK = Network.PUBLIC.id();
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final int BYTES = 50_000;
    private static final long SECTOR = 65_536;
    private static final long WHILE_SEALED = SECTOR * (SealParameters.TEST.layers() + 5);

    @TempDir
    private Path directory;

    private final IdentityKey tenant = IdentityKey.ofSeed(new byte[32]);
    private final PeerId holder = IdentityKey.ofSeed(new byte[] {
                1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1
            })
            .peerId();
    private final VerifierKey verifier = VerifierKey.ofSecret(new byte[32]);
    private final VerifierKey another = VerifierKey.ofSecret(new SplittableRandom(9)
            .ints(32)
            .mapToObj(i -> (byte) i)
            .collect(() -> ByteBuffer.allocate(32), ByteBuffer::put, (a, b) -> {})
            .array());
    private final byte[] content = new byte[BYTES];
    private final Slots slots = new Slots();
    private final AtomicLong ahead = new AtomicLong();
    private @Nullable Sectors sectors;
    private @Nullable HostedSeals seals;

    HostedSealsTest() {
        new SplittableRandom(1).nextBytes(content);
    }

    /** As many groups as are asked for, each of one block in one slot. */
    private final class Slots implements HostedSlots {
        final AtomicInteger reads = new AtomicInteger();
        final AtomicInteger looks = new AtomicInteger();
        volatile int groups = 3;
        volatile long unused;
        volatile Supplier<@Nullable ByteBuffer> block = () -> ByteBuffer.wrap(content);
        volatile Runnable look = () -> {};

        @Override
        public PeerId operator() {
            return holder;
        }

        @Override
        public List<StorageHost.Hosted> hosted() {
            looks.incrementAndGet();
            look.run();
            return IntStream.range(0, groups)
                    .mapToObj(i -> new StorageHost.Hosted(tenant.peerId(), group(i), 0, 1, BYTES, false))
                    .toList();
        }

        private SlotTable slotTable(GroupId group) {
            return new SlotTable(
                    tenant.peerId(),
                    group,
                    1,
                    Scheme.copies(1),
                    SlotTable.State.CLOSED,
                    List.of(holder),
                    Cid.of(ByteBuffer.wrap(inventory().encode())));
        }

        private Inventory inventory() {
            return new Inventory(
                    Scheme.copies(1), List.of(new Inventory.Entry(Cid.of(ByteBuffer.wrap(content)), BYTES)));
        }

        @Override
        public TableChain table(PeerId of, GroupId group) {
            return TableChain.of(slotTable(group).sign(tenant, NETWORK));
        }

        @Override
        public Inventory inventory(SlotTable table) {
            return inventory();
        }

        @Override
        public @Nullable ByteBuffer block(Cid cid) {
            reads.incrementAndGet();
            return block.get();
        }

        @Override
        public long unusedBytes() {
            return unused;
        }
    }

    private static GroupId group(int number) {
        return GroupId.of(ByteBuffer.allocate(16).putInt(number).array());
    }

    private HostedSeals open(long space) {
        sectors = new Sectors(
                directory.resolve("sectors"), () -> new SectorOptions(holder.toBytes(), SectorOperations.porepId(), 1));
        HostedSeals opened = new HostedSeals(
                sectors,
                slots,
                NETWORK,
                new SealConsent(Set.of("test", "fast"), space),
                () -> System.currentTimeMillis() + ahead.get(),
                Duration.ofMillis(10));
        seals = opened;
        return opened;
    }

    private HostedSeals started() {
        HostedSeals opened = open(1 << 30);
        opened.start();
        return opened;
    }

    @AfterEach
    void close() {
        if (sectors != null && seals != null) {
            sectors.close();
            seals.close();
        }
    }

    private SealOrder order(int group, VerifierKey by, long issued) {
        return SealOrder.sign(
                tenant,
                NETWORK,
                holder,
                group(group),
                0,
                Cid.of(ByteBuffer.wrap(slots.inventory().encode())),
                "test",
                new byte[32],
                by.publicKey(),
                issued);
    }

    private SealOrder order(int group) {
        return order(group, verifier, 1);
    }

    private static SealStatus sealed(HostedSeals by, SealOrder order) {
        SealStatus[] last = new SealStatus[1];
        await(order + " is sealed").atMost(PATIENCE).until(() -> {
            last[0] = by.order(order);
            return last[0].state() == SealStatus.State.SEALED;
        });
        return last[0];
    }

    private SealAsk replication(SealOrder order, SealStatus status) {
        return SealAsk.replication(order, 5, signature(order, status.commR(), SealStatement.Kind.REPLICATION));
    }

    private byte[] signature(SealOrder order, byte[] commR, SealStatement.Kind kind) {
        return verifier.challenge(new SealStatement(NETWORK.bytes(), order.digest(), commR, kind, 5))
                .signature();
    }

    private byte[] window(HostedSeals by, SealOrder order, SealStatus status) {
        SealAcceptance accepted =
                SealAcceptance.sign(tenant, NETWORK, order, status.sector(), status.commD(), status.commR());
        return by.window(
                order,
                accepted,
                SealAsk.window(order, accepted, 5, signature(order, status.commR(), SealStatement.Kind.WINDOW)));
    }

    private static void assertKind(ErrorKind kind, Runnable call) {
        assertThatThrownBy(call::run)
                .isInstanceOfSatisfying(
                        PpiofsException.class,
                        e -> assertThat(e.kind()).as(e.getMessage()).isEqualTo(kind));
    }

    private Path sector(long number) {
        return directory.resolve("sectors").resolve(Long.toString(number));
    }

    private static void block(Path name) {
        try {
            Files.createDirectories(name.resolve("in the way"));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void the_next_order_is_carried_out_although_what_is_left_of_one_cannot_be_removed() {
        HostedSeals opened = started();
        slots.block = () -> {
            slots.block = () -> ByteBuffer.wrap(content);
            block(sector(1).resolve("layer-1"));
            return ByteBuffer.wrap(content);
        };
        opened.order(order(0));
        await("it is tried").atMost(PATIENCE).until(() -> slots.reads.get() > 0);
        assertThat(sealed(opened, order(1)).sector()).isEqualTo(2);
        assertThat(sector(1).resolve("layer-1")).exists();
    }

    @Test
    void the_next_order_is_carried_out_although_one_cannot_see_what_is_hosted() {
        HostedSeals opened = open(1 << 30);
        slots.look = () -> {
            if (slots.looks.get() < 3) {
                throw new IllegalStateException("a defect");
            }
        };
        opened.start();
        await("it is tried").atMost(PATIENCE).until(() -> slots.looks.get() >= 3);
        assertThat(sealed(opened, order(0)).sector()).isEqualTo(1);
    }

    @Test
    void an_order_is_carried_out_also_if_as_many_wait_as_may() {
        slots.groups = 1025;
        HostedSeals opened = open(WHILE_SEALED);
        for (int i = 0; i < 1024; i++) {
            opened.order(order(i));
        }
        assertKind(ErrorKind.BUSY, () -> opened.order(order(1024)));
        opened.start();
        await("one is sealed").atMost(PATIENCE).until(() -> opened.facts().get("orderedSectors") == 1);
        assertThat(opened.order(order(0)).state()).isIn(SealStatus.State.SEALING, SealStatus.State.SEALED);
    }

    @Test
    void what_nobody_accepts_counts_with_all_that_it_takes_and_goes_after_two_days() {
        HostedSeals opened = open(WHILE_SEALED + SECTOR);
        opened.start();
        SealStatus first = sealed(opened, order(0));
        assertKind(ErrorKind.BUSY, () -> opened.order(order(1)));
        assertThat(window(opened, order(0), first)).isNotEmpty();
        sealed(opened, order(1));
        ahead.set(TimeUnit.HOURS.toMillis(49));
        close();
        HostedSeals again = open(WHILE_SEALED + SECTOR);
        again.start();
        await("it goes").atMost(PATIENCE).until(() -> !Files.exists(sector(2)));
        assertThat(window(again, order(0), first)).isNotEmpty();
        assertThat(again.facts()).containsEntry("orderedSectors", 1L).containsEntry("ordersWaiting", 0L);
    }

    @Test
    void the_disk_keeps_room_for_what_is_lent() {
        HostedSeals opened = open(1 << 30);
        slots.unused = Long.MAX_VALUE / 2;
        assertKind(ErrorKind.BUSY, () -> opened.order(order(0)));
        slots.unused = 0;
        assertThat(opened.order(order(0)).state()).isEqualTo(SealStatus.State.QUEUED);
    }

    @Test
    void what_was_sealed_from_other_bytes_than_are_hosted_is_sealed_again() {
        slots.block = () -> {
            slots.block = () -> ByteBuffer.wrap(content);
            return ByteBuffer.allocate(BYTES); // as a disk that lost it
        };
        HostedSeals opened = started();
        opened.order(order(0));
        await("it is sealed again").atMost(PATIENCE).until(() -> Files.exists(sector(2)));
        SealStatus status = sealed(opened, order(0));
        assertThat(status.sector()).isEqualTo(2);
        assertThat(status.commD()).isEqualTo(Sectors.commD(slots, slots.inventory(), 0, (int) (SECTOR / 32)));
    }

    @Test
    void a_replica_that_does_not_prove_itself_is_sealed_again_before_anybody_counts_on_it() throws IOException {
        HostedSeals opened = started();
        SealStatus status = sealed(opened, order(0));
        assertThat(opened.replication(order(0), replication(order(0), status))).isNotEmpty();
        Path layer = sector(1).resolve("layer-1");
        Files.write(layer, new byte[(int) Files.size(layer)]);
        assertKind(ErrorKind.BUSY, () -> opened.replication(order(0), replication(order(0), status)));
        SealStatus anew = sealed(opened, order(0));
        assertThat(anew.sector()).isEqualTo(2);
        assertThat(opened.replication(order(0), replication(order(0), anew))).isNotEmpty();
    }

    @Test
    void a_damaged_sector_is_lost_and_no_other() throws IOException {
        HostedSeals opened = started();
        SealStatus bad = sealed(opened, order(0));
        SealStatus good = sealed(opened, order(1));
        SealStatus other = sealed(opened, order(2));
        window(opened, order(0), bad);
        window(opened, order(1), good);
        close();
        Files.write(sector(bad.sector()).resolve("record"), new byte[] {1, 2, 3});
        Files.write(sector(other.sector()).resolve("order"), new byte[5_000]);
        HostedSeals again = started();
        assertThat(window(again, order(1), good)).isNotEmpty();
        assertKind(ErrorKind.CORRUPT, () -> window(again, order(0), bad));
        assertThat(sealed(again, order(0)).sector()).isGreaterThan(good.sector());
        assertThat(sector(bad.sector())).as("for the operator").exists();
    }

    @Test
    void a_slot_is_sealed_in_another_way_once_a_day() {
        HostedSeals opened = started();
        sealed(opened, order(0));
        assertThat(sealed(opened, order(0, another, 2)).sector()).isEqualTo(2);
        assertKind(ErrorKind.BUSY, () -> opened.order(order(0, verifier, 3)));
        ahead.set(TimeUnit.HOURS.toMillis(25));
        assertThat(opened.order(order(0, verifier, 3)).state()).isEqualTo(SealStatus.State.QUEUED);
    }
}
