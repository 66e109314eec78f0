package io.ppiofs.node.swarm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.storage.WriterLease;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Machines that want to write one volume, and operators in memory that know who does. */
@Tag("long")
class WriterPresenceTest {
    private static final SecureRandom RANDOM = new SecureRandom();
    private static final Duration LIFE = Duration.ofMillis(900);

    /** An operator: one lease, by its own clock. */
    private static final class Operator {
        private PeerId writer;
        private long until;
        private long renewals;
        private volatile boolean down;

        synchronized CompletableFuture<WriterLease.Held> ask(WriterLease lease) {
            if (down) {
                return CompletableFuture.failedFuture(new PpiofsException(
                        ErrorKind.NOT_CONNECTED, "ask", "operator", "is down, as the test wants it"));
            }
            long now = System.nanoTime();
            boolean live = writer != null && until - now > 0;
            if (!live || lease.writer().equals(writer)) {
                renewals = live ? renewals + 1 : 1;
                writer = lease.writer();
                until = now + lease.lifetime().toNanos();
            }
            return CompletableFuture.completedFuture(
                    new WriterLease.Held(writer, Duration.ofNanos(Math.max(0, until - now)), renewals));
        }
    }

    private final IdentityKey tenant = IdentityKey.generate(RANDOM);
    private final Map<PeerId, Operator> operators = new LinkedHashMap<>();
    private final List<WriterPresence> machines = new ArrayList<>();

    private PeerId peer() {
        return IdentityKey.generate(RANDOM).peerId();
    }

    private void operators(int count) {
        for (int i = 0; i < count; i++) {
            operators.put(peer(), new Operator());
        }
    }

    private WriterPresence machine() {
        WriterPresence made = new WriterPresence(
                "test",
                new byte[32],
                peer(),
                tenant,
                NetworkId.LOCAL,
                LIFE,
                operators::keySet,
                (operator, lease) -> operators.get(operator).ask(lease.lease()));
        machines.add(made);
        return made;
    }

    private static void started(WriterPresence presence) {
        presence.acquire();
        presence.start();
    }

    @AfterEach
    void end() {
        machines.forEach(WriterPresence::close);
    }

    @Test
    void a_second_machine_is_refused_while_the_first_one_writes() {
        operators(3);
        started(machine());
        WriterPresence second = machine();
        assertThatThrownBy(second::acquire)
                .isInstanceOfSatisfying(
                        PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.BUSY))
                .hasMessageContaining("another machine");
    }

    @Test
    void one_that_gave_it_back_keeps_nobody_waiting_and_one_that_died_only_for_the_rest_of_its_lease() {
        operators(3);
        WriterPresence first = machine();
        started(first);
        first.ending(Duration.ofSeconds(5)); // renews no more, as if it had died
        WriterPresence second = machine();
        long before = System.nanoTime();
        CompletableFuture<Void> waits = CompletableFuture.runAsync(second::acquire);
        assertThat(waits).isNotDone();
        first.close();
        waits.join();
        assertThat(Duration.ofNanos(System.nanoTime() - before)).isLessThan(Duration.ofSeconds(4));
        second.close();

        operators
                .values()
                .forEach(operator -> operator.ask(new WriterLease(tenant.peerId(), new byte[32], peer(), 1, LIFE)));
        started(machine());
    }

    @Test
    void who_reaches_no_operator_writes_alone_and_hears_of_the_other_later() {
        operators(3);
        started(machine());
        operators.values().forEach(operator -> operator.down = true);
        WriterPresence alone = machine();
        started(alone);
        assertThat(alone.trouble()).isNull();
        operators.values().forEach(operator -> operator.down = false);
        await().atMost(Duration.ofSeconds(20)).until(() -> machines.stream().anyMatch(m -> m.trouble() != null));
    }
}
