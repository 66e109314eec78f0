package io.ppiofs.tests.ondisk;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;

/**
 * Finds any {@code window} consecutive bytes of any secret anywhere in a file, by a rolling hash and a comparison of
 * the bytes themselves. Windows with few different bytes (runs of zeros) are no secret and are not looked for.
 */
final class PlaintextSearch {
    private static final long FACTOR = 0x9e3779b97f4a7c15L;
    private static final int FILTER_BITS = 26;

    private final int window;
    private final long leaving;
    private final List<byte[]> secrets;
    private final BitSet filter = new BitSet(1 << FILTER_BITS);

    /** Open addressing: the hash of a window, and beside it where the window is, plus one. */
    private final long[] hashes;

    private final long[] places;
    private int windows;

    PlaintextSearch(int window, List<byte[]> secrets) {
        this.window = window;
        this.secrets = List.copyOf(secrets);
        long power = 1;
        for (int i = 0; i < window; i++) {
            power *= FACTOR;
        }
        this.leaving = power;
        int bytes = secrets.stream().mapToInt(secret -> secret.length).sum();
        int slots = Integer.highestOneBit(Math.max(16, bytes)) * 4;
        this.hashes = new long[slots];
        this.places = new long[slots];
        for (int i = 0; i < secrets.size(); i++) {
            add(i);
        }
    }

    private void add(int which) {
        byte[] secret = secrets.get(which);
        long hash = 0;
        for (int i = 0; i < secret.length; i++) {
            hash = hash * FACTOR + secret[i] - (i >= window ? secret[i - window] * leaving : 0);
            int start = i - window + 1;
            if (start >= 0 && isTelling(Arrays.copyOfRange(secret, start, i + 1))) {
                filter.set(index(hash));
                int slot = slot(hash);
                if (places[slot] == 0) {
                    windows++;
                    hashes[slot] = hash;
                    places[slot] = ((long) which << 32 | start) + 1;
                }
            }
        }
    }

    /** Where the hash is, or where it would be. */
    private int slot(long hash) {
        int slot = (int) ((hash * 0x2545f4914f6cdd1dL) >>> 33) & (hashes.length - 1);
        while (places[slot] != 0 && hashes[slot] != hash) {
            slot = (slot + 1) & (hashes.length - 1);
        }
        return slot;
    }

    private boolean isTelling(byte[] bytes) {
        BitSet different = new BitSet(256);
        for (byte b : bytes) {
            different.set(b & 0xff);
        }
        return different.cardinality() >= Math.max(4, window / 4);
    }

    private static int index(long hash) {
        return (int) ((hash ^ hash >>> 29) & ((1 << FILTER_BITS) - 1));
    }

    int windows() {
        return windows;
    }

    /** @return where the first secret window ends in the file */
    Optional<String> findIn(Path file) throws IOException {
        byte[] ring = new byte[window];
        long hash = 0;
        long position = 0;
        try (InputStream in = new BufferedInputStream(Files.newInputStream(file), 1 << 16)) {
            byte[] chunk = new byte[1 << 16];
            for (int n = in.read(chunk); n >= 0; n = in.read(chunk)) {
                for (int i = 0; i < n; i++) {
                    int slot = (int) (position % window);
                    hash = hash * FACTOR + chunk[i] - ring[slot] * leaving;
                    ring[slot] = chunk[i];
                    position++;
                    if (position >= window && filter.get(index(hash)) && isSecret(hash, ring, slot)) {
                        return Optional.of(file + " at " + (position - window));
                    }
                }
            }
        }
        return Optional.empty();
    }

    private boolean isSecret(long hash, byte[] ring, int last) {
        long place = places[slot(hash)] - 1;
        if (place < 0) {
            return false;
        }
        byte[] secret = secrets.get((int) (place >>> 32));
        for (int i = 0; i < window; i++) {
            if (secret[(int) place + i] != ring[(last + 1 + i) % window]) {
                return false;
            }
        }
        return true;
    }
}
