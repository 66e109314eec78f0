/**
 * Idle space on the disk: units are filled, kept, challenged and released.
 *
 * <p>Promises: units are sectors of a {@link io.ppiofs.proofs.sector.SectorStore}, so a process killed at any point finds each in the state
 * before or after; what a statement counts is on the disk before it can be said, and is taken out of the statement before it goes; two
 * different ledgers never have one sequence. Costs: filling as {@link io.ppiofs.proofs.porep.Sealer} says, three times a unit's size while it
 * lasts; one small flushed file per unit that comes or goes. Start reading at {@link io.ppiofs.proofs.lpoc.store.IdleSpace}.
 */
@NullMarked
package io.ppiofs.proofs.lpoc.store;

import org.jspecify.annotations.NullMarked;
