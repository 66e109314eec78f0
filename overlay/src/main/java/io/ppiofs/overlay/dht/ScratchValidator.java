package io.ppiofs.overlay.dht;

import java.util.Arrays;
import java.util.List;

/**
 * For namespaces that nobody has given a meaning in an open network: any value of up to 1 KiB, of two the greater one by
 * its bytes, so that all nodes agree. Anybody can replace such a value: what must be trusted has a namespace and a
 * validator of its own.
 */
public final class ScratchValidator implements Validator {
    /** Bytes of the largest value. */
    public static final int MAX_VALUE = 1_024;

    @Override
    public boolean isValid(byte[] key, byte[] value) {
        return value.length <= MAX_VALUE;
    }

    @Override
    public int select(byte[] key, List<byte[]> values) {
        int best = 0;
        for (int i = 1; i < values.size(); i++) {
            if (Arrays.compareUnsigned(values.get(i), values.get(best)) > 0) {
                best = i;
            }
        }
        return best;
    }
}
