/**
 * Garbage collection, seen from outside a store: a {@link io.ppiofs.blockstore.gc.LiveSet} says what is reachable, a
 * {@link io.ppiofs.blockstore.gc.Sweepable} store drops the rest. {@link io.ppiofs.blockstore.gc.MarkSet} is the
 * compact set a marker fills: exact on 128 of the 256 digest bits, 21 to
 * 43 bytes a block, half as much again while it doubles.
 *
 * <p>Promise: a block written (or deduplicated against) after {@code beginMark} is never swept by the sweep of that
 * mark. Start reading at {@link io.ppiofs.blockstore.gc.Sweepable}.
 */
@NullMarked
package io.ppiofs.blockstore.gc;

import org.jspecify.annotations.NullMarked;
