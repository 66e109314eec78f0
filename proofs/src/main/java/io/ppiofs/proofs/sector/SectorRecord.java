package io.ppiofs.proofs.sector;

import io.ppiofs.cbor.Cbor;
import io.ppiofs.cbor.CborBytes;
import io.ppiofs.cbor.CborDecoder;
import io.ppiofs.cbor.CborEncoder;
import io.ppiofs.cbor.CborInt;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.CborSimple;
import io.ppiofs.cbor.CborText;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.proofs.porep.SealedReplica;
import io.ppiofs.proofs.sdr.SealParameters;
import io.ppiofs.proofs.verify.ReplicaGeometry;
import io.ppiofs.proofs.verify.ReplicaStatement;
import org.jspecify.annotations.Nullable;

/**
 * What is known about a sector. Immutable as long as nobody writes to the arrays, which are not copied.
 *
 * @param number at this peer, never used twice
 * @param nodes 32 bytes each
 * @param copy index of the copy of the same data
 * @param payloadBytes of real payload, from {@link SectorState#FULL} on; 0 before
 * @param keepsUnsealed whether the payload stays beside the replica
 * @param ticket 32 bytes, from {@link SectorState#SEALING} on
 * @param commitments from {@link SectorState#SEALED} on
 */
public record SectorRecord(
        long number,
        SectorState state,
        int nodes,
        SealParameters parameters,
        int copy,
        long payloadBytes,
        boolean keepsUnsealed,
        byte @Nullable [] ticket,
        @Nullable Commitments commitments) {
    static final int MAX_BYTES = 1024;
    private static final int VERSION = 1;
    private static final int FIELDS = 13;

    public ReplicaGeometry geometry() {
        return new ReplicaGeometry(nodes, parameters.layers());
    }

    /** @throws PpiofsException INVALID before the sector is sealed */
    public SealedReplica sealed(byte[] porepId) {
        Commitments c = requireCommitments();
        ReplicaStatement statement = new ReplicaStatement(
                geometry(), porepId, c.replicaId(), c.commD(), ReplicaStatement.commR(c.commC(), c.commRLast()));
        return new SealedReplica(statement, parameters, c.commC(), c.commRLast());
    }

    Commitments requireCommitments() {
        if (commitments == null) {
            throw new PpiofsException(
                    ErrorKind.INVALID, "use sector", Long.toString(number), "it is not sealed yet; seal it first");
        }
        return commitments;
    }

    byte[] requireTicket() {
        if (ticket == null) {
            throw new PpiofsException(
                    ErrorKind.INVALID, "use sector", Long.toString(number), "its sealing has not begun; seal it first");
        }
        return ticket;
    }

    SectorRecord with(SectorState next) {
        return new SectorRecord(
                number, next, nodes, parameters, copy, payloadBytes, keepsUnsealed, ticket, commitments);
    }

    SectorRecord filled(long bytes) {
        return new SectorRecord(
                number, SectorState.FULL, nodes, parameters, copy, bytes, keepsUnsealed, ticket, commitments);
    }

    SectorRecord sealing(byte[] with) {
        return new SectorRecord(
                number, SectorState.SEALING, nodes, parameters, copy, payloadBytes, keepsUnsealed, with, commitments);
    }

    SectorRecord sealedWith(Commitments with) {
        return new SectorRecord(
                number, SectorState.SEALED, nodes, parameters, copy, payloadBytes, keepsUnsealed, ticket, with);
    }

    SectorRecord keeping(boolean unsealed) {
        return new SectorRecord(number, state, nodes, parameters, copy, payloadBytes, unsealed, ticket, commitments);
    }

    byte[] toBytes() {
        Commitments c = commitments;
        return CborEncoder.encode(CborMap.builder()
                .put(1, new CborInt(VERSION))
                .put(2, new CborInt(number))
                .put(3, new CborInt(state.ordinal()))
                .put(4, new CborInt(nodes))
                .put(5, new CborText(parameters.name()))
                .put(6, new CborInt(copy))
                .put(7, new CborInt(payloadBytes))
                .put(8, CborSimple.of(keepsUnsealed))
                .put(9, optional(ticket))
                .put(10, optional(c == null ? null : c.replicaId()))
                .put(11, optional(c == null ? null : c.commD()))
                .put(12, optional(c == null ? null : c.commC()))
                .put(13, optional(c == null ? null : c.commRLast()))
                .build());
    }

    private static Cbor optional(byte @Nullable [] bytes) {
        return bytes == null ? CborSimple.NULL : CborBytes.of(bytes);
    }

    static SectorRecord fromBytes(byte[] bytes) throws MalformedException {
        CborMap map = CborDecoder.decodeMap(bytes);
        map.requireFields(FIELDS);
        if (map.uint(1, Integer.MAX_VALUE) != VERSION) {
            throw new MalformedException("its version is not " + VERSION);
        }
        SectorState[] states = SectorState.values();
        return new SectorRecord(
                map.uint(2, Long.MAX_VALUE),
                states[(int) map.uint(3, states.length - 1)],
                (int) map.uint(4, ReplicaGeometry.MAX_NODES),
                SealParameters.named(map.text(5, 32)),
                (int) map.uint(6, Integer.MAX_VALUE),
                map.uint(7, Long.MAX_VALUE),
                map.bool(8),
                map.bytesOrNull(9, 32),
                commitments(map));
    }

    private static @Nullable Commitments commitments(CborMap map) throws MalformedException {
        byte[] replicaId = map.bytesOrNull(10, 32);
        byte[] commD = map.bytesOrNull(11, 32);
        byte[] commC = map.bytesOrNull(12, 32);
        byte[] commRLast = map.bytesOrNull(13, 32);
        return replicaId == null || commD == null || commC == null || commRLast == null
                ? null
                : new Commitments(replicaId, commD, commC, commRLast);
    }
}
