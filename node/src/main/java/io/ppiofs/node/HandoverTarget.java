package io.ppiofs.node;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.fuse.DescriptorSocket;
import io.ppiofs.fs.fuse.MountTable;
import io.ppiofs.fs.fuse.NativeSystem;
import io.ppiofs.node.config.NodeConfig;
import io.ppiofs.node.control.ControlClient;
import io.ppiofs.node.control.Failure;
import io.ppiofs.node.control.Json;
import io.ppiofs.node.control.Request;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The new process of a handover: takes the home and the mounts of the one that runs, and goes on for it. */
public final class HandoverTarget {
    private static final Logger LOG = LoggerFactory.getLogger(HandoverTarget.class);

    private static final Duration CONNECTION = Duration.ofSeconds(10);

    /** Longer than the old process waits for anything. */
    private static final Duration PATIENCE = Duration.ofSeconds(120);

    private HandoverTarget() {}

    /**
     * What has happened.
     *
     * @param node serves
     * @param mounts how many it has taken over
     * @param before the process that served them
     * @param pause how long they did not answer
     */
    public record Taken(Node node, int mounts, long before, Duration pause) {}

    /**
     * Takes over, or throws, and then the other process goes on and this one must end.
     *
     * @throws PpiofsException NOT_CONNECTED if no node runs; what the running one says, if it does not want; else what failed
     */
    public static Taken takeOver(Home home, Node.ServicesFactory factory) throws InterruptedException {
        // both here, so that what is wrong with them is known before anything has stopped
        NodeServices services = factory.open(home, NodeConfig.read(home.configFile()));
        services.prepare();
        NativeSystem system = NativeSystem.load();
        Path socket = home.takeoverSocket();
        try {
            Files.deleteIfExists(socket);
            try (DescriptorSocket listener = DescriptorSocket.listen(system, socket)) {
                ask(home, socket);
                try (DescriptorSocket from = listener.accept(CONNECTION)) {
                    return takeOver(home, factory, system, from);
                }
            } finally {
                Files.deleteIfExists(socket);
            }
        } catch (IOException e) {
            throw new PpiofsException(ErrorKind.IO, "take over", socket.toString(), String.valueOf(e.getMessage()), e);
        }
    }

    private static void ask(Home home, Path socket) throws IOException {
        try (ControlClient running = ControlClient.connect(home.socket())) {
            if (running == null) {
                throw new PpiofsException(
                        ErrorKind.NOT_CONNECTED,
                        "take over",
                        home.toString(),
                        "no node runs here; there is nothing to do");
            }
            running.call(new Request("handover")
                    .with("protocol", (long) Handover.PROTOCOL)
                    .with("socket", socket.toString()));
        }
    }

    private static Taken takeOver(Home home, Node.ServicesFactory factory, NativeSystem system, DescriptorSocket from)
            throws InterruptedException {
        from.send(Handover.READY, new byte[0], DescriptorSocket.NONE);
        DescriptorSocket.Message first = from.receive(PATIENCE);
        if (first.type() != Handover.STATE) {
            throw Failure.ofMessage(Json.parse(DescriptorSocket.text(first)));
        }
        try (Handover left = Handover.receive(system, from, first, PATIENCE)) {
            Node node;
            try {
                requireSeen(left);
                node = Node.takeOver(home, Node.Life.inBackground(left.metricsPort()), factory, left);
            } catch (PpiofsException e) {
                from.send(
                        Handover.FAILED,
                        Json.line(Failure.toMessage(e)).getBytes(StandardCharsets.UTF_8),
                        DescriptorSocket.NONE);
                throw e;
            }
            sayTaken(from);
            node.goOn();
            Duration pause = Duration.between(left.pausedSince(), Instant.now());
            LOG.info(
                    "took over {} mounts; they did not answer for {} ms",
                    left.mounts().size(),
                    pause.toMillis());
            return new Taken(node, left.mounts().size(), from.peerProcess(), pause);
        }
    }

    private static void requireSeen(Handover left) {
        for (Handover.Mount m : left.mounts()) {
            if (!MountTable.contains(m.kernel().entry())) {
                throw new PpiofsException(
                        ErrorKind.NOT_SUPPORTED,
                        "take over",
                        m.directory().toString(),
                        "is not seen from here; run the command in the mount namespace of the running node");
            }
        }
    }

    /** An old process that has ended does not stand in the way either. */
    private static void sayTaken(DescriptorSocket from) {
        try {
            from.send(Handover.TAKEN, new byte[0], DescriptorSocket.NONE);
            DescriptorSocket.Message go = from.receive(PATIENCE);
            LOG.debug("the old process says {}", (char) go.type());
        } catch (PpiofsException e) {
            LOG.debug("the old process ended without a word", e);
        }
    }
}
