package io.ppiofs.overlay.repair;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.blockstore.BlockStore.StoredBlock;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.erasure.ReedSolomon;
import io.ppiofs.blockstore.erasure.Scheme;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.blocks.Verdict;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.network.Network;
import io.ppiofs.overlay.placement.GroupId;
import io.ppiofs.overlay.placement.Inventory;
import io.ppiofs.overlay.placement.SlotAddress;
import io.ppiofs.overlay.placement.TableChain;
import io.ppiofs.overlay.storage.PinnedHead;
import io.ppiofs.overlay.storage.StorageDirectory;
import io.ppiofs.overlay.storage.StorageOptions;
import io.ppiofs.overlay.storage.StorageWorld;
import io.ppiofs.overlay.storage.StorageWorld.Operator;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Co-holders on a simulated network and a virtual clock. */
@Tag("long")
class RepairServiceTest {
    private static final SecureRandom SECRETS = new SecureRandom();
    private static final int BLOCK = 20_000;
    private static final int BLOCKS = 40;

    @TempDir
    private Path directory;

    private StorageWorld world;
    private final Map<Operator, RepairService> repairs = new HashMap<>();
    private final Map<Operator, StorageDirectory> directories = new HashMap<>();
    private final Set<Operator> broken = new HashSet<>();
    private final RepairOptions options = RepairOptions.DEFAULT
            .withSilences(Duration.ofMinutes(2), Duration.ofMinutes(15), Duration.ofHours(3))
            .withPeriods(Duration.ofSeconds(60), Duration.ofMinutes(5), Duration.ofHours(1));

    @BeforeEach
    void begin() {
        world = new StorageWorld(7, directory);
        for (int i = 0; i < 5; i++) {
            Operator operator = world.add(StorageOptions.of(1 << 30).withDeletionDelay(Duration.ofHours(12)));
            operator.storage.grants().allow(world.tenant.peerId(), 1 << 30, world.net.wallMillis());
        }
        world.operators.forEach(this::startRepair);
    }

    @AfterEach
    void end() {
        world.operators.stream()
                .filter(o -> o.host.isUp())
                .forEach(o -> repairs.get(o).close());
        world.close();
    }

    private void startRepair(Operator operator) {
        StorageDirectory known = new StorageDirectory(operator.host, operator.client, null, null);
        directories.put(operator, known);
        RepairService repair = new RepairService(
                operator.host,
                Network.PUBLIC,
                operator.server,
                operator.client,
                known,
                new Mover(operator),
                options,
                operator.directory().resolve("repair"),
                Runnable::run);
        repairs.put(operator, repair);
        repair.start();
    }

    /** Moves blocks between the operators' stores, if the network lets them reach each other. */
    private final class Mover implements BlockMover {
        private final Operator self;

        Mover(Operator self) {
            this.self = self;
        }

        private Operator of(PeerId peer) {
            return world.operators.stream()
                    .filter(o -> o.id().equals(peer))
                    .findFirst()
                    .orElseThrow();
        }

        @Override
        public CompletableFuture<Map<Cid, ByteBuffer>> get(PeerId peer, List<Cid> cids) {
            return self.client.advert(peer).thenApply(there -> {
                Map<Cid, ByteBuffer> found = new HashMap<>();
                for (Cid cid : cids) {
                    ByteBuffer bytes = of(peer).storage.block(cid);
                    if (bytes != null) {
                        found.put(cid, bytes);
                    }
                }
                return found;
            });
        }

        @Override
        public CompletableFuture<List<Verdict>> put(
                PeerId peer, PeerId tenant, SlotAddress slot, List<StoredBlock> blocks) {
            if (broken.contains(self)) {
                return CompletableFuture.failedFuture(
                        new PpiofsException(ErrorKind.IO, "put", peer.toString(), "this node is broken"));
            }
            return self.client
                    .advert(peer)
                    .thenApply(there -> blocks.stream()
                            .map(b -> {
                                int length = b.bytes().remaining();
                                Verdict admitted = of(peer).storage.admit(self.id(), tenant, slot, b.cid(), length);
                                return admitted != null
                                        ? admitted
                                        : of(peer).storage
                                                .store(
                                                        self.id(),
                                                        tenant,
                                                        slot,
                                                        b.cid(),
                                                        b.bytes().duplicate());
                            })
                            .toList());
        }
    }

