package io.ppiofs.proofs.sdr;

/**
 * Which of Filecoin's graphs is meant: they differ in the place of the predecessor among a node's parents and in the
 * width of an expander edge. New sectors of ppiofs are made with {@link #V1_2}.
 */
public enum ApiVersion {
    /** The predecessor is the last of the six; the expander's edge is cut to 32 bits, which shows from 2^30 nodes on. */
    V1_0,
    /** The predecessor is the first of the six. */
    V1_1,
    /** The graph of 1.1. */
    V1_2;

    boolean predecessorFirst() {
        return this != V1_0;
    }

    boolean edgesAreCutTo32Bits() {
        return this == V1_0;
    }
}
