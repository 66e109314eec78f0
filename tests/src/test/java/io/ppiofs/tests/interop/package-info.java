/**
 * The overlay against somebody else's libp2p: {@link io.ppiofs.tests.interop.JsPeer} is one js-libp2p node in a process of its
 * own, steered by JSON lines ({@code tests/src/test/js/libp2p-peer/peer.mjs}), the other side is the overlay in this JVM. Each
 * test goes both ways, over TLS and over Noise. What differs between the two implementations shows here first, so an
 * assertion tells what both sides saw.
 *
 * <p>The JavaScript and its node runtime come from npm with a lock file, once, into {@code target/js}. Costs: 30 s for that, a
 * third of a second for each peer. Start reading at {@code JsPeer}.
 */
@NullMarked
package io.ppiofs.tests.interop;

import org.jspecify.annotations.NullMarked;
