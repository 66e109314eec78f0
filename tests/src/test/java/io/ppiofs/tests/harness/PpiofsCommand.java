package io.ppiofs.tests.harness;

import io.ppiofs.node.Home;
import io.ppiofs.node.control.ControlClient;
import io.ppiofs.node.control.Json;
import io.ppiofs.node.control.Request;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** The {@code ppiofs} command as a user has it: the launcher of this checkout, with a home of its own. */
public final class PpiofsCommand {
    private final Path home;
    private final List<String> prefix;

    public PpiofsCommand(Path home) {
        this(home, List.of());
    }

    /** @param prefix what each command begins with; see {@link Namespaces#on} */
    public PpiofsCommand(Path home, List<String> prefix) {
        this.home = home;
        this.prefix = List.copyOf(prefix);
    }

    /** {@code mount-scripts/ppiofs} of this checkout, or {@code -Dppiofs.launcher=}. */
    public static Path launcher() {
        String given = System.getProperty("ppiofs.launcher", "");
        return given.isEmpty() ? checkout().resolve("mount-scripts/ppiofs") : Path.of(given);
    }

    /** The root of the checkout: the nearest directory above that has {@code mount-scripts}. */
    public static Path checkout() {
        for (Path p = Path.of("").toAbsolutePath(); p != null; p = p.getParent()) {
            if (Files.isExecutable(p.resolve("mount-scripts/ppiofs"))) {
                return p;
            }
        }
        throw new AssertionError("no mount-scripts/ppiofs above " + Path.of("").toAbsolutePath()
                + "; run the tests inside a checkout or name it with -Dppiofs.launcher=");
    }

    public Path home() {
        return home;
    }

    public Command of(Object... arguments) {
        List<Object> words = new ArrayList<>(prefix);
        words.add(launcher());
        words.addAll(List.of(arguments));
        return Command.of(words).with("PPIOFS_HOME", home);
    }

    /**
     * What the running node answers, as the command of the operation prints it with {@code --json}: for who asks again and again until
     * something is so. A process for each question would keep the machine busier than what is waited for.
     *
     * @return empty if no node runs
     */
    public Optional<String> askRunning(Request request) {
        CompletableFuture<Optional<String>> answer = new CompletableFuture<>();
        Thread thread = new Thread(
                () -> {
                    try (ControlClient client = ControlClient.connect(new Home(home).socket())) {
                        answer.complete(client == null ? Optional.empty() : Optional.of(pretty(client.call(request))));
                    } catch (IOException | RuntimeException e) {
                        answer.completeExceptionally(e);
                    }
                },
                "ask-node");
        thread.setDaemon(true);
        thread.start();
        try {
            return answer.get(60, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        } catch (ExecutionException | TimeoutException e) {
            throw new AssertionError("the node of " + home + " does not answer " + request.operation(), e);
        }
    }

    private static String pretty(Map<?, ?> facts) {
        Map<String, Object> named = new LinkedHashMap<>();
        facts.forEach((name, value) -> named.put(String.valueOf(name), value));
        return Json.pretty(named);
    }

    /** A user error: the exit code, and one sentence on stderr without a stack trace. */
    public static void assertRefused(Command.Result result, int exit, String... inSentence) {
        if (result.exit() != exit) {
            throw new AssertionError("expected exit code " + exit + ": " + result);
        }
        String sentence = result.err().strip();
        if (sentence.isEmpty()
                || sentence.contains("\n")
                || sentence.contains("Exception")
                || sentence.length() > 500) {
            throw new AssertionError("expected one sentence on stderr: " + result);
        }
        for (String part : inSentence) {
            if (!sentence.contains(part)) {
                throw new AssertionError("expected '" + part + "' in the sentence: " + result);
            }
        }
    }
}
