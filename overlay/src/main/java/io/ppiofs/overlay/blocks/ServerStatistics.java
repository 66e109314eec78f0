package io.ppiofs.overlay.blocks;

/**
 * What a server has done since it started.
 *
 * @param streams open now
 * @param sent payload bytes of gets
 * @param received payload bytes of puts
 * @param found blocks and parts that were sent
 * @param missing blocks that were asked for and not here
 * @param stored blocks of puts that were taken
 * @param refused blocks of puts that were not, for whatever reason
 * @param corrupt blocks of puts whose bytes were not those of their CID
 * @param receipts receipts that were newer than those before
 * @param receiptedBytes payload bytes that receipts speak of
 * @param violations streams that were reset because the peer broke the protocol
 */
public record ServerStatistics(
        int streams,
        long sent,
        long received,
        long found,
        long missing,
        long stored,
        long refused,
        long corrupt,
        long receipts,
        long receiptedBytes,
        long violations) {}
