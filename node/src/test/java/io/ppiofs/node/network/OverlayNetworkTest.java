package io.ppiofs.node.network;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.node.Home;
import io.ppiofs.overlay.dht.Dht;
import io.ppiofs.overlay.dht.DhtConfig;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.network.Invitation;
import io.ppiofs.overlay.rendezvous.PublicRendezvous;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Real nodes on loopback, each with a home of its own. */
@Tag("long")
class OverlayNetworkTest {
    private static final List<String> LOOPBACK = List.of("/ip4/127.0.0.1/tcp/0");

    @TempDir
    Path directory;

    private final Deque<NetworkService> started = new ArrayDeque<>();

    @AfterEach
    void leave() {
        started.forEach(NetworkService::close);
    }

    private Home home(String name) {
        Home home = new Home(directory.resolve(name));
        home.create();
        return home;
    }

    private NetworkService start(String name, List<String> listen, List<String> bootstrap, String network) {
        NetworkService service = OverlayNetwork.start(home(name), new NetworkOrder(listen, bootstrap, network, false));
        started.push(service);
        return service;
    }

    private static String id(NetworkService service) {
        return String.valueOf(service.facts().get("peerId"));
    }

    private static List<String> peerIds(NetworkService service) {
        return service.peers().stream().map(p -> String.valueOf(p.get("peer"))).toList();
    }

    @Test
    void nodesConnectPingAndFindEachOther() throws Exception {
        NetworkService a = start("a", LOOPBACK, List.of(), null);
        String address = a.listenAddresses().get(0);
        assertThat(address).startsWith("/ip4/127.0.0.1/tcp/").endsWith("/p2p/" + id(a));
        NetworkService b = start("b", LOOPBACK, List.of(address), null);
        await().until(() -> peerIds(b).contains(id(a)));
        assertThat(b.ping(id(a)).get(20, TimeUnit.SECONDS)).isPositive();
        NetworkService c = start("c", LOOPBACK, List.of(address), null);
        await().until(() -> peerIds(c).contains(id(a)));
        // c has heard of a only; b is found through the DHT
        await().atMost(Duration.ofSeconds(30))
                .untilAsserted(
                        () -> assertThat(c.find(id(b)).get(20, TimeUnit.SECONDS).get("addresses"))
                                .asString()
                                .contains("/tcp/"));
        assertThat(c.ping(id(b)).get(20, TimeUnit.SECONDS)).isPositive();
        assertThat(a.facts()).containsEntry("networkId", b.facts().get("networkId"));
    }

    @Test
    void anAddressIsEnoughToPing() throws Exception {
        NetworkService a = start("a", LOOPBACK, List.of(), null);
        NetworkService b = start("b", List.of(), List.of(), null);
        assertThat(b.ping(a.listenAddresses().get(0)).get(20, TimeUnit.SECONDS)).isPositive();
        String wrong = Multiaddr.parse(a.listenAddresses().get(0)).withoutPeer() + "/p2p/" + id(b).replace(id(b), PEER);
        assertThatThrownBy(() -> b.ping(wrong).join())
                .hasCauseInstanceOf(PpiofsException.class)
                .extracting(e -> ((PpiofsException) e.getCause()).kind())
                .isIn(ErrorKind.ACCESS_DENIED, ErrorKind.NOT_CONNECTED);
    }

    private static final String PEER = "12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq";

    /** The peer that both know is of another network; it serves the public DHT only as far as this machine. */
    @Test
    void membersThatKnowNobodyMeetThroughThePublicDht() {
        new KnownNetworks(home("stranger")).create("elsewhere", false, List.of());
        NetworkService stranger = start("stranger", LOOPBACK, List.of(), "elsewhere");
        try (Dht open = new Dht(
                ((OverlayNetwork) stranger).host(), DhtConfig.forProtocol(PublicRendezvous.PUBLIC), new Random(1))) {
            open.start();
            NetworkService a = startMeeting("a", null, stranger.listenAddresses());
            NetworkService b = startMeeting("b", null, stranger.listenAddresses());
            await().atMost(Duration.ofMinutes(2))
                    .until(() -> peerIds(a).contains(id(b)) && peerIds(b).contains(id(a)));
        }
    }

