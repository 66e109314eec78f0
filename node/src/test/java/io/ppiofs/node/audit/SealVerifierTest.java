package io.ppiofs.node.audit;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.network.NetworkId;
import io.ppiofs.node.sectors.SectorOperations;
import io.ppiofs.overlay.audit.SealAcceptance;
import io.ppiofs.overlay.audit.SealAsk;
import io.ppiofs.overlay.audit.SealOrder;
import io.ppiofs.overlay.audit.SealStatus;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.network.Network;
import io.ppiofs.overlay.placement.GroupId;
import io.ppiofs.proofs.audit.SealChallenge;
import io.ppiofs.proofs.audit.SealStatement;
import io.ppiofs.proofs.audit.VerifierKey;
import io.ppiofs.proofs.porep.ReplicationProver;
import io.ppiofs.proofs.porep.SealListener;
import io.ppiofs.proofs.porep.SealedReplica;
import io.ppiofs.proofs.post.SpaceTimeProver;
import io.ppiofs.proofs.sdr.SealParameters;
import io.ppiofs.proofs.sector.SectorOptions;
import io.ppiofs.proofs.sector.SectorRecord;
import io.ppiofs.proofs.sector.SectorStore;
import io.ppiofs.proofs.verify.DataCommitment;
import io.ppiofs.proofs.verify.SpaceTimeChallenges;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One replica, and what it is taken for. */
class SealVerifierTest {
    private static final NetworkId NETWORK = Network.PUBLIC.id();
    private static final int NODES = 1 << 11;
    private static final int SLOT = 2;

    @TempDir
    private Path directory;

    private final IdentityKey tenant = IdentityKey.generate(new SecureRandom());
    private final PeerId holder = IdentityKey.generate(new SecureRandom()).peerId();
    private final VerifierKey key = VerifierKey.ofSecret(new byte[32]);
    private final byte[] ticket = bytes(32, 1);
    private final byte[] payload = bytes(50_000, 2);
    private final byte[] commD = commD(payload);
    private SectorStore store;
    private SectorRecord sector;
    private SealStatus status;

    private static byte[] bytes(int length, long seed) {
        byte[] bytes = new byte[length];
        new SplittableRandom(seed).nextBytes(bytes);
        return bytes;
    }

    private static byte[] commD(byte[] payload) {
        return new DataCommitment(NODES).append(ByteBuffer.wrap(payload)).commD();
    }

    @BeforeEach
    void seal() {
        store = SectorStore.open(directory, new SectorOptions(holder.toBytes(), SectorOperations.porepId(), 1));
        long number = store.create(NODES, SealParameters.TEST, SLOT, true).number();
        store.append(number, ByteBuffer.wrap(payload));
        store.fill(number);
        sector = store.seal(number, ticket, SealListener.NONE);
        SealedReplica sealed = store.sealed(number);
        status = new SealStatus(
                SealStatus.State.SEALED,
                number,
                sealed.statement().commD(),
                sealed.statement().commR(),
                order(holder, SLOT, ticket).envelope(),
                new byte[0]);
    }

    @AfterEach
    void close() {
        store.close();
    }

    private SealOrder order(PeerId of, int slot, byte[] drawn) {
        return SealOrder.sign(
                tenant,
                NETWORK,
                of,
                GroupId.of(new byte[16]),
                slot,
                Cid.of(ByteBuffer.allocate(1)),
                "test",
                drawn,
                key.publicKey(),
                7);
    }

    private SealVerifier verifier(SealOrder order, byte[] data) {
        return new SealVerifier(NETWORK, key, order, NODES, data);
    }

    private byte[] seed(SealOrder order, SealAsk question, SealStatement.Kind kind) {
        return new SealChallenge(
                        new SealStatement(NETWORK.bytes(), order.digest(), status.commR(), kind, question.epoch()),
                        key.publicKey(),
                        question.signature())
                .seed();
    }

