package io.ppiofs.tests.swarm;

import static org.awaitility.Awaitility.await;

import io.ppiofs.tests.harness.Command;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/** Commands that are run again and again, side by side, until told to stop. What one of them complains of is kept. */
final class Workload implements AutoCloseable {
    private static final Duration ROUND = Duration.ofMinutes(10);

    private final List<Loop> loops = new ArrayList<>();
    private final List<String> errors = new CopyOnWriteArrayList<>();
    private volatile boolean stopping;

    private final class Loop {
        final AtomicLong rounds = new AtomicLong();
        final Thread thread;

        Loop(String name, String script, Object... arguments) {
            thread = new Thread(
                    () -> {
                        while (!stopping && errors.isEmpty()) {
                            round(name, script, arguments);
                            rounds.incrementAndGet();
                            rest();
                        }
                    },
                    name);
            thread.setDaemon(true);
        }
    }

    /** What was written and deleted stays on peers for days: without a pause it would be gigabytes a minute. */
    private static void rest() {
        try {
            TimeUnit.SECONDS.sleep(1);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void round(String name, String script, Object... arguments) {
        try {
            Command.Result result =
                    Command.shell(script, arguments).within(ROUND).run();
            if (result.exit() != 0) {
                errors.add(name + ": " + result);
            }
        } catch (RuntimeException | AssertionError e) {
            errors.add(name + ": " + e);
        }
    }

    /** @param script as of {@link Command#shell} */
    void start(String name, String script, Object... arguments) {
        Loop loop = new Loop(name, script, arguments);
        loops.add(loop);
        loop.thread.start();
    }

    /** Waits until each command has begun and ended at least once from now on. */
    void awaitRounds() {
        List<Long> before = loops.stream().map(loop -> loop.rounds.get()).toList();
        await("every program went once through its work").atMost(ROUND).until(() -> {
            boolean all = true;
            for (int i = 0; i < loops.size(); i++) {
                // one may have been under way
                all &= loops.get(i).rounds.get() >= before.get(i) + 2;
            }
            return all || !errors.isEmpty();
        });
        assertNoErrors();
    }

    void assertNoErrors() {
        if (!errors.isEmpty()) {
            throw new AssertionError("an application saw an error:\n" + String.join("\n", errors));
        }
    }

    long rounds() {
        return loops.stream().mapToLong(loop -> loop.rounds.get()).sum();
    }

    /** Lets what is under way end. */
    @Override
    public void close() {
        stopping = true;
        try {
            for (Loop loop : loops) {
                loop.thread.join(ROUND.toMillis());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
