package io.ppiofs.overlay.pod;

/** What a message is. The ordinal is the first byte of it on the wire: append only. */
public enum PodMessage {
    /** A {@link PodRefusal} and why; ends the conversation. */
    REFUSED,
    /** User to provider: the signed order. */
    ORDER,
    /** Provider to verifier: order, commitment and key. */
    OFFER,
    /** Verifier to either: the seed of the leaves to be opened. */
    CHALLENGE,
    /** Either to the verifier: an opened leaf. */
    OPENING,
    /** Verifier to provider: it has the key. */
    ESCROW,
    /** Provider to user: commitment, and the verifier's word that it has the key. */
    COMMITTED,
    /** Provider to user: encrypted leaves, one behind the other, in order. */
    LEAVES,
    /** User to verifier: it has all leaves. */
    RECEIPT,
    /** Verifier to user: the key. */
    RELEASE,
    /** User to verifier: the blocks are those that it ordered. */
    ACCEPTANCE,
    /** User to verifier: a leaf that is not. */
    COMPLAINT,
    /** Verifier to either: how the deal ended. */
    PROOF,
    /** Either to the verifier: how did this deal end? */
    ASK_PROOF
}
