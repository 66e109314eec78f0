/**
 * Where a block lies: CID to segment, offset, length and write epoch. The index is only an accelerator over the segment
 * log: it can be thrown away at any time and is rebuilt from the segments' footers.
 *
 * <p>{@link io.ppiofs.blockstore.index.ChronicleBlockIndex} keeps millions of entries off the heap, in shards that are
 * checked, rebuilt and grown alone; {@link io.ppiofs.blockstore.index.HeapBlockIndex} is what a machine falls back to
 * where Chronicle cannot run. Costs, measured with a million entries in the page cache ({@code docs/benchmarks.md}): a
 * lookup 1.0 µs, of an absent block 0.35 µs, an update 0.95 µs; 64 bytes of disk for each entry there is room for. A
 * shard that is 70 % full grows fourfold, so an entry takes 91 to 366 bytes. Start reading at {@link
 * io.ppiofs.blockstore.index.BlockIndex}.
 */
@NullMarked
package io.ppiofs.blockstore.index;

import org.jspecify.annotations.NullMarked;
