package io.ppiofs.overlay.dht;

import io.ppiofs.overlay.multiaddr.Multiaddr;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;

/** The network that an address lies in, as one number: /24 of IPv4, /48 of IPv6. */
final class AddressPrefix {
    /** No network that counts. */
    static final long NONE = 0;

    private static final long FOUR = 4L << 56;
    private static final long SIX = 6L << 56;

    private AddressPrefix() {}

    /** {@link #NONE} for addresses that do not begin with an IP, and, if they are exempt, loopback, private and link-local ones. */
    static long of(Multiaddr address, boolean exemptPrivate) {
        InetSocketAddress socket = address.socketAddress();
        if (socket == null || (exemptPrivate && isPrivate(socket.getAddress()))) {
            return NONE;
        }
        byte[] ip = socket.getAddress().getAddress();
        if (socket.getAddress() instanceof Inet4Address) {
            return FOUR | (ByteBuffer.wrap(ip).getInt() & 0xffffffffL) >>> 8;
        }
        return SIX | ByteBuffer.wrap(ip).getLong() >>> 16;
    }

    private static boolean isPrivate(InetAddress ip) {
        boolean uniqueLocal = ip.getAddress().length == 16 && (ip.getAddress()[0] & 0xfe) == 0xfc; // RFC 4193
        return ip.isLoopbackAddress() || ip.isSiteLocalAddress() || ip.isLinkLocalAddress() || uniqueLocal;
    }
}
