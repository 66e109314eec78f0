package io.ppiofs.node.swarm;

import io.ppiofs.blockstore.erasure.Scheme;
import java.time.Duration;

/**
 * How blocks are brought to peers.
 *
 * @param scheme in which closed groups are kept; open ones as {@link Scheme#whileOpen} says
 * @param groupBytes stored bytes after which a group is closed at the latest
 * @param groupBlocks blocks after which a group is closed
 * @param batchBytes most stored bytes that are under way at a time
 * @param retry pause after a failure, and between looks at what holders lack
 * @param check one group is compared with what its holders have every so often
 * @param replaceAfter a holder that could not be reached, or was too slow, for this long is replaced if there is another peer
 * @param grace time that a holder has, at least, after half of them have taken the same blocks; then it is too slow
 */
record DrainOptions(
        Scheme scheme,
        long groupBytes,
        int groupBlocks,
        int batchBytes,
        Duration retry,
        Duration check,
        Duration replaceAfter,
        Duration grace) {
    private static final long SMALL = 16 << 20;

    static DrainOptions of(Scheme scheme) {
        return new DrainOptions(
                scheme,
                256L << 20,
                16_384,
                16 << 20,
                Duration.ofSeconds(2),
                Duration.ofSeconds(5),
                Duration.ofMinutes(15),
                Duration.ofSeconds(10));
    }

    DrainOptions withScheme(Scheme other) {
        return new DrainOptions(other, groupBytes, groupBlocks, batchBytes, retry, check, replaceAfter, grace);
    }

    /**
     * Stored bytes after which an open group is closed. With a code a small volume has small groups: what is open takes the space
     * of copies. A stripe should be full of large blocks, though.
     *
     * @param placed stored bytes of all groups
     */
    long closeAt(long placed) {
        if (scheme.isCopies()) {
            return groupBytes;
        }
        long smallest = Math.max(SMALL, (long) scheme.data() * (4 << 20));
        return Math.min(groupBytes, Math.max(smallest, placed / 8));
    }

    DrainOptions withGroups(long bytes, int blocks) {
        return new DrainOptions(scheme, bytes, blocks, batchBytes, retry, check, replaceAfter, grace);
    }

    DrainOptions withReplaceAfter(Duration value) {
        return new DrainOptions(scheme, groupBytes, groupBlocks, batchBytes, retry, check, value, grace);
    }

    DrainOptions withTimes(Duration newRetry, Duration newCheck, Duration newReplaceAfter) {
        return new DrainOptions(
                scheme, groupBytes, groupBlocks, batchBytes, newRetry, newCheck, newReplaceAfter, grace);
    }

    DrainOptions withGrace(Duration value) {
        return new DrainOptions(scheme, groupBytes, groupBlocks, batchBytes, retry, check, replaceAfter, value);
    }
}
