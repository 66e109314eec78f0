package io.ppiofs.tests.swarm;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.node.control.Request;
import io.ppiofs.tests.harness.MountTable;
import io.ppiofs.tests.harness.Namespaces;
import io.ppiofs.tests.harness.PpiofsCommand;
import io.ppiofs.tests.harness.PpiofsMount;
import io.ppiofs.tests.harness.Scratch;
import io.ppiofs.tests.harness.Tools;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Storage nodes, each a process of its own, and a volume that a mount writes on them. */
final class StorageSwarm implements AutoCloseable {
    private static final Pattern RECEIVED =
            Pattern.compile("\"peer\" ?: ?\"([^\"]+)\".*?\"bytesReceived\" ?: ?([0-9]+)", Pattern.DOTALL);

    private final Scratch scratch;
    private final String volume;
    private final Duration patience;
    private final String[] nodeOptions;
    private final List<StorageNode> nodes = new ArrayList<>();
    private final Map<StorageNode, String> hosts = new HashMap<>();
    private List<String> here = List.of();
    private @Nullable Namespaces network;
    private PpiofsMount writer;

    private StorageSwarm(Scratch scratch, String volume, Duration patience, String... nodeOptions) {
        this.scratch = scratch;
        this.volume = volume;
        this.patience = patience;
        this.nodeOptions = nodeOptions;
    }

    /**
     * Starts the nodes; nothing is mounted yet.
     *
     * @param patience for a 'volume sync'
     */
    static StorageSwarm start(String volume, int nodes, Duration patience, String... nodeOptions) {
        return start(false, volume, nodes, patience, nodeOptions);
    }

    /** The same, with a network namespace for each node and one for the mounts; see {@link #cut}. */
    static StorageSwarm startApart(String volume, int nodes, Duration patience, String... nodeOptions) {
        return start(true, volume, nodes, patience, nodeOptions);
    }

    private static StorageSwarm start(
            boolean apart, String volume, int nodes, Duration patience, String... nodeOptions) {
        Tools.requireRoot();
        StorageSwarm swarm = new StorageSwarm(Scratch.open("swarm"), volume, patience, nodeOptions);
        try {
            if (apart) {
                Namespaces network = new Namespaces();
                swarm.scratch.onClose(network::close);
                swarm.network = network;
                swarm.here = Namespaces.on(network.host("m", ip(0)));
            }
            for (int i = 0; i < nodes; i++) {
                swarm.addNode();
            }
            return swarm;
        } catch (RuntimeException | Error e) {
            swarm.scratch.close();
            throw e;
        }
    }

    /**
     * One more, which is told of all the others.
     *
     * @param more options of this one
     */
    StorageNode addNode(String... more) {
        List<String> others = nodes.stream().map(StorageNode::address).toList();
        String[] options =
                Stream.concat(Arrays.stream(nodeOptions), Arrays.stream(more)).toArray(String[]::new);
        StorageNode node;
        if (network == null) {
            node = StorageNode.start(scratch, others, options);
        } else {
            String ip = ip(hosts.size() + 1);
            String host = network.host("s" + hosts.size(), ip);
            node = StorageNode.start(scratch, Namespaces.on(host), ip, others, options);
            hosts.put(node, host);
        }
        nodes.add(node);
        return node;
    }

    private static String ip(int host) {
        return "10.99.0." + (host + 1);
    }

    /** Pulls a node's wire; only of nodes that are apart. */
    void cut(StorageNode node) {
        network.cut(hosts.get(node));
    }

    void mend(StorageNode node) {
        network.mend(hosts.get(node));
    }

    /** They may be taken out and put in. */
    List<StorageNode> nodes() {
        return nodes;
    }

    StorageNode node(int index) {
        return nodes.get(index);
    }

    Scratch scratch() {
        return scratch;
    }

    /**
     * A home whose nodes join the network of the storage nodes.
     *
     * @param configuration further lines for its file, of the table {@code swarm}
     */
    Path home(String name, String... configuration) {
        Path home = scratch.directory(name);
        String peers = String.join(" ", nodes.stream().map(StorageNode::address).toList());
        write(
                home.resolve("config.toml"),
                "[network]\nbootstrap = \"" + peers + "\"\n[swarm]\nwriter-lease = \"3s\"\n"
                        + String.join("\n", configuration));
        return home;
    }

    /** Makes the volume and mounts it. The node that makes it must be in the network, and lives with another mount. */
    PpiofsMount mountWriter(Path home, String option, String scheme) {
        return mountWriter(home, option, scheme, PpiofsMount.OPTIONS);
    }

    /** The same, mounted with these options. */
    PpiofsMount mountWriter(Path home, String option, String scheme, String mountOptions) {
        PpiofsMount first = new PpiofsMount(new PpiofsCommand(home, here), "default", scratch.directory("first"));
        scratch.onClose(first::close);
        first.mount();
        first.command().of("volume", "create", volume, option, scheme).ok();
        writer = new PpiofsMount(new PpiofsCommand(home, here), volume, scratch.directory("m")).options(mountOptions);
        scratch.onClose(writer::close);
        writer.mount();
        return writer;
    }

    /** Returns when everything is on peers. */
    void sync() {
        writer.command().of("volume", "sync", volume).within(patience).ok();
    }

    String info() {
        return writer.command()
                .askRunning(new Request("volume.info").with("name", volume))
                .orElseGet(() -> writer.command()
                        .of("volume", "info", volume, "--json")
                        .ok()
                        .out());
    }

    /** Bytes of blocks that this mount's node got from each storage node that it knows, by peer. */
    static SortedMap<String, Long> received(PpiofsMount mount) {
        SortedMap<String, Long> all = new TreeMap<>();
        RECEIVED.matcher(mount.command().of("peers", "--json").ok().out())
                .results()
                .forEach(found -> all.put(found.group(1), Long.parseLong(found.group(2))));
        return all;
    }

    /** A file with a capability of the volume. */
    Path capability(String... options) {
        List<Object> words = new ArrayList<>(List.of("volume", "share", volume));
        words.addAll(List.of(options));
        Path file = scratch.path("capability");
        write(file, writer.command().of(words.toArray()).ok().out());
        return file;
    }

    /** Not mounted yet. */
    PpiofsMount reader(Path home, Path capability) {
        PpiofsMount reader = new PpiofsMount(new PpiofsCommand(home, here), "@" + capability, scratch.directory("r"));
        scratch.onClose(reader::close);
        return reader.options("allow_other,default_permissions");
    }

    private static void write(Path file, String text) {
        try {
            Files.writeString(file, text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        nodes.forEach(StorageNode::resume);
        scratch.close();
        assertThat(MountTable.entries()).noneMatch(entry -> entry.mountPoint().startsWith(scratch.root()));
    }
}
