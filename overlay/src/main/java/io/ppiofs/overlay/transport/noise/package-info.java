/**
 * Noise XX with X25519, ChaCha20-Poly1305 and SHA-256 as libp2p uses it (specification "noise"; "The Noise Protocol
 * Framework" revision 34).
 *
 * <p>{@link io.ppiofs.overlay.transport.noise.XxHandshake} is the handshake's state machine, free of sockets; {@link
 * io.ppiofs.overlay.transport.noise.NoiseHandler} frames messages (two bytes of length) on a channel, runs the handshake,
 * checks the peer's signature over its static key and then encrypts. Each connection has fresh keys, the static one, too.
 *
 * <p>Costs: a handshake is four X25519 products and one signature and check on each side, below 1 ms. Transport: one copy
 * into the cipher's array on each side and no memory between messages; the speed is that of the platform's ChaCha20.
 */
@NullMarked
package io.ppiofs.overlay.transport.noise;

import org.jspecify.annotations.NullMarked;
