package io.ppiofs.fs.tree;

import org.jspecify.annotations.Nullable;

/** Receives the differences of two trees in ascending key order. */
@FunctionalInterface
public interface DiffVisitor {
    /** @param oldValue null: the key is new; @param newValue null: the key is gone; never both null, never equal */
    void difference(byte[] key, byte @Nullable [] oldValue, byte @Nullable [] newValue);
}