    /** Time passes; adverts reach all who are up, as gossip would bring them. */
    private void run(Duration time) {
        Duration step = Duration.ofMinutes(5);
        for (Duration done = Duration.ZERO; done.compareTo(time) < 0; done = done.plus(step)) {
            for (Operator from : world.operators) {
                if (from.host.isUp()) {
                    directories.forEach((to, known) -> known.take(from.server.advert()));
                }
            }
            world.net.runFor(step);
        }
    }

    private Operator holder(int i) {
        return world.operators.get(i);
    }

    private void crash(Operator operator) {
        repairs.get(operator).close();
        operator.crash();
    }

    private void restart(Operator operator) {
        operator.restart();
        startRepair(operator);
    }

    private TableChain group(int holders) {
        return world.closedGroup(world.blocks(BLOCKS, BLOCK), world.operators.subList(0, holders));
    }

    private TableChain table(Operator at, TableChain of) {
        return at.storage.table(of.tenant(), of.group());
    }

    private long moved() {
        return repairs.values().stream()
                .map(RepairService::statistics)
                .mapToLong(s -> s.bytesSent() + s.bytesFetched())
                .sum();
    }

    private void assertWhole(TableChain chain) {
        for (int slot = 0; slot < chain.newest().holders().size(); slot++) {
            int number = slot;
            Operator holder = world.operators.stream()
                    .filter(o -> o.id().equals(chain.newest().holders().get(number)))
                    .findFirst()
                    .orElseThrow();
            assertThat(holder.storage
                            .lacks(chain.tenant(), chain.group(), slot)
                            .missing()
                            .isEmpty())
                    .as("slot %s is whole", slot)
                    .isTrue();
        }
    }

    @Test
    void a_lost_holder_is_replaced_when_it_is_out_and_gives_up_its_slot_when_it_returns() {
        TableChain chain = group(3);
        crash(holder(1));
        run(Duration.ofMinutes(170));
        assertThat(table(holder(0), chain).generation()).isEqualTo(1);
        assertThat(moved()).isZero();
        assertThat(repairs.get(holder(0)).state(holder(1).id())).isEqualTo(Liveness.DOWN);
        run(Duration.ofHours(1));
        TableChain next = table(holder(0), chain);
        assertThat(next.generation()).isEqualTo(2);
        assertThat(table(holder(2), chain).newest()).isEqualTo(next.newest());
        assertThat(next.newest().holders()).doesNotContain(holder(1).id()).doesNotHaveDuplicates();
        assertWhole(next);
        System.out.printf("repair of a copy: %.3f of the lost bytes were moved%n", (double) moved() / (BLOCKS * BLOCK));
        assertThat(moved()).isLessThanOrEqualTo((long) (1.3 * BLOCKS * BLOCK));
        restart(holder(1));
        run(Duration.ofHours(1));
        assertThat(table(holder(1), chain).generation()).isEqualTo(2);
        run(Duration.ofHours(13));
        assertThat(holder(1).storage.hosted()).isEmpty();
        assertThat(holder(1).blocks.size()).isZero();
        assertThat(table(holder(0), chain).generation()).isEqualTo(2);
    }

    @Test
    void the_last_copy_is_not_left_alone_for_long() {
        TableChain chain = group(3);
        crash(holder(0));
        crash(holder(2));
        run(Duration.ofMinutes(20));
        TableChain next = table(holder(1), chain);
        assertThat(next.generation()).isEqualTo(2);
        assertThat(next.newest().holders())
                .contains(holder(3).id(), holder(4).id(), holder(1).id());
        assertWhole(next);
    }

    @Test
    void a_holder_that_comes_and_goes_moves_nothing() {
        TableChain chain = group(3);
        for (int i = 0; i < 24; i++) {
            crash(holder(1));
            run(Duration.ofMinutes(20));
            restart(holder(1));
            run(Duration.ofMinutes(10));
        }
        assertThat(table(holder(0), chain).generation()).isEqualTo(1);
        assertThat(moved()).isZero();
        assertThat(repairs.get(holder(0)).statistics().abandoned()).isZero();
    }

