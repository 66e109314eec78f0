package io.ppiofs.node.swarm;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.volume.VolumeId;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.dht.Dht;
import io.ppiofs.overlay.dht.Validator;
import io.ppiofs.overlay.host.Scheduler;
import io.ppiofs.overlay.storage.PinnedHead;
import io.ppiofs.overlay.storage.StorageHost;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Published heads in the DHT: under {@code /ppiofs-head/VOLUME} stands a {@link HeadSet}. The writer puts each head that it has
 * had pinned, and the operators that keep it put it, too, so that it lives while one of them does. Who puts merges with what is
 * there; nodes take a set only if it is not below the one that they have. Thread-safe.
 */
public final class HeadRecords implements AutoCloseable {
    /** Of the keys. */
    public static final String NAMESPACE = "ppiofs-head";

    private static final Logger LOG = LoggerFactory.getLogger(HeadRecords.class);
    private static final String PREFIX = "/" + NAMESPACE + "/";

    /** A volume's heads are put no more often by this node. */
    private static final Duration PAUSE = Duration.ofSeconds(30);

    /** Pause after an attempt that reached nobody: a node that has just started knows none. */
    private static final Duration AGAIN = Duration.ofSeconds(5);

    /** An operator puts what it keeps after so long, at random up to twice that: the writer has done so, mostly. */
    private static final Duration KEEPING = Duration.ofMinutes(10);

    /** Longest wait for an answer of the DHT. */
    private static final long PATIENCE_SECONDS = 20;

    /** Volumes whose heads an operator puts for others; the heads of more are found by asking it. */
    private static final int MAX_KEPT = 1_024;

    private final Dht dht;
    private final NetworkId network;
    private final Scheduler scheduler;

    /** What is to be put, by volume, until it has been; empty while nothing new has come since the last put began. */
    private final Map<VolumeId, HeadSet> waiting = new ConcurrentHashMap<>();

    private volatile boolean closed;

    public HeadRecords(Dht dht, NetworkId network, Scheduler scheduler) {
        this.dht = dht;
        this.network = network;
        this.scheduler = scheduler;
    }

    /** The key of a volume's heads. */
    public static byte[] key(VolumeId volume) {
        return (PREFIX + volume).getBytes(US_ASCII);
    }

    /** For {@link #NAMESPACE}: what may stand there, and which of several sets is best. */
    public static Validator validator(NetworkId network) {
        return new Judge(network);
    }

    private record Judge(NetworkId network) implements Validator {
        @Override
        public boolean isValid(byte[] key, byte[] value) {
            try {
                decode(key, value);
                return true;
            } catch (PpiofsException invalid) {
                return false; // anything may come in
            }
        }

        @Override
        public int select(byte[] key, List<byte[]> values) {
            int best = 0;
            HeadSet greatest = decode(key, values.get(0));
            for (int i = 1; i < values.size(); i++) {
                HeadSet next = decode(key, values.get(i));
                if (next.compareTo(greatest) > 0) {
                    best = i;
                    greatest = next;
                }
            }
            return best;
        }

        private HeadSet decode(byte[] key, byte[] value) {
            String text = new String(key, US_ASCII);
            VolumeId volume = VolumeId.parse(text.substring(Math.min(text.length(), PREFIX.length())));
            return HeadSet.decode(value, volume, network);
        }
    }

    /** Heads of a volume that the DHT knows, each of which verifies; none if it knows none, or in 20 s. Never fails. */
    CompletableFuture<List<PinnedHead.Signed>> get(VolumeId volume) {
        return find(volume).thenApply(HeadSet::heads);
    }

    private CompletableFuture<HeadSet> find(VolumeId volume) {
        return dht.get(key(volume))
                .thenApply(value -> HeadSet.decode(value, volume, network))
                .orTimeout(PATIENCE_SECONDS, TimeUnit.SECONDS)
                .exceptionally(failure -> {
                    LOG.debug("heads of {} in the DHT: {}", volume, failure.toString());
                    return HeadSet.empty();
                });
    }

    /** Puts a head that peers keep now, together with what the DHT has, soon. */
    void put(PinnedHead.Signed head) {
        putAfter(head, Duration.ZERO);
    }

    /** Puts the heads that this node keeps for others, and those that it will keep, so that they outlive their writer. */
    public void relay(StorageHost storage) {
        storage.observeHeads(this::kept);
        storage.heads().forEach(this::kept);
    }

    private void kept(PinnedHead.Signed head) {
        if (waiting.size() < MAX_KEPT) {
            long millis = KEEPING.toMillis();
            putAfter(
                    head, Duration.ofMillis(millis + ThreadLocalRandom.current().nextLong(millis)));
        }
    }

    private void putAfter(PinnedHead.Signed head, Duration delay) {
        VolumeId volume = VolumeId.of(head.pin().volume());
        HeadSet one = HeadSet.of(head, volume);
        if (one.isEmpty() || closed) {
            return;
        }
        boolean[] first = new boolean[1];
        waiting.compute(volume, (v, before) -> {
            first[0] = before == null;
            return before == null ? one : before.with(one);
        });
        if (first[0]) {
            scheduler.schedule(delay, () -> putNow(volume));
        }
    }

    private void putNow(VolumeId volume) {
        HeadSet fresh = waiting.replace(volume, HeadSet.empty());
        if (closed || fresh == null) {
            return;
        }
        find(volume)
                .thenCompose(found -> dht.put(key(volume), found.with(fresh).encode()))
                .whenComplete((stored, failure) -> {
                    boolean reached = failure == null && stored > 0;
                    if (reached) {
                        LOG.debug("heads of {} are in the DHT, with {} nodes", volume, stored);
                    } else {
                        LOG.debug("heads of {} were not put into the DHT: {}", volume, String.valueOf(failure));
                        waiting.computeIfPresent(volume, (v, since) -> since.with(fresh));
                    }
                    scheduler.schedule(reached ? PAUSE : AGAIN, () -> again(volume));
                });
    }

    /** What has come meanwhile goes out now. */
    private void again(VolumeId volume) {
        HeadSet left = waiting.computeIfPresent(volume, (v, set) -> set.isEmpty() ? null : set);
        if (left != null) {
            putNow(volume);
        }
    }

    @Override
    public void close() {
        closed = true;
    }
}
