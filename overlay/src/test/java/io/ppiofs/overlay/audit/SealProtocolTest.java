package io.ppiofs.overlay.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.cbor.CborEncoder;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.network.Network;
import io.ppiofs.overlay.placement.GroupId;
import io.ppiofs.overlay.sim.SimHost;
import io.ppiofs.overlay.sim.SimNetwork;
import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The seal protocol between simulated hosts, and the bounds of its messages. */
@Tag("quick")
class SealProtocolTest {
    private static final Duration PATIENCE = Duration.ofSeconds(9);
    private static final Duration LIMIT = Duration.ofMinutes(5);
    private static final NetworkId NETWORK = Network.PUBLIC.id();
    private static final byte[] HASH = new byte[32];
    private static final byte[] SIGNATURE = new byte[96];

    private final SimNetwork net = new SimNetwork(1);
    private final SimHost holder = net.addHost();
    private final SimHost asker = net.addHost();
    private final IdentityKey tenant = IdentityKey.generate(new SecureRandom());
    private final SealClient client = new SealClient(asker, Network.PUBLIC);
    private final Sealer sealer = new Sealer();

    /** Answers whatever it was told to. */
    private static final class Sealer implements SealHolder {
        private final List<SealOrder> ordered = new ArrayList<>();
        private final List<SealAsk> challenged = new ArrayList<>();
        private byte[] proof = {7};
        private @Nullable Error wrong;

        @Override
        public SealStatus order(SealOrder order) {
            ordered.add(order);
            return new SealStatus(SealStatus.State.SEALED, 3, HASH, HASH, order.envelope(), new byte[0]);
        }

        @Override
        public byte[] replication(SealOrder order, SealAsk question) {
            challenged.add(question);
            if (wrong != null) {
                throw wrong;
            }
            return proof;
        }

        @Override
        public byte[] window(SealOrder order, SealAcceptance acceptance, SealAsk question) {
            challenged.add(question);
            return proof;
        }
    }

    SealProtocolTest() {
        holder.knows(asker);
        asker.knows(holder);
        serve(SealProtocolTest::run, Runnable::run);
    }

    private void serve(Executor work, Executor windows) {
        new SealServer(
                        holder,
                        Network.PUBLIC,
                        sealer,
                        new QuestionServer.Workers(work, () -> {}),
                        new QuestionServer.Workers(windows, () -> {}))
                .serve();
    }

    /** As a thread of a pool. */
    private static void run(Runnable task) {
        try {
            task.run();
        } catch (StackOverflowError e) {
            assertThat(e).hasMessage("deep");
        }
    }

    private SealOrder order(PeerId of, int slot) {
        return SealOrder.sign(
                tenant,
                NETWORK,
                of,
                GroupId.of(new byte[16]),
                slot,
                Cid.of(ByteBuffer.allocate(1)),
                "fast",
                HASH,
                new byte[48],
                1_800_000_000_000L);
    }

    private void assertFails(ErrorKind kind, CompletableFuture<?> answer) {
        assertThatThrownBy(() -> net.await(answer, LIMIT))
                .cause()
                .isInstanceOfSatisfying(
                        PpiofsException.class,
                        e -> assertThat(e.kind()).as(e.getMessage()).isEqualTo(kind));
    }

    @Test
    void an_order_arrives_as_its_tenant_signed_it_and_the_status_as_the_holder_gave_it() {
        SealOrder order = order(holder.id(), 2);
        SealStatus status = net.await(client.order(holder.id(), order, PATIENCE), LIMIT);
        assertThat(sealer.ordered).containsExactly(order);
        assertThat(sealer.ordered.get(0).tenant()).isEqualTo(tenant.peerId());
        assertThat(status)
                .isEqualTo(new SealStatus(SealStatus.State.SEALED, 3, HASH, HASH, order.envelope(), new byte[0]));
    }

