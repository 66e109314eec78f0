package io.ppiofs.proofs.pod;

/** How a deal ended. The ordinal is the number in verdicts: append only. */
public enum PodOutcome {
    /** The user signed for everything, got the key, and showed nothing wrong in time. */
    DELIVERED,
    /** What the provider committed to does not decrypt to what was ordered: shown by two leaves. */
    GARBAGE,
    /** The provider did not open what the verifier challenged. */
    UNPROVEN,
    /** The user did not show in time that it has everything; it did not get the key. */
    UNCLAIMED
}
