package io.ppiofs.overlay.network;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.cbor.CborEncoder;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.host.Direction;
import io.ppiofs.overlay.host.HostListener;
import io.ppiofs.overlay.host.MessageChannel;
import io.ppiofs.overlay.host.Stream;
import io.ppiofs.overlay.sim.SimHost;
import io.ppiofs.overlay.sim.SimNetwork;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class MembershipExchangeTest {
    private static final Duration LIMIT = Duration.ofSeconds(60);

    private final SimNetwork net = new SimNetwork(11);
    private final MembershipAuthority authority = Example.authority();
    private final SimHost a = net.addHost();
    private final SimHost b = net.addHost();
    private final Map<SimHost, CompletableFuture<Void>> outcomes = new HashMap<>();

    @Test
    void two_members_admit_each_other() {
        MembershipExchange left = join(a, roll(a));
        MembershipExchange right = join(b, roll(b));
        connect();
        assertThat(outcome(a)).isNull();
        assertThat(outcome(b)).isNull();
        assertThat(left.certificate(b.id())).isNotNull();
        assertThat(right.certificate(a.id())).isNotNull();
    }

    @Test
    void who_has_no_certificate_of_his_own_is_refused_and_told_why() {
        join(a, roll(a));
        MembershipCertificate stolen = certify(a);
        net.runFor(Duration.ofSeconds(1));
        b.handle(Example.CLUB.member(), stream -> answer(stream, stolen));
        connect();
        assertThat(outcome(a)).isNotNull();
        assertThat(outcome(a).kind()).isEqualTo(ErrorKind.ACCESS_DENIED);
        assertThat(outcome(a)).hasMessageContaining("of another peer");
        assertThat(a.isConnected(b.id())).isFalse();
    }

    @Test
    void a_peer_that_says_nothing_is_refused_in_time() {
        join(a, roll(a));
        b.handle(Example.CLUB.member(), stream -> {});
        connect();
        assertThat(outcome(a)).isNotNull();
        assertThat(outcome(a).kind()).isEqualTo(ErrorKind.NOT_CONNECTED);
    }

    @Test
    void a_peer_that_never_asks_is_refused_in_time() {
        join(b, roll(b));
        connect();
        assertThat(outcome(b)).isNotNull();
        assertThat(outcome(b).kind()).isEqualTo(ErrorKind.NOT_CONNECTED);
    }

    @Test
    void a_peer_of_another_network_is_refused() {
        join(a, roll(a));
        connect();
        assertThat(outcome(a)).isNotNull();
        assertThat(outcome(a).kind()).isEqualTo(ErrorKind.ACCESS_DENIED);
    }

    @Test
    void garbage_is_refused() {
        join(a, roll(a));
        b.handle(Example.CLUB.member(), stream -> {
            MessageChannel channel = new MessageChannel(stream, 1_000);
            channel.receive(new Ignoring());
            channel.send(new byte[] {1, 2, 3});
        });
        connect();
        assertThat(outcome(a)).hasMessageContaining("malformed");
    }

    @Test
    void the_newer_revocation_list_travels_in_the_exchange_and_counts_at_once() {
        MembershipRoll rollA = roll(a);
        MembershipRoll rollB = roll(b);
        RevocationList list = authority.revoke(b.id(), net.wallMillis());
        rollB.offer(list.encode()); // b knows of its own end, a does not
        join(a, rollA);
        join(b, rollB);
        connect();
        assertThat(rollA.version()).isEqualTo(list.version());
        assertThat(outcome(a)).hasMessageContaining("revoked");
        assertThat(a.isConnected(b.id())).isFalse();
    }

    @Test
    void who_is_revoked_later_is_disconnected() {
        MembershipRoll rollA = roll(a);
        join(a, rollA);
        join(b, roll(b));
        connect();
        assertThat(a.isConnected(b.id())).isTrue();
        rollA.offer(authority.revoke(b.id(), net.wallMillis()).encode());
        net.runUntil(() -> !a.isConnected(b.id()), LIMIT);
    }

    @Test
    void a_node_without_a_certificate_of_its_own_does_not_start() {
        assertThatThrownBy(() -> new MembershipExchange(a, Example.CLUB, roll(b)))
                .isInstanceOf(PpiofsException.class)
                .extracting(e -> ((PpiofsException) e).kind())
                .isEqualTo(ErrorKind.CONFIG);
    }

    private MembershipCertificate certify(SimHost host) {
        return authority.issue(host.id(), "", Role.MEMBER, Duration.ofDays(30), net.wallMillis());
    }

    private MembershipRoll roll(SimHost host) {
        return new MembershipRoll(Example.CLOSED, certify(host), null);
    }

    /** What a host does: asks for admission of each new connection and closes those that fail. */
    private MembershipExchange join(SimHost host, MembershipRoll roll) {
        MembershipExchange exchange = new MembershipExchange(host, Example.CLUB, roll);
        host.addListener(new HostListener() {
            @Override
            public void onConnection(Connection connection) {
                CompletableFuture<Void> admission = exchange.admit(connection);
                outcomes.put(host, admission);
                admission.whenComplete((none, failure) -> {
                    if (failure != null) {
                        connection.close();
                    }
                });
            }
        });
        return exchange;
    }

    private void connect() {
        a.addressBook().addAddresses(b.id(), b.addresses(), LIMIT);
        Connection connection = net.await(a.connect(b.id()), LIMIT);
        assertThat(connection.direction()).isEqualTo(Direction.OUTBOUND);
        net.runUntil(
                () -> !outcomes.isEmpty() && outcomes.values().stream().allMatch(CompletableFuture::isDone), LIMIT);
    }

    /** Why {@code host} refused the other side; null: it did not. */
    private PpiofsException outcome(SimHost host) {
        CompletableFuture<Void> future = outcomes.get(host);
        assertThat(future).as("outcome at %s", host).isNotNull();
        PpiofsException[] cause = {null};
        future.whenComplete((none, failure) -> cause[0] = (PpiofsException) failure);
        return cause[0];
    }

    private void answer(Stream stream, MembershipCertificate certificate) {
        MessageChannel channel = new MessageChannel(stream, 100_000);
        channel.receive(new Ignoring());
        channel.send(CborEncoder.encode(CborMap.builder()
                .put(1, Opening.of(1).toCbor())
                .put(2, certificate.encode())
                .put(3, 0)
                .build()));
    }

    private static final class Ignoring implements MessageChannel.Receiver {
        @Override
        public void onMessage(byte[] message) {}

        @Override
        public void onEnd(boolean complete) {}

        @Override
        public void onReset(Throwable cause) {}
    }
}
