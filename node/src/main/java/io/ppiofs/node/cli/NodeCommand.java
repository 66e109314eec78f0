package io.ppiofs.node.cli;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.node.Node;
import io.ppiofs.node.config.ByteSize;
import io.ppiofs.node.config.NodeConfig;
import io.ppiofs.node.control.Progress;
import io.ppiofs.node.control.Request;
import io.ppiofs.node.network.NetworkOrder;
import io.ppiofs.node.network.NetworkService;
import io.ppiofs.node.sectors.SealConsent;
import io.ppiofs.node.storage.StorageOrder;
import io.ppiofs.overlay.blocks.BlockLimits;
import io.ppiofs.overlay.repair.RepairOptions;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
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
            "  ppiofs node --store 500GiB --domain cellar --region eu --region de",
            "  ppiofs node --store 500GiB --seal fast --seal-space 200GiB",
            "  ppiofs node drain",
            "  ppiofs node --network team --bootstrap /ip4/192.0.2.7/tcp/4001/p2p/12D3KooW…"
        })
final class NodeCommand implements Callable<Integer> {
    /** Where a node in a network listens if nobody says where: every address, ports chosen by the system. */
    /** A peer that is slower counts as stalled. */
    private static final long LEAST_RATE = 64 << 10;

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

    @Option(
            names = "--rendezvous",
            paramLabel = "ADDR",
            description = "meet others of the network through the public DHT of libp2p, /ipfs/kad/1.0.0: address with "
                    + "/p2p/… of a peer there; may be repeated; tells that DHT this node's addresses")
    private String @Nullable [] rendezvous;

    @Option(names = "--super", description = "be a super peer: relay and discovery for others, more connections")
    private boolean superPeer;

    @Option(
            names = "--store",
            paramLabel = "SIZE",
            description = "lend so much space to others, under grants ('ppiofs grant'); joins a network")
    private @Nullable String store;

    @Option(
            names = "--seal",
            paramLabel = "NAME",
            description =
                    "seal hosted slots for volumes that want it ('ppiofs volume place --seal'): fast, strong or test; may be "
                            + "repeated; one at a time; default: none")
    private String @Nullable [] seal;

    @Option(
            names = "--seal-space",
            paramLabel = "SIZE",
            description =
                    "most bytes that sealing and replicas take, beside the lent ones; default: as much as is lent")
    private @Nullable String sealSpace;

    @Option(
            names = "--domain",
            paramLabel = "TEXT",
            description = "failure domain of the lent space: copies are kept apart from others of the same text")
    private @Nullable String domain;

    @Option(
            names = "--region",
            paramLabel = "LABEL",
            description = "where the lent space is, from wide to narrow; may be repeated")
    private String @Nullable [] region;

    @Option(
            names = "--repair-after",
            paramLabel = "DURATION",
            description = "silence after which a peer's copies are made anew elsewhere, like 30m or 24h; default 24h")
    private @Nullable String repairAfter;

    @Option(
            names = "--scrub-every",
            paramLabel = "DURATION",
            description = "how often all hosted blocks are hashed; what is damaged is fetched anew; default 24h")
    private @Nullable String scrubEvery;

    @Option(
            names = "--delete-after",
            paramLabel = "DURATION",
            description = "how long blocks are kept that their volume has given up; default 7d")
    private @Nullable String deleteAfter;

    @Option(
            names = "--send-rate",
            paramLabel = "SIZE",
            description = "most bytes of blocks a second that one peer is sent, like 8MB; default: no limit")
    private @Nullable String sendRate;

    @Option(
            names = "--receive-rate",
            paramLabel = "SIZE",
            description = "most bytes of blocks a second that are taken from one peer; default: no limit")
    private @Nullable String receiveRate;

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

