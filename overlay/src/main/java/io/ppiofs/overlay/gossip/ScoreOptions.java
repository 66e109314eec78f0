package io.ppiofs.overlay.gossip;

import io.ppiofs.overlay.identity.PeerId;
import java.time.Duration;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/**
 * How peers are scored and what follows from a score (specification gossipsub 1.1, "Peer Scoring").
 *
 * @param topics options by topic; others have {@code otherTopics}
 * @param otherTopics for topics that are not named
 * @param topicCap most that all topics together may add; 0: no cap
 * @param application P5, the application's opinion; called on the host's scheduler, must be quick
 * @param colocationWeight P6, for the squared surplus of peers of one address (IPv4 address, IPv6 /64; loopback is exempt)
 * @param colocationThreshold peers of one address that are no surplus
 * @param behaviourWeight P7, for the squared surplus of broken rules
 * @param behaviourThreshold broken rules that are no surplus
 * @param decayToZero counters below it are zero
 * @param retain how long a bad score outlives the connection
 * @param gossipThreshold below it no gossip is exchanged with the peer
 * @param publishThreshold below it the peer gets no message
 * @param graylistThreshold below it everything from the peer is ignored
 * @param acceptReferralsThreshold at or above it peers are taken from its PRUNE ("acceptPX")
 * @param opportunisticGraftThreshold a mesh whose median is below it gets better peers
 */
public record ScoreOptions(
        Map<String, TopicScoreOptions> topics,
        TopicScoreOptions otherTopics,
        double topicCap,
        ToDoubleFunction<PeerId> application,
        double applicationWeight,
        double colocationWeight,
        int colocationThreshold,
        double behaviourWeight,
        double behaviourThreshold,
        double behaviourDecay,
        Duration decayInterval,
        double decayToZero,
        Duration retain,
        double gossipThreshold,
        double publishThreshold,
        double graylistThreshold,
        double acceptReferralsThreshold,
        double opportunisticGraftThreshold) {
    /** Thresholds −10, −50, −80, 0, 1; ten peers of one address, two broken rules are no surplus. */
    public static final ScoreOptions DEFAULT = new ScoreOptions(
            Map.of(),
            TopicScoreOptions.DEFAULT,
            50,
            peer -> 0,
            1,
            -5,
            10,
            -10,
            2,
            0.95,
            Duration.ofSeconds(1),
            0.01,
            Duration.ofHours(1),
            -10,
            -50,
            -80,
            0,
            1);

    public ScoreOptions {
        topics = Map.copyOf(topics);
        boolean ordered = gossipThreshold <= 0
                && publishThreshold <= gossipThreshold
                && graylistThreshold <= publishThreshold
                && acceptReferralsThreshold >= 0
                && opportunisticGraftThreshold >= 0;
        if (!ordered) {
            throw new IllegalArgumentException("thresholds out of order");
        }
        if (colocationWeight > 0 || behaviourWeight > 0 || applicationWeight < 0 || colocationThreshold < 1) {
            throw new IllegalArgumentException("a weight of P5 to P7 has the wrong sign");
        }
    }

    TopicScoreOptions topic(String name) {
        return topics.getOrDefault(name, otherTopics);
    }

    public ScoreOptions withTopics(Map<String, TopicScoreOptions> value, TopicScoreOptions others) {
        return new ScoreOptions(
                value,
                others,
                topicCap,
                application,
                applicationWeight,
                colocationWeight,
                colocationThreshold,
                behaviourWeight,
                behaviourThreshold,
                behaviourDecay,
                decayInterval,
                decayToZero,
                retain,
                gossipThreshold,
                publishThreshold,
                graylistThreshold,
                acceptReferralsThreshold,
                opportunisticGraftThreshold);
    }

    public ScoreOptions withApplication(ToDoubleFunction<PeerId> value) {
        return new ScoreOptions(
                topics,
                otherTopics,
                topicCap,
                value,
                applicationWeight,
                colocationWeight,
                colocationThreshold,
                behaviourWeight,
                behaviourThreshold,
                behaviourDecay,
                decayInterval,
                decayToZero,
                retain,
                gossipThreshold,
                publishThreshold,
                graylistThreshold,
                acceptReferralsThreshold,
                opportunisticGraftThreshold);
    }
}
