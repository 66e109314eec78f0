package io.ppiofs.tests.interop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ppiofs.overlay.dht.PeerInfo;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.rendezvous.PublicRendezvous;
import io.ppiofs.tests.harness.Seeds;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Two nodes that know only a peer of the public DHT, which is JavaScript, find each other there. */
class RendezvousInteropTest {
    @Test
    void two_of_a_network_meet_through_the_public_dht() {
        try (JsPeer stranger = JsPeer.builder()
                        .kad(PublicRendezvous.PUBLIC.name(), true)
                        .start();
                JavaNode one = JavaNode.builder().start();
                JavaNode two = JavaNode.builder().start();
                JavaNode other = JavaNode.builder().start();
                PublicRendezvous ofOne = rendezvous(one, "network", stranger);
                PublicRendezvous ofTwo = rendezvous(two, "network", stranger);
                PublicRendezvous ofOther = rendezvous(other, "another network", stranger)) {
            List.of(ofOne, ofTwo, ofOther).forEach(PublicRendezvous::start);
            await().atMost(Duration.ofSeconds(60))
                    .until(() -> !one.connections(two.id()).isEmpty());
            assertThat(JavaNode.get(ofOther.meet())).isZero();
            assertThat(other.connections(one.id())).isEmpty();
            // they are clients there: the stranger asks them nothing
            assertThat(JsPeer.texts(stranger.ask("table"))).isEmpty();
        }
    }

    private static PublicRendezvous rendezvous(JavaNode node, String network, JsPeer stranger) {
        PeerInfo entry = new PeerInfo(
                PeerId.parse(stranger.id()),
                List.of(Multiaddr.parse(stranger.address()).withoutPeer()));
        return new PublicRendezvous(node.host(), network, List.of(entry), new Random(Seeds.next("rendezvous")));
    }
}
