package io.ppiofs.tests.tools;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.tests.harness.Command;
import io.ppiofs.tests.harness.NativeProgram;
import io.ppiofs.tests.harness.OnMount;
import io.ppiofs.tests.harness.Seeds;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Random reads, writes, truncations and mappings of one file against a model in memory. */
class ExerciserTest extends OnMount {
    private Path exerciser;

    @BeforeAll
    void compile() {
        exerciser = NativeProgram.compile(scratch(), "exerciser");
    }

    @Tag("quick")
    @ParameterizedTest(name = "one file with [{0}] is, quickly, always what the model says")
    @ValueSource(strings = {"map fsync reopen append", "map punch zero allocate fsync reopen append second hole"})
    void one_file_is_quickly_always_what_the_model_says(String features) throws IOException {
        run(features, 2000, 400_000);
    }

    @ParameterizedTest(name = "one file with [{0}] is always what the model says")
    @ValueSource(
            strings = {
                "",
                "map",
                "map fsync reopen append",
                "punch zero allocate map",
                "second map reopen",
                "align",
                "direct fsync",
                "hole map punch reopen",
                "append fsync second",
                "map punch zero allocate fsync reopen append second hole"
            })
    void one_file_is_always_what_the_model_says(String features) throws IOException {
        run(features, Integer.getInteger("exerciser.operations", 2000), 600_000);
    }

    @ParameterizedTest(name = "a file of 24 MiB with [{0}] is always what the model says")
    @ValueSource(strings = {"map fsync reopen append second hole", "punch zero allocate hole reopen"})
    void a_larger_file_is_always_what_the_model_says(String features) throws IOException {
        run(features, Integer.getInteger("exerciser.operations", 2000), 24_000_000);
    }

    @Tag("soak")
    @ParameterizedTest(name = "for a long time one file with [{0}] is always what the model says")
    @ValueSource(
            strings = {
                "map punch zero allocate fsync reopen append second hole",
                "map fsync reopen append second hole",
                "direct second hole"
            })
    void for_a_long_time_one_file_is_always_what_the_model_says(String features) throws IOException {
        run(features, Integer.getInteger("exerciser.soak", 200_000), 4_000_000);
    }

    private void run(String features, int operations, long limit) throws IOException {
        long seed = Seeds.next("exerciser [" + features + "]");
        Path file = fs().dir().resolve("file" + System.nanoTime());
        Path model = scratch().path("model");
        List<Object> words = new ArrayList<>(List.of(exerciser, file, seed, operations, limit));
        words.addAll(List.of(features.split(" ")));
        words.remove("");
        Command.of(words)
                .with("EXERCISER_MODEL", model)
                .within(Duration.ofMinutes(20))
                .ok();
        fs().remount();
        assertThat(Files.mismatch(file, model))
                .as("first difference after a remount")
                .isEqualTo(-1);
        Files.delete(file);
        Files.delete(model);
    }
}
