package io.ppiofs.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.Arrays;
import java.util.Locale;

/**
 * Compares two costs on a machine that others use at the same time: baseline and subject alternate in rounds of a few
 * milliseconds, each round gives a ratio, the median counts. A bound that does not hold is measured again, twice,
 * before the test fails.
 */
final class CostRatio {
    private static final int ATTEMPTS = 3;
    /** Before each attempt: the compiler has to be done with both, or the one with more code loses. */
    private static final long WARM_UP_NANOS = 1_000_000_000L;

    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

    /** Something to measure; what it returns is kept from the optimizer. */
    @FunctionalInterface
    interface Work {
        Object run() throws Exception;
    }

    private final String name;
    private final int rounds;
    private long kept;

    CostRatio(String name, int rounds) {
        this.name = name;
        this.rounds = rounds;
    }

    /** Fails unless subject / baseline, in CPU time of this thread, is at most {@code bound}. */
    void cpuAtMost(double bound, Work baseline, Work subject) throws Exception {
        atMost(bound, () -> cpuNanos(baseline), () -> cpuNanos(subject));
    }

    /** Fails unless subject / baseline, as both report it, is at most {@code bound}. */
    void atMost(double bound, Cost baseline, Cost subject) throws Exception {
        double[] medians = new double[ATTEMPTS];
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            medians[attempt] = median(baseline, subject);
            System.out.printf(
                    Locale.ROOT,
                    "guard %-40s %.3f, at most %.3f (attempt %d)%n",
                    name,
                    medians[attempt],
                    bound,
                    attempt + 1);
            if (medians[attempt] <= bound) {
                return;
            }
        }
        assertThat(Arrays.stream(medians).min().orElseThrow())
                .as("%s: median of subject / baseline, best of %s", name, Arrays.toString(medians))
                .isLessThanOrEqualTo(bound);
    }

    /** Nanoseconds, or anything else that is additive. */
    @FunctionalInterface
    interface Cost {
        double take() throws Exception;
    }

    private double median(Cost baseline, Cost subject) throws Exception {
        long warm = System.nanoTime() + WARM_UP_NANOS;
        do {
            baseline.take();
            subject.take();
        } while (System.nanoTime() < warm);
        double[] ratios = new double[rounds];
        for (int round = 0; round < rounds; round++) {
            // the order alternates, too: neither always finds the caches as the other left them
            if ((round & 1) == 0) {
                double base = baseline.take();
                ratios[round] = subject.take() / base;
            } else {
                double cost = subject.take();
                ratios[round] = cost / baseline.take();
            }
        }
        Arrays.sort(ratios);
        return ratios[rounds / 2];
    }

    private double cpuNanos(Work work) throws Exception {
        long start = THREADS.getCurrentThreadCpuTime();
        Object result = work.run();
        long nanos = THREADS.getCurrentThreadCpuTime() - start;
        kept += System.identityHashCode(result);
        return nanos;
    }
}
