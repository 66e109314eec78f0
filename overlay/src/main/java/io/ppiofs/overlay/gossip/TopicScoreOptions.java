package io.ppiofs.overlay.gossip;

import java.time.Duration;

/**
 * How behaviour in one topic counts (specification gossipsub 1.1, P1 to P4). Weights of good behaviour are positive, of bad
 * behaviour negative; 0 switches a part off. Decays are factors per decay interval.
 *
 * @param topicWeight weight of the topic among all
 * @param timeInMeshWeight P1
 * @param timeInMeshQuantum what counts as one
 * @param timeInMeshCap most that counts
 * @param firstDeliveriesWeight P2: messages that the peer brought first
 * @param meshDeliveriesWeight P3: squared deficit of messages brought first or nearly so, of a peer in the mesh
 * @param meshDeliveriesThreshold fewer than this is a deficit
 * @param meshDeliveriesWindow how long after the first copy another one counts as nearly first
 * @param meshDeliveriesActivation how long a peer must be in the mesh before P3 counts
 * @param meshFailureWeight P3b: deficits with which the peer has left the mesh
 * @param invalidWeight P4: squared count of invalid messages
 */
public record TopicScoreOptions(
        double topicWeight,
        double timeInMeshWeight,
        Duration timeInMeshQuantum,
        double timeInMeshCap,
        double firstDeliveriesWeight,
        double firstDeliveriesDecay,
        double firstDeliveriesCap,
        double meshDeliveriesWeight,
        double meshDeliveriesDecay,
        double meshDeliveriesCap,
        double meshDeliveriesThreshold,
        Duration meshDeliveriesWindow,
        Duration meshDeliveriesActivation,
        double meshFailureWeight,
        double meshFailureDecay,
        double invalidWeight,
        double invalidDecay) {
    /**
     * For topics whose rate nobody knows: an hour in the mesh is worth 10 points, twenty first deliveries 10, one invalid
     * message −10, three −90 (graylisted), forgotten at a percent a second. P3 is off, it needs a known rate.
     */
    public static final TopicScoreOptions DEFAULT = new TopicScoreOptions(
            1,
            10.0 / 3_600,
            Duration.ofSeconds(1),
            3_600,
            0.5,
            0.98,
            20,
            0,
            0.9,
            100,
            0,
            Duration.ofMillis(10),
            Duration.ofSeconds(60),
            0,
            0.9,
            -10,
            0.99);

    public TopicScoreOptions {
        requireSign("P1, P2", timeInMeshWeight >= 0 && firstDeliveriesWeight >= 0);
        requireSign("P3, P3b, P4", meshDeliveriesWeight <= 0 && meshFailureWeight <= 0 && invalidWeight <= 0);
        if (timeInMeshQuantum.isZero() || timeInMeshQuantum.isNegative()) {
            throw new IllegalArgumentException("time in mesh is counted in positive quanta");
        }
    }

    private static void requireSign(String what, boolean right) {
        if (!right) {
            throw new IllegalArgumentException("a weight of " + what + " has the wrong sign");
        }
    }

    /** With mesh deliveries (P3, P3b) demanded. */
    public TopicScoreOptions withMeshDeliveries(
            double weight, double decay, double cap, double threshold, Duration activation, double failureWeight) {
        return new TopicScoreOptions(
                topicWeight,
                timeInMeshWeight,
                timeInMeshQuantum,
                timeInMeshCap,
                firstDeliveriesWeight,
                firstDeliveriesDecay,
                firstDeliveriesCap,
                weight,
                decay,
                cap,
                threshold,
                meshDeliveriesWindow,
                activation,
                failureWeight,
                meshFailureDecay,
                invalidWeight,
                invalidDecay);
    }
}
