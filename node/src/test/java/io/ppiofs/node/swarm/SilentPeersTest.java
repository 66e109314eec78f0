package io.ppiofs.node.swarm;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.host.Scheduler;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** On a clock that the test moves. */
@Tag("quick")
class SilentPeersTest {
    /** Timers run on the test's thread, in order of time. */
    private static final class Clock implements Scheduler {
        private record Due(long atNanos, Runnable task) {}

        private final List<Due> timers = new ArrayList<>();
        private long now;

        void pass(Duration time) {
            long end = now + time.toNanos();
            while (true) {
                Due next = timers.stream()
                        .min(Comparator.comparingLong(Due::atNanos))
                        .filter(due -> due.atNanos <= end)
                        .orElse(null);
                if (next == null) {
                    now = end;
                    return;
                }
                now = next.atNanos;
                timers.remove(next);
                next.task.run();
            }
        }

        @Override
        public long nanoTime() {
            return now;
        }

        @Override
        public long wallMillis() {
            return now / 1_000_000;
        }

        @Override
        public Timer schedule(Duration delay, Runnable task) {
            Due due = new Due(now + delay.toNanos(), task);
            timers.add(due);
            return () -> timers.remove(due);
        }

        @Override
        public Timer scheduleRepeating(Duration period, Runnable task) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void execute(Runnable task) {
            task.run();
        }
    }

    private static final SilentPeers.Times TIMES =
            new SilentPeers.Times(Duration.ofSeconds(3), Duration.ofSeconds(5), Duration.ofSeconds(1));

    private final Clock clock = new Clock();
    private final PeerId peer = IdentityKey.generate(new SecureRandom()).peerId();
    private final List<CompletableFuture<Void>> questions = new ArrayList<>();
    private final SilentPeers silent = new SilentPeers(
            asked -> {
                CompletableFuture<Void> question = new CompletableFuture<>();
                questions.add(question);
                return question;
            },
            clock,
            TIMES);

    @AfterEach
    void close() {
        silent.close();
    }

    private static PpiofsException lost() {
        return new PpiofsException(ErrorKind.NOT_CONNECTED, "ask", "peer", "as the test wants it");
    }

    @Test
    void a_quick_answer_asks_nothing_more() {
        CompletableFuture<String> answer = silent.ask(peer, () -> CompletableFuture.completedFuture("yes"));
        clock.pass(Duration.ofMinutes(1));
        assertThat(answer).isCompletedWithValue("yes");
        assertThat(questions).isEmpty();
    }

    @Test
    void a_slow_answer_of_a_peer_that_is_there_is_waited_for() {
        CompletableFuture<String> request = new CompletableFuture<>();
        CompletableFuture<String> answer = silent.ask(peer, () -> request);
        for (int i = 0; i < 20; i++) {
            clock.pass(TIMES.suspicious());
            assertThat(questions).hasSize(i + 1);
            questions.get(i).complete(null);
        }
        assertThat(silent.isSilent(peer)).isFalse();
        assertThat(answer).isNotDone();
        request.complete("late");
        assertThat(answer).isCompletedWithValue("late");
    }

    @Test
    void requests_to_a_peer_that_is_not_there_fail_at_once_until_it_answers() {
        CompletableFuture<String> underWay = new CompletableFuture<>();
        CompletableFuture<String> first = silent.ask(peer, () -> underWay);
        clock.pass(TIMES.suspicious());
        questions.get(0).completeExceptionally(lost());
        assertThat(first).isCompletedExceptionally();
        assertThat(underWay).isCancelled();
        assertThat(silent.isSilent(peer)).isTrue();
        CompletableFuture<String> second = silent.ask(peer, () -> {
            throw new AssertionError("it was asked");
        });
        assertThat(second).isCompletedExceptionally();

        clock.pass(TIMES.again());
        questions.get(1).completeExceptionally(lost());
        assertThat(silent.isSilent(peer)).isTrue();
        clock.pass(TIMES.again());
        questions.get(2).complete(null);
        assertThat(silent.isSilent(peer)).isFalse();
        assertThat(silent.ask(peer, () -> CompletableFuture.completedFuture("again")))
                .isCompletedWithValue("again");
    }

    @Test
    void who_answers_late_is_heard_at_once_and_given_longer_the_next_time() {
        CompletableFuture<String> first = silent.ask(peer, CompletableFuture::new);
        clock.pass(TIMES.suspicious());
        clock.pass(TIMES.patience());
        assertThat(first).isCompletedExceptionally();
        assertThat(silent.isSilent(peer)).isTrue();
        clock.pass(Duration.ofMillis(900));
        questions.get(0).complete(null); // after 5.9 s
        assertThat(silent.isSilent(peer)).isFalse();

        CompletableFuture<String> second = silent.ask(peer, CompletableFuture::new);
        clock.pass(TIMES.suspicious());
        clock.pass(Duration.ofSeconds(10));
        assertThat(second).isNotDone();
        clock.pass(Duration.ofSeconds(2));
        assertThat(second).isCompletedExceptionally();
    }

    @Test
    void a_refusal_is_an_answer() {
        CompletableFuture<String> answer = silent.ask(
                peer,
                () -> CompletableFuture.failedFuture(
                        new PpiofsException(ErrorKind.NO_SPACE, "put", "peer", "is full")));
        assertThat(answer).isCompletedExceptionally();
        assertThat(questions).isEmpty();
        assertThat(silent.isSilent(peer)).isFalse();
    }
}
