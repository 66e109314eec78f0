package io.ppiofs.tests.nat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ppiofs.tests.harness.Log;
import io.ppiofs.tests.harness.Tools;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

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
            assertThat(three.relayedFor(4 * MIB)).isZero();
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
            assertThat(three.relayedFor(MIB)).isZero();
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
}
