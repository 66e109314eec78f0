package io.ppiofs.node.swarm;

import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.volume.Head;
import io.ppiofs.fs.volume.HeadClear;
import io.ppiofs.fs.volume.VolumeId;
import io.ppiofs.overlay.gossip.Gossip;
import io.ppiofs.overlay.gossip.GossipMessage;
import io.ppiofs.overlay.gossip.Validator;
import io.ppiofs.overlay.network.Network;
import io.ppiofs.overlay.storage.PinnedHead;
import io.ppiofs.overlay.storage.StorageHost;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One gossip topic per volume, on which its published heads are told. Followers listen; a node that keeps a head for a
 * volume tells it and passes others on, so a follower need not be connected to the writer. Thread-safe.
 */
public final class HeadTopics {
    private static final Logger LOG = LoggerFactory.getLogger(HeadTopics.class);

    /** Volumes whose heads a storage node passes on; heads of others are found by asking. */
    private static final int MAX_RELAYED = 1_024;

    private final Gossip gossip;
    private final Network network;
    private final Set<VolumeId> relayed = ConcurrentHashMap.newKeySet();

    public HeadTopics(Gossip gossip, Network network) {
        this.gossip = gossip;
        this.network = network;
    }

    private String topic(VolumeId volume) {
        return network.topic("head/" + volume);
    }

    /** Hears of heads that somebody signed for this volume; whether they are its own, only its keys tell. */
    Gossip.Subscription listen(VolumeId volume, Consumer<PinnedHead.Signed> receiver) {
        gossip.validate(topic(volume), message -> CompletableFuture.completedFuture(judge(volume, message)));
        return gossip.subscribe(
                topic(volume), message -> receiver.accept(PinnedHead.open(message.data(), network.id())));
    }

    void announce(PinnedHead.Signed head) {
        gossip.publish(topic(VolumeId.of(head.pin().volume())), head.envelope()).whenComplete((heard, failure) -> {
            if (failure != null) {
                LOG.debug("a head was not announced: {}", failure.toString());
            }
        });
    }

    /** Tells the heads that this node keeps for others, and those that it will keep. */
    public void relay(StorageHost storage) {
        storage.observeHeads(this::relay);
        storage.heads().forEach(this::relay);
    }

    private void relay(PinnedHead.Signed head) {
        VolumeId volume = VolumeId.of(head.pin().volume());
        if (!relayed.contains(volume)) {
            if (relayed.size() >= MAX_RELAYED) {
                return;
            }
            relayed.add(volume);
            listen(volume, heard -> {}); // being subscribed is what passes it on
        }
        announce(head);
    }

    private Validator.Verdict judge(VolumeId volume, GossipMessage message) {
        try {
            PinnedHead pin = PinnedHead.open(message.data(), network.id()).pin();
            HeadClear clear = Head.verify(HeadBundle.decode(pin.head()).head(), "announced by a peer");
            return VolumeId.of(pin.volume()).equals(volume) && clear.volume().equals(volume)
                    ? Validator.Verdict.ACCEPT
                    : Validator.Verdict.REJECT;
        } catch (PpiofsException e) {
            return Validator.Verdict.REJECT;
        }
    }
}
