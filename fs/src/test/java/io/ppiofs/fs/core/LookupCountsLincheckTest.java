package io.ppiofs.fs.core;

import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.junit.jupiter.api.Test;

/** Every interleaving that Lincheck tries has the answers of some order of the calls. */
@Param(name = "ino", gen = IntGen.class, conf = "1:3")
@Param(name = "count", gen = IntGen.class, conf = "1:3")
public class LookupCountsLincheckTest {
    private final LookupCounts counts = new LookupCounts();

    @Operation
    public void add(@Param(name = "ino") int ino, @Param(name = "count") int count) {
        counts.add(ino, count);
    }

    @Operation
    public long decrement(@Param(name = "ino") int ino, @Param(name = "count") int count) {
        return counts.decrement(ino, count);
    }

    @Operation
    public long get(@Param(name = "ino") int ino) {
        return counts.get(ino);
    }

    @Test
    void isLinearizable() {
        new ModelCheckingOptions()
                .iterations(Integer.getInteger("lincheck.iterations", 3))
                .invocationsPerIteration(100)
                .threads(2)
                .actorsPerThread(3)
                .check(getClass());
    }
}
