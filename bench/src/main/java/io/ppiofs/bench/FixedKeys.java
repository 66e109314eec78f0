package io.ppiofs.bench;

import io.ppiofs.blockstore.ContentKeys;

/** One epoch with a key that is no secret. */
public final class FixedKeys implements ContentKeys {
    private final byte[] key = new byte[32];

    @Override
    public int currentEpoch() {
        return 0;
    }

    @Override
    public byte[] contentKey(int epoch) {
        return key;
    }
}
