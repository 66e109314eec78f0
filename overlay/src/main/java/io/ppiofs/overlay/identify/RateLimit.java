package io.ppiofs.overlay.identify;

import io.ppiofs.overlay.host.Scheduler;
import io.ppiofs.overlay.identity.PeerId;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;

/** A token bucket per peer; bounded, the longest unused is forgotten. Thread safe. */
public final class RateLimit {
    private static final int MAX_PEERS = 8_192;

    private static final class Bucket {
        double tokens;
        long filledNanos;
    }

    private final Scheduler scheduler;
    private final int burst;
    private final double perNano;
    private final LinkedHashMap<PeerId, Bucket> buckets = new LinkedHashMap<>(64, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<PeerId, Bucket> eldest) {
            return size() > MAX_PEERS;
        }
    };

    /** @param burst at once; @param refill time in which one more is allowed */
    public RateLimit(Scheduler scheduler, int burst, Duration refill) {
        this.scheduler = scheduler;
        this.burst = burst;
        this.perNano = 1.0 / refill.toNanos();
    }

    public synchronized boolean allows(PeerId peer) {
        long now = scheduler.nanoTime();
        Bucket bucket = buckets.get(peer);
        if (bucket == null) {
            bucket = new Bucket();
            bucket.tokens = burst;
            bucket.filledNanos = now;
            buckets.put(peer, bucket);
        }
        bucket.tokens = Math.min(burst, bucket.tokens + (now - bucket.filledNanos) * perNano);
        bucket.filledNanos = now;
        if (bucket.tokens < 1) {
            return false;
        }
        bucket.tokens -= 1;
        return true;
    }
}
