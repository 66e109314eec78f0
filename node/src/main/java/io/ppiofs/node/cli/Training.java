package io.ppiofs.node.cli;

import io.ppiofs.error.PpiofsException;
import io.ppiofs.node.Home;
import io.ppiofs.node.MountRequest;
import io.ppiofs.node.Node;
import io.ppiofs.node.Unlock;
import io.ppiofs.node.control.ControlClient;
import io.ppiofs.node.control.Request;
import io.ppiofs.node.network.NetworkOrder;
import io.ppiofs.node.network.NetworkService;
import io.ppiofs.node.storage.StorageOrder;
import io.ppiofs.overlay.repair.RepairOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What a node does in its first second, done once for its classes, and what it does under load, for its profiles. */
final class Training {
    private static final Logger LOG = LoggerFactory.getLogger(Training.class);
    private static final String HERE = "/ip4/127.0.0.1/tcp/0";

    /** MiB that are written, brought to a peer and read from there: the compilers have seen the methods of each record then. */
    private static final int LOAD = 96;

    private static final int SMALL_FILES = 500;

    /** Nobody waits longer for a training. */
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private Training() {}

    static void ofNode(Path directory, Node.ServicesFactory services) {
        Home home = new Home(directory);
        try (Node node = Node.own(home, Node.Life.untilStopped(null), services)) {
            node.serve();
            ask(home, new Request("volume.create").with("name", "training"));
            node.handler()
                    .handle(new Request("fsck").with("volume", "training"), new NodeAccess.Alone((t, d, n) -> {}));
            node.handler().handle(new Request("status"), new NodeAccess.Alone((t, d, n) -> {}));
            mount(home); // last: without FUSE it fails
        } catch (IOException | InterruptedException | PpiofsException e) {
            // an archive with fewer classes is still an archive
            LOG.warn("training is incomplete", e);
        }
    }

    /**
     * A storage node, a node that writes a volume there and one that reads it from there, all in this process and on the loopback
     * address. Where no FUSE is, it ends early.
     */
    static void ofSwarm(Path directory, Node.ServicesFactory services) {
        try {
            Home holder = new Home(directory.resolve("holder"));
            try (Node lends = Node.own(holder, life(List.of(), lent()), services)) {
                lends.handler().handle(new Request("grant.open").with("bytes", "1GiB"), alone());
                lends.serve();
                NetworkService joined = lends.network();
                List<String> addresses = joined == null ? List.of() : joined.listenAddresses();
                String capability = write(new Home(directory.resolve("writer")), addresses, services);
                read(new Home(directory.resolve("reader")), addresses, services, capability);
            }
        } catch (IOException | InterruptedException | PpiofsException e) {
            LOG.warn("training is incomplete", e);
        }
    }

    private static Node.Life life(List<String> bootstrap, @Nullable StorageOrder store) {
        return Node.Life.untilStopped(null).in(new NetworkOrder(List.of(HERE), bootstrap, null, false, store));
    }

    private static StorageOrder lent() {
        return new StorageOrder(
                1L << 30, "training", List.of(), RepairOptions.DEFAULT, StorageOrder.DAILY, StorageOrder.WEEK);
    }

    private static NodeAccess.Alone alone() {
        return new NodeAccess.Alone((task, done, total) -> {});
    }

    /** @return the capability of what was written */
    private static String write(Home home, List<String> peers, Node.ServicesFactory services)
            throws IOException, InterruptedException {
        try (Node node = Node.start(home, life(peers, null), services)) {
            ask(home, new Request("volume.create").with("name", "training").with("scheme", "1"));
            String files = "dd if=/dev/urandom of=big bs=1M count=" + LOAD + " conv=fsync && mkdir small && i=0 && "
                    + "while [ $i -lt " + SMALL_FILES
                    + " ]; do echo $i >small/$i; i=$((i+1)); done && ls -l small && rm -r small";
            whileMounted(home, "training", files, () -> ask(home, new Request("volume.sync").with("name", "training")));
            Map<?, ?> facts = ask(
                    home, new Request("volume.share").with("name", "training").with("right", "ro"));
            return Facts.text(facts, "capability");
        }
    }

    private static void read(Home home, List<String> peers, Node.ServicesFactory services, String capability)
            throws IOException, InterruptedException {
        try (Node node = Node.start(home, life(peers, null), services)) {
            whileMounted(home, capability, "cat big", () -> {});
        }
    }

    /** What is done while a volume is mounted. */
    private interface Step {
        void run() throws IOException;
    }

    /** Another process works on the mount: one that reads its own may wait for itself. */
    private static void whileMounted(Home home, String volume, String commands, Step then)
            throws IOException, InterruptedException {
        Path mountPoint = Files.createTempDirectory("ppiofs-train-");
        try {
            ask(home, new MountRequest(volume, mountPoint, false, List.of(), 0, false, false, Unlock.NONE).toRequest());
            try {
                Process shell = new ProcessBuilder("sh", "-c", commands)
                        .directory(mountPoint.toFile())
                        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                        .redirectError(ProcessBuilder.Redirect.DISCARD)
                        .start();
                if (!shell.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
                    shell.destroyForcibly();
                }
                then.run();
            } finally {
                ask(
                        home,
                        new Request("umount").with("dir", mountPoint.toString()).with("force", true));
            }
        } finally {
            Files.delete(mountPoint);
        }
    }

    /** The files in it are left alone: a process that reads its own mount may wait for itself. */
    private static void mount(Home home) throws IOException {
        Path mountPoint = Files.createTempDirectory("ppiofs-train-");
        try {
            ask(
                    home,
                    new MountRequest("training", mountPoint, false, List.of(), 0, false, false, Unlock.NONE)
                            .toRequest());
            ask(home, new Request("umount").with("dir", mountPoint.toString()).with("force", true));
        } finally {
            Files.delete(mountPoint);
        }
    }

    /** A connection carries one request. */
    private static Map<?, ?> ask(Home home, Request request) throws IOException {
        try (ControlClient client = ControlClient.connect(home.socket())) {
            return client == null ? Map.of() : client.call(request);
        }
    }
}