    @Test
    void the_next_by_rank_takes_over_from_one_that_cannot() {
        TableChain chain = group(3);
        List<PeerId> ranked = new ArrayList<>(List.of(holder(0).id(), holder(2).id()));
        ranked.sort(
                (a, b) -> Long.compare(RepairService.rank(chain.newest(), a), RepairService.rank(chain.newest(), b)));
        Operator first = world.operators.stream()
                .filter(o -> o.id().equals(ranked.get(0)))
                .findFirst()
                .orElseThrow();
        broken.add(first);
        crash(holder(1));
        run(Duration.ofHours(4));
        TableChain next = table(holder(0), chain);
        assertThat(next.generation()).isEqualTo(2);
        assertThat(PeerId.of(next.newestSigned().signer())).isEqualTo(ranked.get(1));
        assertThat(repairs.get(first).statistics().abandoned()).isPositive();
        assertWhole(next);
        assertThat(moved()).isLessThanOrEqualTo((long) (1.3 * BLOCKS * BLOCK));
    }

    @Test
    void both_sides_of_a_partition_agree_after_it() {
        TableChain chain = group(3);
        world.net.partition(host -> host == holder(0).host ? 1 : 2);
        run(Duration.ofHours(4));
        assertThat(table(holder(0), chain).generation()).isEqualTo(1);
        TableChain next = table(holder(1), chain);
        assertThat(next.generation()).isEqualTo(2);
        world.net.heal();
        run(Duration.ofHours(1));
        for (int i = 0; i < 3; i++) {
            assertThat(table(holder(i), chain).newest()).isEqualTo(next.newest());
        }
        assertWhole(next);
        run(Duration.ofHours(13));
        assertThat(holder(0).storage.hosted()).isEmpty();
        assertThat(table(holder(1), chain).generation()).isEqualTo(2);
    }

    @Test
    void one_that_only_one_holder_cannot_reach_is_not_lost() {
        TableChain chain = group(3);
        // holder 0 gets no answer of holder 1, holder 2 does
        holder(1).host.hijack(holder(1).client.protocol(), stream -> {
            if (stream.connection().remotePeer().equals(holder(0).id())) {
                stream.reset();
            } else {
                holder(1).server.accept(stream);
            }
        });
        run(Duration.ofHours(5));
        assertThat(repairs.get(holder(0)).state(holder(1).id())).isNotEqualTo(Liveness.ALIVE);
        assertThat(table(holder(0), chain).generation()).isEqualTo(1);
    }

    @Test
    void who_comes_back_with_an_empty_home_is_replaced_without_waiting() {
        TableChain chain = group(3);
        crash(holder(1));
        run(Duration.ofMinutes(5));
        holder(1).wipe();
        restart(holder(1));
        holder(1).storage.grants().allow(world.tenant.peerId(), 1 << 30, world.net.wallMillis());
        run(Duration.ofMinutes(30));
        TableChain next = table(holder(0), chain);
        assertThat(next.generation()).isEqualTo(2);
        assertWhole(next);
    }

    @Test
    void what_a_holder_lacks_itself_comes_back() {
        List<StoredBlock> blocks = world.blocks(BLOCKS, BLOCK);
        TableChain chain = world.closedGroup(blocks, world.operators.subList(0, 3));
        run(Duration.ofMinutes(10));
        holder(1)
                .blocks
                .delete(blocks.subList(0, 10).stream().map(StoredBlock::cid).toList());
        holder(2).blocks.delete(List.of(chain.newest().inventory()));
        run(Duration.ofHours(2));
        assertWhole(table(holder(0), chain));
        assertThat(table(holder(0), chain).generation()).isEqualTo(1);
    }

    @Test
    void who_is_asked_what_it_lacks_and_shall_restore_it_does_not_wait_for_its_next_look() {
        List<StoredBlock> blocks = world.blocks(BLOCKS, BLOCK);
        TableChain chain = world.closedGroup(blocks, world.operators.subList(0, 3));
        run(Duration.ofMinutes(10));
        List<Cid> lost = blocks.subList(0, 10).stream().map(StoredBlock::cid).toList();
        holder(1).blocks.delete(lost);
        int slot = chain.newest().slotsOf(holder(1).id()).get(0);
        assertThat(holder(0)
                        .client
                        .lacks(holder(1).id(), chain.tenant(), chain.group(), slot, false)
                        .thenApply(lack -> lack.missing().cardinality()))
                .satisfies(answer -> {
                    run(Duration.ofMinutes(1));
                    assertThat(answer).isCompletedWithValue(10);
                });
        assertThat(holder(1).blocks.has(lost).cardinality())
                .as("a question alone changes nothing")
                .isZero();
        holder(0).client.lacks(holder(1).id(), chain.tenant(), chain.group(), slot, true);
        run(Duration.ofMinutes(1));
        assertWhole(chain);
        assertThat(repairs.get(holder(1)).statistics().bytesFetched()).isBetween(10L * BLOCK, 11L * BLOCK);
    }

