/**
 * Who a peer is: keys, peer ids and signed envelopes in libp2p's encoding (specifications "peer-ids", RFC 0002 "signed
 * envelopes", RFC 0003 "routing records").
 *
 * <p>Start at {@link io.ppiofs.overlay.identity.IdentityKey}, which makes and signs, and {@link
 * io.ppiofs.overlay.identity.PeerId}, which names. Our own keys are Ed25519; the keys of others may be Ed25519,
 * secp256k1, ECDSA or RSA, and are verified.
 *
 * <p>Cost: a signature or its check is 30 to 150 µs of one core; comparing peer ids compares at most 42 bytes. All types
 * are immutable and safe for any thread. Every length is bounded before memory is taken; what is malformed is a {@link
 * io.ppiofs.error.PpiofsException} of kind CORRUPT (bytes) or INVALID (text).
 */
@NullMarked
package io.ppiofs.overlay.identity;

import org.jspecify.annotations.NullMarked;
