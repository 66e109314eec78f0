package io.ppiofs.bench;

import io.ppiofs.fs.tree.MerkleTree;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** A tree of a million entries against one of ten thousand. */
@Tag("guard")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TreeGuardTest {
    private final SplittableRandom random = new SplittableRandom(1);
    private SampleTree small;
    private SampleTree large;

    @BeforeAll
    void makeTrees() {
        small = new SampleTree(10_000);
        large = new SampleTree(1_000_000);
    }

    /**
     * 100 times the entries are one level more and lie outside the processor's caches, which other processes share: 5
     * to 6.1 were measured on a busy machine. A search that went through the entries would cost 100.
     */
    @Test
    void aLookupInAMillionEntriesCostsNothingLikeAHundredTimesOneInTenThousand() throws Exception {
        new CostRatio("tree lookup, 1 M / 10 k entries", 41).cpuAtMost(12, () -> lookups(small), () -> lookups(large));
    }

    /** Different entries in each round: the same few would stay in the processor's caches. */
    private Object lookups(SampleTree sample) {
        byte[] last = {};
        for (int i = 0; i < 3000; i++) {
            byte[] value = sample.tree().get(SampleTree.key(random.nextInt(sample.entries()), false));
            if (value == null) {
                throw new IllegalStateException("an entry is missing");
            }
            last = value;
        }
        return last;
    }

    @Test
    void aBatchOfChangesCostsItsSizeAndNotTheTrees() throws Exception {
        new CostRatio("apply of 20 changes, 1 M / 10 k entries", 15)
                .cpuAtMost(
                        6,
                        () -> small.tree().apply(small.changes(20, 3)),
                        () -> large.tree().apply(large.changes(20, 3)));
    }

    @Test
    void aDifferenceCostsItsSizeAndNotTheTrees() throws Exception {
        MerkleTree smallAfter = small.tree().apply(small.changes(20, 4));
        MerkleTree largeAfter = large.tree().apply(large.changes(20, 4));

        new CostRatio("diff of 20 changes, 1 M / 10 k entries", 21)
                .cpuAtMost(6, () -> difference(small.tree(), smallAfter), () -> difference(large.tree(), largeAfter));
    }

    private static Object difference(MerkleTree before, MerkleTree after) {
        AtomicLong found = new AtomicLong();
        MerkleTree.diff(before, after, (key, oldValue, newValue) -> found.incrementAndGet());
        if (found.get() != 20) {
            throw new IllegalStateException(found + " differences");
        }
        return found;
    }
}
