package io.ppiofs.overlay.gossip;

import java.util.Map;

/**
 * Counters since the start, and the state at the last heartbeat.
 *
 * @param peers peers that speak the protocol
 * @param meshSizes peers in the mesh by topic
 * @param lowestScore lowest score of a connected peer, 0 if there is none
 * @param medianScore median score of connected peers
 * @param published own messages
 * @param delivered messages given to the application
 * @param duplicates further copies of messages
 * @param forwarded copies sent on
 * @param rejected invalid messages: form, signature, or the validator's word
 * @param ignored messages that the validator ignored
 * @param throttled messages that were not validated because too many waited
 * @param malformed frames that could not be read
 * @param graylisted frames ignored for the peer's score
 * @param excess entries beyond a limit
 * @param haveSent ids told of in IHAVE
 * @param wantSent ids asked for in IWANT
 * @param wantServed messages sent on IWANT
 * @param brokenPromises asked for after IHAVE and not sent
 * @param grafts peers added to a mesh
 * @param prunes peers taken out of a mesh
 * @param droppedGossip gossip frames dropped for slow peers
 * @param droppedForwards messages of others dropped for slow peers
 * @param slowPeers streams ended because the peer was too slow
 * @param sentFrames frames written
 */
public record GossipMetrics(
        int peers,
        Map<String, Integer> meshSizes,
        double lowestScore,
        double medianScore,
        long published,
        long delivered,
        long duplicates,
        long forwarded,
        long rejected,
        long ignored,
        long throttled,
        long malformed,
        long graylisted,
        long excess,
        long haveSent,
        long wantSent,
        long wantServed,
        long brokenPromises,
        long grafts,
        long prunes,
        long droppedGossip,
        long droppedForwards,
        long slowPeers,
        long sentFrames) {
    static GossipMetrics of(
            GossipCounters c, int peers, Map<String, Integer> meshSizes, double lowestScore, double medianScore) {
        return new GossipMetrics(
                peers,
                meshSizes,
                lowestScore,
                medianScore,
                c.published.sum(),
                c.delivered.sum(),
                c.duplicates.sum(),
                c.forwarded.sum(),
                c.rejected.sum(),
                c.ignored.sum(),
                c.throttled.sum(),
                c.malformed.sum(),
                c.graylisted.sum(),
                c.excess.sum(),
                c.haveSent.sum(),
                c.wantSent.sum(),
                c.wantServed.sum(),
                c.brokenPromises.sum(),
                c.grafts.sum(),
                c.prunes.sum(),
                c.droppedGossip.sum(),
                c.droppedForwards.sum(),
                c.slowPeers.sum(),
                c.sentFrames.sum());
    }
}
