package io.ppiofs.fs.core;

import org.jspecify.annotations.Nullable;

/** The entries of a namespace, wherever they are: memtables over a tree, or a tree alone. Thread-safe. */
interface Entries {
    byte @Nullable [] get(byte[] key);

    /** Visits entries with {@code from ≤ key < to} in key order until the visitor wants no more. */
    void scan(byte[] from, byte[] to, NamespaceMap.Visitor visitor);
}
