package io.ppiofs.overlay.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.network.Network;
import io.ppiofs.overlay.storage.StorageWorld.Operator;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What operators keep of a volume's journal, over the storage protocol. */
@Tag("quick")
class KeptJournalTest {
    private static final long MIB = 1 << 20;
    private static final byte[] VOLUME = new byte[PinnedHead.VOLUME];

    @TempDir
    private Path directory;

    private StorageWorld world;
    private Operator operator;

    @BeforeEach
    void begin() {
        world = new StorageWorld(11, directory);
        operator = world.add(StorageOptions.of(100 * MIB));
        operator.storage.grants().allow(world.tenant.peerId(), 10 * MIB, world.net.wallMillis());
    }

    @AfterEach
    void end() {
        world.close();
    }

    private static List<byte[]> entries(String... texts) {
        return Arrays.stream(texts)
                .map(text -> text.getBytes(StandardCharsets.UTF_8))
                .toList();
    }

    private long order(IdentityKey by, long stream, long trimmed, long first, List<byte[]> entries) {
        JournalOrder order = JournalOrder.of(by.peerId(), VOLUME, stream, trimmed, first, entries);
        return world.await(world.client.journal(operator.id(), order.sign(by, Network.PUBLIC.id()), entries));
    }

    private long order(long stream, long trimmed, long first, String... texts) {
        return order(world.tenant, stream, trimmed, first, entries(texts));
    }

    private StorageClient.JournalPage page(long from) {
        return world.await(world.client.journalPage(operator.id(), world.tenant.peerId(), VOLUME, from));
    }

    private List<String> texts() {
        List<String> all = new ArrayList<>();
        long from = 1;
        while (true) {
            StorageClient.JournalPage page = page(from);
            if (page.entries().isEmpty()) {
                return all;
            }
            page.entries().forEach(entry -> all.add(new String(entry, StandardCharsets.UTF_8)));
            from = page.first() + page.entries().size();
        }
    }

    private static void assertRefused(ErrorKind kind, String sentence, ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOf(CompletionException.class)
                .cause()
                .hasMessageContaining(sentence)
                .isInstanceOfSatisfying(
                        PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(kind));
    }

    @Test
    void entries_are_kept_in_order_and_sending_them_again_changes_nothing() {
        assertThat(order(7, 0, 1, "a", "b")).isEqualTo(3);
        assertThat(order(7, 0, 3, "c")).isEqualTo(4);
        assertThat(order(7, 0, 1, "a", "b", "c", "d")).isEqualTo(5);
        assertThat(order(7, 0, 1)).as("an order without entries asks").isEqualTo(5);
        assertThat(texts()).containsExactly("a", "b", "c", "d");
        assertThat(page(1).stream()).isEqualTo(7);
    }

    @Test
    void a_gap_and_a_fork_are_refused_and_leave_what_is_there() {
        order(7, 0, 1, "a", "b");
        assertRefused(ErrorKind.NOT_FOUND, "entries 3 to 3 are missing", () -> order(7, 0, 4, "d"));
        assertRefused(ErrorKind.NOT_FOUND, "entries 1 to 1 are missing", () -> order(8, 0, 2, "d"));
        assertRefused(ErrorKind.EXISTS, "entry 2 is here with other bytes", () -> order(7, 0, 2, "x", "y"));
        assertThat(texts()).containsExactly("a", "b");
    }

    @Test
    void a_trim_drops_entries_and_a_holder_that_missed_some_joins_behind_it() {
        order(7, 0, 1, "a", "b", "c");
        assertThat(order(7, 2, 4, "d")).isEqualTo(5);
        assertThat(texts()).containsExactly("c", "d");
        assertThat(page(1)).satisfies(page -> {
            assertThat(page.trimmed()).isEqualTo(2);
            assertThat(page.first()).isEqualTo(3);
        });
        assertThat(order(7, 9, 10, "j")).as("4 to 9 never came, and need not").isEqualTo(11);
        assertThat(texts()).containsExactly("j");
        assertThat(order(7, 3, 10, "j")).as("a trim does not go back").isEqualTo(11);
    }

    @Test
    void a_newer_stream_replaces_an_older_one_for_good() {
        order(7, 0, 1, "a", "b");
        assertThat(order(8, 5, 6, "f")).isEqualTo(7);
        assertThat(texts()).containsExactly("f");
        assertRefused(ErrorKind.EXISTS, "another machine writes", () -> order(7, 0, 3, "c"));
    }

