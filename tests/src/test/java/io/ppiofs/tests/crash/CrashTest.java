package io.ppiofs.tests.crash;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.tests.harness.Command;
import io.ppiofs.tests.harness.Fsync;
import io.ppiofs.tests.harness.Log;
import io.ppiofs.tests.harness.Manifest;
import io.ppiofs.tests.harness.NativeProgram;
import io.ppiofs.tests.harness.OnMount;
import io.ppiofs.tests.harness.PpiofsMount;
import io.ppiofs.tests.harness.Seeds;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** {@code -Dseed=} repeats the choices, {@code -Dcrash.rounds=} sets the number of the long test; the moment of death is never the same. */
class CrashTest extends OnMount {
    /** Trees of earlier rounds that must not change any more; older ones are deleted. */
    private static final int KEPT = 3;

    private final Deque<Path> earlier = new ArrayDeque<>();
    private final Deque<Manifest> manifests = new ArrayDeque<>();
    private Path program;
    private int rounds;

    private enum Death {
        UNDER_LOAD,
        WHILE_UNMOUNTING,
        WHILE_MOUNTING_AGAIN
    }

    @BeforeAll
    void prepare() {
        program = NativeProgram.compile(scratch(), "opexec");
        assertThat(fs().canBeKilled()).as("a daemon to kill").isTrue();
    }

    @Test
    @Tag("quick")
    void three_times_killed_it_has_everything_fsynced_and_a_prefix_of_the_rest() throws IOException {
        run(Seeds.next("crash, quick"), 3);
    }

    @Test
    void five_times_killed_it_has_everything_fsynced_and_a_prefix_of_the_rest() throws IOException {
        run(Seeds.next("crash"), 5);
    }

    @Test
    @Tag("soak")
    void killed_for_a_long_time_it_has_everything_fsynced_and_a_prefix_of_the_rest() throws IOException {
        run(Seeds.next("crash, soak"), Integer.getInteger("crash.rounds", 50));
    }

    private void run(long seed, int count) throws IOException {
        Random random = new Random(seed);
        for (int i = 0; i < count; i++) {
            Death death =
                    fs() instanceof PpiofsMount ? Death.values()[new int[] {0, 0, 1, 0, 2}[i % 5]] : Death.UNDER_LOAD;
            try {
                round(random, death, i % 5 == 4);
            } catch (AssertionError e) {
                throw new AssertionError("-Dseed=" + seed + ", round " + i + " (" + death + "): " + e.getMessage(), e);
            }
        }
    }

    private void round(Random random, Death death, boolean longer) throws IOException {
        int number = rounds++;
        Path dir = fs().dir().resolve("round" + number);
        CrashRound.makeDirectories(dir);
        Fsync.tree(dir);
        CrashRound round = new CrashRound(program, dir, random.nextLong(), number);
        try (round) {
            round.awaitSteps(random.nextInt(longer ? 8000 : 2500), Duration.ofSeconds(longer ? 4 : 2));
            kill(round, death, random);
        }
        fs().mount();
        String survived = round.check().toString();
        Log.say("round " + number + " " + death + ": " + round.steps() + " steps, " + round.syncs()
                + " syncs, survived " + survived);
        checkEarlierRounds(dir);
        if (fs() instanceof PpiofsMount mount) {
            mount.assertClean();
        }
    }

    private void kill(CrashRound round, Death death, Random random) {
        if (death == Death.WHILE_UNMOUNTING) {
            killWhileUnmounting(round, random);
            return;
        }
        round.expectDeath();
        fs().kill9();
        round.join();
        if (death == Death.WHILE_MOUNTING_AGAIN) {
            killWhileMounting(random);
        }
    }

    private void killWhileUnmounting(CrashRound round, Random random) {
        round.finish();
        PpiofsMount mount = (PpiofsMount) fs();
        try (Command.Running umount = mount.command().of("umount", mount.dir()).start()) {
            waitFor(random.nextInt(900));
            boolean promised = !umount.alive() && umount.process().exitValue() == 0;
            mount.kill9IfRunning();
            if (promised) {
                round.everythingWasPromised();
            }
        }
    }

    private void killWhileMounting(Random random) {
        PpiofsMount mount = (PpiofsMount) fs();
        try (Command.Running again = mount.mountCommand().start()) {
            waitFor(200 + random.nextInt(1500));
            mount.kill9IfRunning();
        }
        // the command itself may have become the node
        mount.kill9IfRunning();
    }

    /** A random moment, not a condition: this is what a crash is. */
    private static void waitFor(int millis) {
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(millis));
    }

    private void checkEarlierRounds(Path latest) throws IOException {
        int i = 0;
        for (Manifest manifest : manifests) {
            Path dir = earlier.toArray(new Path[0])[i++];
            manifest.assertSame(Manifest.of(dir, Manifest.Scope.WITH_TIMES), dir + ", which survived an earlier crash");
        }
        earlier.add(latest);
        manifests.add(Manifest.of(latest, Manifest.Scope.WITH_TIMES));
        if (earlier.size() > KEPT) {
            Command.of("rm", "-r", earlier.remove()).ok();
            manifests.remove();
        }
        // the manifest must stay true from here on
        Fsync.tree(latest);
    }
}
