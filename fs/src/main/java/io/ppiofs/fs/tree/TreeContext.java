package io.ppiofs.fs.tree;

import io.ppiofs.blockstore.Blocks;

/**
 * What every tree of one volume shares. All three are thread-safe.
 *
 * @param levels SipHash under the volume's tree key: it decides where nodes end, so equal content has an equal root only
 *     under an equal key
 * @param cache decoded nodes; may be shared by all trees and snapshots of the volume
 */
public record TreeContext(Blocks blocks, SipHash levels, NodeCache cache) {}
