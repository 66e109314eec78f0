package io.ppiofs.blockstore.segment;

import io.ppiofs.blockstore.Cid;
import org.jspecify.annotations.Nullable;

/**
 * Something in a segment file that is not what it should be.
 *
 * @param cid the block that is hit; null if it is the segment's own table of contents
 * @param segment name of the file
 * @param offset of the record, or of the table
 * @param detail what was found
 */
public record CorruptBlock(@Nullable Cid cid, String segment, int offset, String detail) {}