    @Command(
            name = "drain",
            header = "stop lending: give everything that is hosted to others",
            description =
                    "Tells the running node of the home to leave: it takes nothing new, and gives every slot that it "
                            + "holds to other peers, each only when they have everything. Returns when nothing is left, which is "
                            + "when the node may be stopped for good. It goes on over restarts, and when this command is "
                            + "interrupted; readers are served meanwhile.",
            sortOptions = false,
            footerHeading = "%nEXAMPLES%n",
            footer = {"  ppiofs node drain", "  ppiofs node drain --cancel"})
    int drain(
            @Option(names = "--cancel", description = "lend again; what has gone to others stays there") boolean cancel,
            @Mixin JsonOption json)
            throws IOException, InterruptedException {
        Surroundings around = main.surroundings();
        Progress progress = ProgressBars.on(around);
        Map<?, ?> facts;
        try {
            facts = main.node().ask(new Request("node.drain").with("cancel", cancel), progress);
        } finally {
            ProgressBars.end(progress);
        }
        json.print(
                around,
                facts,
                () -> around.out()
                        .println(
                                cancel
                                        ? "the node lends again"
                                        : "nothing is left here, " + Facts.text(facts, "groupsMoved")
                                                + " groups are with others; the node may be stopped"));
        return 0;
    }

    private @Nullable NetworkOrder order() {
        StorageOrder lent = storage();
        boolean alone = listen == null && bootstrap == null && network == null && rendezvous == null;
        if (alone && !superPeer && lent == null) {
            return null;
        }
        return new NetworkOrder(
                listen == null ? ANYWHERE : List.of(listen),
                list(bootstrap),
                network,
                superPeer,
                lent,
                list(rendezvous));
    }

    private @Nullable StorageOrder storage() {
        if (store == null) {
            if (Stream.of(domain, region, repairAfter, scrubEvery, deleteAfter, sendRate, receiveRate, seal, sealSpace)
                    .anyMatch(Objects::nonNull)) {
                throw new PpiofsException(
                        ErrorKind.INVALID,
                        "node",
                        "--domain, --region and the rates",
                        "say something of lent space: add --store SIZE");
            }
            return null;
        }
        try {
            return new StorageOrder(
                    ByteSize.parse(store).bytes(),
                    domain == null ? "" : domain,
                    list(region),
                    repair(),
                    atLeastASecond(scrubEvery, StorageOrder.DAILY),
                    atLeastASecond(deleteAfter, StorageOrder.WEEK),
                    BlockLimits.DEFAULT.withSendRate(rate(sendRate)).withReceiveRate(rate(receiveRate)),
                    consent(store));
        } catch (IllegalArgumentException e) {
            throw new PpiofsException(ErrorKind.INVALID, "node", "lent space", String.valueOf(e.getMessage()), e);
        }
    }

    private SealConsent consent(String lent) {
        if (seal == null) {
            if (sealSpace != null) {
                throw new PpiofsException(ErrorKind.INVALID, "node", "--seal-space", "says nothing without --seal");
            }
            return SealConsent.NONE;
        }
        String most = sealSpace == null ? lent : sealSpace;
        return new SealConsent(Set.of(seal), ByteSize.parse(most).bytes());
    }

    private static long rate(@Nullable String given) {
        if (given == null) {
            return BlockLimits.UNLIMITED;
        }
        long bytes = ByteSize.parse(given).bytes();
        if (bytes < LEAST_RATE) {
            throw new IllegalArgumentException("a rate is at least 64 KiB a second, not " + given);
        }
        return bytes;
    }

    private static Duration atLeastASecond(@Nullable String given, Duration otherwise) {
        return given == null ? otherwise : NodeConfig.duration(given, Duration.ofSeconds(1));
    }

    /** All silences in the proportions of the default. */
    private RepairOptions repair() {
        if (repairAfter == null) {
            return RepairOptions.DEFAULT;
        }
        return RepairOptions.outAfter(NodeConfig.duration(repairAfter, Duration.ofSeconds(1)));
    }

    static List<String> list(String @Nullable [] given) {
        return given == null ? List.of() : List.of(given);
    }
}
