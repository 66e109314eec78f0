/**
 * An ordered map byte[] → byte[] kept as a history-independent Merkle search tree over {@link
 * io.ppiofs.blockstore.Blocks}: equal content of a volume has an equal root, so comparing, merging and snapshots cost
 * what differs.
 *
 * <p>Shape: all entries are in leaves; a keyed hash of each key decides where nodes end (64 entries on average, at most
 * 48 KiB and one entry). A {@link io.ppiofs.fs.tree.MerkleTree} is one version and immutable; readers need no lock.
 *
 * <p>Costs, n entries, height h = log64 n (1 M entries: 3 levels above the leaves), c changed leaves: {@code get}, {@code
 * floor}, {@code seek} read h + 1 nodes, of which the upper ones are nearly always cached; {@code next} is O(1) and reads
 * a leaf every 64 entries; {@code apply} reads and writes about c·(1 + 1/64) + h nodes; {@code diff} reads the same
 * number of nodes on each side; {@code walk} reads n/4096 nodes, n/64 if it wants entries; {@code verify} reads all.
 * Nodes in memory are their bytes and one int per entry; a lookup allocates the value's copy only.
 *
 * <p>Format: {@code docs/formats.md}, "Tree nodes". Start reading at {@link io.ppiofs.fs.tree.MerkleTree}, then {@code
 * NodeRule} (where nodes end) and {@code TreeMerge} (what is reused).
 */
@NullMarked
package io.ppiofs.fs.tree;

import org.jspecify.annotations.NullMarked;
