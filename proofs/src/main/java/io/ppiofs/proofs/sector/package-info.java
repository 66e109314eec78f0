/**
 * The sector store: payload is collected in a sector, the sector is sealed, proven, perhaps faulty for a while, and removed as a
 * whole.
 *
 * <p>Promises: a state is on the disk before it is told to anybody, and a process killed at any point finds each sector in
 * the state before or after, with the files of it; payload is served in every state as long as its unsealed copy is kept; a number is never
 * used twice. Costs: one small flushed file per change of state; sealing as {@link io.ppiofs.proofs.porep.Sealer} says. Start
 * reading at {@link io.ppiofs.proofs.sector.SectorStore}.
 */
@NullMarked
package io.ppiofs.proofs.sector;

import org.jspecify.annotations.NullMarked;
