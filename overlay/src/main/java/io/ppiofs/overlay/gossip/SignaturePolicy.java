package io.ppiofs.overlay.gossip;

/** What messages carry beside their data (specification "pubsub", section "Message Signing"). All peers of a topic must agree. */
public enum SignaturePolicy {
    /** Author, sequence number and signature; whatever lacks one or is wrongly signed is invalid. */
    STRICT_SIGN,
    /** None of these; whatever has one is invalid. Messages are named by the hash of topic and data. */
    STRICT_NO_SIGN
}
