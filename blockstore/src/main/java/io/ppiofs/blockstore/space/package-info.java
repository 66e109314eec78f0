/**
 * Room on the disk: who may take how much before it is gone. {@link io.ppiofs.blockstore.space.SpaceBudget} hands out
 * reservations against what the filesystem says is free, keeps a reserve for the work that frees space (unlink,
 * checkpoint, collection), and holds a really allocated ballast file that such work may give up when somebody else has
 * filled the disk. A reservation costs one atomic addition; the disk is asked at most every 100 ms.
 */
@NullMarked
package io.ppiofs.blockstore.space;

import org.jspecify.annotations.NullMarked;