    private record Coded(TableChain chain, long slotBytes) {}

    /** A closed group in stripes of two and two on the first four operators. */
    private Coded coded() {
        Scheme scheme = new Scheme(2, 2);
        ReedSolomon code = ReedSolomon.cauchy(2, 2);
        List<Inventory.Entry> entries = new ArrayList<>();
        List<List<StoredBlock>> slots = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            slots.add(new ArrayList<>());
        }
        for (int stripe = 0; stripe < 10; stripe++) {
            List<StoredBlock> data = world.blocks(2, BLOCK - stripe);
            List<ByteBuffer> parity =
                    code.encode(data.stream().map(b -> b.bytes().duplicate()).toList());
            List<StoredBlock> all = new ArrayList<>(data);
            parity.forEach(p -> all.add(new StoredBlock(Cid.of(p.duplicate()), p)));
            for (int slot = 0; slot < 4; slot++) {
                slots.get(slot).add(all.get(slot));
                entries.add(new Inventory.Entry(
                        all.get(slot).cid(), all.get(slot).bytes().remaining()));
            }
        }
        TableChain chain = world.closedGroup(
                GroupId.random(SECRETS), new Inventory(scheme, entries), slots, world.operators.subList(0, 4));
        return new Coded(
                chain,
                slots.get(2).stream().mapToLong(b -> b.bytes().remaining()).sum());
    }

    @Test
    void a_lost_fragment_is_reconstructed_from_the_others() {
        Coded coded = coded();
        TableChain chain = coded.chain();
        crash(holder(2));
        run(Duration.ofHours(4));
        TableChain next = table(holder(0), chain);
        assertThat(next.generation()).isEqualTo(2);
        assertThat(next.newest().holders().get(2)).isEqualTo(holder(4).id());
        assertWhole(next);
        long lost = coded.slotBytes();
        System.out.printf("repair of a fragment, k = 2: %.3f k of the lost bytes were moved%n", moved() / (2.0 * lost));
        assertThat(moved()).isLessThanOrEqualTo((long) (1.3 * 2 * lost));
    }

    private void leave(Operator operator) {
        world.await(repairs.get(operator).leave());
    }

    private RepairService.Leaving leaving(Operator operator) {
        return repairs.get(operator).leaving();
    }

    @Test
    void who_leaves_gives_everything_to_others_before_it_gives_it_up() {
        TableChain chain = group(3);
        StoredBlock manifest = world.blocks(1, 700).get(0);
        SlotAddress slot = chain.newest().slot(1);
        holder(1).storage.admit(world.writer.id(), world.tenant.peerId(), slot, manifest.cid(), 700);
        holder(1)
                .storage
                .store(
                        world.writer.id(),
                        world.tenant.peerId(),
                        slot,
                        manifest.cid(),
                        manifest.bytes().duplicate());
        PinnedHead.Signed head = new PinnedHead(world.tenant.peerId(), new byte[PinnedHead.VOLUME], 5, new byte[100])
                .sign(world.tenant, Network.PUBLIC.id());
        world.await(world.client.pinHead(holder(1).id(), head));
        run(Duration.ofMinutes(5));
        leave(holder(1));
        assertThat(leaving(holder(1)).groups()).isEqualTo(1);
        assertThat(leaving(holder(1)).bytes()).isGreaterThan((long) BLOCKS * BLOCK);
        run(Duration.ofMinutes(10));

        assertThat(leaving(holder(1)).groups()).isZero();
        assertThat(leaving(holder(1)).moved()).isEqualTo(1);
        TableChain next = table(holder(0), chain);
        assertThat(next.generation()).isEqualTo(2);
        assertThat(PeerId.of(next.newestSigned().signer())).isEqualTo(holder(1).id());
        assertThat(next.newest().holders()).doesNotContain(holder(1).id()).doesNotHaveDuplicates();
        assertWhole(next);
        Operator fresh = operator(next.newest().holders().get(1));
        assertThat(fresh.storage.block(manifest.cid())).isNotNull();
        assertThat(fresh.storage.heads()).extracting(h -> h.pin().sequence()).containsExactly(5L);
        System.out.printf("handing over: %.3f of the held bytes were moved%n", (double) moved() / (BLOCKS * BLOCK));
        assertThat(moved()).isLessThanOrEqualTo((long) (1.3 * BLOCKS * BLOCK));
        // until the delay has passed readers that know the old table are served
        assertThat(holder(1).storage.block(manifest.cid())).isNotNull();
        run(Duration.ofHours(13));
        assertThat(holder(1).storage.hosted()).isEmpty();
        assertThat(table(holder(0), chain).generation()).isEqualTo(2);
    }

    private Operator operator(PeerId peer) {
        return world.operators.stream()
                .filter(o -> o.id().equals(peer))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void who_leaves_takes_nothing_new_and_says_so() {
        leave(holder(1));
        assertThat(holder(1).server.advert().advert().leaving()).isTrue();
        assertThatThrownBy(() -> group(3)).hasMessageContaining("leaving");
        repairs.get(holder(1)).stay();
        assertThat(holder(1).server.advert().advert().capacity()).isEqualTo(1 << 30);
        assertThat(group(3).generation()).isEqualTo(1);
    }

    @Test
    void a_restart_goes_on_leaving() {
        TableChain chain = group(3);
        broken.add(holder(1));
        run(Duration.ofMinutes(5));
        leave(holder(1));
        run(Duration.ofMinutes(5));
        assertThat(leaving(holder(1)).groups()).isEqualTo(1);
        crash(holder(1));
        broken.remove(holder(1));
        restart(holder(1));
        run(Duration.ofMinutes(10));
        assertThat(leaving(holder(1)).groups()).isZero();
        assertThat(table(holder(2), chain).newest().holders())
                .doesNotContain(holder(1).id());
        assertWhole(table(holder(2), chain));
    }

    @Test
    void nothing_goes_where_fewer_peers_than_copies_are_left_and_that_is_said() {
        TableChain chain = group(5);
        run(Duration.ofMinutes(5));
        leave(holder(1));
        run(Duration.ofMinutes(10));
        assertThat(leaving(holder(1)).isStuck()).isTrue();
        assertThat(leaving(holder(1)).why()).isEqualTo("a group needs 5 peers, and only 4 others lend space");
        assertThat(table(holder(0), chain).generation()).isEqualTo(1);
        assertThat(moved()).isZero();
        Operator sixth = world.add(StorageOptions.of(1 << 30));
        sixth.storage.grants().allow(world.tenant.peerId(), 1 << 30, world.net.wallMillis());
        startRepair(sixth);
        run(Duration.ofMinutes(15));
        assertThat(leaving(holder(1)).groups()).isZero();
        assertThat(table(holder(0), chain).newest().holders()).contains(sixth.id());
        assertWhole(table(holder(0), chain));
    }

    @Test
    void two_that_leave_one_group_go_one_after_the_other() {
        TableChain chain = group(3);
        run(Duration.ofMinutes(5));
        // each knows of the other before it begins, as it would have heard of it
        holder(1).storage.leave();
        holder(2).storage.leave();
        run(Duration.ofMinutes(30));
        TableChain next = table(holder(0), chain);
        assertThat(next.newest().holders())
                .containsExactlyInAnyOrder(
                        holder(0).id(), holder(3).id(), holder(4).id());
        assertWhole(next);
        assertThat(leaving(holder(1)).groups() + leaving(holder(2)).groups()).isZero();
        assertThat(moved()).isLessThanOrEqualTo((long) (1.3 * 2 * BLOCKS * BLOCK));
    }

    @Test
    void a_fragment_is_handed_over_as_it_is() {
        Coded coded = coded();
        run(Duration.ofMinutes(5));
        leave(holder(2));
        run(Duration.ofMinutes(10));
        TableChain next = table(holder(0), coded.chain());
        assertThat(next.newest().holders().get(2)).isEqualTo(holder(4).id());
        assertWhole(next);
        System.out.printf(
                "handing a fragment over: %.3f of its bytes were moved%n", moved() / (double) coded.slotBytes());
        assertThat(moved()).isLessThanOrEqualTo((long) (1.3 * coded.slotBytes()));
    }
}
