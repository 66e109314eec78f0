package io.ppiofs.overlay.swarm;

import io.ppiofs.overlay.host.Scheduler;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;

/** Addresses that failed and when they may be tried again. Bounded; on the scheduler only. */
final class BackOff {
    private static final int MAX_ADDRESSES = 8_192;

    private record Key(PeerId peer, Multiaddr address) {}

    private record Pause(int failures, long untilNanos) {}

    private final Scheduler scheduler;
    private final Duration first;
    private final Duration max;
    private final LinkedHashMap<Key, Pause> pauses = new LinkedHashMap<>() {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Key, Pause> eldest) {
            return size() > MAX_ADDRESSES;
        }
    };

    BackOff(Scheduler scheduler, Duration first, Duration max) {
        this.scheduler = scheduler;
        this.first = first;
        this.max = max;
    }

    boolean active(PeerId peer, Multiaddr address) {
        Pause pause = pauses.get(new Key(peer, address));
        return pause != null && pause.untilNanos - scheduler.nanoTime() > 0;
    }

    void failed(PeerId peer, Multiaddr address) {
        Key key = new Key(peer, address);
        Pause old = pauses.remove(key);
        int failures = old == null ? 1 : Math.min(old.failures + 1, 30);
        long pause = first.toNanos();
        for (int i = 1; i < failures && pause < max.toNanos(); i++) {
            pause *= 2;
        }
        pauses.put(key, new Pause(failures, scheduler.nanoTime() + Math.min(pause, max.toNanos())));
    }

    void succeeded(PeerId peer, Multiaddr address) {
        pauses.remove(new Key(peer, address));
    }
}
