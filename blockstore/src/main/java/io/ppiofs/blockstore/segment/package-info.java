/**
 * Blocks in append-only segment files. The segments are the truth; the index beside them only makes lookups fast. Byte
 * tables are in {@code docs/formats.md}, the same numbers in {@code RecordFormat}.
 *
 * <p>How the parts work together: {@code SegmentLog} appends records to the open segment and seals full ones with a
 * footer; {@code SegmentFile} is one file and can search its own footer; {@code SegmentScanner} reads a segment without
 * one; {@code Locator} answers from the index, and from the footers while the index is not ready; {@code SegmentSweeper}
 * drops, punches and compacts. Locks are taken in this order: stripe of a CID, log, index mode, index shard.
 *
 * <p>Costs: put of a new block = one index probe, one copy into the batch buffer, one index update (4 KiB about 5 µs,
 * large blocks at page-cache speed; cold ones past the page cache: no copy but that into the buffer, and the writer waits for
 * the disk once per buffer); read = one index probe (1 µs) and one pread; sync = one fdatasync shared by all who
 * wait. Start: one trailer per segment plus a scan of the open one. Start reading at {@link
 * io.ppiofs.blockstore.segment.SegmentBlockStore}.
 */
@NullMarked
package io.ppiofs.blockstore.segment;

import org.jspecify.annotations.NullMarked;
