package io.ppiofs.tests.swarm;

import static org.awaitility.Awaitility.await;

import io.ppiofs.node.control.Request;
import io.ppiofs.tests.harness.Command;
import io.ppiofs.tests.harness.PpiofsCommand;
import io.ppiofs.tests.harness.Scratch;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A process that lends space to everybody, on loopback, with a home of its own. */
final class StorageNode implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofMinutes(5);

    private final PpiofsCommand command;
    private final List<String> bootstrap;
    private Command.Running running;
    private String listen;
    private String address = "";

    private final List<String> options;

    private StorageNode(PpiofsCommand command, String ip, List<String> bootstrap, List<String> options) {
        this.command = command;
        this.listen = "/ip4/" + ip + "/tcp/0";
        this.bootstrap = bootstrap;
        this.options = options;
    }

    /** Starts one, and returns once it listens and takes strangers. */
    static StorageNode start(Scratch scratch, List<String> bootstrap, String... options) {
        return start(scratch, List.of(), "127.0.0.1", bootstrap, options);
    }

    /**
     * The same on a host of its own.
     *
     * @param prefix what commands begin with that run on the host
     */
    static StorageNode start(
            Scratch scratch, List<String> prefix, String ip, List<String> bootstrap, String... options) {
        PpiofsCommand command = new PpiofsCommand(scratch.path("store"), prefix);
        StorageNode node = new StorageNode(command, ip, bootstrap, List.of(options));
        scratch.onClose(node::close);
        node.start();
        node.command.of("grant", "open", "--bytes", "1TiB").ok();
        return node;
    }

    /** The same, with a file of configuration. */
    static StorageNode startConfigured(Scratch scratch, List<String> bootstrap, String configuration) {
        PpiofsCommand command = new PpiofsCommand(scratch.path("store"));
        StorageNode node = new StorageNode(command, "127.0.0.1", bootstrap, List.of());
        scratch.onClose(node::close);
        try {
            Files.createDirectories(node.command.home());
            Files.writeString(node.command.home().resolve("config.toml"), configuration);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        node.start();
        node.command.of("grant", "open", "--bytes", "1TiB").ok();
        return node;
    }

    /** Starts the process (again), on the port that it had. */
    void start() {
        start("1TiB");
    }

    /** The same, with so much space to lend unless its options say how much. */
    void start(String store) {
        List<Object> words = new ArrayList<>(List.of("node", "--listen", listen));
        if (!options.contains("--store")) {
            words.addAll(List.of("--store", store));
        }
        words.addAll(options);
        for (String address : bootstrap) {
            words.add("--bootstrap");
            words.add(address);
        }
        running = command.of(words.toArray()).start();
        await("the storage node listens").atMost(PATIENCE).until(() -> {
            if (!running.alive()) {
                throw new AssertionError("the node ended: " + running.await(PATIENCE));
            }
            return running.out().contains("/p2p/");
        });
        address = running.out()
                .lines()
                .filter(l -> l.contains("/p2p/"))
                .findFirst()
                .orElseThrow()
                .strip();
        listen = address.substring(0, address.indexOf("/p2p/"));
    }

    /** Where it is reached, with its peer id; also while it is down. */
    String address() {
        return address;
    }

    /** Bytes that the node says it hosts, fetched, and the like: the numbers of {@code status}. */
    long storageFact(String name) {
        String status = command.askRunning(new Request("status"))
                .orElseThrow(() -> new AssertionError("the node does not run"));
        Matcher found = Pattern.compile("\"" + name + "\" ?: ?([0-9]+)").matcher(status);
        if (!found.find()) {
            throw new AssertionError("no " + name + " in " + status);
        }
        return Long.parseLong(found.group(1));
    }

    PpiofsCommand command() {
        return command;
    }

    /** The node's own process: the launcher has replaced itself by it. */
    long pid() {
        return running.process().pid();
    }

    /** As a power failure ends it. */
    void kill9() {
        running.process().destroyForcibly();
        await("the killed node is gone").atMost(PATIENCE).until(() -> !running.alive());
        running.close();
    }

    /** Goes on if it is frozen; one that has ended stays so. */
    void resume() {
        Command.of("kill", "-CONT", pid()).run();
    }

    /** kill -STOP and -CONT. */
    void signal(String name) {
        Command.of("kill", "-" + name, pid()).ok();
    }

    @Override
    public void close() {
        running.close();
    }
}
