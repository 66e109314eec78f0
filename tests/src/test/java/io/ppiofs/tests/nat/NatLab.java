package io.ppiofs.tests.nat;

import static io.ppiofs.tests.harness.Namespaces.ip;

import io.ppiofs.tests.harness.Command;
import io.ppiofs.tests.harness.Namespaces;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** Network namespaces of one test with hosts on the Internet and behind NATs, and nodes on them; {@link #close} removes all of it. */
final class NatLab implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    /** How a router maps connections. */
    enum Nat {
        /** The source port is kept, so one inside port has one outside port. */
        CONE("masquerade"),
        /** A new random port for each destination. */
        SYMMETRIC("masquerade fully-random");

        private final String rule;

        Nat(String rule) {
            this.rule = rule;
        }
    }

    private final Namespaces namespaces = new Namespaces();
    private final List<Node> nodes = new ArrayList<>();

    /** A host on the Internet. */
    String publicHost(String name, String address) {
        String host = namespaces.host(name, address);
        ip(host, "route add 224.0.0.0/4 dev wan"); // js-libp2p leaves the choice of the interface to the routes
        return host;
    }

    /** A host beside the others that has IPv6 only. */
    String publicHost6(String name, String address) {
        String host = namespaces.namespace(name);
        namespaces.connect(host, address + "/64 nodad"); // nobody else has the address, which is usable at once
        return host;
    }

    /** A host with the address {@code lan}.2 behind a router with this address on the Internet. */
    String hostBehind(Nat nat, String name, String address, String lan) {
        String router = namespaces.host(name + "r", address);
        String host = namespaces.namespace(name);
        ip(router, "link add lan type veth peer name lan netns " + host);
        ip(router, "addr add " + lan + ".1/24 dev lan");
        ip(router, "link set lan up");
        ip(host, "addr add " + lan + ".2/24 dev lan");
        ip(host, "link set lan up");
        ip(host, "route add default via " + lan + ".1");
        Command.of("ip", "netns", "exec", router, "sysctl", "-qw", "net.ipv4.ip_forward=1")
                .ok();
        Command.of("ip", "netns", "exec", router, "nft", "-f", "-")
                .input(rules(nat))
                .ok();
        return host;
    }

    /** Answers of known connections pass; what comes from outside unasked is dropped without a word. */
    private static String rules(Nat nat) {
        return String.join(
                "\n",
                "table ip lab {",
                "  chain leaving { type nat hook postrouting priority 100; oifname wan " + nat.rule + "; }",
                "  chain passing { type filter hook forward priority 0; policy drop;",
                "    iifname lan accept; ct state established,related accept; }",
                "  chain arriving { type filter hook input priority 0; policy drop;",
                "    iifname { lo, lan } accept; ct state established,related accept; }",
                "}",
                "");
    }

    /** Starts a node and waits until it has said its id. */
    Node node(String namespace, String... arguments) {
        Node node = new Node(namespace, List.of(arguments));
        nodes.add(node);
        return node;
    }

    @Override
    public void close() {
        nodes.forEach(Node::close);
        namespaces.close();
    }

    /** A running {@link NatNode}. */
    static final class Node implements AutoCloseable {
        private final Process process;
        private final PrintStream in;
        private final BlockingQueue<String> lines = new LinkedBlockingQueue<>();
        private final Path errors;
        private final String id;

        private Node(String namespace, List<String> arguments) {
            List<String> words = new ArrayList<>(List.of("ip", "netns", "exec", namespace));
            words.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
            words.addAll(List.of("-Xmx160m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto"));
            words.addAll(List.of("-Dio.netty.leakDetection.level=disabled", "-Dio.netty.eventLoopThreads=2"));
            String path = System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
            words.addAll(List.of("-cp", path.replace(":", File.pathSeparator), NatNode.class.getName()));
            words.addAll(arguments);
            try {
                errors = Files.createTempFile("ppiofs-nat", ".txt");
                process =
                        new ProcessBuilder(words).redirectError(errors.toFile()).start();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            in = new PrintStream(process.getOutputStream(), true, StandardCharsets.UTF_8);
            Thread reader = new Thread(this::read, "nat-node");
            reader.setDaemon(true);
            reader.start();
            id = line();
        }

        private void read() {
            try (BufferedReader out =
                    new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
                for (String line = out.readLine(); line != null; line = out.readLine()) {
                    if (line.startsWith("> ")) {
                        lines.add(line.substring(2));
                    }
                }
            } catch (IOException e) {
                lines.add("error " + e);
            }
        }

        private String line() {
            try {
                String line = lines.poll(PATIENCE.toSeconds(), TimeUnit.SECONDS);
                if (line == null) {
                    throw new AssertionError("a node said nothing for a minute: " + Files.readString(errors));
                }
                return line;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new AssertionError(e);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        /** The peer id. */
        String id() {
            return id;
        }

        /** Sends a command and returns its answer, which must not be an error. */
        String ask(String command) {
            String answer = tell(command);
            if (answer.startsWith("error")) {
                throw new AssertionError(command + ": " + answer);
            }
            return answer;
        }

        /** Sends a command and returns its answer. */
        synchronized String tell(String command) {
            in.println(command);
            return line();
        }

        @Override
        public void close() {
            in.close();
            try {
                if (!process.waitFor(10, TimeUnit.SECONDS)) {
                    process.destroyForcibly().waitFor(10, TimeUnit.SECONDS);
                }
                Files.deleteIfExists(errors);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                process.destroyForcibly();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
