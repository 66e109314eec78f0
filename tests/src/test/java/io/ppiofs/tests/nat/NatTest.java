package io.ppiofs.tests.nat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ppiofs.tests.harness.Log;
import io.ppiofs.tests.harness.Tools;
import io.ppiofs.tests.interop.JsPeer;
import java.time.Duration;
import java.util.List;
import org.awaitility.core.ConditionTimeoutException;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NatTest {
    private static final int MIB = 1 << 20;
    private static final Duration LONG = Duration.ofSeconds(60);

    @BeforeAll
    static void needs() {
        Tools.requireRoot();
        Tools.require("ip", "nft", "sysctl");
    }

    /** A relay on the Internet and two nodes that know it and keep a place there while they cannot be dialled. */
    private static final class Three {
        final NatLab.Node relay;
        final NatLab.Node caller;
        final NatLab.Node called;
        final String circuit;

        Three(NatLab lab, String callerHost, String calledHost) {
            relay = lab.node(lab.publicHost("relay", "5.5.5.10"), "listen=/ip4/0.0.0.0/tcp/4001", "serve");
            String at = "/ip4/5.5.5.10/tcp/4001/p2p/" + relay.id();
            called = lab.node(calledHost, "listen=/ip4/0.0.0.0/tcp/4001", "relay=" + at);
            caller = lab.node(callerHost, "listen=/ip4/0.0.0.0/tcp/4001", "relay=" + at);
            circuit = at + "/p2p-circuit/p2p/" + called.id();
            for (NatLab.Node node : List.of(caller, called)) {
                await().atMost(LONG)
                        .until(() -> node.ask("connections " + relay.id()).equals("direct"));
            }
        }

        /** Connects over the relay, once the called node has a place there. */
        String callOverRelay() {
            await().atMost(LONG).until(() -> called.ask("addresses").contains("/p2p-circuit"));
            return caller.ask("connect " + circuit);
        }

        /** Bytes that the relay carried for {@code size} bytes of echo between the two. */
        long relayedFor(int size) {
            long before = Long.parseLong(relay.ask("relayed"));
            assertThat(caller.ask("echo " + called.id() + " " + size)).isEqualTo(Integer.toString(size));
            return Long.parseLong(relay.ask("relayed")) - before;
        }
    }

    @Test
    void twoBehindConeNatsConnectDirectlyAndTheRelayFallsSilent() {
        try (NatLab lab = new NatLab()) {
            String a = lab.hostBehind(NatLab.Nat.CONE, "a", "5.5.5.20", "192.168.71");
            String b = lab.hostBehind(NatLab.Nat.CONE, "b", "5.5.5.30", "192.168.72");
            Three three = new Three(lab, a, b);
            assertThat(three.callOverRelay()).contains("p2p-circuit");
            await().atMost(LONG)
                    .until(() ->
                            three.caller.ask("connections " + three.called.id()).equals("direct"));
            await().atMost(LONG)
                    .until(() ->
                            three.called.ask("connections " + three.caller.id()).equals("direct"));
            // the last words of the relayed connection may still be on their way
            assertThat(three.relayedFor(4 * MIB)).isLessThan(1024);
            await().atMost(LONG).until(() -> three.caller.ask("reachability").equals("PRIVATE"));
        }
    }

    @Test
    void twoBehindSymmetricNatsStayConnectedOverTheRelay() {
        try (NatLab lab = new NatLab()) {
            String a = lab.hostBehind(NatLab.Nat.SYMMETRIC, "a", "5.5.5.20", "192.168.71");
            String b = lab.hostBehind(NatLab.Nat.SYMMETRIC, "b", "5.5.5.30", "192.168.72");
            Three three = new Three(lab, a, b);
            three.callOverRelay();
            assertThat(three.relayedFor(MIB)).isGreaterThan(2L * MIB);
            // three attempts of hole punching take less than half a minute; all the while the relay carries
            await().during(Duration.ofSeconds(25))
                    .atMost(LONG)
                    .until(() ->
                            three.caller.ask("connections " + three.called.id()).equals("relayed"));
            assertThat(three.relayedFor(MIB)).isGreaterThan(2L * MIB);
        }
    }

    @Test
    void aPublicPeerIsDialledPlainly() {
        try (NatLab lab = new NatLab()) {
            String a = lab.hostBehind(NatLab.Nat.CONE, "a", "5.5.5.20", "192.168.71");
            Three three = new Three(lab, a, lab.publicHost("b", "5.5.5.30"));
            String plain = "/ip4/5.5.5.30/tcp/4001/p2p/" + three.called.id();
            assertThat(three.caller.ask("connect " + plain)).doesNotContain("p2p-circuit");
            assertThat(three.relayedFor(MIB)).isZero();
        }
    }

    @Test
    void oneBehindANatThatIsCalledOverTheRelayDialsAPublicCaller() {
        try (NatLab lab = new NatLab()) {
            String b = lab.hostBehind(NatLab.Nat.SYMMETRIC, "b", "5.5.5.30", "192.168.72");
            Three three = new Three(lab, lab.publicHost("a", "5.5.5.20"), b);
            three.callOverRelay();
            await().atMost(LONG)
                    .until(() ->
                            three.caller.ask("connections " + three.called.id()).equals("direct"));
            // the last words of the relayed connection may still be on their way
            assertThat(three.relayedFor(MIB)).isLessThan(1024);
        }
    }

    @Test
    void peersOnABridgeFindEachOther() {
        try (NatLab lab = new NatLab()) {
            NatLab.Node a = lab.node(lab.publicHost("a", "10.77.0.2"), "listen=/ip4/0.0.0.0/tcp/0", "mdns");
            NatLab.Node b = lab.node(lab.publicHost("b", "10.77.0.3"), "listen=/ip4/0.0.0.0/tcp/0", "mdns");
            long began = System.nanoTime();
            // two seconds on an idle machine; the bound is for one that is not
            await().atMost(LONG).until(() -> a.ask("connections " + b.id()).equals("direct"));
            Log.say("found by multicast DNS after " + (System.nanoTime() - began) / 1_000_000 + " ms");
        }
    }

    @Test
    void peersThatHaveIpv6OnlyFindEachOtherOnABridge() {
        try (NatLab lab = new NatLab()) {
            NatLab.Node a = lab.node(lab.publicHost6("a", "fd77::2"), "listen=/ip6/::/tcp/0", "mdns");
            NatLab.Node b = lab.node(lab.publicHost6("b", "fd77::3"), "listen=/ip6/::/tcp/0", "mdns");
            await().atMost(LONG).until(() -> a.ask("connections " + b.id()).equals("direct"));
        }
    }

    @Test
    void javaFindsJavascriptOnABridge() {
        try (NatLab lab = new NatLab()) {
            NatLab.Node java = lab.node(lab.publicHost("a", "10.77.0.2"), "listen=/ip4/0.0.0.0/tcp/0", "mdns");
            try (JsPeer js = under(lab.publicHost("b", "10.77.0.3"))
                    .listen("/ip4/0.0.0.0/tcp/0")
                    .mdns(Duration.ofSeconds(1))
                    .start()) {
                await().atMost(LONG)
                        .until(() -> java.ask("connections " + js.id()).equals("direct"));
            }
        }
    }

    /** It has no address of its own, so that it is not found before it finds. */
    @Test
    void javascriptFindsJavaOnABridge() {
        try (NatLab lab = new NatLab()) {
            NatLab.Node java = lab.node(lab.publicHost("a", "10.77.0.2"), "listen=/ip4/0.0.0.0/tcp/0", "mdns");
            try (JsPeer js = under(lab.publicHost("b", "10.77.0.3"))
                    .listen()
                    .mdns(Duration.ofSeconds(1))
                    .start()) {
                await().atMost(LONG).until(() -> js.ask("discovered").has(java.id()));
                assertThat(JsPeer.texts(js.ask("discovered").get(java.id())))
                        .anyMatch(address -> address.startsWith("/ip4/10.77.0.2/tcp/"));
                js.ask("dial", "peer", java.id());
                await().atMost(LONG)
                        .until(() -> java.ask("connections " + js.id()).equals("direct"));
            }
        }
    }

    /**
     * js-libp2p does not announce its own public address before a peer that dialled back has confirmed it. It asks a peer
     * once; if a busy machine makes that fail, a new node has to ask.
     */
    @ParameterizedTest(name = "version {0}")
    @ValueSource(ints = {1, 2})
    void javaDialsJavascriptBackAndConfirmsItsAddress(int version) {
        try (NatLab lab = new NatLab()) {
            NatLab.Node java = lab.node(lab.publicHost("a", "5.5.5.20"), "listen=/ip4/0.0.0.0/tcp/4001");
            String host = lab.publicHost("b", "5.5.5.40");
            boolean confirmed = false;
            for (int nodes = 0; nodes < 4 && !confirmed; nodes++) {
                confirmed = confirms(java, host, version);
            }
            assertThat(confirmed).isTrue();
        }
    }

    private static boolean confirms(NatLab.Node java, String host, int version) {
        JsPeer.Builder builder = under(host).listen("/ip4/5.5.5.40/tcp/4001");
        try (JsPeer js = (version == 1 ? builder.autonat() : builder.autonatV2()).start()) {
            String address = "/ip4/5.5.5.40/tcp/4001/p2p/" + js.id();
            assertThat(js.addresses()).isEmpty();
            await().atMost(Duration.ofSeconds(20))
                    .pollInterval(Duration.ofSeconds(1))
                    .untilAsserted(() -> {
                        assertThat(java.ask("connect " + address)).contains("5.5.5.40");
                        assertThat(JsPeer.texts(js.ask("addrs").get("addrs"))).containsExactly(address);
                    });
            return true;
        } catch (ConditionTimeoutException e) {
            Log.say("not confirmed: " + e.getMessage());
            return false;
        }
    }

    /** With version 2 both can answer: js-libp2p makes a new connection to dial back, and says a nonce there. */
    @Test
    void javaLearnsFromJavascriptThatItIsReachable() {
        try (NatLab lab = new NatLab()) {
            NatLab.Node java = lab.node(lab.publicHost("a", "5.5.5.20"), "listen=/ip4/0.0.0.0/tcp/4001");
            try (JsPeer js = under(lab.publicHost("b", "5.5.5.40"))
                    .listen("/ip4/5.5.5.40/tcp/4001")
                    .autonatV2()
                    .start()) {
                java.ask("connect /ip4/5.5.5.40/tcp/4001/p2p/" + js.id());
                await().atMost(LONG).until(() -> java.ask("reachability").equals("PUBLIC"));
                assertThat(java.ask("connections " + js.id())).isEqualTo("direct");
            }
        }
    }

    /** js-libp2p (3.3.11) closes the connection that it is asked on by version 1; it is asked once, and then no more. */
    @Test
    void javaDoesNotAskAgainWhoHangsUpOnAQuestion() {
        try (NatLab lab = new NatLab()) {
            NatLab.Node java = lab.node(lab.publicHost("a", "5.5.5.20"), "listen=/ip4/0.0.0.0/tcp/4001");
            try (JsPeer js = under(lab.publicHost("b", "5.5.5.40"))
                    .listen("/ip4/5.5.5.40/tcp/4001")
                    .autonat()
                    .start()) {
                String address = "/ip4/5.5.5.40/tcp/4001/p2p/" + js.id();
                java.ask("connect " + address);
                await().atMost(LONG)
                        .until(() -> java.ask("connections " + js.id()).equals("none"));
                java.ask("connect " + address);
                // a new connection makes it look for somebody to ask after a second
                await().during(Duration.ofSeconds(4))
                        .atMost(LONG)
                        .until(() -> java.ask("connections " + js.id()).equals("direct"));
            }
        }
    }

    private static JsPeer.Builder under(String host) {
        return JsPeer.builder().under("ip", "netns", "exec", host);
    }
}
