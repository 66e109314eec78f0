package io.ppiofs.fs.fuse;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class ListenerGateTest {
    @Test
    void somebodyListensWhileOthersAreHeldUpAndAllLeaveAtTheEnd() throws Exception {
        int workers = 4;
        ListenerGate gate = new ListenerGate("gate-sentinel", workers);
        Semaphore requests = new Semaphore(0);
        AtomicInteger served = new AtomicInteger();
        CountDownLatch slow = new CountDownLatch(1);
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < workers; i++) {
            Thread t = new Thread(() -> work(gate, requests, served, slow));
            threads.add(t);
            t.start();
        }
        try {
            requests.release(3);
            // Three of four are held up now; the fourth still serves, found by the sentinel alone.
            await().atMost(Duration.ofSeconds(10)).until(() -> served.get() == 3);
            await().atMost(Duration.ofSeconds(10)).until(requests::hasQueuedThreads);
            slow.countDown();
            requests.release(1000);
            await().atMost(Duration.ofSeconds(10)).until(() -> served.get() == 1003);
        } finally {
            slow.countDown();
            gate.close();
            requests.release(workers);
            for (Thread t : threads) {
                t.join(TimeUnit.SECONDS.toMillis(10));
            }
        }
        assertThat(threads).noneMatch(Thread::isAlive);
    }

    private static void work(ListenerGate gate, Semaphore requests, AtomicInteger served, CountDownLatch slow) {
        while (gate.enter()) {
            requests.acquireUninterruptibly();
            gate.leave();
            served.incrementAndGet();
            try {
                slow.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }
}
