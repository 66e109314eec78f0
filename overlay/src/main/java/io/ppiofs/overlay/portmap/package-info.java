/**
 * Asks the router to forward a port: PCP (RFC 6887), NAT-PMP (RFC 6886) and UPnP IGD (WANIPConnection 1 and 2).
 *
 * <p>Start at {@link io.ppiofs.overlay.portmap.PortMapping}: it tries the three {@link
 * io.ppiofs.overlay.portmap.PortMapper}s in this order for each listening port, announces what it got, and renews it at
 * half of its life. Only private addresses are mapped; the router's answers are bounded (1,100 bytes, 64 KiB for UPnP's
 * documents) and only taken from the router itself.
 *
 * <p>All of it blocks, on one thread of its own; a round costs some datagrams every half hour.
 */
@NullMarked
package io.ppiofs.overlay.portmap;

import org.jspecify.annotations.NullMarked;
