package io.ppiofs.overlay.portmap;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;

/** NAT Port Mapping Protocol, RFC 6886. */
final class NatPmp implements PortMapper {
    private static final int EXTERNAL_ADDRESS = 0;
    private static final int MAP_UDP = 1;
    private static final int MAP_TCP = 2;
    private static final int ANSWER = 128;

    private final RouterSocket socket;

    /** @param router port 5351 of the gateway */
    NatPmp(InetSocketAddress router) {
        this.socket = new RouterSocket(router);
    }

    @Override
    public String name() {
        return "NAT-PMP";
    }

    @Override
    public Mapping map(Protocol protocol, int port, Duration life) throws IOException {
        InetAddress external = external();
        ByteBuffer answer = request(protocol, port, port, (int) life.toSeconds());
        int mapped = answer.getShort(10) & 0xffff;
        long seconds = answer.getInt(12) & 0xffffffffL;
        return new Mapping(new InetSocketAddress(external, mapped), Duration.ofSeconds(seconds));
    }

    @Override
    public void unmap(Protocol protocol, int port) throws IOException {
        request(protocol, port, 0, 0);
    }

    private InetAddress external() throws IOException {
        ByteBuffer answer = ask(new byte[] {0, EXTERNAL_ADDRESS}, EXTERNAL_ADDRESS, 12);
        byte[] ip = Arrays.copyOfRange(answer.array(), 8, 12);
        try {
            return InetAddress.getByAddress(ip);
        } catch (UnknownHostException e) {
            throw new IllegalStateException("four bytes are an address", e);
        }
    }

    private ByteBuffer request(Protocol protocol, int port, int suggested, int seconds) throws IOException {
        int operation = protocol == Protocol.UDP ? MAP_UDP : MAP_TCP;
        byte[] request = ByteBuffer.allocate(12)
                .put((byte) 0)
                .put((byte) operation)
                .putShort((short) 0)
                .putShort((short) port)
                .putShort((short) suggested)
                .putInt(seconds)
                .array();
        return ask(request, operation, 16);
    }

    private ByteBuffer ask(byte[] request, int operation, int size) throws IOException {
        byte[] answer = socket.ask(
                request,
                bytes -> bytes.length >= 4 && (bytes[1] & 0xff) == ANSWER + operation
                        ? Optional.of(bytes)
                        : Optional.empty());
        ByteBuffer parsed = ByteBuffer.wrap(answer);
        int result = parsed.getShort(2) & 0xffff;
        if (answer[0] != 0 || result != 0 || answer.length < size) {
            throw new IOException("the router refuses NAT-PMP with result " + result);
        }
        return parsed;
    }
}
