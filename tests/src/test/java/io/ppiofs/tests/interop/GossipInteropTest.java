package io.ppiofs.tests.interop;

import static io.ppiofs.tests.interop.JsPeer.base64;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.ppiofs.overlay.gossip.GossipOptions;
import io.ppiofs.overlay.host.Connection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** One mesh of Java and JavaScript peers: who publishes is heard by all, once. */
class GossipInteropTest {
    private static final String TOPIC = "interop";
    private static final Duration SOON = Duration.ofSeconds(60);
    private static final int OF_A_KIND = 3;
    private static final GossipOptions GOSSIP_ONLY =
            GossipOptions.DEFAULT.withDegree(0).withFloodPublish(false);
    private static final Map<String, Object> MESH_OF_ONE =
            Map.of("D", 1, "Dlo", 1, "Dhi", 1, "Dscore", 1, "Dout", 0, "floodPublish", false);

    @ParameterizedTest(name = "message ids of the specification: {0}")
    @ValueSource(booleans = {true, false})
    void each_message_reaches_everybody_once(boolean idsOfTheSpecification) {
        List<JavaNode> javas = new ArrayList<>();
        List<JsPeer> scripts = new ArrayList<>();
        try {
            for (int i = 0; i < OF_A_KIND; i++) {
                javas.add(JavaNode.builder().gossip().start());
                scripts.add(JsPeer.builder()
                        .security("noise", "tls")
                        .gossip(idsOfTheSpecification)
                        .start());
            }
            ring(javas, scripts);
            // who dials proposes: over TLS from Java to JavaScript, over Noise the other way
            await().atMost(SOON)
                    .untilAsserted(() -> assertThat(javas)
                            .allSatisfy(java -> assertThat(
                                            java.host().connections().stream().map(Connection::description))
                                    .contains("tls/yamux", "noise/yamux")));
            javas.forEach(java -> java.subscribe(TOPIC));
            scripts.forEach(js -> js.ask("subscribe", "topic", TOPIC));
            await().atMost(SOON).untilAsserted(() -> assertMeshes(javas, scripts));

            List<String> published = new ArrayList<>();
            for (int round = 0; round < 5; round++) {
                for (int i = 0; i < OF_A_KIND; i++) {
                    published.add("java " + i + ", " + round);
                    javas.get(i).publish(TOPIC, "java " + i + ", " + round);
                    published.add("js " + i + ", " + round);
                    scripts.get(i)
                            .ask("publish", "topic", TOPIC, "data", base64(("js " + i + ", " + round).getBytes(UTF_8)));
                }
            }
            // big enough for several frames
            published.add("x".repeat(200_000));
            javas.get(0).publish(TOPIC, "x".repeat(200_000));

            await().atMost(SOON).untilAsserted(() -> assertReceived(javas, scripts, published));
            assertNobodyIsBlamed(javas, scripts);
        } finally {
            javas.forEach(JavaNode::close);
            scripts.forEach(JsPeer::close);
        }
    }

    /** A mesh of nobody: what is published is told of by IHAVE, and comes because it is asked for by IWANT. */
    @Test
    void javascript_asks_java_for_what_it_is_told_of() {
        try (JavaNode java = JavaNode.builder().gossip(GOSSIP_ONLY).start();
                JsPeer js = JsPeer.builder().gossip(true).start()) {
            js.ask("dial", "addr", java.address());
            java.subscribe(TOPIC);
            js.ask("subscribe", "topic", TOPIC);
            await().atMost(SOON).until(() -> java.subscribers(TOPIC).size() == 1);
            assertThat(java.publish(TOPIC, "told of by Java")).isZero();
            await().atMost(SOON).untilAsserted(() -> assertThat(texts(js)).containsExactly("told of by Java"));
            assertThat(java.mesh(TOPIC)).isEmpty();
        }
    }

    /** JavaScript has room for one of the two in its mesh; the other one hears by gossip. */
    @Test
    void java_asks_javascript_for_what_it_is_told_of() {
        try (JsPeer js = JsPeer.builder().gossip(MESH_OF_ONE).start();
                JavaNode one = JavaNode.builder().gossip().start();
                JavaNode two = JavaNode.builder().gossip().start()) {
            js.ask("subscribe", "topic", TOPIC);
            for (JavaNode java : List.of(one, two)) {
                java.dial(js.address());
                java.subscribe(TOPIC);
            }
            await().atMost(SOON).untilAsserted(() -> {
                JsonNode mesh = js.ask("mesh", "topic", TOPIC);
                assertThat(mesh.get("subscribers")).hasSize(2);
                assertThat(mesh.get("mesh")).hasSize(1);
            });
            byte[] text = "told of by JavaScript".getBytes(UTF_8);
            JsonNode published = js.ask("publish", "topic", TOPIC, "data", base64(text));
            assertThat(published.get("recipients")).hasSize(1);
            for (JavaNode java : List.of(one, two)) {
                await().atMost(SOON)
                        .untilAsserted(() -> assertThat(java.received(TOPIC)).containsExactly("told of by JavaScript"));
            }
            assertThat(one.connections(two.id())).isEmpty();
        }
    }

