package io.ppiofs.tests.model;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/** Leaves out operations, in ever smaller pieces, as long as some answer still differs. */
final class Minimizer {
    private final Function<List<Operation>, Optional<Integer>> replay;
    private final long deadline;

    Minimizer(Function<List<Operation>, Optional<Integer>> replay, Duration budget) {
        this.replay = replay;
        this.deadline = System.nanoTime() + budget.toNanos();
    }

    /** @return as few operations as the time allowed; the answers to the last one differ */
    List<Operation> minimize(List<Operation> failing) {
        List<Operation> best = failing;
        for (int piece = best.size() / 2; piece > 0; piece /= 2) {
            int end = best.size() - 1; // the last one shows the difference
            while (end > 0 && System.nanoTime() < deadline) {
                int start = Math.max(0, end - piece);
                List<Operation> candidate = new ArrayList<>(best.subList(0, start));
                candidate.addAll(best.subList(end, best.size()));
                Optional<Integer> difference = replay.apply(candidate);
                if (difference.isPresent()) {
                    best = candidate.subList(0, difference.get() + 1);
                    end = Math.min(start, best.size() - 1);
                } else {
                    end = start;
                }
            }
        }
        return best;
    }
}
