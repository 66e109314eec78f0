package io.ppiofs.bench;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("guard")
class ReplicaTreeGuardTest {
    /** 0.8 of bare hashing is 1.25; the rest is for machines whose caches others share. A tree over 32-byte leaves costs 4. */
    @Test
    void aReplicasTreeCostsLittleMoreThanHashingItsBytes() throws Exception {
        try (SampleTrees trees = new SampleTrees(1 << 20, 1)) {
            new CostRatio("replica tree / SHA-256 of the same bytes", 41)
                    .cpuAtMost(1.6, trees::bareDigest, trees::replicaTree);
        }
    }
}
