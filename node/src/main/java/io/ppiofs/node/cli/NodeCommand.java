package io.ppiofs.node.cli;

import io.ppiofs.node.Node;
import io.ppiofs.node.network.NetworkOrder;
import io.ppiofs.node.network.NetworkService;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "node",
        header = "own the home and serve commands, in the foreground, until stopped",
        description = "Owns the home and serves commands and mounts until it is stopped by a signal. 'mount' starts a "
                + "node by itself where none runs; a node started here stays when nothing is mounted. With --listen, "
                + "--bootstrap or --network it takes part in a network: once ready it prints the addresses on which it "
                + "listens, one per line, each with its peer id.",
        sortOptions = false,
        footerHeading = "%nEXAMPLES%n",
        footer = {
            "  ppiofs node --metrics-port 9410",
            "  ppiofs node --listen /ip4/0.0.0.0/tcp/4001 --listen /ip4/0.0.0.0/udp/4001/quic-v1",
            "  ppiofs node --network team --bootstrap /ip4/192.0.2.7/tcp/4001/p2p/12D3KooW…"
        })
final class NodeCommand implements Callable<Integer> {
    /** Where a node in a network listens if nobody says where: every address, ports chosen by the system. */
    private static final List<String> ANYWHERE = List.of("/ip4/0.0.0.0/tcp/0", "/ip4/0.0.0.0/udp/0/quic-v1");

    private final Main main;

    @Option(names = "--metrics-port", paramLabel = "PORT", description = "of the metrics; 0: chosen by the system")
    private @Nullable Integer metricsPort;

    @Option(
            names = "--listen",
            paramLabel = "ADDR",
            description =
                    "multiaddr to listen on, port 0: chosen by the system; may be repeated; default in a network: "
                            + "TCP and QUIC on all addresses")
    private String @Nullable [] listen;

    @Option(
            names = "--bootstrap",
            paramLabel = "ADDR",
            description = "address with /p2p/… of a peer to begin with; may be repeated")
    private String @Nullable [] bootstrap;

    @Option(names = "--network", paramLabel = "NAME", description = "which network; default: the public one")
    private @Nullable String network;

    @Option(names = "--super", description = "be a super peer: relay and discovery for others, more connections")
    private boolean superPeer;

    NodeCommand(Main main) {
        this.main = main;
    }

    @Override
    public Integer call() throws InterruptedException {
        Surroundings surroundings = main.surroundings();
        Node.Life life = Node.Life.untilStopped(metricsPort).in(order());
        try (Node node = Node.start(main.home(), life, surroundings.services())) {
            Runtime.getRuntime().addShutdownHook(new Thread(node::close, "node-end"));
            NetworkService joined = node.network();
            if (joined != null) {
                joined.listenAddresses().forEach(surroundings.out()::println);
                surroundings.out().flush();
            }
            surroundings.err().println("ppiofs: the node of " + node.home() + " is up");
            Notification.ready(surroundings);
            node.awaitEnd();
        }
        return 0;
    }

    private @Nullable NetworkOrder order() {
        if (listen == null && bootstrap == null && network == null && !superPeer) {
            return null;
        }
        return new NetworkOrder(listen == null ? ANYWHERE : List.of(listen), list(bootstrap), network, superPeer);
    }

    static List<String> list(String @Nullable [] given) {
        return given == null ? List.of() : List.of(given);
    }
}
