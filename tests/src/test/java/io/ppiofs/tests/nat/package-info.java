/**
 * Nodes behind real NATs: network namespaces joined by virtual wires, nftables as the router's NAT. {@link
 * io.ppiofs.tests.nat.NatTest} says what must come true, {@link io.ppiofs.tests.nat.NatLab} builds the networks and takes
 * them away again, {@link io.ppiofs.tests.nat.NatNode} is the program that runs in a namespace. They need root, iproute2 and
 * nftables.
 */
@NullMarked
package io.ppiofs.tests.nat;

import org.jspecify.annotations.NullMarked;
