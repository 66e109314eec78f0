package io.ppiofs.proofs.sector;

import io.ppiofs.proofs.sdr.SdrGraph;

/**
 * What all sectors of a store have in common.
 *
 * @param peer the binary peer id that replicas are bound to; not copied
 * @param porepId 32 bytes that choose the graph, the same in the whole network; not copied
 * @param threads that build trees and encode
 */
public record SectorOptions(byte[] peer, byte[] porepId, int threads) {
    public SectorOptions {
        if (porepId.length != SdrGraph.POREP_ID_BYTES) {
            throw new IllegalArgumentException("porepId has " + porepId.length + " bytes, not 32");
        }
    }
}
