package io.ppiofs.overlay.fetch;

import io.ppiofs.overlay.identity.PeerId;
import java.util.LinkedHashMap;
import java.util.Map;

/** What is remembered of peers from one fetch to the next, and, if the implementation stores it, from one run to the next. Safe for any thread. */
public interface PeerMemory {
    /**
     * What is remembered of a peer.
     *
     * @param bytesPerSecond moving average of its speed, 0 if unknown
     * @param penalty failures that have not been made good; each takes one tunnel
     * @param wrongBlocks blocks that it sent with other bytes than their name says
     */
    record Remembered(double bytesPerSecond, int penalty, int wrongBlocks) {
        /** Of a peer that nothing is known of. */
        public static final Remembered NOTHING = new Remembered(0, 0, 0);

        /** Most that is counted: a peer is not damned for ever. */
        public static final int MAX_PENALTY = 8;

        public Remembered withSpeed(double value) {
            return new Remembered(value, penalty, wrongBlocks);
        }

        /** After a failure. */
        public Remembered punished() {
            return new Remembered(bytesPerSecond, Math.min(MAX_PENALTY, penalty + 1), wrongBlocks);
        }

        /** After a good while. */
        public Remembered forgiven() {
            return new Remembered(bytesPerSecond, Math.max(0, penalty - 1), wrongBlocks);
        }

        /** After wrong bytes. */
        public Remembered lied() {
            return new Remembered(bytesPerSecond, MAX_PENALTY, wrongBlocks + 1);
        }
    }

    /** {@link Remembered#NOTHING} for a peer that is not remembered. */
    Remembered recall(PeerId peer);

    void remember(PeerId peer, Remembered what);

    /** Remembers the last {@code capacity} peers until the process ends. */
    static PeerMemory ofProcess(int capacity) {
        Map<PeerId, Remembered> peers = new LinkedHashMap<>(16, 0.75f, true) {
            private static final long serialVersionUID = 1L;

            @Override
            protected boolean removeEldestEntry(Map.Entry<PeerId, Remembered> eldest) {
                return size() > capacity;
            }
        };
        return new PeerMemory() {
            @Override
            public synchronized Remembered recall(PeerId peer) {
                return peers.getOrDefault(peer, Remembered.NOTHING);
            }

            @Override
            public synchronized void remember(PeerId peer, Remembered what) {
                peers.put(peer, what);
            }
        };
    }
}
