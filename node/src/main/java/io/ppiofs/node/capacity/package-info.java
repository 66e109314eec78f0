/**
 * Idle space of a node that lends: filled on command, proven to peers that ask, given back unit by unit when hosted data needs the
 * room; and the questions that this node asks others about theirs.
 *
 * <p>Promises: hosted blocks and idle units together take no more than what is lent, but for the moment in which units are being
 * given back; a block that the disk has no room for waits for a unit to go; an answer counts only if it is right and in time.
 * Costs: filling takes one processor for minutes a unit; a hosted block costs a look at a number. Start reading at {@link
 * io.ppiofs.node.capacity.IdleKeeper}.
 */
@NullMarked
package io.ppiofs.node.capacity;

import org.jspecify.annotations.NullMarked;
