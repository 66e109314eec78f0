package io.ppiofs.proofs.porep;

import io.ppiofs.proofs.verify.ReplicaId;

/** Gives a replica its id once the data's commitment is known. */
@FunctionalInterface
public interface ReplicaIdentity {
    /** @param commD 32 bytes @return 32 bytes, see {@link ReplicaId} */
    byte[] replicaId(byte[] commD);

    /** ppiofs' own derivation; the arrays must not change afterwards. */
    static ReplicaIdentity of(byte[] peer, long sector, int copy, byte[] ticket, byte[] porepId) {
        return commD -> ReplicaId.of(peer, sector, copy, ticket, commD, porepId);
    }
}
