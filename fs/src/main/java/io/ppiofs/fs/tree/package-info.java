/** The namespace's ordered map as a history-independent Merkle search tree over {@link io.ppiofs.blockstore.Blocks}. */
@NullMarked
package io.ppiofs.fs.tree;

import org.jspecify.annotations.NullMarked;
