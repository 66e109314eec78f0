package io.ppiofs.bench;

import io.ppiofs.fs.journal.Journal;
import io.ppiofs.fs.journal.JournalOptions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("guard")
class JournalGuardTest {
    private static final int COMMITS = 40;

    private final byte[] record = Content.INCOMPRESSIBLE.bytes(200, 1);

    @Test
    void eightThreadsCommitTwiceAsMuchAsOne() throws Exception {
        // Not with the temporary files: where those are in memory a flush costs nothing and there is nothing to share.
        ExecutorService threads = Executors.newFixedThreadPool(8);
        try (ScratchDirectory scratch = ScratchDirectory.in(Path.of("target").toAbsolutePath());
                Journal journal = Journal.open(
                        scratch.path(), new byte[32], 0, () -> {}, (lsn, payload) -> {}, JournalOptions.defaults())) {
            new CostRatio("commit by 8 threads / by 1, time for one", 15)
                    .atMost(0.5, () -> nanosPerCommit(journal, threads, 1), () -> nanosPerCommit(journal, threads, 8));
        } finally {
            threads.shutdownNow();
        }
    }

    private double nanosPerCommit(Journal journal, ExecutorService threads, int count) throws Exception {
        List<Future<?>> running = new ArrayList<>();
        long start = System.nanoTime();
        for (int i = 0; i < count; i++) {
            running.add(threads.submit(() -> {
                for (int n = 0; n < COMMITS; n++) {
                    journal.commit(journal.append(record, 0, record.length));
                }
            }));
        }
        for (Future<?> one : running) {
            one.get();
        }
        return (double) (System.nanoTime() - start) / (count * COMMITS);
    }
}
