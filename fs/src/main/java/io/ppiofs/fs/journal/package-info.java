/**
 * The journal of a volume: sealed, chained, CRC-framed records in files, durable in groups. What {@code commit} returned
 * for survives kill -9 and power loss; after a crash a prefix of the records is there, never a hole.
 *
 * <p>{@code append} copies into memory; {@code commit} makes one thread run the barrier (blocks that the records refer to
 * become durable first), seal all buffered records into frames of up to 1 MiB, write and fdatasync. An unfinished end is
 * told from damage by the synced offset that each frame carries. Not detected: files cut at a frame border at the very
 * end, or the last files removed; the head's version vector guards against going back.
 *
 * <p>Costs: append = one copy under a short lock; commit of k buffered records of b bytes = barrier + AES-GCM of b + 4k
 * bytes + (b + 4k)/1 MiB writes + one fdatasync, shared by all who commit meanwhile; a new file adds two syncs; disk = b +
 * 4k + 80 for each frame; heap ≤ the buffer limit plus two frames; open = one pass over the files that are not trimmed.
 *
 * <p>Format: {@code docs/formats.md}, "Journal". Start reading at {@link io.ppiofs.fs.journal.Journal}, then {@code
 * JournalWriter} and {@code JournalReplay}.
 */
@NullMarked
package io.ppiofs.fs.journal;

import org.jspecify.annotations.NullMarked;
