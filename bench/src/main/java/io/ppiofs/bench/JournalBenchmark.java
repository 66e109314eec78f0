package io.ppiofs.bench;

import io.ppiofs.fs.journal.Journal;
import io.ppiofs.fs.journal.JournalOptions;
import java.io.IOException;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Threads;

/** A record of 200 bytes until it is safe on the disk; threads share the flush. No blocks to flush before it. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@SuppressWarnings("NullAway.Init") // JMH calls the set-up before anything else
public class JournalBenchmark {
    private static final int RECORD = 200;

    private final byte[] record = Content.INCOMPRESSIBLE.bytes(RECORD, 1);
    private ScratchDirectory scratch;
    private Journal journal;

    @Setup
    public void setUp() throws IOException {
        scratch = ScratchDirectory.create();
        journal = Journal.open(
                scratch.path(), new byte[32], 0, () -> {}, (lsn, payload) -> {}, JournalOptions.defaults());
    }

    @TearDown
    public void tearDown() throws IOException {
        journal.close();
        scratch.close();
    }

    private void appendAndCommit() {
        journal.commit(journal.append(record, 0, RECORD));
    }

    @Benchmark
    public void commit() {
        appendAndCommit();
    }

    @Benchmark
    @Threads(8)
    public void commitOf8Threads() {
        appendAndCommit();
    }
}
