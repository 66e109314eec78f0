package io.ppiofs.node.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.node.control.Progress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DirectoryBenchTest {
    @TempDir
    Path directory;

    @Test
    void itMeasuresEveryItemAndLeavesNothingBehind() throws Exception {
        List<String> tasks = Collections.synchronizedList(new ArrayList<>());
        BenchPlan plan = new BenchPlan(2, 1_000_001, 65_536, 5, 3000);
        List<BenchResult> results = new DirectoryBench(
                        plan, (task, done, total) -> tasks.add(task + " " + done + "/" + total))
                .run(directory);
        assertThat(results)
                .extracting(BenchResult::item)
                .containsExactly("Write big file", "Read big file", "Write small file", "Read small file", "Stat file");
        assertThat(results).allSatisfy(r -> assertThat(r.value()).isPositive());
        assertThat(tasks).contains("write big file 0/2000002", "write big file 2000002/2000002", "stat files 10/10");
        assertEmpty();
    }

    @Test
    void partsCanBeLeftOut() throws Exception {
        assertThat(new DirectoryBench(new BenchPlan(1, 0, 4096, 1, 10), Progress.NONE).run(directory))
                .hasSize(3);
        assertThat(new DirectoryBench(new BenchPlan(1, 10, 4096, 0, 10), Progress.NONE).run(directory))
                .hasSize(2);
        assertEmpty();
    }

    @Test
    void whatIsNoDirectoryIsRefused() throws IOException {
        Path file = Files.createFile(directory.resolve("f"));
        DirectoryBench bench = new DirectoryBench(new BenchPlan(1, 1, 1, 1, 1), Progress.NONE);
        assertThatThrownBy(() -> bench.run(file))
                .isInstanceOfSatisfying(
                        PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.NOT_A_DIRECTORY));
        assertThatThrownBy(() -> bench.run(directory.resolve("none")))
                .isInstanceOfSatisfying(
                        PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.NOT_FOUND));
    }

    private void assertEmpty() throws IOException {
        try (var files = Files.list(directory)) {
            assertThat(files).isEmpty();
        }
    }
}
