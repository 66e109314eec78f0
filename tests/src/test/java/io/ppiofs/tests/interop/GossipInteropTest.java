package io.ppiofs.tests.interop;

import static io.ppiofs.tests.interop.JsPeer.base64;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** One mesh of Java and JavaScript peers: who publishes is heard by all, once. */
class GossipInteropTest {
    private static final String TOPIC = "interop";
    private static final Duration SOON = Duration.ofSeconds(20);
    private static final int OF_A_KIND = 3;

    @ParameterizedTest(name = "message ids of the specification: {0}")
    @ValueSource(booleans = {true, false})
    void each_message_reaches_everybody_once(boolean idsOfTheSpecification) {
        List<JavaNode> javas = new ArrayList<>();
        List<JsPeer> scripts = new ArrayList<>();
        try {
            for (int i = 0; i < OF_A_KIND; i++) {
                javas.add(JavaNode.builder().gossip().start());
                scripts.add(JsPeer.builder().gossip(idsOfTheSpecification).start());
            }
            ring(javas, scripts);
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
            List<String> atJs = new ArrayList<>();
            scripts.get(i)
                    .ask("received", "topic", TOPIC)
                    .forEach(message -> atJs.add(new String(JsPeer.bytes(message.get("data")), UTF_8)));
            assertThat(atJs).containsExactlyInAnyOrderElementsOf(byOthersThanJs);
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
