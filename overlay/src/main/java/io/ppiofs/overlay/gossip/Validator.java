package io.ppiofs.overlay.gossip;

import java.util.concurrent.CompletionStage;

/**
 * Judges the messages of a topic before they are delivered and forwarded. Called on the host's scheduler; must not block,
 * may answer later from any thread. A validator that throws or fails has ignored the message.
 */
@FunctionalInterface
public interface Validator {
    /** What becomes of a message. */
    enum Verdict {
        /** Deliver and forward. */
        ACCEPT,
        /** Neither, and nobody is to blame. */
        IGNORE,
        /** Neither, and who brought it is scored down. */
        REJECT
    }

    CompletionStage<Verdict> validate(GossipMessage message);
}
