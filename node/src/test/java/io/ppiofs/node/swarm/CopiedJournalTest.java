package io.ppiofs.node.swarm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.journal.JournalReplica.Sealed;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.network.Network;
import io.ppiofs.overlay.storage.JournalOrder;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** When copies of journal records count as confirmed. */
@Tag("quick")
class CopiedJournalTest {
    private static final SecureRandom SECRETS = new SecureRandom();
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final IdentityKey tenant = IdentityKey.generate(SECRETS);
    private final List<PeerId> peers = List.of(
            IdentityKey.generate(SECRETS).peerId(),
            IdentityKey.generate(SECRETS).peerId(),
            IdentityKey.generate(SECRETS).peerId());
    private final ConcurrentHashMap<PeerId, Peer> operators = new ConcurrentHashMap<>();
    private final AtomicLong firmBlocks = new AtomicLong(Long.MAX_VALUE);
    private final AtomicLong blocks = new AtomicLong();
    private CopiedJournal journal;
    private long lsn;

    /** Keeps entries as an operator does. */
    private static final class Peer {
        private final TreeMap<Long, byte[]> entries = new TreeMap<>();
        private final List<Integer> orders = new ArrayList<>();
        private long next = 1;
        private boolean down;
        private CompletableFuture<Void> gate = CompletableFuture.completedFuture(null);

        synchronized CompletableFuture<Long> take(JournalOrder order, List<byte[]> sent) {
            if (down) {
                return CompletableFuture.failedFuture(
                        new PpiofsException(ErrorKind.NOT_CONNECTED, "ask", "peer", "it is down"));
            }
            orders.add(sent.size());
            entries.headMap(order.trimmed(), true).clear();
            next = Math.max(next, order.trimmed() + 1);
            if (!sent.isEmpty() && order.first() > next) {
                return CompletableFuture.failedFuture(
                        new PpiofsException(ErrorKind.NOT_FOUND, "ask", "peer", "entries are missing here"));
            }
            for (int i = 0; i < sent.size(); i++) {
                entries.put(order.first() + i, sent.get(i));
                next = Math.max(next, order.first() + i + 1);
            }
            long answer = next;
            return gate.thenApply(open -> answer);
        }

        synchronized void down(boolean is) {
            down = is;
        }

        synchronized List<Long> numbers() {
            return List.copyOf(entries.keySet());
        }

        synchronized void forget() {
            entries.clear();
            next = 1;
        }
    }

    private void start(Duration patience, long retained) {
        peers.forEach(peer -> operators.put(peer, new Peer()));
        journal = new CopiedJournal(
                "v",
                tenant,
                Network.PUBLIC.id(),
                new byte[32],
                5,
                (peer, order, entries) -> operators.get(peer).take(order.order(), entries),
                blocks::get,
                position -> position <= firmBlocks.get(),
                () -> "no peer has room",
                new CopiedJournal.Options(patience, patience, Duration.ofMillis(20), retained));
        journal.start(0);
    }

    @AfterEach
    void end() {
        journal.close();
    }

    private void append(int bytes) {
        lsn++;
        journal.append(new Sealed(lsn, lsn, new byte[bytes]));
    }

    private void assertConfirmed(CompletableFuture<Void> answer) throws Exception {
        answer.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    }

    private static void assertFails(CompletableFuture<Void> answer, String sentence) {
        assertThatThrownBy(() -> answer.get(PATIENCE.toSeconds(), TimeUnit.SECONDS))
                .isInstanceOf(ExecutionException.class)
                .cause()
                .isInstanceOf(PpiofsException.class)
                .hasMessageContaining(sentence);
    }

    @Test
    void a_majority_is_enough_and_nothing_is_sent_before_a_head_is_firm() throws Exception {
        start(PATIENCE, 1 << 20);
        operators.get(peers.get(2)).down(true);
        append(10);
        CompletableFuture<Void> early = journal.confirmed(1);
        assertThat(early).isNotDone();
        journal.firm(0, peers, 2);
        assertConfirmed(early);
        append(10);
        assertConfirmed(journal.confirmed(2));
        assertThat(operators.get(peers.get(0)).numbers()).containsExactly(1L, 2L);
        assertThat(operators.get(peers.get(2)).numbers()).isEmpty();
        operators.get(peers.get(2)).down(false);
        await().atMost(PATIENCE)
                .until(() -> operators.get(peers.get(2)).numbers().equals(List.of(1L, 2L)));
    }

