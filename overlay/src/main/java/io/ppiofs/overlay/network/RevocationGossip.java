package io.ppiofs.overlay.network;

import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.gossip.Gossip;
import io.ppiofs.overlay.gossip.GossipMessage;
import io.ppiofs.overlay.gossip.Validator;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/**
 * Spreads revocation lists: a newer one that is heard on the topic goes to the roll and on to others, and one that the roll
 * gets in another way (an exchange, the operator) is published. Old lists are not passed on; what is no list of the network
 * is held against who brought it.
 */
public final class RevocationGossip implements AutoCloseable {
    private final MembershipRoll roll;
    private final Gossip.Subscription subscription;

    public RevocationGossip(Gossip gossip, Network network, MembershipRoll roll) {
        this.roll = roll;
        String topic = network.revocationTopic();
        gossip.validate(topic, this::judge);
        this.subscription = gossip.subscribe(topic, message -> {}); // the validator has taken it already
        roll.addListener(list -> gossip.publish(topic, list.encode()));
    }

    private CompletionStage<Validator.Verdict> judge(GossipMessage message) {
        Validator.Verdict verdict;
        try {
            verdict = roll.offer(message.data()) ? Validator.Verdict.ACCEPT : Validator.Verdict.IGNORE;
        } catch (PpiofsException noList) {
            verdict = Validator.Verdict.REJECT;
        }
        return CompletableFuture.completedFuture(verdict);
    }

    /** Hears no more; lists that the roll gets are still published while the gossip is open. */
    @Override
    public void close() {
        subscription.close();
    }
}
