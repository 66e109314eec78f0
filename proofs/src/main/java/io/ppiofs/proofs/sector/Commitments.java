package io.ppiofs.proofs.sector;

/**
 * What a sealed sector is held to; 32 bytes each, not copied.
 *
 * @param replicaId what the labels were made with
 */
public record Commitments(byte[] replicaId, byte[] commD, byte[] commC, byte[] commRLast) {}
