/**
 * Peers on the local network: multicast DNS (RFC 6762) as libp2p's specification "discovery/mdns.md" uses it: a PTR record
 * of the service name the peers share, and TXT records {@code dnsaddr=MULTIADDR}.
 *
 * <p>Start at {@link io.ppiofs.overlay.mdns.LocalDiscovery}; {@link io.ppiofs.overlay.mdns.DnsMessage} is the little of DNS
 * that it takes. The answers of other implementations carry no SRV record, so a general service browser would not resolve
 * them. One thread waits for datagrams of at most 9,000 bytes; a query goes out every ten seconds.
 */
@NullMarked
package io.ppiofs.overlay.mdns;

import org.jspecify.annotations.NullMarked;