    @Test
    void too_few_fail_in_time_and_when_they_are_back_it_succeeds() throws Exception {
        start(Duration.ofMillis(200), 1 << 20);
        journal.firm(0, peers, 2);
        operators.get(peers.get(1)).down(true);
        operators.get(peers.get(2)).down(true);
        append(10);
        assertFails(journal.confirmed(1), "fewer than 2 of 3 peers have confirmed the journal");
        assertThat(journal.facts()).containsEntry("recordsNotOnPeers", 1L).containsEntry("swarmSyncsFailed", 1L);
        operators.get(peers.get(1)).down(false);
        await().atMost(PATIENCE)
                .untilAsserted(() -> assertThat(journal.facts()).containsEntry("recordsNotOnPeers", 0L));
        assertConfirmed(journal.confirmed(1));
    }

    @Test
    void blocks_on_too_few_peers_hold_up_the_records_that_refer_to_them() throws Exception {
        start(Duration.ofMillis(200), 1 << 20);
        journal.firm(0, peers, 2);
        firmBlocks.set(6);
        blocks.set(7);
        append(10);
        assertFails(journal.confirmed(1), "peers have confirmed the blocks (no peer has room)");
        firmBlocks.set(7);
        journal.blocksMoved();
        await().atMost(PATIENCE)
                .untilAsserted(() -> assertThat(journal.facts()).containsEntry("recordsNotOnPeers", 0L));
    }

    @Test
    void those_who_come_while_a_message_is_under_way_share_the_next_one() throws Exception {
        start(PATIENCE, 1 << 20);
        Peer slow = operators.get(peers.get(0));
        CompletableFuture<Void> gate = new CompletableFuture<>();
        synchronized (slow) {
            slow.gate = gate;
        }
        append(10);
        journal.firm(0, peers.subList(0, 1), 1);
        await().atMost(PATIENCE).until(() -> slow.numbers().size() == 1);
        List<CompletableFuture<Void>> answers = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            append(10);
            answers.add(journal.confirmed(lsn));
        }
        synchronized (slow) {
            slow.gate = CompletableFuture.completedFuture(null);
        }
        gate.complete(null);
        for (CompletableFuture<Void> answer : answers) {
            assertConfirmed(answer);
        }
        synchronized (slow) {
            assertThat(slow.orders).containsExactly(1, 50);
        }
    }

    @Test
    void a_firm_head_trims_whole_records_only_and_confirms_what_it_contains() throws Exception {
        start(PATIENCE, 1 << 20);
        journal.firm(0, peers, 2);
        append(10);
        journal.append(new Sealed(2, 1, new byte[10])); // the first part of record 2
        journal.append(new Sealed(2, 2, new byte[10]));
        lsn = 2;
        assertConfirmed(journal.confirmed(2));
        journal.firm(1, peers, 2);
        Peer peer = operators.get(peers.get(0));
        await().atMost(PATIENCE).until(() -> peer.numbers().equals(List.of(2L, 3L)));
        journal.firm(2, peers, 2);
        await().atMost(PATIENCE).until(() -> peer.numbers().isEmpty());
        assertThat(journal.facts()).containsEntry("journalBytesOnPeers", 0L);
    }

    @Test
    void a_holder_that_lost_everything_gets_what_is_not_trimmed_again() throws Exception {
        start(PATIENCE, 1 << 20);
        journal.firm(0, peers, 2);
        append(10);
        append(10);
        journal.firm(1, peers, 2);
        assertConfirmed(journal.confirmed(2));
        Peer peer = operators.get(peers.get(0));
        await().atMost(PATIENCE).until(() -> peer.numbers().equals(List.of(2L)));
        peer.forget();
        append(10);
        assertConfirmed(journal.confirmed(3));
        await().atMost(PATIENCE).until(() -> peer.numbers().equals(List.of(2L, 3L)));
    }

    @Test
    void what_does_not_fit_into_memory_is_confirmed_by_the_next_head_and_never_before() throws Exception {
        start(Duration.ofMillis(200), 100);
        append(60);
        append(60); // drops the first
        append(10);
        journal.firm(0, peers, 2);
        assertFails(journal.confirmed(3), "no head of this mount has its copies yet");
        journal.firm(1, peers, 2);
        await().atMost(PATIENCE)
                .untilAsserted(() -> assertThat(journal.facts()).containsEntry("recordsNotOnPeers", 0L));
        assertConfirmed(journal.confirmed(3));
        assertThat(operators.get(peers.get(0)).numbers()).containsExactly(2L, 3L);
    }
}
