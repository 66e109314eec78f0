package io.ppiofs.overlay.neighbours;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.ping.Ping;
import io.ppiofs.overlay.sim.SimHost;
import io.ppiofs.overlay.sim.SimNetwork;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NeighboursTest {
    private static final long SEED = 20261120;
    private static final int NODES = 40;
    private static final int TARGET = 8;
    private static final NeighbourOptions OPTIONS = NeighbourOptions.DEFAULT.withNeighbours(TARGET);
    private static final Duration ROUND = OPTIONS.round();

    private final SimNetwork network = new SimNetwork(SEED);
    private final Map<SimHost, Neighbours> nodes = new HashMap<>();

    /** Two places: 5 ms one way within, 120 ms between; hosts with even numbers live in the one, odd ones in the other. */
    private void twoPlaces() {
        network.setLatency((a, b) -> (sameplace(a, b) ? 5 : 120) * 1_000_000L);
        for (int i = 0; i < NODES; i++) {
            SimHost host = network.addHost();
            for (int k = 0; k < 3 && i > 0; k++) {
                host.knows(network.hosts().get(network.random().nextInt(i)));
            }
            start(host, List.of());
        }
    }

    private void start(SimHost host, List<PastNeighbour> past) {
        new Ping(host).serve();
        Neighbours made = new Neighbours(host, "test", OPTIONS);
        Set<PeerId> known = new HashSet<>(host.addressBook().peers());
        made.candidatesFrom(() -> java.util.concurrent.CompletableFuture.completedFuture(known));
        made.start(past);
        nodes.put(host, made);
    }

    private static boolean sameplace(SimHost a, SimHost b) {
        return a.index() % 2 == b.index() % 2;
    }

    private void rounds(int n) {
        network.runFor(ROUND.multipliedBy(n));
    }

    private List<SimHost> neighbours(SimHost host) {
        return nodes.get(host).neighbours().stream()
                .map(one -> network.host(one.peer()))
                .toList();
    }

    private double near() {
        int all = 0;
        int near = 0;
        for (SimHost host : network.hosts()) {
            for (SimHost other : neighbours(host)) {
                all++;
                near += sameplace(host, other) ? 1 : 0;
            }
        }
        return (double) near / all;
    }

    @Test
    void neighboursAreThoseOfTheSamePlace() {
        twoPlaces();
        rounds(20);
        for (SimHost host : network.hosts()) {
            assertThat(neighbours(host)).as("neighbours of %s", host).hasSize(TARGET);
        }
        double near = near();
        System.out.printf("%.1f %% of the neighbours are near%n", 100 * near);
        assertThat(near).isGreaterThanOrEqualTo(0.8);
    }

    @Test
    void aListThatLostAThirdIsFullAgainAfterSomeRounds() {
        twoPlaces();
        rounds(20);
        SimHost host = network.hosts().get(0);
        List<SimHost> lost = new ArrayList<>(neighbours(host)).subList(0, (TARGET + 2) / 3);
        lost.forEach(SimHost::crash);
        rounds(6);
        assertThat(neighbours(host)).hasSize(TARGET).doesNotContainAnyElementsOf(lost);
        assertThat(neighbours(host)).filteredOn(other -> sameplace(host, other)).hasSizeGreaterThanOrEqualTo(6);
    }

    @Test
    void theHistorySeedsTheListAfterARestart() {
        twoPlaces();
        rounds(20);
        SimHost host = network.hosts().get(0);
        List<PastNeighbour> past = network.await(nodes.get(host).history(), ROUND);
        assertThat(past).hasSizeGreaterThanOrEqualTo(TARGET);
        host.stop();
        network.host(past.get(0).peer()).stop(); // one of them is gone meanwhile
        host.restart();
        past.forEach(one -> host.addressBook().forget(one.peer()));
        start(host, past);
        rounds(4);
        assertThat(neighbours(host))
                .hasSize(TARGET)
                .doesNotContain(network.host(past.get(0).peer()));
    }

    @Test
    void whoMovesFindsNewNeighboursAfterAReset() {
        twoPlaces();
        rounds(20);
        SimHost traveller = network.hosts().get(0);
        network.setLatency((a, b) -> {
            boolean odd = a.index() % 2 == 1 || a == traveller;
            boolean other = b.index() % 2 == 1 || b == traveller;
            return (odd == other ? 5 : 120) * 1_000_000L;
        });
        nodes.get(traveller).reset();
        rounds(20);
        assertThat(neighbours(traveller)).hasSize(TARGET);
        assertThat(neighbours(traveller))
                .filteredOn(host -> host.index() % 2 == 1)
                .hasSizeGreaterThanOrEqualTo(6);
    }

    @Test
    void whoDoesNotSpeakTheProtocolIsNoNeighbour() {
        SimHost host = network.addHost();
        SimHost other = network.addHost();
        new Ping(other).serve();
        host.knows(other);
        start(host, List.of());
        rounds(5);
        assertThat(host.isConnected(other.id())).isTrue();
        assertThat(neighbours(host)).isEmpty();
    }

    @Test
    void timeTogetherCountsHalfAfterAWeekAndTheLeastGoes() {
        History history = new History(2);
        long now = 1_767_225_600_000L;
        long week = Duration.ofDays(7).toMillis();
        PeerId old = id(1);
        PeerId current = id(2);
        PeerId recent = id(3);
        history.add(old, List.of(), Duration.ofHours(3), now - 2 * week);
        history.add(current, List.of(), Duration.ofHours(2), now);
        history.add(recent, List.of(), Duration.ofHours(1), now);
        assertThat(history.all(now)).extracting(PastNeighbour::peer).containsExactly(current, recent);
        history.add(recent, List.of(), Duration.ofHours(2), now);
        assertThat(history.all(now)).extracting(PastNeighbour::peer).containsExactly(recent, current);
    }

    @Test
    void theHistoryIsReadBackFromItsFileAndDamageIsSaid(@TempDir Path folder) throws Exception {
        Path file = folder.resolve("neighbours");
        assertThat(HistoryFile.load(file)).isEmpty();
        List<PastNeighbour> past = List.of(
                new PastNeighbour(
                        id(1), List.of(Multiaddr.parse("/ip4/5.6.7.8/tcp/4001")), Duration.ofSeconds(77), 1_000),
                new PastNeighbour(id(2), List.of(), Duration.ZERO, 2_000));
        HistoryFile.save(file, past);
        assertThat(HistoryFile.load(file)).isEqualTo(past);
        byte[] bytes = Files.readAllBytes(file);
        for (int i = 0; i < bytes.length; i++) {
            byte[] cut = java.util.Arrays.copyOf(bytes, i);
            assertThatThrownBy(() -> HistoryFile.decode(cut, "it")).isInstanceOf(PpiofsException.class);
        }
    }

    private PeerId id(int n) {
        while (network.hosts().size() <= n) {
            network.addHost();
        }
        return network.hosts().get(n).id();
    }
}
