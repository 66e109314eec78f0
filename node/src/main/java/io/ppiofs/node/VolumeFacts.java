package io.ppiofs.node;

import java.time.Instant;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How a volume stands now.
 *
 * @param files inodes in use
 * @param unsyncedOperations operations that a power loss would take back
 * @param journalBytes bytes that a start after a crash would replay
 * @param garbageBytes file data dropped since the last collection, an estimate
 * @param lastCheckpoint null if there was none since it was opened
 * @param lastError the last failure in the background, one sentence
 * @param more further counters by name, for {@code .stats} and the metrics
 */
public record VolumeFacts(
        long files,
        long unsyncedOperations,
        long journalBytes,
        long garbageBytes,
        @Nullable Instant lastCheckpoint,
        @Nullable String lastError,
        Map<String, Long> more) {
    public VolumeFacts {
        more = Collections.unmodifiableMap(new LinkedHashMap<>(more));
    }
}
