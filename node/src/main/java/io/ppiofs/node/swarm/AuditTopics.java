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
 * One gossip topic per volume, on which its verifiers and its writer tell each other who audits it and what failed. Nodes that keep the volume's head
 * pass it on, so these need not be connected to each other. Thread-safe.
 */
public final class AuditTopics {
    private static final Logger LOG = LoggerFactory.getLogger(AuditTopics.class);

    /** Volumes whose messages a storage node passes on. */
    private static final int MAX_RELAYED = 1_024;

    private final Gossip gossip;
    private final Network network;
    private final Set<VolumeId> relayed = ConcurrentHashMap.newKeySet();

    public AuditTopics(Gossip gossip, Network network) {
        this.gossip = gossip;
        this.network = network;
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

    private Gossip.Subscription subscribe(VolumeId volume, Consumer<GossipMessage> receiver) {
        gossip.validate(topic(volume), message -> CompletableFuture.completedFuture(judge(message.data())));
        return gossip.subscribe(topic(volume), receiver);
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
        storage.observeHeads(this::relay);
        storage.heads().forEach(this::relay);
    }

    private void relay(PinnedHead.Signed head) {
        VolumeId volume = VolumeId.of(head.pin().volume());
        if (relayed.size() < MAX_RELAYED && relayed.add(volume)) {
            subscribe(volume, heard -> {}); // being subscribed is what passes it on
        }
    }

    private Validator.Verdict judge(byte[] message) {
        try {
            read(message, network.id(), NOBODY);
            return Validator.Verdict.ACCEPT;
        } catch (PpiofsException e) {
            return Validator.Verdict.REJECT;
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
