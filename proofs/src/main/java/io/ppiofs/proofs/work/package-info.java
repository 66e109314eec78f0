/**
 * Work on files that are larger than memory, by several threads: ranges of a long task, files of fixed size that are mapped.
 *
 * <p>Promises: what a task throws reaches the caller, the other ranges then stop; an interrupted caller stops, too; a mapped
 * file has its blocks allocated before it is mapped, so that a full disk is an exception and not a signal. Costs: one
 * queue entry per range, so ranges should take milliseconds. Start reading at {@link io.ppiofs.proofs.work.Workers}.
 */
@NullMarked
package io.ppiofs.proofs.work;

import org.jspecify.annotations.NullMarked;
