/**
 * Kademlia as libp2p speaks it ("kad-dht"): who is near a key, values under keys, who provides what. Start at {@link
 * io.ppiofs.overlay.dht.Dht}; {@code Lookup} is the search, {@code RoutingTable} what it starts from, {@code
 * RequestHandler} what others get.
 *
 * <p>Promises: everything runs on the host's scheduler and nothing blocks; every list, key, value, store and the work for
 * one peer is bounded; an answer counts only if its sender answered itself, over an authenticated connection; a record is
 * kept only if its namespace's validator takes it and nothing better is there.
 *
 * <p>Costs with n = 1,000 nodes, k = 20 (printed by {@code DhtScaleTest}): a lookup takes 31 requests at the median, on
 * one path and on four, and is at most four hops deep; a request is about 50 bytes, an answer 20 peers of 55 bytes, 1.1
 * KiB; a put or provide adds 20 requests; joining takes 245. Per answer one SHA-256 for each peer not seen before in the
 * lookup, and one for the sender; serving costs one SHA-256 and sorts two or three buckets. Memory: about 250 bytes per
 * peer of the table, which holds k·log2(n/k) of them, and the stores' bounds.
 */
@NullMarked
package io.ppiofs.overlay.dht;

import org.jspecify.annotations.NullMarked;
