package io.ppiofs.node.swarm;

import io.ppiofs.overlay.placement.Scheme;
import java.time.Duration;

/**
 * How blocks are brought to peers.
 *
 * @param copies of each block while its group is open, and after that if the volume keeps copies
 * @param groupBytes stored bytes after which a group is closed
 * @param groupBlocks blocks after which a group is closed
 * @param batchBytes most stored bytes that are under way at a time
 * @param retry pause after a failure, and between looks at what holders lack
 * @param check one group is compared with what its holders have every so often
 * @param replaceAfter a holder that could not be reached for this long is replaced if there is another peer
 */
record DrainOptions(
        Scheme copies,
        long groupBytes,
        int groupBlocks,
        int batchBytes,
        Duration retry,
        Duration check,
        Duration replaceAfter) {
    static DrainOptions of(Scheme copies) {
        return new DrainOptions(
                copies,
                256L << 20,
                16_384,
                16 << 20,
                Duration.ofSeconds(2),
                Duration.ofSeconds(5),
                Duration.ofMinutes(15));
    }

    DrainOptions withGroups(long bytes, int blocks) {
        return new DrainOptions(copies, bytes, blocks, batchBytes, retry, check, replaceAfter);
    }

    DrainOptions withReplaceAfter(Duration value) {
        return new DrainOptions(copies, groupBytes, groupBlocks, batchBytes, retry, check, value);
    }

    DrainOptions withTimes(Duration newRetry, Duration newCheck, Duration newReplaceAfter) {
        return new DrainOptions(copies, groupBytes, groupBlocks, batchBytes, newRetry, newCheck, newReplaceAfter);
    }
}
