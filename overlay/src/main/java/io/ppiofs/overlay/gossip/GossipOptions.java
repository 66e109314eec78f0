package io.ppiofs.overlay.gossip;

import io.ppiofs.overlay.identity.PeerId;
import java.time.Duration;
import java.util.Set;

/**
 * Parameters of the router. Counts are peers, messages or ids as said; the names of the specification are in brackets.
 *
 * @param degree wanted size of a mesh (D)
 * @param degreeLow below it peers are grafted (D_low)
 * @param degreeHigh above it peers are pruned (D_high)
 * @param degreeLazy fewest peers that get gossip at a heartbeat (D_lazy)
 * @param degreeScore best peers that always stay when pruning (D_score)
 * @param degreeOut peers that we dialled which a mesh keeps (D_out); below {@code degreeLow}, at most half of {@code degree}
 * @param gossipFactor part of the peers outside the mesh that get gossip at a heartbeat
 * @param cacheLength heartbeats for which a message can be asked for (mcache_len)
 * @param cacheGossip heartbeats for which it is told of (mcache_gossip)
 * @param cacheBytes bound on cached data, bytes
 * @param heartbeat pause between maintenances
 * @param fanoutLifetime how long the peers for a topic that we only publish to are kept
 * @param seenLifetime how long a message is remembered at least
 * @param pruneBackoff how long not to graft after a PRUNE
 * @param leaveBackoff the same after we have left a topic
 * @param floodPublish whether own messages go to all peers of the topic, not to the mesh only
 * @param maxMessage largest message with all its fields, bytes
 * @param maxTopicsPerPeer subscriptions that are kept of one peer
 * @param maxHavePerHeartbeat IHAVE frames of a peer that are looked at in a heartbeat
 * @param maxWantPerHeartbeat ids that a peer is asked for in a heartbeat
 * @param retransmissions how often one message is sent to one peer on its IWANT
 * @param wantFollowUp how long a peer has to send what it said it has
 * @param queueBytes bound on what waits for a slow peer, bytes; gossip is dropped first
 * @param maxValidating messages that wait for validation, in all; more are ignored
 * @param dontWantBytes messages from this size on are announced to the mesh by IDONTWANT (1.2)
 * @param signatures what messages must carry
 * @param directPeers peers to be connected to for ever and served outside the mesh; their operators agree on it
 * @param score how peers are scored
 */
public record GossipOptions(
        int degree,
        int degreeLow,
        int degreeHigh,
        int degreeLazy,
        int degreeScore,
        int degreeOut,
        double gossipFactor,
        int cacheLength,
        int cacheGossip,
        long cacheBytes,
        Duration heartbeat,
        Duration fanoutLifetime,
        Duration seenLifetime,
        Duration pruneBackoff,
        Duration leaveBackoff,
        boolean floodPublish,
        int maxMessage,
        int maxTopicsPerPeer,
        int maxHavePerHeartbeat,
        int maxWantPerHeartbeat,
        int retransmissions,
        Duration wantFollowUp,
        int queueBytes,
        int maxValidating,
        int dontWantBytes,
        SignaturePolicy signatures,
        Set<PeerId> directPeers,
        ScoreOptions score) {
    /** The values of the specification; messages of up to 1 MiB, signed. */
    public static final GossipOptions DEFAULT = new GossipOptions(
            6,
            4,
            12,
            6,
            4,
            2,
            0.25,
            5,
            3,
            64L << 20,
            Duration.ofSeconds(1),
            Duration.ofSeconds(60),
            Duration.ofMinutes(2),
            Duration.ofSeconds(60),
            Duration.ofSeconds(10),
            true,
            1 << 20,
            512,
            10,
            5_000,
            3,
            Duration.ofSeconds(3),
            8 << 20,
            1_024,
            1_024,
            SignaturePolicy.STRICT_SIGN,
            Set.of(),
            ScoreOptions.DEFAULT);

    public GossipOptions {
        directPeers = Set.copyOf(directPeers);
        boolean degrees = degreeLow <= degree
                && degree <= degreeHigh
                && degreeScore <= degree
                && (degree == 0 || degreeOut < degreeLow && degreeOut <= degree / 2);
        if (!degrees || cacheGossip > cacheLength || cacheGossip < 1) {
            throw new IllegalArgumentException("degrees or cache lengths out of order");
        }
        if (maxMessage < 64 || queueBytes < maxMessage) {
            throw new IllegalArgumentException("a peer's queue must hold the largest message");
        }
    }

    /** Largest frame that is read: others put several messages into one, and control of up to 5,000 ids. */
    int maxFrame() {
        return 2 * maxMessage + (256 << 10);
    }

    /** Meshes of another size, with the limits around it in the default's proportions; 0: no meshes, gossip only. */
    public GossipOptions withDegree(int value) {
        return with(value, maxMessage, signatures, floodPublish, directPeers, score);
    }

    public GossipOptions withMaxMessage(int bytes) {
        return with(degree, bytes, signatures, floodPublish, directPeers, score);
    }

    public GossipOptions withSignatures(SignaturePolicy value) {
        return with(degree, maxMessage, value, floodPublish, directPeers, score);
    }

    public GossipOptions withFloodPublish(boolean value) {
        return with(degree, maxMessage, signatures, value, directPeers, score);
    }

    public GossipOptions withDirectPeers(Set<PeerId> value) {
        return with(degree, maxMessage, signatures, floodPublish, value, score);
    }

    public GossipOptions withScore(ScoreOptions value) {
        return with(degree, maxMessage, signatures, floodPublish, directPeers, value);
    }

    private GossipOptions with(
            int size,
            int messageBytes,
            SignaturePolicy policy,
            boolean flood,
            Set<PeerId> direct,
            ScoreOptions scoring) {
        boolean same = size == degree;
        return new GossipOptions(
                size,
                same ? degreeLow : (2 * size + 2) / 3,
                same ? degreeHigh : 2 * size,
                degreeLazy,
                same ? degreeScore : (2 * size + 2) / 3,
                same ? degreeOut : size / 3,
                gossipFactor,
                cacheLength,
                cacheGossip,
                cacheBytes,
                heartbeat,
                fanoutLifetime,
                seenLifetime,
                pruneBackoff,
                leaveBackoff,
                flood,
                messageBytes,
                maxTopicsPerPeer,
                maxHavePerHeartbeat,
                maxWantPerHeartbeat,
                retransmissions,
                wantFollowUp,
                Math.max(queueBytes, 2 * messageBytes),
                maxValidating,
                dontWantBytes,
                policy,
                direct,
                scoring);
    }
}
