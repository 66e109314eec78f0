package io.ppiofs.overlay.swarm;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.overlay.host.Scheduler;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.identity.PeerRecord;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PeerStoreTest {
    private static final Multiaddr ONE = Multiaddr.parse("/ip4/5.1.1.1/tcp/1");
    private static final Multiaddr TWO = Multiaddr.parse("/ip4/5.1.1.2/tcp/2");

    /** Time that stands still until it is moved. */
    private static final class Clock implements Scheduler {
        long millis = 1_700_000_000_000L;

        @Override
        public long nanoTime() {
            return millis * 1_000_000;
        }

        @Override
        public long wallMillis() {
            return millis;
        }

        @Override
        public Timer schedule(Duration delay, Runnable task) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Timer scheduleRepeating(Duration period, Runnable task) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void execute(Runnable task) {
            task.run();
        }
    }

    private final Clock clock = new Clock();
    private final PeerStore store = new PeerStore(clock, new SwarmOptions.Book(3, 4, 2, 8));

    private static PeerId peer() {
        return IdentityKey.generate(new SecureRandom()).peerId();
    }

    @Test
    void forgetsAddressesWhenTheirTimeIsOver() {
        PeerId peer = peer();
        store.addAddresses(peer, List.of(ONE), Duration.ofMinutes(1));
        store.addAddresses(peer, List.of(TWO.withPeer(peer)), Duration.ofMinutes(3));
        store.addAddresses(peer, List.of(TWO), Duration.ofMinutes(1));
        assertThat(store.addresses(peer)).containsExactly(TWO, ONE);
        clock.millis += 120_000;
        assertThat(store.addresses(peer)).containsExactly(TWO);
        clock.millis += 120_000;
        assertThat(store.peers()).isEmpty();
    }

    @Test
    void dropsThePeerHeardOfLongestAgoButNoConnectedOne() {
        PeerId connected = peer();
        store.pin(connected::equals);
        store.addAddresses(connected, List.of(ONE), Duration.ofHours(1));
        PeerId old = peer();
        store.addAddresses(old, List.of(ONE), Duration.ofHours(1));
        for (int i = 0; i < 2; i++) {
            store.addAddresses(peer(), List.of(ONE), Duration.ofHours(1));
        }
        assertThat(store.peers()).hasSize(3).contains(connected).doesNotContain(old);
    }

    @Test
    void keepsABoundedNumberOfAddressesSignedOnesFirst() {
        IdentityKey key = IdentityKey.generate(new SecureRandom());
        byte[] envelope =
                new PeerRecord(key.peerId(), 5, List.of(ONE)).seal(key).toBytes();
        assertThat(store.consume(PeerRecord.open(envelope), envelope)).isTrue();
        for (int i = 1; i < 20; i++) {
            Multiaddr address = Multiaddr.parse("/ip4/6.6.6." + i + "/tcp/1");
            store.addAddresses(key.peerId(), List.of(address), Duration.ofHours(30));
        }
        assertThat(store.addresses(key.peerId())).hasSize(4).contains(ONE);
    }

    @Test
    void ignoresAnOlderRecord() {
        IdentityKey key = IdentityKey.generate(new SecureRandom());
        byte[] newer = new PeerRecord(key.peerId(), 5, List.of(TWO)).seal(key).toBytes();
        byte[] older = new PeerRecord(key.peerId(), 4, List.of(ONE)).seal(key).toBytes();
        assertThat(store.consume(PeerRecord.open(newer), newer)).isTrue();
        assertThat(store.consume(PeerRecord.open(older), older)).isFalse();
        assertThat(store.addresses(key.peerId())).containsExactly(TWO);
        assertThat(store.record(key.peerId())).isEqualTo(newer);
    }

    @Test
    void survivesARestartAndSetsACorruptFileAside(@TempDir Path folder) throws Exception {
        IdentityKey key = IdentityKey.generate(new SecureRandom());
        byte[] envelope =
                new PeerRecord(key.peerId(), 5, List.of(ONE)).seal(key).toBytes();
        store.consume(PeerRecord.open(envelope), envelope);
        store.addAddresses(key.peerId(), List.of(TWO), Duration.ofHours(2));
        Path path = folder.resolve("peers");
        new PeerFile(path).save(store.snapshot());

        PeerStore again = new PeerStore(clock, SwarmOptions.Book.DEFAULT);
        again.restore(new PeerFile(path).load());
        assertThat(again.addresses(key.peerId())).containsExactly(ONE, TWO);
        byte[] older = new PeerRecord(key.peerId(), 4, List.of(TWO)).seal(key).toBytes();
        assertThat(again.consume(PeerRecord.open(older), older)).isFalse();

        byte[] bytes = Files.readAllBytes(path);
        bytes[bytes.length / 2] ^= 1;
        Files.write(path, bytes);
        assertThat(new PeerFile(path).load()).isEmpty();
        assertThat(path).doesNotExist();
        assertThat(folder.resolve("peers.corrupt")).exists();
    }
}
