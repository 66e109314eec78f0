/**
 * The sectors of a home ({@code HOME/sectors}): hosted groups, and files, that are sealed and proven; behind {@code ppiofs sectors}
 * and {@code ppiofs prove}, and as tenants order, where the operator agrees ({@link io.ppiofs.node.sectors.HostedSeals}).
 *
 * <p>Promises: the store is opened when it is first needed and belongs to the node from then on; one sealing at a time runs on a
 * thread of its own, whoever asked for it may go; a node that ends stops it, and it goes on where it was when it is asked for again.
 * Facts are ordered maps that become JSON.
 *
 * <p>Cost: as {@link io.ppiofs.proofs.sector.SectorStore} says; a group is copied once into its sector. Start reading at
 * {@link io.ppiofs.node.sectors.Sectors}.
 */
@NullMarked
package io.ppiofs.node.sectors;

import org.jspecify.annotations.NullMarked;
