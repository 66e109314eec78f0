package io.ppiofs.tests.interop;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;

/**
 * One foreign peer, js-libp2p unless another program is named, in a process of its own. {@link #ask} sends it a command and waits for the answer, with a limit; an
 * error on the JavaScript side is a {@link JsError}. The process ends with {@link #close}, and by itself when this JVM ends,
 * because then its standard input does. Safe for several threads.
 */
public final class JsPeer implements AutoCloseable {
    /** Its echo service. */
    public static final String ECHO = "/ppiofs-test/echo/1.0.0";

    private static final Duration START_LIMIT = Duration.ofMinutes(2);
    private static final Duration ASK_LIMIT = Duration.ofMinutes(2);
    private static final Duration STOP_LIMIT = Duration.ofSeconds(5);
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Process process;
    private final Path errors;
    private final BufferedWriter input;
    private final Map<Long, CompletableFuture<JsonNode>> waiting = new ConcurrentHashMap<>();
    private final CompletableFuture<JsonNode> ready = new CompletableFuture<>();
    private final AtomicLong lastId = new AtomicLong();

    private JsPeer(Process process, Path errors) {
        this.process = process;
        this.errors = errors;
        this.input = process.outputWriter(StandardCharsets.UTF_8);
        Thread reader = new Thread(this::read, "js-peer-" + process.pid());
        reader.setDaemon(true);
        reader.start();
    }

    /** An answer of the JavaScript side that says what went wrong. An assertion's error, so that waits ask again. */
    public static final class JsError extends AssertionError {
        private static final long serialVersionUID = 1;

        JsError(String message) {
            super(message);
        }
    }

    /** What a peer is made of; see {@code options} in peer.mjs. */
    public static final class Builder {
        private final ObjectNode options = JSON.createObjectNode();
        private List<String> prefix = List.of();
        private String program = "peer.mjs";

        private Builder() {}

        /** Another peer than js-libp2p's: one of the programs beside {@code peer.mjs}, which says what options it takes. */
        public Builder program(String name) {
            program = name;
            return this;
        }

        /** Of its identity: {@code Ed25519} (the default), {@code secp256k1}, {@code RSA}. */
        public Builder keyType(String name) {
            return set("keyType", name);
        }

        /** In the order of preference: {@code tls}, {@code noise}. */
        public Builder security(String... names) {
            return set("security", List.of(names));
        }

        /** {@code tcp}, {@code quic}, {@code circuit}. */
        public Builder transports(String... names) {
            return set("transports", List.of(names));
        }

        /** Addresses to listen on; one TCP port of the loopback by default. */
        public Builder listen(String... addresses) {
            return set("listen", List.of(addresses));
        }

        /** Addresses to tell others instead of those that it listens on. */
        public Builder announce(String... addresses) {
            return set("announce", List.of(addresses));
        }

        /** Takes part in a DHT; values of these name spaces are good unless they begin with "invalid", the greatest wins. */
        public Builder kad(String protocol, boolean server, String... namespaces) {
            return set(
                    "kad",
                    Map.of(
                            "protocol",
                            protocol,
                            "mode",
                            server ? "server" : "client",
                            "namespaces",
                            List.of(namespaces)));
        }

        /** Gossip with the message ids of the specification, or with those that js-libp2p has by default. */
        public Builder gossip(boolean idsOfTheSpecification) {
            return set("gossip", Map.of("msgId", idsOfTheSpecification ? "spec" : "js"));
        }

        /** Gossip with options of its router changed. */
        public Builder gossip(Map<String, Object> more) {
            return set("gossip", Map.of("more", more));
        }

        /** Serves as a relay with limits on each connection. */
        public Builder relay(Duration duration, long bytes) {
            return set("relay", Map.of("durationMillis", duration.toMillis(), "dataBytes", bytes));
        }

        public Builder dcutr() {
            return set("dcutr", true);
        }

        public Builder autonat() {
            return set("autonat", true);
        }

        /** Version 2 of AutoNAT. */
        public Builder autonatV2() {
            return set("autonatV2", true);
        }

        public Builder mdns(Duration interval) {
            return set("mdns", Map.of("interval", interval.toMillis()));
        }

        public Builder bootstrap(List<String> addresses) {
            return set("bootstrap", addresses);
        }

        /** The text of a swarm key file. */
        public Builder psk(String text) {
            return set("psk", text);
        }

        /** Passed on to its connection manager. */
        public Builder limits(Map<String, Object> limits) {
            return set("limits", limits);
        }

        /** Words before the command, such as {@code ip netns exec NAME}. */
        public Builder under(String... words) {
            prefix = List.of(words);
            return this;
        }

        public Builder set(String option, Object value) {
            options.set(option, JSON.valueToTree(value));
            return this;
        }

