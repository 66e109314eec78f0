package io.ppiofs.proofs.porep;

import io.ppiofs.proofs.sdr.SealParameters;
import io.ppiofs.proofs.verify.ReplicaStatement;

/**
 * What a sealing ends with.
 *
 * @param statement for verifiers
 * @param commC 32 bytes, not copied
 * @param commRLast 32 bytes, not copied
 */
public record SealedReplica(ReplicaStatement statement, SealParameters parameters, byte[] commC, byte[] commRLast) {}
