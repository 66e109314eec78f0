package io.ppiofs.node.cli;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.node.HandoverTarget;
import io.ppiofs.node.Home;
import io.ppiofs.node.Node;
import io.ppiofs.node.control.Failure;
import io.ppiofs.node.control.Json;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A node in a process and session of its own, seen from both sides. {@link #start} runs the launcher with {@link
 * #COMMAND}, home and perhaps a port; the child ({@link #run}) writes one line of JSON to its standard output, that it
 * is ready or why not, and then closes it. What the virtual machine itself complains about goes to {@link
 * Home#errorFile}. The child reads its two arguments itself: a command line parser would cost a tenth of its start.
 */
final class BackgroundNode {
    /** First argument of the child; not a command for people. */
    static final String COMMAND = "background-node";

    /** Argument of a child that goes on for the running node. */
    private static final String TAKE_OVER = "take-over";

    private static final int MAX_COMPLAINT = 2000;

    private BackgroundNode() {}

    /**
     * Returns once the node listens on its socket.
     *
     * @throws PpiofsException what the node said when it could not start; IN_USE if another one was faster
     */
    static void start(Home home, Surroundings surroundings, @Nullable Integer metricsPort)
            throws IOException, InterruptedException {
        start(home, surroundings, metricsPort == null ? null : metricsPort.toString());
    }

    /**
     * Starts a process that takes over from the running node, and returns once it serves.
     *
     * @return what it said of it
     */
    static Map<String, @Nullable Object> startNext(Home home, Surroundings surroundings)
            throws IOException, InterruptedException {
        return start(home, surroundings, TAKE_OVER);
    }

    private static Map<String, @Nullable Object> start(Home home, Surroundings surroundings, @Nullable String argument)
            throws IOException, InterruptedException {
        if (surroundings.launcher() == null) {
            throw new PpiofsException(
                    ErrorKind.NOT_SUPPORTED, "mount", "-d", "needs the launcher; start mount-scripts/ppiofs");
        }
        home.create();
        List<String> command = new ArrayList<>(List.of(surroundings.launcher().toString(), COMMAND, home.toString()));
        if (argument != null) {
            command.add(argument);
        }
        Process child = new ProcessBuilder(command)
                .directory(home.logDirectory().toFile()) // where a crash of the virtual machine leaves its report
                .redirectInput(new File("/dev/null"))
                .redirectError(home.errorFile().toFile())
                .start();
        try (BufferedReader said = child.inputReader(StandardCharsets.UTF_8)) {
            String line = said.readLine();
            if (line != null) {
                Map<String, @Nullable Object> message = Json.parse(line);
                if (message.get("error") instanceof Map<?, ?> error) {
                    throw Failure.ofMessage(error);
                }
                return message;
            }
        }
        String exit = child.waitFor(5, TimeUnit.SECONDS) ? "with code " + child.exitValue() : "and hangs";
        throw new PpiofsException(
                ErrorKind.INTERNAL,
                "node",
                home.toString(),
                "ended " + exit + " before it was ready: " + complaint(home));
    }

    private static String complaint(Home home) throws IOException {
        if (!Files.exists(home.errorFile())) {
            return "it said nothing";
        }
        byte[] bytes = Files.readAllBytes(home.errorFile());
        int from = Math.max(0, bytes.length - MAX_COMPLAINT);
        String text = new String(bytes, from, bytes.length - from, StandardCharsets.UTF_8).strip();
        return text.isEmpty() ? "it said nothing" : text.replaceAll("\\s*\\R\\s*", " | ");
    }

    /**
     * The child: lives while something is mounted.
     *
     * @param arguments {@link #COMMAND}, home, perhaps the port of the metrics or {@link #TAKE_OVER}
     * @return the exit code
     */
    static int run(Surroundings surroundings, String... arguments) {
        Node node;
        Map<String, Object> ready = new LinkedHashMap<>();
        ready.put("ready", true);
        ready.put("pid", ProcessHandle.current().pid());
        try {
            Home home = new Home(Path.of(arguments[1]));
            if (arguments.length > 2 && arguments[2].equals(TAKE_OVER)) {
                HandoverTarget.Taken taken = HandoverTarget.takeOver(home, surroundings.services());
                node = taken.node();
                ready.put("before", taken.before());
                ready.put("mounts", (long) taken.mounts());
                ready.put("pauseMillis", taken.pause().toMillis());
            } else {
                Integer port = arguments.length > 2 ? Integer.valueOf(arguments[2]) : null;
                node = Node.start(home, Node.Life.inBackground(port), surroundings.services());
            }
        } catch (RuntimeException e) {
            PpiofsException failure = described(e);
            surroundings.out().println(Json.line(Map.of("error", Failure.toMessage(failure))));
            return Main.report(surroundings, failure);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return ErrorKind.INTERRUPTED.exitCode();
        }
        Node first = node;
        Runtime.getRuntime().addShutdownHook(new Thread(() -> closeAll(first), "node-end"));
        surroundings.out().println(Json.line(ready));
        // The starter reads to the end; descriptor 1 becomes /dev/null (java.io.FileDescriptor).
        surroundings.out().close();
        try {
            for (Node now = first; now != null; now = now.successor()) {
                now.awaitEnd();
                now.close();
            }
            return 0;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return ErrorKind.INTERRUPTED.exitCode();
        }
    }

    private static void closeAll(Node first) {
        for (Node now = first; now != null; now = now.successor()) {
            now.close();
        }
    }

    private static PpiofsException described(RuntimeException e) {
        return e instanceof PpiofsException p
                ? p
                : new PpiofsException(ErrorKind.INTERNAL, "node", "start", "a defect of ppiofs: " + e, e);
    }
}
