package io.ppiofs.overlay.network;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.overlay.OverlayNode;
import io.ppiofs.overlay.OverlayOptions;
import io.ppiofs.overlay.gossip.Gossip;
import io.ppiofs.overlay.gossip.GossipOptions;
import io.ppiofs.overlay.host.HostListener;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.swarm.ConnectionGate;
import io.ppiofs.overlay.swarm.SwarmOptions;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Membership on real sockets: the same over every transport. */
@Tag("long")
class PrivateNetworkTest {
    private static final String TCP = "/ip4/127.0.0.1/tcp/0";
    private static final String QUIC = "/ip4/127.0.0.1/udp/0/quic-v1";
    private static final ProtocolId SECRET = new ProtocolId("/test/secret/1.0.0");

    private final MembershipAuthority authority = Example.authority();
    private final List<OverlayNode> nodes = new ArrayList<>();

    @AfterEach
    void close() {
        nodes.forEach(OverlayNode::close);
    }

    @ParameterizedTest
    @ValueSource(strings = {TCP, QUIC})
    void members_meet_and_use_protocols(String listen) throws Exception {
        OverlayNode a = member(listen);
        OverlayNode b = member(listen);
        CompletableFuture<PeerId> served = new CompletableFuture<>();
        b.host().handle(SECRET, stream -> {
            served.complete(stream.connection().remotePeer());
            stream.closeWrite();
        });
        know(a, b);
        a.host().open(b.host().id(), SECRET).get(10, TimeUnit.SECONDS);
        assertThat(served.get(10, TimeUnit.SECONDS)).isEqualTo(a.host().id());
    }

    @ParameterizedTest
    @ValueSource(strings = {TCP, QUIC})
    void an_outsider_gets_no_protocol_from_either_side(String listen) throws Exception {
        OverlayNode member = member(listen);
        OverlayNode outsider = node(listen, ConnectionGate.OPEN);
        CompletableFuture<PeerId> served = new CompletableFuture<>();
        member.host()
                .handle(SECRET, stream -> served.complete(stream.connection().remotePeer()));
        know(member, outsider);
        assertThatThrownBy(() -> member.host().connect(outsider.host().id()).get(15, TimeUnit.SECONDS))
                .isInstanceOf(ExecutionException.class);
        know(outsider, member);
        // It may see the connection and open a stream, but nobody serves it
        var opened = outsider.host().open(member.host().id(), SECRET).handle((stream, failure) -> null);
        opened.get(15, TimeUnit.SECONDS);
        CompletableFuture<Void> gone = new CompletableFuture<>();
        outsider.host().addListener(new HostListener() {
            @Override
            public void onDisconnected(PeerId peer) {
                gone.complete(null);
            }
        });
        if (outsider.host().isConnected(member.host().id())) {
            gone.get(15, TimeUnit.SECONDS);
        }
        assertThat(served).isNotDone();
        assertThat(member.host().isConnected(outsider.host().id())).isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {TCP, QUIC})
    void a_revocation_reaches_members_by_gossip_and_parts_them(String listen) throws Exception {
        List<MembershipRoll> rolls = new ArrayList<>();
        List<Gossip> gossips = new ArrayList<>();
        List<OverlayNode> members = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            IdentityKey key = IdentityKey.generate(new SecureRandom());
            MembershipRoll roll = roll(key);
            OverlayNode node = member(listen, key, roll);
            Gossip gossip = new Gossip(node.host(), GossipOptions.DEFAULT);
            gossip.start();
            var unused = new RevocationGossip(gossip, Example.CLUB, roll);
            rolls.add(roll);
            gossips.add(gossip);
            members.add(node);
        }
        for (int i = 1; i < 3; i++) {
            know(members.get(0), members.get(i));
            members.get(0).host().connect(members.get(i).host().id()).get(10, TimeUnit.SECONDS);
        }
        awaitSubscribers(gossips.get(0), 2);
        CompletableFuture<Long> heard = new CompletableFuture<>();
        rolls.get(1).addListener(list -> heard.complete(list.version()));
        CompletableFuture<Void> parted = new CompletableFuture<>();
        PeerId last = members.get(2).host().id();
        members.get(0).host().addListener(new HostListener() {
            @Override
            public void onDisconnected(PeerId peer) {
                if (peer.equals(last)) {
                    parted.complete(null);
                }
            }
        });
        rolls.get(0).offer(authority.revoke(last, System.currentTimeMillis()).encode());
        assertThat(heard.get(15, TimeUnit.SECONDS)).isEqualTo(1);
        parted.get(15, TimeUnit.SECONDS);
        assertThatThrownBy(() -> members.get(2)
                        .host()
                        .connect(members.get(1).host().id())
                        .get(15, TimeUnit.SECONDS))
                .isInstanceOf(ExecutionException.class);
        gossips.forEach(Gossip::close);
    }

    private static void awaitSubscribers(Gossip gossip, int count) throws Exception {
        CompletableFuture<Void> there = new CompletableFuture<>();
        long end = System.nanoTime() + Duration.ofSeconds(15).toNanos();
        while (!there.isDone()) {
            if (gossip.subscribers(Example.CLUB.revocationTopic())
                            .get(5, TimeUnit.SECONDS)
                            .size()
                    == count) {
                there.complete(null);
            } else if (System.nanoTime() > end) {
                throw new AssertionError("not " + count + " subscribers in time");
            }
        }
    }

    private MembershipRoll roll(IdentityKey key) {
        MembershipCertificate certificate =
                authority.issue(key.peerId(), "", Role.MEMBER, Duration.ofDays(1), System.currentTimeMillis());
        return new MembershipRoll(Example.CLOSED, certificate, null);
    }

    private OverlayNode member(String listen) throws Exception {
        IdentityKey key = IdentityKey.generate(new SecureRandom());
        return member(listen, key, roll(key));
    }

    private OverlayNode member(String listen, IdentityKey key, MembershipRoll roll) throws Exception {
        MembershipGate gate = new MembershipGate(Example.CLUB, roll);
        OverlayNode node = make(listen, key, gate);
        gate.bind(node.host());
        node.start().get(10, TimeUnit.SECONDS);
        return node;
    }

    private OverlayNode node(String listen, ConnectionGate gate) throws Exception {
        OverlayNode node = make(listen, IdentityKey.generate(new SecureRandom()), gate);
        node.start().get(10, TimeUnit.SECONDS);
        return node;
    }

    private OverlayNode make(String listen, IdentityKey key, ConnectionGate gate) {
        OverlayNode node = new OverlayNode(OverlayOptions.builder(key)
                .listen(List.of(Multiaddr.parse(listen)))
                .privateAddresses(true)
                .mdns(false)
                .portMapping(false)
                .gate(gate)
                .limits(SwarmOptions.DEFAULT.withInbound(new SwarmOptions.Inbound(8, 256, Duration.ofSeconds(2), 64)))
                .build());
        nodes.add(node);
        return node;
    }

    private static void know(OverlayNode a, OverlayNode b) {
        a.host().addressBook().addAddresses(b.host().id(), b.listenAddresses(), Duration.ofMinutes(5));
    }
}