    @Test
    void a_proof_of_several_megabytes_arrives_as_it_was_made() {
        sealer.proof = new byte[SealServer.MAX_PROOF];
        sealer.proof[12_345] = 6;
        SealAsk question = SealAsk.replication(order(holder.id(), 2), 9, SIGNATURE);
        assertThat(net.await(client.prove(holder.id(), question, Duration.ofMinutes(2)), LIMIT))
                .isEqualTo(sealer.proof);
        assertThat(sealer.challenged).containsExactly(question);
    }

    @Test
    void what_no_tenant_signed_or_is_for_somebody_else_does_not_reach_the_holder() {
        SealOrder elsewhere = order(asker.id(), 2);
        assertFails(ErrorKind.INVALID, client.order(holder.id(), elsewhere, PATIENCE));
        byte[] damaged = order(holder.id(), 2).envelope().clone();
        damaged[damaged.length - 1] ^= 1;
        assertFails(
                ErrorKind.INVALID,
                client.prove(
                        holder.id(),
                        new SealAsk(SealAsk.Kind.REPLICATION, damaged, new byte[0], 9, SIGNATURE),
                        PATIENCE));
        SealAcceptance another = SealAcceptance.sign(tenant, NETWORK, order(holder.id(), 3), 1, HASH, HASH);
        assertFails(
                ErrorKind.INVALID,
                client.prove(holder.id(), SealAsk.window(order(holder.id(), 2), another, 9, SIGNATURE), PATIENCE));
        IdentityKey stranger = IdentityKey.generate(new SecureRandom());
        SealAcceptance foreign = SealAcceptance.sign(stranger, NETWORK, order(holder.id(), 2), 1, HASH, HASH);
        assertFails(
                ErrorKind.INVALID,
                client.prove(holder.id(), SealAsk.window(order(holder.id(), 2), foreign, 9, SIGNATURE), PATIENCE));
        assertThat(sealer.ordered).isEmpty();
        assertThat(sealer.challenged).isEmpty();
    }

    @Test
    void an_order_for_the_same_bytes_differs_in_ticket_and_time_only() {
        SealOrder order = order(holder.id(), 2);
        SealOrder later = SealOrder.sign(
                tenant,
                NETWORK,
                holder.id(),
                order.group(),
                2,
                order.inventory(),
                "fast",
                new byte[32],
                new byte[48],
                7);
        assertThat(later).isNotEqualTo(order);
        assertThat(later.wantsSameAs(order)).isTrue();
        assertThat(order(holder.id(), 3).wantsSameAs(order)).isFalse();
        assertThat(order(asker.id(), 2).wantsSameAs(order)).isFalse();
        SealOrder strong = SealOrder.sign(
                tenant, NETWORK, holder.id(), order.group(), 2, order.inventory(), "strong", HASH, new byte[48], 7);
        assertThat(strong.wantsSameAs(order)).isFalse();
    }

    private static byte[] question(long kind, byte[] order, byte[] acceptance, byte[] signature) {
        return CborEncoder.encode(CborMap.builder()
                .put(1, kind)
                .put(2, order)
                .put(3, acceptance)
                .put(4, kind == 0 ? 0 : 5)
                .put(5, signature)
                .build());
    }

