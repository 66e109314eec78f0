/**
 * Can others reach this node? AutoNAT versions 1 and 2 (libp2p specifications "autonat"): peers are asked to dial back.
 *
 * <p>{@link io.ppiofs.overlay.autonat.AutoNat} asks and keeps the answer with a confidence; {@link
 * io.ppiofs.overlay.autonat.AutoNatServer} dials back for others, only to the IP address that asks, from a socket and with a
 * key of its own ({@link io.ppiofs.overlay.autonat.BackDialer}), so that a hole in a NAT is not taken for an open door. {@link
 * io.ppiofs.overlay.autonat.AutoNatV2} asks about one address and believes only a nonce that arrives.
 *
 * <p>State is on the host's scheduler. A question costs the server one dial; it serves few at once and few per minute.
 */
@NullMarked
package io.ppiofs.overlay.autonat;

import org.jspecify.annotations.NullMarked;
