/**
 * What a network is and who belongs to it: the genesis record, whose hash is in every protocol id, topic, mDNS name and
 * signature domain; signed records; how protocols open; membership of private networks; roles.
 *
 * <p>Start at {@link io.ppiofs.overlay.network.Network}. {@link io.ppiofs.overlay.network.RecordType} seals and opens every
 * record of the overlay: a libp2p signed envelope around deterministic CBOR, in one encoding only. {@link
 * io.ppiofs.overlay.network.MembershipAuthority} issues and revokes certificates, {@link
 * io.ppiofs.overlay.network.MembershipGate} lets a host check them right after a handshake, before anything else is served.
 * Formats: {@code docs/protocol.md}, section "Networks".
 *
 * <p>Cost: opening a record is one signature check, 50 to 150 µs; admission to a private network is one round trip and two
 * such checks per connection. Records are immutable and safe for any thread; lengths are bounded before memory is taken;
 * what is malformed is a {@link io.ppiofs.error.PpiofsException} of kind CORRUPT, what is newer than this version
 * UNSUPPORTED_FORMAT.
 */
@NullMarked
package io.ppiofs.overlay.network;

import org.jspecify.annotations.NullMarked;
