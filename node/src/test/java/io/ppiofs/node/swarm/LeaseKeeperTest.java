package io.ppiofs.node.swarm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.host.Scheduler;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.storage.LeaseOrder;
import io.ppiofs.overlay.storage.StorageClient;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Who is asked to prolong leases, and when, with holders in memory and a wall clock that is set. */
@Tag("quick")
class LeaseKeeperTest {
    private static final SecureRandom RANDOM = new SecureRandom();
    private static final LeaseKeeper.Times TIMES =
            new LeaseKeeper.Times(Duration.ofDays(10), Duration.ofMillis(5), Duration.ofDays(1));

    @TempDir
    Path directory;

    private final AtomicLong wall = new AtomicLong(1_800_000_000_000L);
    private final List<PeerId> holders = ids(3);
    private final Map<PeerId, AtomicLong> asked = new ConcurrentHashMap<>();
    private final Set<PeerId> dead = ConcurrentHashMap.newKeySet();
    private final Set<PeerId> strangers = ConcurrentHashMap.newKeySet();
    private final Map<PeerId, List<PeerId>> coHolders = new ConcurrentHashMap<>();
    private final List<LeaseKeeper> open = new ArrayList<>();

    private static List<PeerId> ids(int count) {
        List<PeerId> ids = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            ids.add(IdentityKey.generate(RANDOM).peerId());
        }
        return ids;
    }

    /** Only its wall clock is asked for. */
    private final class Clock implements Scheduler {
        @Override
        public long nanoTime() {
            return System.nanoTime();
        }

        @Override
        public long wallMillis() {
            return wall.get();
        }

        @Override
        public Timer schedule(Duration delay, Runnable task) {
            throw new AssertionError("not needed");
        }

        @Override
        public Timer scheduleRepeating(Duration period, Runnable task) {
            throw new AssertionError("not needed");
        }

        @Override
        public void execute(Runnable task) {
            throw new AssertionError("not needed");
        }
    }

    private CompletableFuture<StorageClient.Renewed> renew(PeerId peer) {
        asked.computeIfAbsent(peer, p -> new AtomicLong()).incrementAndGet();
        if (dead.contains(peer)) {
            return CompletableFuture.failedFuture(
                    new PpiofsException(ErrorKind.NOT_CONNECTED, "ask", peer.toString(), "does not answer"));
        }
        if (strangers.contains(peer)) {
            return CompletableFuture.failedFuture(
                    new PpiofsException(ErrorKind.ACCESS_DENIED, "renew", "lease", "the tenant has no grant here"));
        }
        return CompletableFuture.completedFuture(
                new StorageClient.Renewed(2, LeaseOrder.USUAL, coHolders.getOrDefault(peer, List.of())));
    }

    private LeaseKeeper keeper(boolean follows, List<PeerId> known) {
        LeaseKeeper keeper = new LeaseKeeper(
                "test", directory.resolve("renewed"), () -> known, follows, this::renew, new Clock(), TIMES);
        open.add(keeper);
        keeper.start();
        return keeper;
    }

    private long asked(PeerId peer) {
        return asked.getOrDefault(peer, new AtomicLong()).get();
    }

    @AfterEach
    void end() {
        open.forEach(LeaseKeeper::close);
    }

    @Test
    void each_holder_is_asked_once_in_ten_days_also_over_restarts() {
        LeaseKeeper keeper = keeper(false, holders);
        await("all are asked").until(() -> keeper.holders() == 3);
        assertThat(keeper.endMillis()).isEqualTo(wall.get() + LeaseOrder.USUAL.toMillis());
        keeper.close();
        wall.addAndGet(Duration.ofDays(9).toMillis());
        PeerId fresh = ids(1).get(0);
        List<PeerId> more = new ArrayList<>(holders);
        more.add(fresh);
        LeaseKeeper other = keeper(false, more);
        await("the new one is asked").until(() -> asked(fresh) == 1);
        holders.forEach(holder -> assertThat(asked(holder)).isEqualTo(1));
        other.close();
        wall.addAndGet(Duration.ofDays(2).toMillis());
        LeaseKeeper later = keeper(false, holders);
        await("they are asked again").until(() -> holders.stream().allMatch(holder -> asked(holder) == 2));
        await("the end moves").until(() -> later.endMillis() == wall.get() + LeaseOrder.USUAL.toMillis());
    }

    @Test
    void who_does_not_answer_is_asked_until_it_does_and_the_earliest_end_tells() {
        LeaseKeeper keeper = keeper(false, holders);
        await("all are asked").until(() -> keeper.holders() == 3);
        long first = keeper.endMillis();
        PeerId lost = holders.get(1);
        dead.add(lost);
        wall.addAndGet(Duration.ofDays(11).toMillis());
        await("it is tried again and again").until(() -> asked(lost) > 5);
        assertThat(keeper.endMillis()).isEqualTo(first);
        dead.remove(lost);
        await("it answers").until(() -> keeper.endMillis() > first);
        assertThat(asked(holders.get(0))).isEqualTo(2);
    }

    @Test
    void a_custodian_finds_holders_from_one_to_the_next_and_does_not_bother_strangers() {
        List<PeerId> hidden = ids(2);
        coHolders.put(holders.get(0), List.of(hidden.get(0)));
        coHolders.put(hidden.get(0), List.of(hidden.get(1), holders.get(0)));
        strangers.add(holders.get(1));
        strangers.add(holders.get(2));
        LeaseKeeper keeper = keeper(true, holders);
        await("those that hold something").until(() -> keeper.holders() == 3);
        wall.addAndGet(Duration.ofHours(20).toMillis());
        Set<PeerId> all = new HashSet<>(holders);
        all.addAll(hidden);
        // a few rounds more
        long until = System.nanoTime() + Duration.ofMillis(100).toNanos();
        await("rounds").until(() -> System.nanoTime() - until > 0);
        all.forEach(peer -> assertThat(asked(peer)).isEqualTo(1));
        keeper.close();
        // what was found is asked also when nobody names it any more
        coHolders.clear();
        wall.addAndGet(Duration.ofDays(12).toMillis());
        LeaseKeeper again = keeper(true, List.of());
        await("all that held something").until(() -> hidden.stream().allMatch(peer -> asked(peer) == 2));
        assertThat(again.holders()).isEqualTo(3);
    }
}
