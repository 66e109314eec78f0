/**
 * Fetching blocks from several peers at once, driven by measured speed (PPIO white paper 3.2.1): each peer gets a number of
 * <em>tunnels</em> by its speed, each tunnel is asked for the next missing pieces as soon as it has delivered, a peer that
 * does not deliver loses all its tunnels, and the next time it begins with fewer. Blocks are checked against their CID; who sent a
 * wrong piece is found out and remembered.
 *
 * <p>A tunnel here is one request under way on the one stream that the block protocol keeps per peer. A piece is {@value
 * io.ppiofs.overlay.blocks.BlockLimits#PIECE} bytes of one block.
 *
 * <p>A {@link io.ppiofs.overlay.fetch.StreamTransfer} is for readers that go through a file in order (PPIO, streaming pre-allocation): pieces
 * are dealt out by predicted completion. Its plan costs O(P log C) for P pieces in the window and C tunnels each time a tunnel is free: 256 pieces
 * of 32 MiB at most.
 *
 * <p>Start reading at {@link io.ppiofs.overlay.fetch.Fetcher}.
 */
@NullMarked
package io.ppiofs.overlay.fetch;

import org.jspecify.annotations.NullMarked;
