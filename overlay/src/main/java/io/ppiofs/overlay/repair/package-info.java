/**
 * Redundancy that restores itself. The holders of a group probe each other, one small message per pair of peers for all
 * groups that they share; who is silent becomes suspect, down, out. At out, or at once when no redundancy is left, one of the
 * holders leases a replacement slot under the tenant's mandate, copies or reconstructs what the slot must hold, signs the
 * slot table of the next generation and tells all holders. A holder fetches what its own slots lack: when it looks, once an hour, or at once
 * when the writer, which has given it the slot, asks for that.
 *
 * <p>Promises: one repairer per group and generation, the next by rank takes over in time; a peer that returns before the
 * repair is done keeps its slot, one that returns after gives it up; no key that opens a block is needed; bytes are checked
 * against their names before they are passed on. All times come from the host's scheduler.
 *
 * <p>Cost: a probe per co-holder and period (about 100 bytes); bytes moved are the lost ones, times k with a code. Start
 * reading at {@link io.ppiofs.overlay.repair.RepairService}.
 */
@NullMarked
package io.ppiofs.overlay.repair;

import org.jspecify.annotations.NullMarked;
