/**
 * The protobuf messages of libp2p's protocols, generated from {@code src/main/proto}. Nothing here is for users of the
 * overlay: each protocol turns them into its own types at its edge.
 */
@NullMarked
package io.ppiofs.overlay.wire;

import org.jspecify.annotations.NullMarked;
