/**
 * SHA-256 Merkle trees over files: {@link io.ppiofs.proofs.merkle.MerkleTree} builds and opens them, {@link
 * io.ppiofs.proofs.merkle.MerklePath} checks a path and reads no file.
 *
 * <p>Trees are binary and full: the number of leaves is a power of two and part of what a verifier knows, so that no inner
 * node can pass as a leaf. {@link io.ppiofs.proofs.merkle.NodeHash} names the two ways to hash a pair: Filecoin's (254 bits, no prefix),
 * which makes commD a piece commitment that others can recompute, and ppiofs' own with a prefix. Promises: a
 * build reads each leaf once, on several threads, with a heap of a few MiB and the tree's stored rows. Costs: one
 * digest per leaf and one per inner node. Start reading at {@link io.ppiofs.proofs.merkle.MerkleTree}.
 */
@NullMarked
package io.ppiofs.proofs.merkle;

import org.jspecify.annotations.NullMarked;
