package io.ppiofs.tests.nat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.ppiofs.overlay.OverlayNode;
import io.ppiofs.overlay.OverlayOptions;
import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.host.HandlerOptions;
import io.ppiofs.overlay.host.OpenOptions;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.host.Stream;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.AddressProtocol;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.relay.RelayLimits;
import io.ppiofs.overlay.swarm.SwarmCounters;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * A node of the overlay for one namespace. Arguments: {@code listen=ADDR}, {@code relay=ADDR}, {@code serve} (is a relay),
 * {@code mdns}. Prints its id; then answers one line for each line that it reads, until its input ends.
 */
public final class NatNode {
    private static final ProtocolId ECHO = new ProtocolId("/ppiofs-test/echo/1.0.0");

    private final SwarmCounters counters = new SwarmCounters();
    private final OverlayNode node;

    private NatNode(List<String> arguments) throws Exception {
        OverlayOptions.Builder options = OverlayOptions.builder(IdentityKey.generate(new SecureRandom()))
                .listen(addresses(arguments, "listen="))
                .relays(addresses(arguments, "relay="))
                .bootstrap(addresses(arguments, "relay="), 1)
                .relayServer(arguments.contains("serve") ? RelayLimits.GENEROUS : null)
                .mdns(arguments.contains("mdns"))
                .metrics(counters);
        node = new OverlayNode(options.build());
        node.host().handle(ECHO, HandlerOptions.DEFAULT.withOverLimited(true), stream -> stream.read(new Echo(stream)));
        node.start().get(20, TimeUnit.SECONDS);
    }

    private static List<Multiaddr> addresses(List<String> arguments, String name) {
        return arguments.stream()
                .filter(argument -> argument.startsWith(name))
                .map(argument -> Multiaddr.parse(argument.substring(name.length())))
                .toList();
    }

    /** @param arguments as the class says */
    public static void main(String[] arguments) throws Exception {
        NatNode program = new NatNode(Arrays.asList(arguments));
        say(program.node.host().id().toString());
        program.serve();
        program.node.close();
    }

    private static void say(String line) {
        System.out.println("> " + line); // the mark tells answers from log lines
        System.out.flush();
    }

    private void serve() throws IOException {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            try {
                say(answer(line.split(" ")));
            } catch (Exception e) {
                say("error " + e.toString().replace('\n', ' '));
            }
        }
    }

    private String answer(String[] words) throws Exception {
        return switch (words[0]) {
            case "addresses" -> node.listenAddresses().toString();
            case "connect" -> {
                Connection made =
                        node.swarm().connect(Multiaddr.parse(words[1])).get(20, TimeUnit.SECONDS);
                yield made.toString();
            }
            case "connections" -> connections(PeerId.parse(words[1]));
            case "echo" -> Long.toString(echo(PeerId.parse(words[1]), Integer.parseInt(words[2])));
            case "relayed" -> Long.toString(counters.bytesRelayed());
            case "reachability" -> node.reachability().toString();
            default -> "error unknown command";
        };
    }

    /** {@code direct}, {@code relayed}, both or {@code none}. */
    private String connections(PeerId peer) {
        List<String> kinds = node.host().connections(peer).stream()
                .map(c -> c.remoteAddress().has(AddressProtocol.P2P_CIRCUIT) ? "relayed" : "direct")
                .distinct()
                .sorted()
                .toList();
        return kinds.isEmpty() ? "none" : String.join(",", kinds);
    }

    private long echo(PeerId peer, int size) throws Exception {
        OpenOptions options = OpenOptions.DEFAULT.withOverLimited(true).withDial(false);
        Stream stream = node.host().open(peer, List.of(ECHO), options).get(20, TimeUnit.SECONDS);
        Count count = new Count();
        stream.read(count);
        byte[] block = new byte[16 * 1024];
        for (int sent = 0; sent < size; sent += block.length) {
            stream.write(Unpooled.wrappedBuffer(block)).get(20, TimeUnit.SECONDS);
        }
        stream.closeWrite();
        return count.ended.get(30, TimeUnit.SECONDS);
    }

    private record Echo(Stream stream) implements Stream.Reader {
        @Override
        public void onData(ByteBuf data) {
            stream.write(data);
        }

        @Override
        public void onEnd() {
            stream.closeWrite();
        }

        @Override
        public void onReset(Throwable cause) {}
    }

    private static final class Count implements Stream.Reader {
        final CompletableFuture<Long> ended = new CompletableFuture<>();
        private long bytes;

        @Override
        public void onData(ByteBuf data) {
            bytes += data.readableBytes();
            data.release();
        }

        @Override
        public void onEnd() {
            ended.complete(bytes);
        }

        @Override
        public void onReset(Throwable cause) {
            ended.completeExceptionally(cause);
        }
    }
}
