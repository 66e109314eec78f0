package io.ppiofs.tests.crash;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.tests.crash.Change.Create;
import io.ppiofs.tests.crash.Change.Fsync;
import io.ppiofs.tests.crash.Change.MakeDirectory;
import io.ppiofs.tests.crash.Change.Rename;
import io.ppiofs.tests.crash.Change.Rewrite;
import io.ppiofs.tests.crash.Change.Write;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The judge of the crash test must see each kind of loss. */
@Tag("quick")
class CrashCheckerTest {
    private static final long FILE = 7;
    private static final long OTHER = 8;

    /** Steps at times 10, 20, 30 …, each answered 5 later. */
    private static List<Step> steps(Change... changes) {
        List<Step> steps = new ArrayList<>();
        for (Change change : changes) {
            int n = steps.size() + 1;
            steps.add(new Step(change, n, n * 10L, n * 10L + 5, change instanceof Create c ? c.file() + 100 : 0));
        }
        return steps;
    }

    private static Observed.Found file(long number, int... versions) {
        return new Observed.Found(
                Namespace.Kind.FILE, number + 100, 1, 0644, 0, "", number, versions, versions.length * 64L);
    }

    private static Observed.Found directory() {
        return new Observed.Found(Namespace.Kind.DIRECTORY, 1, 2, 0755, 0, "", 0, new int[0], 0);
    }

    private static List<Integer> check(List<Step> steps, Map<String, Observed.Found> found) {
        return new CrashChecker(List.of(steps), List.of(new Observed(found))).check();
    }

    @Test
    void nothing_survived_is_fine_without_a_sync() {
        assertThat(check(steps(new Create("a", FILE), new Write("a", FILE, 0, 2)), Map.of()))
                .containsExactly(0);
    }

    @Test
    void a_file_that_was_fsynced_must_be_there() {
        List<Step> steps = steps(new Create("a", FILE), new Write("a", FILE, 0, 2), new Fsync("a", FILE, false));
        assertThatThrownBy(() -> check(steps, Map.of())).hasMessageContaining("a is missing");
        assertThat(check(steps, Map.of("a", file(FILE, 2, 2)))).hasSize(1);
    }

    @Test
    void bytes_that_were_fsynced_must_be_there() {
        List<Step> steps = steps(new Create("a", FILE), new Write("a", FILE, 0, 2), new Fsync("a", FILE, true));
        assertThatThrownBy(() -> check(steps, Map.of("a", file(FILE)))).hasMessageContaining("no prefix of its writes");
    }

    @Test
    void an_fsync_of_one_file_carries_every_name_before_it() {
        List<Step> steps = steps(
                new MakeDirectory("d"), new Create("a", FILE), new Fsync("a", FILE, false), new MakeDirectory("e"));
        assertThatThrownBy(() -> check(steps, Map.of("a", file(FILE)))).hasMessageContaining("d is missing");
        assertThat(check(steps, Map.of("d", directory(), "a", file(FILE)))).hasSize(1);
        assertThat(check(steps, Map.of("d", directory(), "a", file(FILE), "e", directory())))
                .hasSize(1);
    }

    @Test
    void names_may_not_survive_out_of_order() {
        List<Step> steps = steps(new MakeDirectory("d"), new MakeDirectory("e"), new MakeDirectory("f"));
        assertThatThrownBy(() -> check(steps, Map.of("d", directory(), "f", directory())))
                .hasMessageContaining("no prefix");
    }

    @Test
    void writes_may_not_survive_out_of_order() {
        List<Step> steps = steps(new Create("a", FILE), new Write("a", FILE, 0, 2), new Write("a", FILE, 4, 2));
        assertThatThrownBy(() -> check(steps, Map.of("a", file(FILE, 0, 0, 0, 0, 3, 3))))
                .hasMessageContaining("zeros×4");
        assertThat(check(steps, Map.of("a", file(FILE, 2, 2, 0, 0, 3, 3)))).hasSize(1);
    }

    @Test
    void a_size_may_not_cover_bytes_that_were_not_written() {
        List<Step> steps = steps(new Create("a", FILE), new Write("a", FILE, 0, 3));
        assertThatThrownBy(() -> check(steps, Map.of("a", file(FILE, 0, 0, 0)))).hasMessageContaining("zeros×3");
        assertThatThrownBy(() -> check(steps, Map.of("a", file(FILE, 2, 2, 0)))).hasMessageContaining("zeros");
        assertThat(check(steps, Map.of("a", file(FILE, 2, 2))))
                .as("the first piece of a write")
                .hasSize(1);
    }

    @Test
    void torn_bytes_are_seen() {
        byte[] cell = new byte[128];
        cell[70] = 1;
        assertThat(Observed.versions(cell, FILE)).containsExactly(Observed.HOLE, Observed.TORN);
        assertThat(Observed.versions(Arrays.copyOf(cell, 65), FILE)).containsExactly(Observed.HOLE, Observed.TORN);
    }

    @Test
    void a_rename_over_never_shows_less_than_was_written_before() {
        List<Step> steps = steps(
                new Create("a", OTHER), new Create("t", FILE), new Write("t", FILE, 0, 2), new Rename("t", "a", true));
        assertThatThrownBy(() -> check(steps, Map.of("a", file(FILE)))).hasMessageContaining("no prefix of its writes");
        assertThat(check(steps, Map.of("a", file(FILE, 3, 3)))).hasSize(1);
        assertThat(check(steps, Map.of("a", file(OTHER), "t", file(FILE)))).hasSize(1);
    }

    @Test
    void a_rewrite_before_a_sync_of_something_else_never_leaves_an_empty_file() {
        List<Step> steps = steps(
                new Create("a", FILE),
                new Write("a", FILE, 0, 3),
                new Fsync("a", FILE, true),
                new Create("b", OTHER),
                new Rewrite("a", FILE, 2),
                new Fsync("b", OTHER, false));
        assertThatThrownBy(() -> check(steps, Map.of("a", file(FILE), "b", file(OTHER))))
                .hasMessageContaining("is empty");
        assertThatThrownBy(() -> check(steps, Map.of("a", file(FILE, 5), "b", file(OTHER))))
                .hasMessageContaining("no prefix of its writes");
        assertThat(check(steps, Map.of("a", file(FILE, 5, 5), "b", file(OTHER))))
                .hasSize(1);
        assertThat(check(steps, Map.of("a", file(FILE, 2, 2, 2), "b", file(OTHER))))
                .as("the old bytes")
                .hasSize(1);
    }

    @Test
    void an_inode_may_not_become_another() {
        List<Step> steps = steps(new Create("a", FILE), new Create("b", OTHER), new Fsync("a", FILE, false));
        assertThatThrownBy(() -> check(steps, Map.of("a", file(OTHER), "b", file(FILE))))
                .hasMessageContaining("no prefix");
    }

    @Test
    void what_one_process_did_before_a_surviving_step_of_another_survives() {
        List<Step> first = steps(new MakeDirectory("x"));
        List<Step> second =
                List.of(new Step(new MakeDirectory("y"), 1, 20, 25, 0), new Step(new MakeDirectory("z"), 2, 30, 35, 0));
        CrashChecker checker = new CrashChecker(
                List.of(first, second), List.of(new Observed(Map.of()), new Observed(Map.of("y", directory()))));
        assertThatThrownBy(checker::check).hasMessageContaining("later step of another worker");
    }
}