    @Test
    void only_the_tenant_writes_and_only_what_it_signed() {
        order(7, 0, 1, "a");
        IdentityKey other = IdentityKey.generate(new SecureRandom());
        assertRefused(ErrorKind.ACCESS_DENIED, "no grant", () -> order(other, 9, 0, 1, entries("x")));
        JournalOrder.Signed signed = JournalOrder.of(world.tenant.peerId(), VOLUME, 7, 0, 2, entries("b"))
                .sign(world.tenant, Network.PUBLIC.id());
        assertRefused(
                ErrorKind.INVALID,
                "not those of the order",
                () -> world.await(world.client.journal(operator.id(), signed, entries("x"))));
        byte[] forged = signed.envelope().clone();
        forged[forged.length - 1] ^= 1;
        assertRefused(
                ErrorKind.INVALID,
                "",
                () -> world.await(world.client.journal(
                        operator.id(), new JournalOrder.Signed(signed.order(), forged), entries("b"))));
        // a foreign tenant with a grant has a journal of its own under the same volume
        operator.storage.grants().allow(other.peerId(), MIB, world.net.wallMillis());
        order(other, 9, 0, 1, entries("x"));
        assertThat(texts()).containsExactly("a");
    }

    @Test
    void what_was_answered_survives_a_restart_and_a_torn_end_does_not() throws IOException {
        order(7, 0, 1, "a", "b", "c");
        order(7, 1, 4, "d");
        long used = operator.storage.usedBy(world.tenant.peerId());
        crash();
        Path file = file();
        byte[] whole = Files.readAllBytes(file);
        operator.restart();
        assertThat(texts()).containsExactly("b", "c", "d");
        assertThat(operator.storage.usedBy(world.tenant.peerId())).isEqualTo(used);
        crash();
        Files.write(file, Arrays.copyOf(whole, 25), StandardOpenOption.APPEND);
        operator.restart();
        assertThat(texts()).containsExactly("b", "c", "d");
        crash();
        Files.write(file, Arrays.copyOf(whole, whole.length - 1));
        operator.restart();
        assertThat(texts()).containsExactly("b", "c");
        assertThat(order(7, 1, 4, "d")).isEqualTo(5);
        assertThat(texts()).containsExactly("b", "c", "d");
    }

    private void crash() {
        operator.crash();
        world.net.runFor(Duration.ofSeconds(30)); // until the others have noticed
    }

    private Path file() throws IOException {
        try (Stream<Path> files = Files.list(operator.directory().resolve("journals"))) {
            return files.findFirst().orElseThrow();
        }
    }

    @Test
    void a_journal_is_charged_to_the_grant_and_trimming_frees_it() {
        List<byte[]> big = List.of(new byte[300 << 10]);
        long number = 1;
        for (; number <= 34; number++) {
            order(world.tenant, 7, 0, number, big);
        }
        long next = number;
        assertRefused(ErrorKind.QUOTA_EXCEEDED, "used up", () -> order(world.tenant, 7, 0, next, big));
        assertThat(operator.storage.usage().journals()).isEqualTo(1);
        order(world.tenant, 7, 34, 35, List.of());
        assertThat(operator.storage.usedBy(world.tenant.peerId())).isLessThan(1_000);
        assertThat(order(world.tenant, 7, 34, 35, big)).isEqualTo(36);
    }

    @Test
    void an_entry_beyond_the_limit_is_refused_before_it_is_kept() {
        assertRefused(
                ErrorKind.INVALID,
                "not those of the order",
                () -> order(world.tenant, 7, 0, 1, List.of(new byte[JournalOrder.MAX_ENTRY + 1])));
        assertRefused(ErrorKind.INVALID, "not those of the order", () -> order(7, 0, 1, ""));
    }

    @Test
    void long_journals_are_read_in_pages() {
        List<String> written = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            String text = String.valueOf((char) ('a' + i)).repeat(200 << 10);
            written.add(text);
            order(7, 0, i + 1, text);
        }
        assertThat(page(1).entries()).hasSize(2);
        assertThat(texts()).isEqualTo(written);
    }

    @Test
    void it_ends_with_the_grant() {
        order(7, 0, 1, "a");
        operator.storage.grants().revoke(world.tenant.peerId());
        assertRefused(ErrorKind.ACCESS_DENIED, "no grant", () -> order(7, 0, 2, "b"));
        world.net.runFor(Duration.ofMinutes(3));
        assertRefused(ErrorKind.NOT_FOUND, "none of this volume", () -> page(1));
        assertThat(operator.storage.usedBy(world.tenant.peerId())).isZero();
    }
}
