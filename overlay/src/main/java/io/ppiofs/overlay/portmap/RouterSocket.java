package io.ppiofs.overlay.portmap;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.util.Arrays;
import java.util.Optional;
import java.util.function.Function;

/** Asks a router by datagram and repeats with doubled pauses (RFC 6886 section 3.1), a few times only. */
final class RouterSocket {
    private static final int MAX_ANSWER = 1_100;
    private static final int FIRST_PAUSE_MILLIS = 250;
    private static final int TRIES = 4;

    private final InetSocketAddress router;

    RouterSocket(InetSocketAddress router) {
        this.router = router;
    }

    /** Which local address talks to the router. */
    java.net.InetAddress localAddress() throws IOException {
        try (DatagramSocket socket = new DatagramSocket()) {
            socket.connect(router);
            return socket.getLocalAddress();
        }
    }

    /** @param fits turns an answer into a result; empty if it answers something else */
    <T> T ask(byte[] request, Function<byte[], Optional<T>> fits) throws IOException {
        try (DatagramSocket socket = new DatagramSocket()) {
            socket.connect(router); // datagrams of others are not delivered
            int pause = FIRST_PAUSE_MILLIS;
            for (int i = 0; i < TRIES; i++, pause *= 2) {
                socket.send(new DatagramPacket(request, request.length));
                Optional<T> answer = await(socket, pause, fits);
                if (answer.isPresent()) {
                    return answer.get();
                }
            }
        }
        throw new IOException("the router " + router.getAddress().getHostAddress() + " does not answer");
    }

    private static <T> Optional<T> await(DatagramSocket socket, int pauseMillis, Function<byte[], Optional<T>> fits)
            throws IOException {
        long until = System.nanoTime() + pauseMillis * 1_000_000L;
        while (true) {
            int left = (int) ((until - System.nanoTime()) / 1_000_000);
            if (left <= 0) {
                return Optional.empty();
            }
            socket.setSoTimeout(left);
            DatagramPacket packet = new DatagramPacket(new byte[MAX_ANSWER], MAX_ANSWER);
            try {
                socket.receive(packet);
            } catch (SocketTimeoutException e) {
                return Optional.empty();
            }
            Optional<T> answer = fits.apply(Arrays.copyOf(packet.getData(), packet.getLength()));
            if (answer.isPresent()) {
                return answer;
            }
        }
    }
}