    /** What this replica answers to a challenge under the order, whoever the order is for. */
    private boolean isTakenFor(SealOrder order, byte[] data) {
        SealVerifier verifier = verifier(order, data);
        byte[] seed = seed(order, verifier.replicationQuestion(status, 9), SealStatement.Kind.REPLICATION);
        try (ReplicationProver prover = store.prover(sector.number())) {
            byte[] proof = prover.prove(seed);
            assertThat(verifier.replication(status, 10, proof).accepted())
                    .as("another epoch")
                    .isFalse();
            return verifier.replication(status, 9, proof).accepted();
        }
    }

    @Test
    void a_replica_is_taken_for_that_of_its_peer_slot_ticket_and_data_and_for_no_other() {
        assertThat(isTakenFor(order(holder, SLOT, ticket), commD)).isTrue();
        PeerId another = IdentityKey.generate(new SecureRandom()).peerId();
        assertThat(isTakenFor(order(another, SLOT, ticket), commD))
                .as("of another peer")
                .isFalse();
        assertThat(isTakenFor(order(holder, SLOT + 1, ticket), commD))
                .as("of another copy")
                .isFalse();
        assertThat(isTakenFor(order(holder, SLOT, bytes(32, 3)), commD))
                .as("sealed before the ticket was drawn")
                .isFalse();
        byte[] other = commD(bytes(50_000, 4));
        assertThat(isTakenFor(order(holder, SLOT, ticket), other))
                .as("of other data")
                .isFalse();
    }

    @Test
    void a_sector_of_other_data_is_no_claim_to_the_slot_not_even_of_one_byte() {
        assertThat(verifier(order(holder, SLOT, ticket), commD).claim(status).accepted())
                .isTrue();
        byte[] changed = payload.clone();
        changed[31_234] ^= 1;
        assertThat(verifier(order(holder, SLOT, ticket), commD(changed))
                        .claim(status)
                        .reason())
                .contains("other data");
    }

    @Test
    void a_window_is_good_for_its_epoch_and_order() {
        SealOrder order = order(holder, SLOT, ticket);
        SealVerifier verifier = verifier(order, commD);
        SealAcceptance accepted =
                SealAcceptance.sign(tenant, NETWORK, order, status.sector(), status.commD(), status.commR());
        byte[] seed = seed(order, verifier.windowQuestion(accepted, 9), SealStatement.Kind.WINDOW);
        TreeMap<Long, SpaceTimeProver.ProvingSector> provers = new TreeMap<>();
        provers.put(
                sector.number(),
                new SpaceTimeProver.ProvingSector(store.sealed(sector.number()), store.filesOf(sector.number())));
        byte[] proof = new SpaceTimeProver((number, failure) -> {}).prove(provers, seed, SpaceTimeChallenges.WINDOW);
        assertThat(verifier.window(accepted, 9, proof).accepted()).isTrue();
        assertThat(verifier.window(accepted, 10, proof).accepted())
                .as("replayed")
                .isFalse();
        SealOrder later = order(holder, SLOT, bytes(32, 3));
        assertThat(verifier(later, commD).window(accepted, 9, proof).accepted()).isFalse();
        proof[proof.length / 2] ^= 1;
        assertThat(verifier.window(accepted, 9, proof).accepted()).as("damaged").isFalse();
        assertThat(verifier.window(accepted, 9, new byte[0]).accepted()).isFalse();
    }

    @Test
    void only_large_sectors_say_something_about_time() {
        SealOrder fast = SealOrder.sign(
                tenant,
                NETWORK,
                holder,
                GroupId.of(new byte[16]),
                0,
                Cid.of(ByteBuffer.allocate(1)),
                "fast",
                ticket,
                key.publicKey(),
                7);
        Duration deadline = SealVerifier.deadline(Duration.ofMillis(50));
        assertThat(deadline).isEqualTo(Duration.ofMillis(650));
        assertThat(new SealVerifier(NETWORK, key, fast, 1 << 24, commD).isTimed(deadline))
                .isTrue();
        assertThat(new SealVerifier(NETWORK, key, fast, 1 << 19, commD).isTimed(deadline))
                .isFalse();
        assertThat(new SealVerifier(NETWORK, key, order(holder, 0, ticket), 1 << 24, commD).isTimed(deadline))
                .isFalse();
    }
}
