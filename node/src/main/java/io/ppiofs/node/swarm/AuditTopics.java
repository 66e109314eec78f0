package io.ppiofs.node.swarm;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.volume.VolumeId;
import io.ppiofs.network.NetworkId;
import io.ppiofs.node.audit.FailureReport;
import io.ppiofs.node.audit.VerifierClaim;
import io.ppiofs.overlay.gossip.Gossip;
import io.ppiofs.overlay.gossip.GossipMessage;
import io.ppiofs.overlay.gossip.Validator;
import io.ppiofs.overlay.host.Scheduler;
import io.ppiofs.overlay.identify.RateLimit;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.network.Network;
import io.ppiofs.overlay.storage.PinnedHead;
import io.ppiofs.overlay.storage.StorageHost;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One gossip topic per volume, on which its verifiers and its writer tell each other who audits it and what failed. Nodes that keep the volume's head
 * pass it on, so these need not be connected to each other. Thread-safe.
 */
public final class AuditTopics {
    private static final Logger LOG = LoggerFactory.getLogger(AuditTopics.class);

    /** Volumes whose messages a storage node passes on. */
    private static final int MAX_RELAYED = 1_024;

    private final Gossip gossip;
    private final Network network;

    /** Guarded by this. */
    private final Map<VolumeId, Gossip.Subscription> relayed = new HashMap<>();

    /** How many here listen to a topic; guarded by this. */
    private final Map<VolumeId, Integer> listening = new HashMap<>();

    /**
     * Of those who sign messages, and of those who bring them: a key costs nothing, a connection something. Not of topics: then a stranger could
     * silence one.
     */
    private final RateLimit authors;

    private final RateLimit bringers;

    public AuditTopics(Gossip gossip, Network network, Scheduler scheduler) {
        this.gossip = gossip;
        this.network = network;
        this.authors = new RateLimit(scheduler, 64, Duration.ofSeconds(2));
        this.bringers = new RateLimit(scheduler, 512, Duration.ofMillis(100));
    }

    /** Hears what is told. */
    interface Listener {
        void claimed(VerifierClaim claim);

        void failed(FailureReport report);
    }

    private String topic(VolumeId volume) {
        return network.topic("audit/" + volume);
    }

    /** One volume's. */
    interface Topic {
        void tell(byte[] record);

        /** Hears what somebody signed; whether he is one of the volume's verifiers, only they know. On the thread of gossip, which must not wait. */
        Gossip.Subscription listen(Listener listener);
    }

    Topic of(VolumeId volume) {
        return new Topic() {
            @Override
            public void tell(byte[] record) {
                AuditTopics.this.tell(volume, record);
            }

            @Override
            public Gossip.Subscription listen(Listener listener) {
                return subscribe(volume, message -> read(message.data(), network.id(), listener));
            }
        };
    }

    private synchronized Gossip.Subscription subscribe(VolumeId volume, Consumer<GossipMessage> receiver) {
        listening.merge(volume, 1, Integer::sum);
        gossip.validate(topic(volume), message -> CompletableFuture.completedFuture(judge(message)));
        Gossip.Subscription subscribed = gossip.subscribe(topic(volume), receiver);
        AtomicBoolean closed = new AtomicBoolean();
        return new Gossip.Subscription() {
            @Override
            public String topic() {
                return subscribed.topic();
            }

            @Override
            public void close() {
                subscribed.close();
                if (closed.compareAndSet(false, true)) {
                    unsubscribed(volume);
                }
            }
        };
    }

    private synchronized void unsubscribed(VolumeId volume) {
        if (listening.merge(volume, -1, Integer::sum) == 0) {
            listening.remove(volume);
            gossip.validate(topic(volume), null);
        }
    }

    private void tell(VolumeId volume, byte[] record) {
        gossip.publish(topic(volume), record).whenComplete((heard, failure) -> {
            if (failure != null) {
                LOG.debug("verifiers were not told: {}", failure.toString());
            }
        });
    }

    /** Passes on what is told of volumes whose heads this node keeps. */
    public void relay(StorageHost storage) {
        storage.observeHeads(head -> {
            if (!relays(volume(head))) {
                relayOnly(storage.heads()); // its lock is held here, and taken before this object's
                relay(head);
            }
        });
        storage.heads().forEach(this::relay);
    }

    synchronized boolean relays(VolumeId volume) {
        return relayed.containsKey(volume);
    }

    synchronized void relay(PinnedHead.Signed head) {
        VolumeId volume = volume(head);
        if (relayed.size() < MAX_RELAYED && !relayed.containsKey(volume)) {
            relayed.put(volume, subscribe(volume, heard -> {})); // being subscribed is what passes it on
        }
    }

    /** Gives up volumes whose heads have gone. @param all that are kept */
    synchronized void relayOnly(List<PinnedHead.Signed> all) {
        Set<VolumeId> kept = all.stream().map(AuditTopics::volume).collect(Collectors.toSet());
        for (VolumeId one : Set.copyOf(relayed.keySet())) {
            Gossip.Subscription gone = kept.contains(one) ? null : relayed.remove(one);
            if (gone != null) {
                gone.close();
            }
        }
    }

    private static VolumeId volume(PinnedHead.Signed head) {
        return VolumeId.of(head.pin().volume());
    }

    Validator.Verdict judge(GossipMessage message) {
        PeerId author = message.author();
        if (!bringers.allows(message.receivedFrom()) || author != null && !authors.allows(author)) {
            return Validator.Verdict.IGNORE; // before anything is verified
        }
        try {
            read(message.data(), network.id(), NOBODY);
            return Validator.Verdict.ACCEPT;
        } catch (PpiofsException e) {
            // who passes on what a later version says is not to blame
            return e.kind() == ErrorKind.UNSUPPORTED_FORMAT ? Validator.Verdict.IGNORE : Validator.Verdict.REJECT;
        }
    }

    private static final Listener NOBODY = new Listener() {
        @Override
        public void claimed(VerifierClaim claim) {
            LOG.trace("claim of {}", claim.verifier());
        }

        @Override
        public void failed(FailureReport report) {
            LOG.trace("failure told by {}", report.signer());
        }
    };

    /**
     * Reads a message.
     *
     * @throws PpiofsException CORRUPT, UNSUPPORTED_FORMAT if it is none
     */
    static void read(byte[] message, NetworkId network, Listener listener) {
        VerifierClaim claim;
        try {
            claim = VerifierClaim.open(message, network);
        } catch (PpiofsException e) {
            if (e.kind() != ErrorKind.CORRUPT) {
                throw e;
            }
            listener.failed(FailureReport.open(message, network));
            return;
        }
        listener.claimed(claim);
    }
}
