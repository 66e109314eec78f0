package io.ppiofs.tests.model;

import io.ppiofs.tests.harness.Command;
import io.ppiofs.tests.harness.Ext4Image;
import io.ppiofs.tests.harness.Log;
import io.ppiofs.tests.harness.Manifest;
import io.ppiofs.tests.harness.NativeProgram;
import io.ppiofs.tests.harness.OnMount;
import io.ppiofs.tests.harness.OpExecutor;
import io.ppiofs.tests.harness.Seeds;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * {@code -Dseed=} repeats a run, {@code -Ddifferential.operations=} sets its length, {@code -Ddifferential.minutes=} for how long the one
 * with the tag {@code soak} makes new ones.
 */
class DifferentialModelTest extends OnMount {
    private static final int OPERATIONS = Integer.getInteger("differential.operations", 8_000);
    private static final int QUICK_OPERATIONS = Math.min(OPERATIONS, 3_000);

    private Path program;
    private Path reference;
    private boolean ownDriver;
    private int runs;

    @BeforeAll
    void prepare() {
        program = NativeProgram.compile(scratch(), "opexec");
        reference = onExt4(scratch().root())
                ? scratch().directory("reference")
                : Ext4Image.mounted(scratch(), 2000).dir();
        ownDriver = passesRenameFlags();
    }

    private static boolean onExt4(Path path) {
        return Command.of("stat", "-f", "-c", "%T", path).ok().out().contains("ext");
    }

    /** libfuse 2 has no rename2; the kernel then answers EINVAL itself. */
    private boolean passesRenameFlags() {
        Path probe = directory("probe");
        try (OpExecutor executor = OpExecutor.start(program, probe, OpExecutor.Credentials.ROOT)) {
            executor.call("mkdir /a 0755");
            return executor.call("rename /a /b 1").equals("=");
        }
    }

    @Test
    @Tag("quick")
    void a_short_random_history_has_the_answers_and_the_tree_of_ext4() {
        interleaved(Seeds.next("differential, short"), QUICK_OPERATIONS);
    }

    /** The kernel asks the same of the mount as before a write; only chown may be refused. */
    @Test
    @Tag("quick")
    void a_change_of_no_owner_is_refused_while_somebody_else_writes() {
        try (DifferentialRun run = newRun()) {
            for (Operation operation : List.of(
                    new Operation(0, "open 4 /shared/c 0301 02755"),
                    new Operation(2, "chown /shared/c -1 -1"),
                    new Operation(0, "write 4 10 1"),
                    new Operation(2, "stat /shared/c"))) {
                DifferentialRun.Answers answers = run.execute(operation);
                if (answers.differ()) {
                    throw new AssertionError(operation + ": " + answers);
                }
            }
        }
    }

    /** It would have ended both executors, who then agree on everything else. */
    @Test
    @Tag("quick")
    void a_write_to_a_pipe_that_nobody_reads_is_an_answer() {
        try (DifferentialRun run = newRun()) {
            for (String line : List.of(
                    "mknod /shared/p 0010644 0 0",
                    "open 1 /shared/p 00 0",
                    "open 2 /shared/p 01 0",
                    "close 1",
                    "write 2 10 1",
                    "lstat /shared/p")) {
                DifferentialRun.Answers answers = run.execute(new Operation(0, line));
                if (answers.differ()
                        || line.startsWith("write") && !answers.reference().equals("! EPIPE")) {
                    throw new AssertionError(line + ": " + answers);
                }
            }
        }
    }

    @Test
    void four_processes_in_turn_get_the_answers_and_the_tree_of_ext4() {
        interleaved(Seeds.next("differential, in turn"), OPERATIONS);
    }

    @Test
    @Tag("quick")
    void four_processes_at_once_in_their_own_directories_get_the_answers_and_the_tree_of_ext4()
            throws InterruptedException, ExecutionException {
        atOnce(Seeds.next("differential, at once"), OPERATIONS / 8);
    }

    @Test
    @Tag("soak")
    @Timeout(value = 10_000, unit = TimeUnit.HOURS)
    void for_a_long_time_random_histories_have_the_answers_and_the_tree_of_ext4()
            throws InterruptedException, ExecutionException {
        long seed = Seeds.next("differential, soak");
        long begun = System.nanoTime();
        Duration wanted = Duration.ofMinutes(Integer.getInteger("differential.minutes", 10));
        long operations = 0;
        for (int round = 0; System.nanoTime() - begun < wanted.toNanos(); round++) {
            interleaved(seed + round, OPERATIONS);
            atOnce(seed + round, OPERATIONS / 4);
            operations += 2L * OPERATIONS;
            // neither side shall be full in the end
            Command.shell("rm -rf \"$1\"/run* \"$2\"/run*", fs().dir(), reference)
                    .ok();
            if (round % 10 == 0) {
                Log.say(Duration.ofNanos(System.nanoTime() - begun).toMinutes() + " minutes, " + operations
                        + " operations without a difference");
            }
        }
    }

