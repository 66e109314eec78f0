/**
 * Where a block lies: CID to segment, offset, length and write epoch. The index is only an accelerator over the segment
 * log: it can be thrown away at any time and is rebuilt from the segments' footers.
 *
 * <p>{@link io.ppiofs.blockstore.index.ChronicleBlockIndex} keeps millions of entries off the heap (a lookup about 1 µs,
 * an update about 1.5 µs), in shards that are checked, rebuilt and grown alone; {@link
 * io.ppiofs.blockstore.index.HeapBlockIndex} is what a machine falls back to where Chronicle cannot run. Start reading
 * at {@link io.ppiofs.blockstore.index.BlockIndex}.
 */
@NullMarked
package io.ppiofs.blockstore.index;

import org.jspecify.annotations.NullMarked;
