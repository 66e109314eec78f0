package io.ppiofs.proofs.pod;

import io.ppiofs.network.NetworkId;

/**
 * Where deals are made: records of one network are good in no other.
 *
 * @param signatures of its peers
 */
public record PodNetwork(NetworkId id, Signatures signatures) {
    /** Checks signatures. Called by any thread. */
    @FunctionalInterface
    public interface Signatures {
        /** Whether the peer with this id signed the message; false also for what is no id or no signature. */
        boolean hold(byte[] peer, byte[] message, byte[] signature);
    }
}
