package io.ppiofs.overlay.transport.upgrade;

import java.net.InetAddress;
import java.util.HashMap;
import java.util.Map;

/** Counts inbound handshakes under way, in all and per address. Thread safe. */
public final class HandshakeLimiter {
    private final int atOnce;
    private final int perAddress;
    private final Map<InetAddress, Integer> counts = new HashMap<>();
    private int total;

    public HandshakeLimiter(int atOnce, int perAddress) {
        this.atOnce = atOnce;
        this.perAddress = perAddress;
    }

    /** Takes a place, to be given back by {@link #leave}; false if there is none. */
    public synchronized boolean enter(InetAddress from) {
        int now = counts.getOrDefault(from, 0);
        if (total >= atOnce || now >= perAddress) {
            return false;
        }
        total++;
        counts.put(from, now + 1);
        return true;
    }

    public synchronized void leave(InetAddress from) {
        total--;
        counts.computeIfPresent(from, (address, n) -> n == 1 ? null : n - 1);
    }
}
