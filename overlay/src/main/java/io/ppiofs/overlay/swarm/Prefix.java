package io.ppiofs.overlay.swarm;

import io.ppiofs.overlay.multiaddr.Multiaddr;
import java.net.InetAddress;
import java.util.Optional;

/** The network that an address lies in, as far as one owner is likely: IPv4 /24, IPv6 /56. */
public record Prefix(long bits, boolean six) {
    /** Empty for addresses without IP, relayed ones, and loopback: many nodes of one host share it rightly. */
    public static Optional<Prefix> of(Multiaddr address) {
        if (AddressScope.of(address) == AddressScope.RELAYED) {
            return Optional.empty();
        }
        return AddressScope.ip(address).filter(ip -> !ip.isLoopbackAddress()).map(Prefix::of);
    }

    private static Prefix of(InetAddress ip) {
        byte[] bytes = ip.getAddress();
        int kept = bytes.length == 4 ? 3 : 7;
        long bits = 0;
        for (int i = 0; i < kept; i++) {
            bits = bits << 8 | bytes[i] & 0xff;
        }
        return new Prefix(bits, bytes.length == 16);
    }
}
