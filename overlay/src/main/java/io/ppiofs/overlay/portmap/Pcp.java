package io.ppiofs.overlay.portmap;

import java.io.IOException;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;

/** Port Control Protocol, RFC 6887: the MAP operation. */
final class Pcp implements PortMapper {
    private static final int VERSION = 2;
    private static final int MAP = 1;
    private static final int RESPONSE = 0x80;
    private static final int LENGTH = 60;
    private static final int NONCE = 12;

    private final RouterSocket socket;
    private final byte[] nonce = new byte[NONCE];

    /** @param router port 5351 of the gateway */
    Pcp(InetSocketAddress router) {
        this.socket = new RouterSocket(router);
        new SecureRandom().nextBytes(nonce);
    }

    @Override
    public String name() {
        return "PCP";
    }

    @Override
    public Mapping map(Protocol protocol, int port, Duration life) throws IOException {
        ByteBuffer answer = request(protocol, port, port, (int) life.toSeconds());
        long seconds = answer.getInt(4) & 0xffffffffL;
        int mapped = answer.getShort(42) & 0xffff;
        byte[] ip = Arrays.copyOfRange(answer.array(), 44, 60);
        return new Mapping(new InetSocketAddress(InetAddress.getByAddress(ip), mapped), Duration.ofSeconds(seconds));
    }

    @Override
    public void unmap(Protocol protocol, int port) throws IOException {
        request(protocol, port, 0, 0);
    }

    private ByteBuffer request(Protocol protocol, int port, int suggested, int seconds) throws IOException {
        byte[] request = ByteBuffer.allocate(LENGTH)
                .put((byte) VERSION)
                .put((byte) MAP)
                .putShort((short) 0)
                .putInt(seconds)
                .put(mapped(socket.localAddress()))
                .put(nonce)
                .put((byte) (protocol == Protocol.TCP ? 6 : 17))
                .put(new byte[3])
                .putShort((short) port)
                .putShort((short) suggested)
                .put(mapped(InetAddress.getByAddress(new byte[4])))
                .array();
        byte[] answer = socket.ask(request, bytes -> fits(bytes, request) ? Optional.of(bytes) : Optional.empty());
        int result = answer.length > 3 ? answer[3] & 0xff : -1;
        if (answer.length < LENGTH || answer[0] != VERSION || result != 0) {
            throw new IOException("the router refuses PCP with result " + result);
        }
        return ByteBuffer.wrap(answer);
    }

    /** The answer to this request: same nonce, protocol and port. A router of NAT-PMP says so with version 0. */
    private static boolean fits(byte[] answer, byte[] request) {
        if (answer.length < 4 || (answer[1] & RESPONSE) == 0) {
            return false;
        }
        boolean error = answer[0] != VERSION || answer[3] != 0;
        return error || (answer.length >= LENGTH && Arrays.equals(answer, 24, 42, request, 24, 42));
    }

    /** IPv4 addresses are written as IPv4-mapped IPv6 ones. */
    private static byte[] mapped(InetAddress address) {
        if (!(address instanceof Inet4Address)) {
            return address.getAddress();
        }
        byte[] bytes = new byte[16];
        bytes[10] = (byte) 0xff;
        bytes[11] = (byte) 0xff;
        System.arraycopy(address.getAddress(), 0, bytes, 12, 4);
        return bytes;
    }
}
