/**
 * From a relayed connection to a direct one: {@code /libp2p/dcutr} (libp2p specification "relay/DCUtR.md").
 *
 * <p>Start at {@link io.ppiofs.overlay.dcutr.HolePuncher}: the side that was called over a relay first dials the caller's
 * public addresses, then agrees with it on a moment at which both dial. When a direct connection stands, new streams use
 * it, and the relayed one ends after a grace. Nothing runs while there is no relayed connection; state is on the scheduler.
 */
@NullMarked
package io.ppiofs.overlay.dcutr;

import org.jspecify.annotations.NullMarked;
