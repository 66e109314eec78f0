/**
 * The network room: libp2p on Netty, DHT, gossip, discovery, block exchange, placement and repair. Its turn has not
 * come; {@code docs/design.md} section 5 says what will live here. It meets the filesystem only at {@link
 * io.ppiofs.blockstore.BlockStore}.
 */
@NullMarked
package io.ppiofs.overlay;

import org.jspecify.annotations.NullMarked;
