package io.ppiofs.tests.interop;

import static io.ppiofs.tests.interop.JsPeer.base64;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.ppiofs.overlay.transport.Security;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** One DHT of Java and JavaScript servers, and a client of each kind: what one kind stores the other kind finds. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class DhtInteropTest {
    private static final String PROTOCOL = "/ppiofs/INTEROP/kad/1.0.0";
    private static final String NAMESPACE = "test";
    private static final Duration SOON = Duration.ofSeconds(60);
    private static final int SERVERS_OF_A_KIND = 3;
    private static final Security[] TLS_FIRST = {Security.TLS, Security.NOISE};
    private static final Security[] NOISE_FIRST = {Security.NOISE, Security.TLS};

    private final List<JavaNode> javas = new ArrayList<>();
    private final List<JsPeer> scripts = new ArrayList<>();

    @BeforeAll
    void start() {
        for (int i = 0; i < SERVERS_OF_A_KIND; i++) {
            javas.add(java(true, i % 2 == 0));
        }
        List<String> entry = List.of(javas.get(0).address());
        for (int i = 0; i < SERVERS_OF_A_KIND; i++) {
            scripts.add(js(true, i % 2 == 0, entry));
        }
        javas.add(java(false, true));
        scripts.add(js(false, false, List.of(scripts.get(0).address())));
        // everybody knows one server, and the DHT brings the rest
        for (int i = 1; i < javas.size(); i++) {
            javas.get(i).dial(i == 1 ? scripts.get(0).address() : javas.get(0).address());
        }
        javas.forEach(JavaNode::bootstrap);
        int others = 2 * SERVERS_OF_A_KIND - 1;
        int[] looks = {0};
        await().atMost(SOON).untilAsserted(() -> {
            for (JavaNode java : javas) {
                if (java.dhtTable().size() < others) {
                    java.bootstrap();
                }
                assertThat(java.dhtTable()).as("table of Java %s", java.id()).hasSizeGreaterThanOrEqualTo(others);
            }
            for (JsPeer js : scripts) {
                // its table grows by lookups alone: who failed to verify a peer the first time looks for it again
                int known = JsPeer.texts(js.ask("table")).size();
                if (known < others) {
                    looks[0]++;
                    js.ask("closest", "key", base64(("look around " + looks[0]).getBytes(UTF_8)));
                }
                assertThat(known).as("table of JavaScript %s", js.id()).isGreaterThanOrEqualTo(others);
            }
        });
    }

    /** Who dials proposes, so that some of the connections are over Noise. */
    private static JavaNode java(boolean server, boolean noiseFirst) {
        return JavaNode.builder()
                .security(noiseFirst ? NOISE_FIRST : TLS_FIRST)
                .dht(PROTOCOL, server, NAMESPACE)
                .start();
    }

    private static JsPeer js(boolean server, boolean noiseFirst, List<String> entry) {
        return JsPeer.builder()
                .security(noiseFirst ? "noise" : "tls", noiseFirst ? "tls" : "noise")
                .kad(PROTOCOL, server, NAMESPACE)
                .bootstrap(entry)
                .start();
    }

    @AfterAll
    void stop() {
        javas.forEach(JavaNode::close);
        scripts.forEach(JsPeer::close);
    }

    private JavaNode javaClient() {
        return javas.get(SERVERS_OF_A_KIND);
    }

    private JsPeer jsClient() {
        return scripts.get(SERVERS_OF_A_KIND);
    }

    @Test
    void the_two_kinds_are_connected_over_tls_and_over_noise() {
        Set<String> between = new HashSet<>();
        for (JavaNode java : javas) {
            for (JsPeer js : scripts) {
                java.connections(js.id()).forEach(connection -> between.add(connection.description()));
            }
        }
        assertThat(between).containsExactlyInAnyOrder("tls/yamux", "noise/yamux");
    }

    @Test
    void clients_are_in_nobodys_table() {
        for (JavaNode java : javas) {
            assertThat(java.dhtTable())
                    .doesNotContain(javaClient().id(), jsClient().id());
        }
        for (JsPeer js : scripts) {
            assertThat(JsPeer.texts(js.ask("table")))
                    .doesNotContain(javaClient().id(), jsClient().id());
        }
    }

    @Test
    void everybody_finds_every_server() {
        for (int i = 0; i < SERVERS_OF_A_KIND; i++) {
            JavaNode java = javas.get(i);
            JsonNode found = jsClient().ask("findPeer", "peer", java.id()).get("found");
            assertThat(found.findValuesAsText("peer")).contains(java.id());
            assertThat(JsPeer.texts(found.get(0).get("addrs"))).isNotEmpty();

            JsPeer js = scripts.get(i);
            assertThat(javaClient().findPeer(js.id()))
                    .as("addresses that Java found")
                    .isNotEmpty();
        }
    }

    @Test
    void what_javascript_puts_java_gets() {
        byte[] key = key("from-js");
        JsonNode put = scripts.get(1).ask("put", "key", base64(key), "value", base64("told by js".getBytes(UTF_8)));
        assertThat(put.get("errors")).as("%s", put).isEmpty();
        assertThat(JsPeer.texts(put.get("found")))
                .contains(javas.get(0).id(), javas.get(1).id(), javas.get(2).id());
        for (JavaNode java : javas) {
            assertThat(java.getValue(key)).hasValue("told by js");
        }
    }

    @Test
    void what_java_puts_javascript_gets() {
        byte[] key = key("from-java");
        javas.get(1).putValue(key, "told by java");
        for (JsPeer js : scripts) {
            JsonNode got = js.ask("get", "key", base64(key));
            assertThat(got.get("found")).as("%s", got).hasSize(1);
            assertThat(JsPeer.bytes(got.get("found").get(0).get("value")))
                    .asString(UTF_8)
                    .isEqualTo("told by java");
        }
    }

    @Test
    void the_better_value_wins_on_both_sides() {
        byte[] key = key("better");
        javas.get(0).putValue(key, "1 old");
        scripts.get(0).ask("put", "key", base64(key), "value", base64("2 new".getBytes(UTF_8)));
        assertThat(javaClient().getValue(key)).hasValue("2 new");
        JsonNode got = jsClient().ask("get", "key", base64(key)).get("found");
        assertThat(got).hasSize(1);
        assertThat(JsPeer.bytes(got.get(0).get("value"))).asString(UTF_8).isEqualTo("2 new");
    }

    @Test
    void a_value_that_its_name_space_does_not_allow_is_refused() {
        byte[] key = key("refused");
        JsonNode put = scripts.get(1).ask("put", "key", base64(key), "value", base64("invalid by js".getBytes(UTF_8)));
        assertThat(JsPeer.texts(put.get("found"))).isEmpty();
        assertThat(javaClient().getValue(key)).isEmpty();
    }

    @Test
    void a_name_space_that_nobody_knows_is_refused() {
        byte[] key = "/unknown/key".getBytes(UTF_8);
        JsonNode put = scripts.get(1).ask("put", "key", base64(key), "value", base64("x".getBytes(UTF_8)));
        assertThat(JsPeer.texts(put.get("found"))).isEmpty();
    }

    @Test
    void what_javascript_provides_java_finds() {
        byte[] block = "block of js".getBytes(UTF_8);
        JsonNode provided = scripts.get(2).ask("provide", "data", base64(block));
        assertThat(provided.get("errors")).as("%s", provided).isEmpty();
        for (JavaNode java : javas) {
            await().atMost(SOON)
                    .untilAsserted(() -> assertThat(java.findProviders(block))
                            .contains(scripts.get(2).id()));
        }
    }

    @Test
    void what_java_provides_javascript_finds() {
        byte[] block = "block of java".getBytes(UTF_8);
        javas.get(2).provide(block);
        for (JsPeer js : scripts) {
            await().atMost(SOON)
                    .untilAsserted(() -> assertThat(js.ask("findProviders", "data", base64(block))
                                    .get("found")
                                    .findValuesAsText("peer"))
                            .contains(javas.get(2).id()));
        }
    }

    private static byte[] key(String name) {
        return ("/" + NAMESPACE + "/" + name).getBytes(UTF_8);
    }
}
