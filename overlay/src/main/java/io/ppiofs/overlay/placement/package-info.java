/**
 * Which peer holds what. Blocks are appended in write order to a <em>placement group</em>; the group is the one unit of
 * placement, erasure coding, lease, inventory, repair and deletion. A group has slots (one per copy, or one per fragment
 * of a stripe); a signed {@linkplain io.ppiofs.overlay.placement.SlotTable slot table} records which peer has which slot,
 * and only a table of a higher generation changes that. Hashing only proposes peers.
 *
 * <p>Nothing here has a key that opens a block: inventories name stored forms, and whoever holds a slot can repair its
 * group without reading it. Values are immutable; formats are in {@code docs/formats.md}.
 *
 * <p>Cost: an inventory entry is 37 bytes in memory and on the wire; a table is one signature to check.
 *
 * <p>Start reading at {@link io.ppiofs.overlay.placement.SlotTable}.
 */
@NullMarked
package io.ppiofs.overlay.placement;

import org.jspecify.annotations.NullMarked;
