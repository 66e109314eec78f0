package io.ppiofs.tests.swarm;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.tests.harness.Command;
import io.ppiofs.tests.harness.PpiofsMount;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A reader whose peers are slow: it gets what they can send together, in order. */
class SlowHoldersTest {
    private static final Duration PATIENCE = Duration.ofMinutes(5);
    private static final int MIB = 12;

    /** Bytes a second that the nodes send, in units of their sum: 8, 4 and 1. */
    private static final int FASTEST = 4_000_000;

    private StorageSwarm swarm;

    @BeforeEach
    void startSwarm() {
        swarm = StorageSwarm.start("slow", 0, PATIENCE);
        swarm.addNode("--send-rate", String.valueOf(FASTEST));
        swarm.addNode("--send-rate", String.valueOf(FASTEST / 2));
        swarm.addNode("--send-rate", String.valueOf(FASTEST / 8));
    }

    @AfterEach
    void leaveNothingBehind() {
        swarm.close();
    }

    private static String sum(Path file) {
        return Command.shell("sha256sum <\"$1\"", file).within(PATIENCE).ok().out();
    }

    @Test
    void all_of_them_send_to_who_reads_a_file_from_its_beginning_to_its_end() {
        PpiofsMount writer = swarm.mountWriter(swarm.home("writer"), "--copies", "3");
        Command.shell("cd \"$1\"; for f in first film; do head -c " + MIB + "M /dev/urandom >$f; done", writer.dir())
                .within(PATIENCE)
                .ok();
        swarm.sync();
        PpiofsMount reader = swarm.reader(swarm.home("reader"), swarm.capability());
        reader.mount();
        // how fast the nodes are is learnt with the first
        assertThat(sum(reader.dir().resolve("first")))
                .isEqualTo(sum(writer.dir().resolve("first")));
        List<Long> before = List.copyOf(StorageSwarm.received(reader).values());
        long begun = System.nanoTime();
        String read = sum(reader.dir().resolve("film"));
        double seconds = (System.nanoTime() - begun) / 1e9;
        assertThat(read).isEqualTo(sum(writer.dir().resolve("film")));
        List<Long> sent = new ArrayList<>(StorageSwarm.received(reader).values());
        assertThat(sent).hasSize(3);
        for (int i = 0; i < 3; i++) {
            sent.set(i, sent.get(i) - before.get(i));
        }
        Collections.sort(sent);
        long film = MIB * (1L << 20);
        System.out.printf(
                "8/4/1 through a mount: %.2f of %.2f MB/s, bytes %s of %d%n",
                film / seconds / 1e6, FASTEST * 13 / 8 / 1e6, sent, film);
        // speed is reported, not asserted: this machine may be busy. Who sent what is not a matter of the machine: the
        // nodes'
        // limits are far below what it can do
        long all = sent.stream().mapToLong(Long::longValue).sum();
        assertThat(all).as("hardly a byte twice").isLessThan(film * 13 / 10);
        assertThat(sent.get(2)).as("of the fastest").isBetween(all * 45 / 100, all * 75 / 100);
        assertThat(sent.get(1)).as("of the second").isBetween(all * 18 / 100, all * 45 / 100);
        assertThat(sent.get(0)).as("of the slowest").isBetween(all * 2 / 100, all * 20 / 100);
    }
}