    @Test
    void questions_beyond_their_bounds_are_none() {
        byte[] order = order(holder.id(), 2).envelope();
        byte[] none = new byte[0];
        assertThat(SealAsk.decode(question(1, order, none, SIGNATURE)).kind()).isEqualTo(SealAsk.Kind.REPLICATION);
        for (byte[] bad : List.of(
                question(0, new byte[SealOrder.MAX_ENVELOPE + 1], none, none),
                question(0, none, none, none),
                question(0, order, none, SIGNATURE),
                question(1, order, none, new byte[95]),
                question(1, order, new byte[1], SIGNATURE),
                question(2, order, none, SIGNATURE),
                question(2, order, new byte[SealAcceptance.MAX_ENVELOPE + 1], SIGNATURE),
                new byte[] {(byte) 0xa0},
                none)) {
            assertThatThrownBy(() -> SealAsk.decode(bad))
                    .isInstanceOfSatisfying(
                            PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.INVALID));
        }
        assertThatThrownBy(() -> SealAsk.decode(question(9, order, none, SIGNATURE)))
                .isInstanceOfSatisfying(
                        PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.NOT_SUPPORTED));
    }

    private static CborMap status(int state, byte[] commD, byte[] order, byte[] acceptance) {
        return CborMap.builder()
                .put(1, 0)
                .put(2, state)
                .put(3, 3)
                .put(4, commD)
                .put(5, state < 2 ? new byte[0] : HASH)
                .put(6, order)
                .put(7, acceptance)
                .build();
    }

    @Test
    void a_status_is_not_read_beyond_its_bounds() throws Exception {
        byte[] order = order(holder.id(), 2).envelope();
        byte[] none = new byte[0];
        assertThat(SealStatus.read(status(3, HASH, order, new byte[9])))
                .isEqualTo(new SealStatus(SealStatus.State.PROVING, 3, HASH, HASH, order, new byte[9]));
        assertThat(SealStatus.read(status(0, none, order, none)).state()).isEqualTo(SealStatus.State.QUEUED);
        for (CborMap bad : List.of(
                status(4, HASH, order, none),
                status(3, new byte[31], order, none),
                status(3, HASH, new byte[SealOrder.MAX_ENVELOPE + 1], none),
                status(3, HASH, none, none),
                status(3, HASH, order, new byte[SealAcceptance.MAX_ENVELOPE + 1]),
                status(0, HASH, order, none))) {
            assertThatThrownBy(() -> SealStatus.read(bad)).isInstanceOf(MalformedException.class);
        }
    }

    private SealAsk window(SealOrder order) {
        SealAcceptance accepted = SealAcceptance.sign(tenant, NETWORK, order, 3, HASH, HASH);
        return SealAsk.window(order, accepted, 7, SIGNATURE);
    }

    @Test
    void a_window_does_not_wait_for_a_replication_and_not_for_long() {
        List<Runnable> work = new ArrayList<>();
        List<Runnable> windows = new ArrayList<>();
        serve(work::add, windows::add);
        SealOrder order = order(holder.id(), 2);
        CompletableFuture<byte[]> replication =
                client.prove(holder.id(), SealAsk.replication(order, 7, SIGNATURE), LIMIT);
        net.runUntil(() -> !work.isEmpty(), LIMIT);
        CompletableFuture<byte[]> first = client.prove(holder.id(), window(order), LIMIT);
        net.runUntil(() -> !windows.isEmpty(), LIMIT);
        windows.remove(0).run();
        assertThat(net.await(first, LIMIT)).isEqualTo(sealer.proof);
        assertThat(replication).isNotDone();

        CompletableFuture<byte[]> late = client.prove(holder.id(), window(order), LIMIT);
        net.runUntil(() -> !windows.isEmpty(), LIMIT);
        net.runFor(Duration.ofSeconds(3));
        windows.remove(0).run();
        assertFails(ErrorKind.BUSY, late);
        work.remove(0).run();
        assertThat(net.await(replication, LIMIT)).isEqualTo(sealer.proof);
    }

    @Test
    void whatever_goes_wrong_with_an_answer_the_asker_may_ask_again() {
        SealAsk question = SealAsk.replication(order(holder.id(), 2), 7, SIGNATURE);
        sealer.wrong = new InternalError("a fault occurred in an unsafe memory access operation");
        for (int i = 0; i < 5; i++) {
            assertFails(ErrorKind.IO, client.prove(holder.id(), question, PATIENCE));
        }
        sealer.wrong = new StackOverflowError("deep");
        for (int i = 0; i < 5; i++) {
            assertFails(ErrorKind.NOT_CONNECTED, client.prove(holder.id(), question, PATIENCE));
        }
        sealer.wrong = null;
        assertThat(net.await(client.prove(holder.id(), question, PATIENCE), LIMIT))
                .isEqualTo(sealer.proof);
    }
}
