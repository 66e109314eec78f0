/**
 * Which peers are near: the self-organising neighbour list. A node keeps a bounded list of fast neighbours it stays connected
 * with, candidates that it measures in turn, and a history of past neighbours, weighed by the time spent together, that seeds
 * the list after a restart.
 *
 * <p>Promises: state is on the host's scheduler, everything runs on the simulated network as on the real one; all three lists
 * are bounded; what neighbours tell is a hint that a measurement has to confirm. Cost per round (15 s): one ping to each
 * neighbour, a few pings to candidates, one question to one neighbour. Start with {@link
 * io.ppiofs.overlay.neighbours.Neighbours}.
 */
@NullMarked
package io.ppiofs.overlay.neighbours;

import org.jspecify.annotations.NullMarked;
