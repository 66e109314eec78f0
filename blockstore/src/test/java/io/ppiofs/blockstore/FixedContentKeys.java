package io.ppiofs.blockstore;

import java.util.Arrays;

/** Content keys for tests: epoch n has 32 bytes of value n + seed. */
public final class FixedContentKeys implements ContentKeys {
    private final int seed;
    private volatile int epoch;

    public FixedContentKeys() {
        this(1);
    }

    public FixedContentKeys(int seed) {
        this.seed = seed;
    }

    /** Seals new blocks under {@code epoch} from now on. */
    public void rotateTo(int newEpoch) {
        this.epoch = newEpoch;
    }

    @Override
    public int currentEpoch() {
        return epoch;
    }

    @Override
    public byte[] contentKey(int ofEpoch) {
        byte[] key = new byte[32];
        Arrays.fill(key, (byte) (seed + ofEpoch));
        return key;
    }
}
