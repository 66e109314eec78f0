package io.ppiofs.overlay.dht;

/**
 * What a DHT node has done since it was started.
 *
 * @param server whether it serves others now
 * @param tableSize peers in the routing table
 * @param values values kept for others
 * @param providers provider records kept for others
 * @param lookups lookups that have ended
 * @param lookupsCutShort of which at their time limit
 * @param requestsSent requests sent
 * @param requestsFailed of which not answered in time or not understood
 * @param requestsServed requests of others that were answered
 * @param requestsRefused requests of others that were malformed, invalid or too many
 * @param recordsRefused values in answers that their validator refused or that were of another key
 * @param lookupMillis duration of lookups
 * @param lookupMessages requests per lookup
 * @param lookupHops longest chain of answers that led to a result, per lookup
 */
public record DhtStats(
        boolean server,
        int tableSize,
        int values,
        int providers,
        long lookups,
        long lookupsCutShort,
        long requestsSent,
        long requestsFailed,
        long requestsServed,
        long requestsRefused,
        long recordsRefused,
        Histogram.Snapshot lookupMillis,
        Histogram.Snapshot lookupMessages,
        Histogram.Snapshot lookupHops) {}
