package io.ppiofs.overlay.multiaddr;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.common.io.BaseEncoding;
import com.google.common.net.InetAddresses;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.identity.PeerId;
import java.io.ByteArrayOutputStream;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * An address as a path of protocols, for example {@code /ip4/192.0.2.7/tcp/4001/p2p/12D3Koo…}. Immutable; equal if the
 * binary forms are.
 */
public final class Multiaddr {
    /** Longest binary form that is accepted. */
    public static final int MAX_BYTES = 1_024;

    /** More characters than the text of any binary form within the limit has: two bytes are at most "/webrtc-direct". */
    private static final int MAX_TEXT = 16 * MAX_BYTES;

    /** One protocol with its value in the text form; empty if it has none. */
    public record Part(AddressProtocol protocol, String value) {}

    private final List<Part> parts;
    private final byte[] bytes;

    private Multiaddr(List<Part> parts, byte[] bytes) {
        this.parts = List.copyOf(parts);
        this.bytes = bytes;
    }

    /** @throws PpiofsException INVALID if it is not an address of known protocols */
    public static Multiaddr parse(String text) {
        if (!text.startsWith("/") || text.length() > MAX_TEXT) {
            throw malformed(text, "expected a text of the form /ip4/192.0.2.7/tcp/4001");
        }
        String[] words = text.substring(1).split("/", -1);
        int end = words[words.length - 1].isEmpty() ? words.length - 1 : words.length;
        List<Part> parts = new ArrayList<>();
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (int i = 0; i < end; i++) {
            AddressProtocol protocol = AddressProtocol.ofLabel(words[i]);
            if (protocol == null) {
                throw malformed(text, "unknown protocol '" + words[i] + "'");
            }
            String value = "";
            if (protocol.shape() != AddressProtocol.Shape.NONE) {
                if (++i == end) {
                    throw malformed(text, protocol.label() + " needs a value");
                }
                value = words[i];
            }
            byte[] encoded = encodeValue(text, protocol, value);
            writePart(out, protocol, encoded);
            parts.add(new Part(protocol, decodeValue(protocol, encoded)));
        }
        if (parts.isEmpty() || out.size() > MAX_BYTES) {
            throw malformed(text, "it is empty or too long");
        }
        return new Multiaddr(parts, out.toByteArray());
    }

    /** Reads the binary form; empty if it is malformed or holds a protocol that is not known. */
    public static Optional<Multiaddr> read(byte[] binary) {
        if (binary.length == 0 || binary.length > MAX_BYTES) {
            return Optional.empty();
        }
        ByteBuffer in = ByteBuffer.wrap(binary);
        List<Part> parts = new ArrayList<>();
        while (in.hasRemaining()) {
            AddressProtocol protocol = AddressProtocol.ofCode(varint(in));
            if (protocol == null) {
                return Optional.empty();
            }
            byte[] value = value(in, protocol);
            if (value == null) {
                return Optional.empty();
            }
            try {
                String text = decodeValue(protocol, value);
                if (text.indexOf('/') >= 0 || !Arrays.equals(encodeValue(text, protocol, text), value)) {
                    return Optional.empty(); // would read differently in the text form
                }
                parts.add(new Part(protocol, text));
            } catch (PpiofsException e) {
                return Optional.empty(); // a value that is not one of its protocol
            }
        }
        return Optional.of(new Multiaddr(parts, binary.clone()));
    }

    /** {@code /ip4|ip6/…/tcp/…} of a resolved socket address. */
    public static Multiaddr tcp(InetSocketAddress address) {
        return parse(ipPart(address.getAddress()) + "/tcp/" + address.getPort());
    }

    /** {@code /ip4|ip6/…/udp/…/quic-v1} of a resolved socket address. */
    public static Multiaddr quic(InetSocketAddress address) {
        return parse(ipPart(address.getAddress()) + "/udp/" + address.getPort() + "/quic-v1");
    }

