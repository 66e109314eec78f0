package io.ppiofs.fs.fuse;

import io.ppiofs.error.PpiofsException;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.junit.jupiter.api.Test;

/** Every interleaving that Lincheck tries has the answers of some order of the calls: no handle is given out twice. */
@Param(name = "handle", gen = IntGen.class, conf = "0:3")
@Param(name = "value", gen = IntGen.class, conf = "1:9")
public class HandleTableLincheckTest {
    private final HandleTable<Integer> table = new HandleTable<>(Integer.class);

    @Operation
    public long add(@Param(name = "value") int value) {
        return table.add(value);
    }

    @Operation
    public int get(@Param(name = "handle") int handle) {
        try {
            return table.get(handle);
        } catch (PpiofsException e) {
            return -1;
        }
    }

    @Operation
    public int remove(@Param(name = "handle") int handle) {
        try {
            return table.remove(handle);
        } catch (PpiofsException e) {
            return -1;
        }
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
