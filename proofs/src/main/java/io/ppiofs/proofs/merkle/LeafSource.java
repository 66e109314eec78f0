package io.ppiofs.proofs.merkle;

import java.io.IOException;

/** Where a tree's leaves come from. Called by several threads at a time. */
@FunctionalInterface
public interface LeafSource {
    /**
     * Writes the bytes of {@code count} leaves, one behind the other.
     *
     * @param out at least as long as they are
     */
    void read(long first, int count, byte[] out) throws IOException;
}
