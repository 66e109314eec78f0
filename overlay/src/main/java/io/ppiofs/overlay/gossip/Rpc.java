package io.ppiofs.overlay.gossip;

import java.util.ArrayList;
import java.util.List;

/**
 * What one frame between two peers says: changes of subscriptions, messages, control. Mutable while it is built or read;
 * ids are as they are on the wire.
 */
final class Rpc {
    /** A topic taken up or given up. */
    record Topic(boolean subscribe, String name) {}

    /** IHAVE: messages that the sender could send. */
    record Have(String topic, List<byte[]> ids) {}

    /**
     * PRUNE: the sender has left our mesh.
     *
     * @param peers others to turn to
     * @param backoffSeconds how long not to come back; 0: not said
     */
    record Prune(String topic, List<Referral> peers, long backoffSeconds) {}

    /**
     * A peer to turn to.
     *
     * @param signedRecord its signed peer record; empty: none
     */
    record Referral(byte[] peer, byte[] signedRecord) {}

    final List<Topic> topics = new ArrayList<>(0);
    final List<Message> messages = new ArrayList<>(1);
    final List<Have> have = new ArrayList<>(0);
    final List<byte[]> want = new ArrayList<>(0);
    final List<String> graft = new ArrayList<>(0);
    final List<Prune> prune = new ArrayList<>(0);
    final List<byte[]> dontWant = new ArrayList<>(0);

    /** Entries that were passed over because there were too many, or too long ones. */
    int excess;

    boolean hasControl() {
        return !(have.isEmpty() && want.isEmpty() && graft.isEmpty() && prune.isEmpty() && dontWant.isEmpty());
    }

    boolean isEmpty() {
        return topics.isEmpty() && messages.isEmpty() && !hasControl();
    }
}
