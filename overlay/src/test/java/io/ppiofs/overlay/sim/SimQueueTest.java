package io.ppiofs.overlay.sim;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayDeque;
import java.util.PriorityQueue;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SimQueueTest {
    private static final long[] SCALES = {1, 1_000, 1L << 20, 1L << 30, 1L << 34, 1L << 40};

    /** Against a heap; delays from a nanosecond to beyond the calendar, and some events cancelled. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void eventsComeInTheOrderOfTimeAndThenOfTheirMaking(long seed) {
        Random random = new Random(seed);
        SimNetwork network = new SimNetwork(seed);
        SimQueue queue = new SimQueue();
        PriorityQueue<SimEvent> model = new PriorityQueue<>();
        ArrayDeque<SimEvent> cancellable = new ArrayDeque<>();
        long now = 0;
        for (int i = 0; i < 20_000; i++) {
            if (random.nextInt(5) < 3) {
                long delay = random.nextInt(4) == 0 ? 0 : random.nextInt(1, 4) * SCALES[random.nextInt(SCALES.length)];
                SimEvent event = new SimEvent(network, now + delay, i, true, null, 0, () -> {});
                queue.add(event, delay == 0);
                model.add(event);
                cancellable.add(event);
            } else if (random.nextInt(10) == 0 && !cancellable.isEmpty()) {
                SimEvent event = cancellable.remove();
                event.cancel();
                model.remove(event);
            }
            long end = now + SCALES[random.nextInt(SCALES.length)];
            SimEvent expected = model.peek();
            SimEvent next = queue.next(end);
            while (next != null && next.cancelled()) {
                next = queue.next(end);
            }
            if (expected == null || expected.at > end) {
                assertThat(next).isNull();
            } else {
                assertThat(next).isSameAs(model.remove());
                now = expected.at;
                expected.take(); // it can no longer be cancelled
            }
        }
    }
}