    private void interleaved(long seed, int count) {
        Random random = new Random(seed);
        List<OperationGenerator> generators = new ArrayList<>();
        for (int process = 0; process < DifferentialRun.PROCESSES.size(); process++) {
            List<String> homes = new ArrayList<>(DifferentialRun.SHARED);
            homes.add(DifferentialRun.own(process));
            homes.add(DifferentialRun.own(process));
            generators.add(new OperationGenerator(random, homes, ownDriver));
        }
        List<Operation> done = new ArrayList<>();
        Map<String, Integer> outcomes = new TreeMap<>();
        try (DifferentialRun run = newRun()) {
            for (int i = 0; i < count; i++) {
                int process = random.nextInt(generators.size());
                Operation operation =
                        new Operation(process, generators.get(process).next());
                done.add(operation);
                DifferentialRun.Answers answers = run.execute(operation);
                if (answers.differ()) {
                    throw explain(seed, done, answers);
                }
                outcomes.merge(operation.name() + " " + answers.reference().split(" ", 3)[0], 1, Integer::sum);
                generators.get(process).learn(operation.line(), answers.reference());
            }
            run.close();
            compareTrees(run, seed);
        }
        assertUseful(outcomes, count);
    }

    /** A generator whose operations all fail would prove nothing. In a short history chance may leave out one of them. */
    private static void assertUseful(Map<String, Integer> outcomes, int count) {
        int succeeded = outcomes.entrySet().stream()
                .filter(outcome -> outcome.getKey().endsWith(" ="))
                .mapToInt(Map.Entry::getValue)
                .sum();
        if (succeeded < count / 10) {
            throw new AssertionError("only " + succeeded + " successful among " + outcomes);
        }
        if (count < OPERATIONS) {
            return;
        }
        for (String name :
                List.of("open", "pwrite", "pread", "rename", "link", "unlink", "mkdir", "symlink", "chmod")) {
            if (outcomes.getOrDefault(name + " =", 0) < count / 4000) {
                throw new AssertionError("too few successful '" + name + "' among " + outcomes);
            }
        }
    }

    private void atOnce(long seed, int count) throws InterruptedException, ExecutionException {
        int processes = DifferentialRun.PROCESSES.size();
        ExecutorService pool = Executors.newFixedThreadPool(processes);
        try (DifferentialRun run = newRun()) {
            List<Future<Optional<Difference>>> futures = new ArrayList<>();
            for (int p = 0; p < processes; p++) {
                int process = p;
                futures.add(pool.submit(() -> oneOfMany(run, process, seed, count)));
            }
            for (Future<Optional<Difference>> future : futures) {
                Optional<Difference> difference = future.get();
                if (difference.isPresent()) {
                    throw explain(
                            seed, difference.get().done(), difference.get().answers());
                }
            }
            run.close();
            compareTrees(run, seed);
        } finally {
            pool.shutdownNow();
        }
    }

    /** What one process did, and the two answers to the last operation. */
    private record Difference(List<Operation> done, DifferentialRun.Answers answers) {}

    private Optional<Difference> oneOfMany(DifferentialRun run, int process, long seed, int count) {
        OperationGenerator generator = new OperationGenerator(
                new Random(seed * 31 + process), List.of(DifferentialRun.own(process)), ownDriver);
        List<Operation> done = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            Operation operation = new Operation(process, generator.next());
            if (leavesHome(operation, process)) {
                continue;
            }
            done.add(operation);
            String wanted = run.executeOnReference(operation);
            String got = run.executeOnMount(operation);
            if (!got.equals(wanted)) {
                return Optional.of(new Difference(done, new DifferentialRun.Answers(got, wanted)));
            }
            generator.learn(operation.line(), wanted);
        }
        return Optional.empty();
    }

    /** What touches the home directory itself or goes above it would depend on the others. */
    private static boolean leavesHome(Operation operation, int process) {
        for (String word : operation.line().split(" ")) {
            if (word.equals("/")
                    || word.contains("..")
                    || word.equals(DifferentialRun.own(process))
                            && !operation.name().matches("ls|stat|lstat")) {
                return true;
            }
        }
        return false;
    }

    private void compareTrees(DifferentialRun run, long seed) {
        String occasion = "-Dseed=" + seed + ", tree against ext4";
        Manifest wanted = Manifest.of(run.onReference(), Manifest.Scope.WITHOUT_TIMES);
        wanted.assertSame(Manifest.of(run.onMount(), Manifest.Scope.WITHOUT_TIMES), occasion);
        assertSurvivesRemount(run.onMount());
        wanted.assertSame(Manifest.of(run.onMount(), Manifest.Scope.WITHOUT_TIMES), occasion + " after a remount");
    }

    private DifferentialRun newRun() {
        return new DifferentialRun(program, fs().dir(), reference, "run" + runs++);
    }

    private AssertionError explain(long seed, List<Operation> done, DifferentialRun.Answers answers) {
        Operation last = done.get(done.size() - 1);
        String difference = "-Dseed=" + seed + ", operation " + done.size() + " " + last + ": ext4 says "
                + answers.reference() + ", the mount says " + answers.mount();
        List<Operation> few = new Minimizer(this::replay, Duration.ofSeconds(90)).minimize(done);
        StringBuilder text = new StringBuilder(difference).append("\nminimized (process, operation):\n");
        try (DifferentialRun run = newRun()) {
            for (Operation operation : few) {
                DifferentialRun.Answers both = run.execute(operation);
                text.append("  ").append(operation).append("   -> ").append(both.reference());
                text.append(both.differ() ? "   BUT " + both.mount() : "").append('\n');
            }
        }
        return new AssertionError(text.toString());
    }

    private Optional<Integer> replay(List<Operation> operations) {
        try (DifferentialRun run = newRun()) {
            return run.replay(operations);
        }
    }
}
