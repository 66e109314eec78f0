package io.ppiofs.blockstore.segment;

import io.ppiofs.blockstore.Cid;

/**
 * A block whose bytes are not what its name says.
 *
 * @param segment name of the file
 * @param offset of its record
 * @param detail what was found
 */
public record CorruptBlock(Cid cid, String segment, int offset, String detail) {}
