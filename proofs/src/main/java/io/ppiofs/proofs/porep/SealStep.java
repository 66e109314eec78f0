package io.ppiofs.proofs.porep;

/** What a sealing does, in this order. */
public enum SealStep {
    DATA_TREE,
    LABELS,
    COLUMN_TREE,
    ENCODING,
    REPLICA_TREE
}
