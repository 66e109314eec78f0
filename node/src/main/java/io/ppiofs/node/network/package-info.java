/**
 * The node in the network: its identity file, the networks it knows, and the service that joins one of them with the
 * overlay. A node without {@code --listen}, {@code --bootstrap}, {@code --network} or {@code network.listen} in its
 * configuration has no network at all and pays nothing for it; so the embedded default stays what it is.
 *
 * <p>Start at {@link io.ppiofs.node.network.NetworkService}.
 */
@NullMarked
package io.ppiofs.node.network;

import org.jspecify.annotations.NullMarked;
