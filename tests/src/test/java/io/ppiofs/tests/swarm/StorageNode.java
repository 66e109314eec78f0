package io.ppiofs.tests.swarm;

import static org.awaitility.Awaitility.await;

import io.ppiofs.tests.harness.Command;
import io.ppiofs.tests.harness.PpiofsCommand;
import io.ppiofs.tests.harness.Scratch;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** A process that lends space to everybody, on loopback, with a home of its own. */
final class StorageNode implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofMinutes(4);

    private final PpiofsCommand command;
    private final List<String> bootstrap;
    private Command.Running running;
    private String listen = "/ip4/127.0.0.1/tcp/0";
    private String address = "";

    private StorageNode(Path home, List<String> bootstrap) {
        this.command = new PpiofsCommand(home);
        this.bootstrap = bootstrap;
    }

    /** Starts one, and returns once it listens and takes strangers. */
    static StorageNode start(Scratch scratch, List<String> bootstrap) {
        StorageNode node = new StorageNode(scratch.path("store"), bootstrap);
        scratch.onClose(node::close);
        node.start();
        node.command.of("grant", "open", "--bytes", "2GiB").ok();
        return node;
    }

    /** Starts the process (again), on the port that it had. */
    void start() {
        List<Object> words = new ArrayList<>(List.of("node", "--store", "4GiB", "--listen", listen));
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

    /** kill -STOP and -CONT. */
    void signal(String name) {
        Command.of("kill", "-" + name, pid()).ok();
    }

    @Override
    public void close() {
        running.close();
    }
}
