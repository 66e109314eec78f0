/**
 * What peers tell each other of themselves: keys, protocols, addresses ({@code /ipfs/id/1.0.0} and {@code
 * /ipfs/id/push/1.0.0}, libp2p specification "identify").
 *
 * <p>Start at {@link io.ppiofs.overlay.identify.Identify}: it asks on each new connection, answers, pushes when the own
 * protocols or addresses change, and fills the address book from signed records. {@link
 * io.ppiofs.overlay.identify.ObservedAddresses} collects under which address others see this node.
 *
 * <p>A message has at most 8 KiB and at most ten come; a key that is not the connection's or a record of another peer ends
 * the connection. State is on the host's scheduler.
 */
@NullMarked
package io.ppiofs.overlay.identify;

import org.jspecify.annotations.NullMarked;