    private static String ipPart(InetAddress address) {
        String text = InetAddresses.toAddrString(address);
        int zone = text.indexOf('%');
        return (address instanceof Inet4Address ? "/ip4/" : "/ip6/") + (zone < 0 ? text : text.substring(0, zone));
    }

    public List<Part> parts() {
        return parts;
    }

    public boolean has(AddressProtocol protocol) {
        return value(protocol).isPresent();
    }

    /** The first value of this protocol. */
    public Optional<String> value(AddressProtocol protocol) {
        return parts.stream()
                .filter(p -> p.protocol == protocol)
                .map(Part::value)
                .findFirst();
    }

    /** The peer that the address ends at: the last {@code /p2p/…}, unless {@code /p2p-circuit} follows it. */
    public Optional<PeerId> peer() {
        Part last = parts.get(parts.size() - 1);
        return last.protocol == AddressProtocol.P2P ? Optional.of(PeerId.parse(last.value)) : Optional.empty();
    }

    /** This address ending in {@code /p2p/peer}. */
    public Multiaddr withPeer(PeerId peer) {
        if (peer().filter(peer::equals).isPresent()) {
            return this;
        }
        return parse(withoutPeer() + "/p2p/" + peer);
    }

    /** This address without the peer that it ends at. An address of a peer alone stays as it is. */
    public Multiaddr withoutPeer() {
        if (parts.size() < 2 || parts.get(parts.size() - 1).protocol != AddressProtocol.P2P) {
            return this;
        }
        return parse(text(parts.subList(0, parts.size() - 1)));
    }

    /** This followed by {@code more}. */
    public Multiaddr with(Multiaddr more) {
        return parse(toString() + more);
    }

    /** The IP address and port, if the address begins with one (no names are resolved). */
    public @Nullable InetSocketAddress socketAddress() {
        if (parts.size() < 2) {
            return null;
        }
        AddressProtocol first = parts.get(0).protocol;
        AddressProtocol second = parts.get(1).protocol;
        boolean ip = first == AddressProtocol.IP4 || first == AddressProtocol.IP6;
        boolean port = second == AddressProtocol.TCP || second == AddressProtocol.UDP;
        if (!ip || !port) {
            return null;
        }
        return new InetSocketAddress(InetAddresses.forString(parts.get(0).value), Integer.parseInt(parts.get(1).value));
    }

    /** A copy of the binary form. */
    public byte[] toBytes() {
        return bytes.clone();
    }

    @Override
    public boolean equals(@Nullable Object o) {
        return o instanceof Multiaddr other && Arrays.equals(bytes, other.bytes);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(bytes);
    }

    @Override
    public String toString() {
        return text(parts);
    }

    private static String text(List<Part> parts) {
        StringBuilder text = new StringBuilder();
        for (Part part : parts) {
            text.append('/').append(part.protocol.label());
            if (part.protocol.shape() != AddressProtocol.Shape.NONE) {
                text.append('/').append(part.value);
            }
        }
        return text.toString();
    }

    private static byte[] encodeValue(String text, AddressProtocol protocol, String value) {
        return switch (protocol.shape()) {
            case NONE -> new byte[0];
            case IP4, IP6 -> encodeIp(text, protocol, value);
            case PORT -> encodePort(text, value);
            case PEER -> PeerId.parse(value).toBytes();
            case TEXT -> {
                if (value.isEmpty()) {
                    throw malformed(text, protocol.label() + " needs a value");
                }
                yield value.getBytes(UTF_8);
            }
            case BYTES -> encodeMultibase(text, value);
        };
    }

    private static byte[] encodeIp(String text, AddressProtocol protocol, String value) {
        // Guava takes scopes ("fe80::1%eth0"); here they are a part of their own, ip6zone
        if (value.indexOf('%') >= 0 || !InetAddresses.isInetAddress(value)) {
            throw malformed(text, "'" + value + "' is not an IP address");
        }
        byte[] address = InetAddresses.forString(value).getAddress();
        boolean six = protocol == AddressProtocol.IP6;
        if (six && address.length == 4) {
            byte[] mapped = new byte[16];
            mapped[10] = (byte) 0xff;
            mapped[11] = (byte) 0xff;
            System.arraycopy(address, 0, mapped, 12, 4);
            return mapped;
        }
        if (!six && address.length != 4) {
            throw malformed(text, "'" + value + "' is not an IPv4 address");
        }
        return address;
    }

