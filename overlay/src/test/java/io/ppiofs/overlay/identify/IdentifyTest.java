package io.ppiofs.overlay.identify;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.host.HandlerOptions;
import io.ppiofs.overlay.host.MessageChannel;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.host.Stream;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerRecord;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.swarm.ConnectionGate;
import io.ppiofs.overlay.swarm.MemoryNetwork;
import io.ppiofs.overlay.swarm.Swarm;
import io.ppiofs.overlay.swarm.SwarmCounters;
import io.ppiofs.overlay.swarm.SwarmMetrics;
import io.ppiofs.overlay.swarm.SwarmOptions;
import io.ppiofs.overlay.wire.IdentifyWire;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class IdentifyTest {
    private static final Multiaddr HERE = Multiaddr.parse("/ip4/5.0.0.1/tcp/4001");
    private static final Multiaddr THERE = Multiaddr.parse("/ip4/5.0.1.1/tcp/4001");

    private final MemoryNetwork network = new MemoryNetwork();
    private final SwarmCounters counters = new SwarmCounters();
    private final List<Swarm> swarms = new ArrayList<>();
    private final IdentityKey hostile = IdentityKey.generate(new SecureRandom());

    @AfterEach
    void close() {
        swarms.forEach(Swarm::close);
        network.close();
    }

    private Swarm swarm(IdentityKey key, Multiaddr address) throws Exception {
        Swarm swarm =
                new Swarm(key, SwarmOptions.DEFAULT, network.factory(address), ConnectionGate.OPEN, counters, null);
        swarms.add(swarm);
        get(swarm.listen(address));
        return swarm;
    }

    private static <T> T get(CompletableFuture<T> future) throws Exception {
        return future.get(10, TimeUnit.SECONDS);
    }

    private static IdentifyWire.Identify.Builder honest(IdentityKey key) {
        return IdentifyWire.Identify.newBuilder()
                .setPublicKey(ByteString.copyFrom(key.publicKey().toBytes()))
                .addProtocols("/test/1");
    }

    private static ByteString record(IdentityKey key, long sequence, Multiaddr address) {
        byte[] envelope = new PeerRecord(key.peerId(), sequence, List.of(address))
                .seal(key)
                .toBytes();
        return ByteString.copyFrom(envelope);
    }

    /** A peer that answers identify with this message, and the honest one's connection to it. */
    private Connection connect(Swarm honest, IdentifyWire.Identify answer) throws Exception {
        Swarm other = swarm(hostile, THERE);
        other.handle(Identify.PROTOCOL, HandlerOptions.DEFAULT, stream -> {
            new MessageChannel(stream, 1 << 20).send(answer.toByteArray());
            stream.closeWrite();
        });
        return get(honest.connect(THERE.withPeer(other.id())));
    }

    @Test
    void endsAConnectionWhoseKeyIsAnother() throws Exception {
        Swarm honest = swarm(IdentityKey.generate(new SecureRandom()), HERE);
        new Identify(honest, "p", "a").serve();
        Connection connection =
                connect(honest, honest(IdentityKey.generate(new SecureRandom())).build());
        get(connection.closed());
        assertThat(counters.refusals(SwarmMetrics.Refusal.RECORD)).isEqualTo(1);
    }

    @Test
    void takesAPeerThatTellsNoKeyByThatOfTheConnection() throws Exception {
        Swarm honest = swarm(IdentityKey.generate(new SecureRandom()), HERE);
        new Identify(honest, "p", "a").serve();
        Connection connection = connect(honest, honest(hostile).clearPublicKey().build());
        await().untilAsserted(() ->
                assertThat(honest.addressBook().protocols(hostile.peerId())).contains(new ProtocolId("/test/1")));
        assertThat(connection.isOpen()).isTrue();
    }

    @Test
    void endsAConnectionThatSendsTheRecordOfAnotherPeer() throws Exception {
        IdentityKey victim = IdentityKey.generate(new SecureRandom());
        Swarm honest = swarm(IdentityKey.generate(new SecureRandom()), HERE);
        new Identify(honest, "p", "a").serve();
        Connection connection = connect(
                honest,
                honest(hostile).setSignedPeerRecord(record(victim, 1, THERE)).build());
        get(connection.closed());
        assertThat(honest.addressBook().addresses(victim.peerId())).isEmpty();
    }

    @Test
    void endsAConnectionWhoseRecordIsForged() throws Exception {
        Swarm honest = swarm(IdentityKey.generate(new SecureRandom()), HERE);
        new Identify(honest, "p", "a").serve();
        byte[] forged = record(hostile, 1, THERE).toByteArray();
        forged[forged.length - 1] ^= 1;
        Connection connection = connect(
                honest,
                honest(hostile).setSignedPeerRecord(ByteString.copyFrom(forged)).build());
        get(connection.closed());
        assertThat(counters.refusals(SwarmMetrics.Refusal.RECORD)).isEqualTo(1);
    }

    @Test
    void keepsTheNewerOfTwoRecords() throws Exception {
        Swarm honest = swarm(IdentityKey.generate(new SecureRandom()), HERE);
        Identify identify = new Identify(honest, "p", "a");
        identify.serve();
        Multiaddr fresh = Multiaddr.parse("/ip4/5.0.1.2/tcp/1");
        byte[] newer = record(hostile, 10, fresh).toByteArray();
        honest.addressBook().consume(PeerRecord.open(newer), newer);
        Connection connection = connect(
                honest,
                honest(hostile)
                        .setSignedPeerRecord(record(hostile, 9, Multiaddr.parse("/ip4/5.0.1.3/tcp/1")))
                        .build());
        get(identify.identify(connection));
        assertThat(honest.addressBook().addresses(hostile.peerId()))
                .contains(fresh)
                .doesNotContain(Multiaddr.parse("/ip4/5.0.1.3/tcp/1"));
    }

    @Test
    void doesNotBelieveAFarPeerThatItIsNear() throws Exception {
        Swarm honest = swarm(IdentityKey.generate(new SecureRandom()), HERE);
        Identify identify = new Identify(honest, "p", "a");
        identify.serve();
        IdentifyWire.Identify.Builder answer = honest(hostile);
        for (String address : List.of("/ip4/127.0.0.1/tcp/22", "/ip4/192.168.1.1/tcp/80", "/ip4/5.7.7.7/tcp/1")) {
            answer.addListenAddrs(ByteString.copyFrom(Multiaddr.parse(address).toBytes()));
        }
        get(identify.identify(connect(honest, answer.build())));
        assertThat(honest.addressBook().addresses(hostile.peerId()))
                .containsExactlyInAnyOrder(Multiaddr.parse("/ip4/5.7.7.7/tcp/1"), THERE);
    }

    @Test
    void refusesAMessageThatIsTooLong() throws Exception {
        Swarm honest = swarm(IdentityKey.generate(new SecureRandom()), HERE);
        Identify identify = new Identify(honest, "p", "a");
        identify.serve();
        Connection connection = connect(
                honest, honest(hostile).setAgentVersion("x".repeat(9_000)).build());
        assertThatThrownBy(() -> get(identify.identify(connection))).hasMessageContaining("identify");
        await().untilAsserted(() ->
                assertThat(counters.refusals(SwarmMetrics.Refusal.MISBEHAVIOUR)).isPositive());
    }

    @Test
    void servesAFloodOfQuestionsOnlyAtTheAllowedRate() throws Exception {
        Swarm honest = swarm(IdentityKey.generate(new SecureRandom()), HERE);
        new Identify(honest, "p", "a").serve();
        Swarm flooder = swarm(hostile, THERE);
        Connection connection = get(flooder.connect(HERE.withPeer(honest.id())));
        for (int i = 0; i < 120; i++) {
            Stream stream = get(connection.open(List.of(Identify.PROTOCOL)));
            stream.reset();
        }
        await().untilAsserted(() ->
                assertThat(counters.refusals(SwarmMetrics.Refusal.MISBEHAVIOUR)).isGreaterThan(20));
    }

    @Test
    void splitsWhatDoesNotFitOneMessage() throws Exception {
        Swarm a = swarm(IdentityKey.generate(new SecureRandom()), HERE);
        Swarm b = swarm(hostile, THERE);
        Identify asking = new Identify(a, "p", "a");
        asking.serve();
        for (int i = 0; i < 150; i++) {
            b.handle(new ProtocolId("/test/" + "x".repeat(100) + "/" + i), Stream::reset);
        }
        new Identify(b, "p", "b").serve();
        Connection connection = get(a.connect(THERE.withPeer(b.id())));
        assertThat(get(asking.identify(connection)).protocols()).hasSize(152);
    }
}
