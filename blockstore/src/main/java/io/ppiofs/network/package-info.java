/**
 * The name of a network as every signed record carries it. What a network is, its genesis record and its members, is the
 * overlay's business; the filesystem signs under the name only, and does not know more.
 *
 * <p>Start reading at {@link io.ppiofs.network.NetworkId}.
 */
@NullMarked
package io.ppiofs.network;

import org.jspecify.annotations.NullMarked;
