package io.ppiofs.overlay.placement;

import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.swarm.AddressScope;
import java.net.InetAddress;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Optional;

/**
 * The part of an address that one owner is likely to have alone: IPv4 /24, IPv6 /48. Two slots of a group lie in two of
 * them while there is a choice.
 *
 * @param text for comparison and for people
 */
public record NetworkPrefix(String text) {
    /** Empty for addresses without IP, relayed ones, and loopback, which says nothing about who else is there. */
    public static Optional<NetworkPrefix> of(Multiaddr address) {
        if (AddressScope.of(address) == AddressScope.RELAYED) {
            return Optional.empty();
        }
        return AddressScope.ip(address).filter(ip -> !ip.isLoopbackAddress()).map(NetworkPrefix::of);
    }

    private static NetworkPrefix of(InetAddress ip) {
        byte[] bytes = ip.getAddress();
        return bytes.length == 4
                ? new NetworkPrefix((bytes[0] & 0xff) + "." + (bytes[1] & 0xff) + "." + (bytes[2] & 0xff) + ".0/24")
                : new NetworkPrefix(HexFormat.ofDelimiter(":").formatHex(Arrays.copyOf(bytes, 6)) + "::/48");
    }

    @Override
    public String toString() {
        return text;
    }
}
