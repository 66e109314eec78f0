package io.ppiofs.overlay.swarm;

import com.google.common.net.InetAddresses;
import io.ppiofs.overlay.multiaddr.AddressProtocol;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.util.Optional;

/** From where an address can be reached, judged by its first part only; nearest first. */
public enum AddressScope {
    LOOPBACK,
    LINK_LOCAL,
    /** RFC 1918, RFC 6598 (100.64/10), documentation and test networks, fc00::/7. */
    PRIVATE,
    PUBLIC,
    /** A name, which must be resolved. */
    NAMED,
    RELAYED,
    /** In-memory and other addresses without IP. */
    OTHER;

    public static AddressScope of(Multiaddr address) {
        if (address.has(AddressProtocol.P2P_CIRCUIT)) {
            return RELAYED;
        }
        AddressProtocol first = address.parts().get(0).protocol();
        return switch (first) {
            case IP4, IP6 -> of(InetAddresses.forString(address.parts().get(0).value()));
            case DNS, DNS4, DNS6, DNSADDR -> NAMED;
            default -> OTHER;
        };
    }

    public static AddressScope of(InetAddress ip) {
        if (ip.isLoopbackAddress()) {
            return LOOPBACK;
        }
        if (ip.isLinkLocalAddress()) {
            return LINK_LOCAL;
        }
        return ip instanceof Inet4Address ? ofIp4(ip.getAddress()) : ofIp6(ip.getAddress());
    }

    private static AddressScope ofIp4(byte[] b) {
        int first = b[0] & 0xff;
        int second = b[1] & 0xff;
        int third = b[2] & 0xff;
        boolean special = first == 0
                || first == 10
                || first >= 224
                || (first == 172 && second >= 16 && second < 32)
                || (first == 192 && second == 168)
                || (first == 100 && second >= 64 && second < 128)
                || (first == 192 && second == 0 && (third == 0 || third == 2))
                || (first == 198 && (second == 18 || second == 19))
                || (first == 198 && second == 51 && third == 100)
                || (first == 203 && second == 0 && third == 113);
        return special ? PRIVATE : PUBLIC;
    }

    private static AddressScope ofIp6(byte[] b) {
        boolean uniqueLocal = (b[0] & 0xfe) == 0xfc;
        boolean documentation = b[0] == 0x20 && b[1] == 0x01 && (b[2] & 0xff) == 0x0d && (b[3] & 0xff) == 0xb8;
        boolean unspecified = new java.math.BigInteger(1, b).signum() == 0;
        return uniqueLocal || documentation || unspecified || (b[0] & 0xff) == 0xff ? PRIVATE : PUBLIC;
    }

    /** Whether hosts anywhere in the Internet may reach it; names count as such. */
    public boolean global() {
        return this == PUBLIC || this == NAMED;
    }

    /** The IP address that the multiaddr begins with, if it begins with one. */
    public static Optional<InetAddress> ip(Multiaddr address) {
        AddressProtocol first = address.parts().get(0).protocol();
        if (first != AddressProtocol.IP4 && first != AddressProtocol.IP6) {
            return Optional.empty();
        }
        return Optional.of(InetAddresses.forString(address.parts().get(0).value()));
    }
}