    @Test
    void aPrivateNetworkDoesNotMeetThroughThePublicDht() {
        new KnownNetworks(home("owner")).create("team", true, List.of());
        assertThatThrownBy(() -> startMeeting("owner", "team", List.of("/ip4/127.0.0.1/tcp/9/p2p/" + PEER)))
                .isInstanceOfSatisfying(
                        PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.INVALID));
    }

    private NetworkService startMeeting(String name, String network, List<String> rendezvous) {
        NetworkService service = OverlayNetwork.start(
                home(name), new NetworkOrder(LOOPBACK, List.of(), network, false, null, rendezvous));
        started.push(service);
        return service;
    }

    @Test
    void networksDoNotMix() throws Exception {
        new KnownNetworks(home("a")).create("one", false, List.of());
        NetworkService a = start("a", LOOPBACK, List.of(), "one");
        NetworkService b = start("b", LOOPBACK, List.of(a.listenAddresses().get(0)), null);
        assertThat(b.ping(a.listenAddresses().get(0)).get(20, TimeUnit.SECONDS)).isPositive();
        assertThat(a.facts().get("networkId")).isNotEqualTo(b.facts().get("networkId"));
        assertThat(a.facts().get("dhtTable")).isEqualTo(0L);
        assertThat(b.facts().get("dhtTable")).isEqualTo(0L);
    }

    @Test
    @Tag("long")
    void aPrivateNetworkAdmitsMembersUntilTheyAreRevoked() throws Exception {
        KnownNetworks owner = new KnownNetworks(home("owner"));
        KnownNetwork team = owner.create("team", true, List.of());
        NetworkService a = start("owner", LOOPBACK, List.of(), "team");
        List<Multiaddr> bootstrap =
                a.listenAddresses().stream().map(Multiaddr::parse).toList();

        Home member = home("member");
        PeerId memberId = IdentityFile.loadOrCreate(member.identityFile()).peerId();
        KnownNetworks.Admission admission = owner.admit(team, memberId, bootstrap);
        new KnownNetworks(member).join(Invitation.parse(admission.invitation().print()));
        NetworkService b = start("member", LOOPBACK, List.of(), "team");
        await().atMost(Duration.ofSeconds(20)).until(() -> peerIds(b).contains(id(a)));
        assertThat(b.ping(id(a)).get(20, TimeUnit.SECONDS)).isPositive();

        // a stranger who knows the genesis record, not more
        Home stranger = home("stranger");
        new KnownNetworks(stranger)
                .join(Invitation.parse(team.invitation(null, bootstrap).print()));
        assertThatThrownBy(() -> start("stranger", LOOPBACK, List.of(), "team"))
                .isInstanceOfSatisfying(
                        PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.ACCESS_DENIED));
        // a node of another network gets no further than the handshake
        NetworkService outsider = start("outsider", List.of(), List.of(), null);
        assertThatThrownBy(() -> outsider.ping(a.listenAddresses().get(0)).get(20, TimeUnit.SECONDS))
                .satisfies(e -> assertThat(e.getCause()).isInstanceOf(PpiofsException.class));

        a.revoked(owner.revoke(team, memberId));
        await().atMost(Duration.ofSeconds(20)).until(() -> !peerIds(a).contains(id(b)));
    }

    @Test
    void aSuperPeerIsKnownToOthers() {
        NetworkService a = OverlayNetwork.start(home("a"), new NetworkOrder(LOOPBACK, List.of(), null, true));
        started.push(a);
        NetworkService b = start("b", LOOPBACK, List.of(a.listenAddresses().get(0)), null);
        await().atMost(Duration.ofSeconds(30))
                .untilAsserted(() -> assertThat(b.facts().get("superPeers")).isEqualTo(List.of(id(a))));
        assertThat(a.facts().get("protocols")).asString().contains("/libp2p/circuit/relay/0.2.0/hop");
    }

    @Test
    void anInvitationForAnotherPeerIsRefused() {
        KnownNetworks owner = new KnownNetworks(home("owner"));
        KnownNetwork team = owner.create("team", true, List.of());
        KnownNetworks.Admission admission = owner.admit(team, PeerId.parse(PEER), List.of());
        assertThatThrownBy(() -> new KnownNetworks(home("b")).join(admission.invitation()))
                .hasMessageContaining("certificate is for " + PEER);
        assertThatThrownBy(() -> owner.create("team", false, List.of())).hasMessageContaining("already");
        assertThatThrownBy(() -> owner.find("none")).hasMessageContaining("network list");
    }

    @Test
    void wrongAddressesAndTakenPortsAreOneSentence() {
        NetworkService a = start("a", LOOPBACK, List.of(), null);
        String taken = Multiaddr.parse(a.listenAddresses().get(0)).withoutPeer().toString();
        for (String bad : List.of(taken, "/ip4/203.0.113.1/tcp/1", "nonsense", "/dns4/localhost/tcp/1/ws")) {
            assertThatThrownBy(() -> start("b", List.of(bad), List.of(), null))
                    .as(bad)
                    .satisfies(e -> assertThat(e instanceof CompletionException ? e.getCause() : e)
                            .isInstanceOf(PpiofsException.class));
        }
        assertThatThrownBy(() -> start("b", LOOPBACK, List.of("/ip4/127.0.0.1/tcp/1"), null))
                .hasMessageContaining("/p2p/");
    }
}
