/**
 * {@code ppiofs bench DIR}: what any directory gives to an ordinary program, measured through the system calls. It
 * works on any filesystem, so the same command measures the disk below for comparison. The items are those of
 * {@code juicefs bench}: one big file per thread written and read, many small files written, read and looked at.
 *
 * <p>Data are random, so that compression and deduplication do not flatter; writes end with an fsync of the file, as in
 * the model. Reads may come from the page cache unless the caller empties it, and the table says so.
 */
@NullMarked
package io.ppiofs.node.bench;

import org.jspecify.annotations.NullMarked;
