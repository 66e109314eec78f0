package io.ppiofs.overlay.transport;

import static io.ppiofs.overlay.transport.Peers.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.netty.util.internal.PlatformDependent;
import io.ppiofs.overlay.NoLeaks;
import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.host.ConnectionClass;
import io.ppiofs.overlay.host.Stream;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.transport.Peers.Node;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Memory of many idle things, both ends of which live in this process. */
@Tag("long")
@ExtendWith(NoLeaks.class)
class ScaleTest {
    private static final long MIB = 1 << 20;

    @Test
    void tenThousandIdleStreamsTakeLessThanAHundredMebibytes() {
        TransportOptions options =
                TransportOptions.DEFAULT.withYamux(YamuxOptions.DEFAULT.withMaxInboundStreams(20_000));
        try (Node server = new Node(options);
                Node client = new Node(options)) {
            Connection connection = client.dial(server.listen(), server);
            Peers.open(connection, Peers.ECHO).reset();
            long before = used();
            List<CompletableFuture<Stream>> opening = new ArrayList<>();
            for (int i = 0; i < 10_000; i++) {
                opening.add(connection.open(List.of(Peers.ECHO)));
            }
            List<Stream> streams = opening.stream().map(Peers::await).toList();
            long taken = used() - before;
            System.out.printf("10,000 streams, both ends: %.1f MiB%n", taken / (double) MIB);
            assertThat(streams).allMatch(Stream::isWritable);
            assertThat(taken).isLessThan(100 * MIB);
        }
    }

    @Test
    void aThousandConnectionsTakeLessThanHalfAGibibyte() throws IOException {
        TransportOptions options = TransportOptions.DEFAULT.withHandshakeLimits(2_000, 2_000);
        try (Node server = new Node(options);
                Node client = new Node(options)) {
            Multiaddr address = server.listen();
            client.dial(address, server);
            long before = used();
            long residentBefore = resident();
            List<Connection> connections = new ArrayList<>();
            for (int i = 0; i < 1_000; i++) {
                connections.add(await(
                        client.transport.dial(address, server.key.peerId(), ConnectionClass.CONTROL, Peers.TIMEOUT)));
            }
            long taken = used() - before;
            long resident = resident() - residentBefore;
            System.out.printf(
                    "1,000 connections, both ends: %.1f MiB of heap and buffers, %.1f MiB resident%n",
                    taken / (double) MIB, resident / (double) MIB);
            assertThat(connections).allMatch(Connection::isOpen);
            assertThat(Math.max(taken, resident)).isLessThan(512 * MIB);
        }
    }

    private static long used() {
        System.gc();
        Runtime runtime = Runtime.getRuntime();
        return runtime.totalMemory() - runtime.freeMemory() + PlatformDependent.usedDirectMemory();
    }

    /** Resident memory with what native libraries take (proc(5), "VmRSS", in kB). */
    private static long resident() throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith("VmRSS:")) {
                return Long.parseLong(line.replaceAll("[^0-9]", "")) * 1_024;
            }
        }
        throw new IOException("no VmRSS line");
    }
}
