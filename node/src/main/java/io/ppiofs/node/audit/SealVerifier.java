package io.ppiofs.node.audit;

import io.ppiofs.network.NetworkId;
import io.ppiofs.node.sectors.SectorOperations;
import io.ppiofs.overlay.audit.SealAcceptance;
import io.ppiofs.overlay.audit.SealAsk;
import io.ppiofs.overlay.audit.SealOrder;
import io.ppiofs.overlay.audit.SealStatus;
import io.ppiofs.proofs.audit.SealChallenge;
import io.ppiofs.proofs.audit.SealStatement;
import io.ppiofs.proofs.audit.VerifierKey;
import io.ppiofs.proofs.lpoc.SpaceChallenge;
import io.ppiofs.proofs.sdr.SealParameters;
import io.ppiofs.proofs.verify.ReplicaGeometry;
import io.ppiofs.proofs.verify.ReplicaId;
import io.ppiofs.proofs.verify.ReplicaStatement;
import io.ppiofs.proofs.verify.ReplicationVerifier;
import io.ppiofs.proofs.verify.SpaceTimeChallenges;
import io.ppiofs.proofs.verify.SpaceTimeVerifier;
import io.ppiofs.proofs.verify.Verdict;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;

/**
 * The verifier of one sealed slot: makes questions, judges proofs. The replica id is made here, from the holder's peer id, the slot as copy index, the ticket that the tenant drew and the
 * commD that the tenant knows from its own blocks; so a replica of another peer, copy, ticket or content does not fit it. Knows no clock and no network. Immutable,
 * thread-safe.
 */
final class SealVerifier {
    private final NetworkId network;
    private final VerifierKey key;
    private final SealOrder order;
    private final SealParameters parameters;
    private final ReplicaGeometry geometry;
    private final byte[] commD;

    /**
     * @param key of the verifier that the order names
     * @param nodes of the sector that takes the slot
     * @param commD of the slot's blocks
     */
    SealVerifier(NetworkId network, VerifierKey key, SealOrder order, int nodes, byte[] commD) {
        this.network = network;
        this.key = key;
        this.order = order;
        this.parameters = SealParameters.named(order.parameters());
        this.geometry = new ReplicaGeometry(nodes, parameters.layers());
        this.commD = commD.clone();
    }

    /** Whether a holder says that it sealed what was ordered. */
    Verdict claim(SealStatus status) {
        return Arrays.equals(status.commD(), commD)
                ? Verdict.accept()
                : Verdict.reject("its sector is committed to other data than the slot's blocks");
    }

    /** What a replica of that number and commitment is held to. */
    private ReplicaStatement statement(long sector, byte[] commR) {
        byte[] porepId = SectorOperations.porepId();
        byte[] replicaId = ReplicaId.of(order.holder().toBytes(), sector, order.slot(), order.ticket(), commD, porepId);
        return new ReplicaStatement(geometry, porepId, replicaId, commD, commR);
    }

    private SealChallenge challenge(SealStatement.Kind kind, byte[] commR, long epoch) {
        return key.challenge(new SealStatement(network.bytes(), order.digest(), commR, kind, epoch));
    }

    /** @param epoch one that was not used before */
    SealAsk replicationQuestion(SealStatus claimed, long epoch) {
        return SealAsk.replication(
                order,
                epoch,
                challenge(SealStatement.Kind.REPLICATION, claimed.commR(), epoch)
                        .signature());
    }

    Verdict replication(SealStatus claimed, long epoch, byte[] proof) {
        byte[] seed = challenge(SealStatement.Kind.REPLICATION, claimed.commR(), epoch)
                .seed();
        return new ReplicationVerifier(statement(claimed.sector(), claimed.commR())).verify(seed, parameters, proof);
    }

    /** @param epoch one that was not used before */
    SealAsk windowQuestion(SealAcceptance accepted, long epoch) {
        return SealAsk.window(
                order,
                accepted,
                epoch,
                challenge(SealStatement.Kind.WINDOW, accepted.commR(), epoch).signature());
    }

    Verdict window(SealAcceptance accepted, long epoch, byte[] proof) {
        byte[] seed =
                challenge(SealStatement.Kind.WINDOW, accepted.commR(), epoch).seed();
        long sector = accepted.sector();
        return new SpaceTimeVerifier()
                .verify(Map.of(sector, statement(sector, accepted.commR())), seed, SpaceTimeChallenges.WINDOW, proof)
                .getOrDefault(sector, Verdict.reject("the proof does not have it"));
    }

    /** Until when a window must be there. @param roundTrip to the holder, as it was measured just now */
    static Duration deadline(Duration roundTrip) {
        return SpaceChallenge.deadline(SpaceTimeChallenges.WINDOW, roundTrip);
    }

    /** Whether that is too short to make what is missing again; docs/proofs.md says for whom. */
    boolean isTimed(Duration deadline) {
        return !parameters.equals(SealParameters.TEST) && deadline.compareTo(geometry.leastRegeneration()) < 0;
    }
}