    /** Who is pruned is told of others, with their signed addresses, and connects to them. */
    @Test
    void javascript_follows_the_referrals_of_java() {
        List<JsPeer> scripts = new ArrayList<>();
        try (JavaNode hub =
                JavaNode.builder().gossip(GossipOptions.DEFAULT.withDegree(1)).start()) {
            hub.subscribe(TOPIC);
            for (int i = 0; i < OF_A_KIND; i++) {
                JsPeer js = JsPeer.builder()
                        .gossip(Map.of("scoreThresholds", Map.of("acceptPXThreshold", 0)))
                        .start();
                scripts.add(js);
                js.ask("dial", "addr", hub.address());
                js.ask("subscribe", "topic", TOPIC);
            }
            await().atMost(SOON)
                    .until(() -> scripts.stream()
                            .anyMatch(js -> js.ask("connections").size() > 1));
        } finally {
            scripts.forEach(JsPeer::close);
        }
    }

    @Test
    void java_follows_the_referrals_of_javascript() {
        Map<String, Object> small = new HashMap<>(MESH_OF_ONE);
        small.put("doPX", true);
        List<JavaNode> javas = new ArrayList<>();
        try (JsPeer hub = JsPeer.builder().gossip(small).start()) {
            hub.ask("subscribe", "topic", TOPIC);
            for (int i = 0; i < OF_A_KIND; i++) {
                JavaNode java = JavaNode.builder().gossip().start();
                javas.add(java);
                java.dial(hub.address());
                java.subscribe(TOPIC);
            }
            await().atMost(SOON)
                    .until(() -> javas.stream()
                            .anyMatch(java -> java.host().connectedPeers().size() > 1));
        } finally {
            javas.forEach(JavaNode::close);
        }
    }

    private static List<String> texts(JsPeer js) {
        List<String> texts = new ArrayList<>();
        js.ask("received", "topic", TOPIC)
                .forEach(message -> texts.add(new String(JsPeer.bytes(message.get("data")), UTF_8)));
        return texts;
    }

    /** Java, JavaScript, Java … each connected to the next, so that every message crosses from one kind to the other. */
    private static void ring(List<JavaNode> javas, List<JsPeer> scripts) {
        for (int i = 0; i < OF_A_KIND; i++) {
            javas.get(i).dial(scripts.get(i).address());
            scripts.get(i).ask("dial", "addr", javas.get((i + 1) % OF_A_KIND).address());
        }
    }

    private static void assertMeshes(List<JavaNode> javas, List<JsPeer> scripts) {
        for (JavaNode java : javas) {
            assertThat(java.mesh(TOPIC)).as("mesh of Java").hasSizeGreaterThanOrEqualTo(2);
        }
        for (JsPeer js : scripts) {
            JsonNode mesh = js.ask("mesh", "topic", TOPIC);
            assertThat(mesh.get("mesh")).as("mesh of JavaScript: %s", mesh).hasSizeGreaterThanOrEqualTo(2);
        }
    }

    private static void assertReceived(List<JavaNode> javas, List<JsPeer> scripts, List<String> published) {
        for (int i = 0; i < OF_A_KIND; i++) {
            String java = "java " + i + ",";
            String js = "js " + i + ",";
            List<String> byOthersThanJava =
                    published.stream().filter(text -> !text.startsWith(java)).toList();
            List<String> byOthersThanJs =
                    published.stream().filter(text -> !text.startsWith(js)).toList();
            List<String> atJava = javas.get(i).received(TOPIC).stream()
                    .filter(text -> !text.startsWith(java))
                    .toList();
            if (i == 0) {
                // the big one is its own
                assertThat(atJava.stream().filter(text -> !text.startsWith("x")).toList())
                        .containsExactlyInAnyOrderElementsOf(byOthersThanJava.stream()
                                .filter(text -> !text.startsWith("x"))
                                .toList());
            } else {
                assertThat(atJava).containsExactlyInAnyOrderElementsOf(byOthersThanJava);
            }
            assertThat(texts(scripts.get(i))).containsExactlyInAnyOrderElementsOf(byOthersThanJs);
        }
    }

    private static void assertNobodyIsBlamed(List<JavaNode> javas, List<JsPeer> scripts) {
        for (JavaNode java : javas) {
            assertThat(java.gossipScores().values()).allMatch(score -> score >= 0);
        }
        for (JsPeer js : scripts) {
            js.ask("mesh", "topic", TOPIC)
                    .get("scores")
                    .forEach(entry -> assertThat(entry.get(1).doubleValue())
                            .as("score of %s", entry)
                            .isNotNegative());
        }
    }
}
