package io.ppiofs.node;

import org.jspecify.annotations.Nullable;

/**
 * A volume to be made.
 *
 * @param blockSize bytes; null leaves it to the default
 * @param dedup equal blocks are stored once
 * @param padding stored lengths are padded so that they tell little
 * @param scheme how its blocks are kept on peers of the node's network, {@code 3} or {@code 4+2}; null: they stay here
 */
public record NewVolume(
        String name,
        Unlock protection,
        @Nullable Integer blockSize,
        boolean dedup,
        boolean padding,
        @Nullable String scheme) {
    /** With the defaults of everything but name and protection. */
    public static NewVolume of(String name, Unlock protection) {
        return new NewVolume(name, protection, null, true, true, null);
    }
}