        /** Starts the process and waits until it listens. */
        public JsPeer start() {
            JsRuntime runtime = JsRuntime.get();
            List<String> words = new ArrayList<>(prefix);
            words.addAll(runtime.command(program, options.toString()));
            try {
                Path errors = Files.createTempFile("ppiofs-js-peer", ".txt");
                Process process = new ProcessBuilder(words)
                        .directory(runtime.folder().toFile())
                        .redirectError(errors.toFile())
                        .start();
                JsPeer peer = new JsPeer(process, errors);
                peer.awaitStart();
                return peer;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    public static Builder builder() {
        return new Builder();
    }

    private void awaitStart() {
        try {
            ready.get(START_LIMIT.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException | TimeoutException e) {
            AssertionError failure = new AssertionError("the JavaScript peer does not start: " + errorOutput(), e);
            close();
            throw failure;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            close();
            throw new AssertionError("interrupted", e);
        }
    }

    /** Its peer id in base58. */
    public String id() {
        return ready.join().get("peer").textValue();
    }

    /** The addresses that it had at the start, with its peer id. */
    public List<String> addresses() {
        return texts(ready.join().get("addrs"));
    }

    /** The first of {@link #addresses}. */
    public String address() {
        return addresses().get(0);
    }

    /** @param arguments name, value, name, value … */
    public JsonNode ask(String command, Object... arguments) {
        return ask(ASK_LIMIT, command, arguments);
    }

    public JsonNode ask(Duration limit, String command, Object... arguments) {
        try {
            return begin(command, arguments).get(limit.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof JsError error) {
                // a new one, whose trace shows who asked
                throw new JsError(command + ": " + error.getMessage());
            }
            throw new AssertionError(command + " got no answer: " + errorOutput(), e);
        } catch (TimeoutException e) {
            throw new AssertionError(
                    "no answer to " + command + " after " + limit.toSeconds() + " s: " + errorOutput(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted during " + command, e);
        }
    }

    /** Sends a command; its answer comes later. */
    public CompletableFuture<JsonNode> begin(String command, Object... arguments) {
        ObjectNode message = JSON.createObjectNode().put("do", command);
        for (int i = 0; i < arguments.length; i += 2) {
            message.set(arguments[i].toString(), JSON.valueToTree(arguments[i + 1]));
        }
        long id = lastId.incrementAndGet();
        message.put("id", id);
        CompletableFuture<JsonNode> answer = new CompletableFuture<>();
        waiting.put(id, answer);
        try {
            synchronized (input) {
                input.write(message.toString());
                input.newLine();
                input.flush();
            }
        } catch (IOException e) {
            waiting.remove(id);
            answer.completeExceptionally(e);
        }
        return answer;
    }

    private void read() {
        IOException end = new IOException("the process has ended");
        try (BufferedReader output = process.inputReader(StandardCharsets.UTF_8)) {
            String line;
            while ((line = output.readLine()) != null) {
                take(JSON.readTree(line));
            }
        } catch (JsonProcessingException e) {
            end.addSuppressed(e);
            process.destroyForcibly();
        } catch (IOException e) {
            end.addSuppressed(e);
        }
        ready.completeExceptionally(end);
        waiting.values().forEach(answer -> answer.completeExceptionally(end));
    }

    private void take(JsonNode message) {
        if (message.has("ready")) {
            ready.complete(message.get("ready"));
            return;
        }
        CompletableFuture<JsonNode> answer = waiting.remove(message.get("id").longValue());
        if (answer == null) {
            return;
        }
        if (message.has("error")) {
            answer.completeExceptionally(new JsError(message.get("error").textValue()));
        } else {
            answer.complete(message.get("ok"));
        }
    }

    /** What the process has written to its standard error; its end, if it is long. */
    public String errorOutput() {
        try {
            String text = Files.readString(errors);
            return text.length() <= 4000 ? text : "…" + text.substring(text.length() - 4000);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Binary values travel in base64. */
    public static String base64(byte[] bytes) {
        return Base64.getEncoder().encodeToString(bytes);
    }

    public static byte[] bytes(JsonNode base64) {
        return Base64.getDecoder().decode(base64.textValue());
    }

    public static List<String> texts(JsonNode array) {
        List<String> texts = new ArrayList<>();
        array.forEach(element -> texts.add(element.textValue()));
        return texts;
    }

    /** Asks the process to stop, kills it if it does not. Idempotent. */
    @Override
    public void close() {
        try {
            if (process.isAlive()) {
                begin("stop").whenComplete((answer, error) -> {});
            }
            if (!process.waitFor(STOP_LIMIT.toMillis(), TimeUnit.MILLISECONDS)) {
                process.descendants().forEach(ProcessHandle::destroyForcibly);
                process.destroyForcibly().waitFor();
            }
            Files.deleteIfExists(errors);
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