    private static byte[] encodePort(String text, String value) {
        if (!value.matches("[0-9]{1,5}") || Integer.parseInt(value) > 65_535) {
            throw malformed(text, "'" + value + "' is not a port from 0 to 65535");
        }
        int port = Integer.parseInt(value);
        return new byte[] {(byte) (port >>> 8), (byte) port};
    }

    private static byte[] encodeMultibase(String text, String value) {
        if (!value.startsWith("u") || value.length() == 1) {
            throw malformed(text, "only multibase base64url (u…) is understood here");
        }
        try {
            return BaseEncoding.base64Url().omitPadding().decode(value.substring(1));
        } catch (IllegalArgumentException e) {
            throw malformed(text, "'" + value + "' is not base64url");
        }
    }

    private static String decodeValue(AddressProtocol protocol, byte[] value) {
        return switch (protocol.shape()) {
            case NONE -> "";
            case IP4, IP6 -> ipText(value);
            case PORT -> Integer.toString((value[0] & 0xff) << 8 | (value[1] & 0xff));
            case PEER -> PeerId.fromBytes(value).toString();
            case TEXT -> new String(value, UTF_8);
            case BYTES -> "u" + BaseEncoding.base64Url().omitPadding().encode(value);
        };
    }

    private static String ipText(byte[] value) {
        if (value.length == 16 && InetAddresses.isMappedIPv4Address(hexIp6(value))) {
            return hexIp6(value);
        }
        try {
            return InetAddresses.toAddrString(InetAddress.getByAddress(value));
        } catch (java.net.UnknownHostException e) {
            throw new IllegalStateException("4 and 16 bytes are addresses", e);
        }
    }

    /** An IPv4-mapped address in hexadecimal groups: the JDK would turn it into an IPv4 address. */
    private static String hexIp6(byte[] value) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < 16; i += 2) {
            text.append(i == 0 ? "" : ":").append(Integer.toHexString((value[i] & 0xff) << 8 | (value[i + 1] & 0xff)));
        }
        return text.toString();
    }

    private static byte @Nullable [] value(ByteBuffer in, AddressProtocol protocol) {
        int length = switch (protocol.shape()) {
            case NONE -> 0;
            case IP4 -> 4;
            case IP6 -> 16;
            case PORT -> 2;
            case PEER, TEXT, BYTES -> varint(in);
        };
        boolean empty = length == 0 && protocol.shape() != AddressProtocol.Shape.NONE;
        if (length < 0 || length > in.remaining() || empty) {
            return null;
        }
        byte[] value = new byte[length];
        in.get(value);
        return value;
    }

    /** An unsigned varint of at most 3 bytes, or −1. */
    private static int varint(ByteBuffer in) {
        int value = 0;
        for (int shift = 0; shift < 21 && in.hasRemaining(); shift += 7) {
            byte b = in.get();
            value |= (b & 0x7f) << shift;
            if (b >= 0) {
                return value;
            }
        }
        return -1;
    }

    private static void writePart(ByteArrayOutputStream out, AddressProtocol protocol, byte[] value) {
        writeVarint(out, protocol.code());
        switch (protocol.shape()) {
            case PEER, TEXT, BYTES -> writeVarint(out, value.length);
            default -> {}
        }
        out.writeBytes(value);
    }

    private static void writeVarint(ByteArrayOutputStream out, int value) {
        int rest = value;
        while (rest >= 0x80) {
            out.write(rest & 0x7f | 0x80);
            rest >>>= 7;
        }
        out.write(rest);
    }

    private static PpiofsException malformed(String text, String detail) {
        String shown = text.length() > 120 ? text.substring(0, 120) + "…" : text;
        return new PpiofsException(ErrorKind.INVALID, "parse multiaddr", shown, detail);
    }
}
