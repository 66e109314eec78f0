package io.ppiofs.tests.swarm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ppiofs.tests.harness.Command;
import io.ppiofs.tests.harness.PpiofsMount;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What fsync promises with {@code -o sync=swarm}, on three storage nodes that are processes of their own. */
class SwarmSyncTest {
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final String VOLUME = "synced";
    private static final String SYNC = PpiofsMount.OPTIONS + ",sync=swarm";

    private StorageSwarm swarm;

    @BeforeEach
    void startSwarm() {
        swarm = StorageSwarm.start(VOLUME, 3, PATIENCE);
    }

    @AfterEach
    void leaveNothingBehind() {
        swarm.close();
    }

    /** Writes and fsyncs files until the mount goes away under it, and remembers what was acknowledged. */
    private static final class Program extends Thread {
        private final Path dir;
        private final Random random;
        private final Map<String, byte[]> acknowledged = new HashMap<>();
        private String underWay = "";
        private volatile int count;
        private volatile IOException end;

        Program(Path dir, long seed) {
            this.dir = dir;
            this.random = new Random(seed);
        }

        private byte[] bytes(int length) {
            byte[] bytes = new byte[length];
            random.nextBytes(bytes);
            return bytes;
        }

        private void write(String name, byte[] content) throws IOException {
            underWay = name;
            try (FileChannel file = FileChannel.open(
                    dir.resolve(name),
                    StandardOpenOption.CREATE,
                    StandardOpenOption.TRUNCATE_EXISTING,
                    StandardOpenOption.WRITE)) {
                ByteBuffer left = ByteBuffer.wrap(content);
                while (left.hasRemaining()) {
                    file.write(left);
                }
                file.force(false);
            }
            acknowledged.put(name, content);
            count = count + 1; // this thread alone writes it
        }

        private void rename(String from, String to) throws IOException {
            underWay = from + " " + to;
            Files.move(dir.resolve(from), dir.resolve(to));
            try (FileChannel file = FileChannel.open(dir.resolve(to), StandardOpenOption.WRITE)) {
                file.force(true);
            }
            acknowledged.put(to, acknowledged.remove(from));
            count = count + 1; // this thread alone writes it
        }

        @Override
        public void run() {
            try {
                for (int i = 0; ; i++) {
                    write("f" + i, bytes(1 + random.nextInt(5_000)));
                    if (i % 3 == 2) {
                        rename("f" + (i - 1), "renamed" + i);
                    }
                    if (i % 5 == 4) {
                        write("f" + i, bytes(1 + random.nextInt(200_000)));
                    }
                    if (i % 7 == 6) {
                        write("large" + i, bytes(1_300_000));
                    }
                }
            } catch (IOException e) {
                end = e;
            }
        }

        /** Everything acknowledged is in the directory; only of what was under way anything may be. */
        void assertThere(Path found) throws IOException {
            for (Map.Entry<String, byte[]> file : acknowledged.entrySet()) {
                if (!(" " + underWay + " ").contains(" " + file.getKey() + " ")) {
                    assertThat(found.resolve(file.getKey())).hasBinaryContent(file.getValue());
                }
            }
        }
    }

    private void lose(PpiofsMount mount) {
        mount.kill9();
        mount.close();
        Command.of("rm", "-rf", mount.home()).ok();
    }

    @Test
    void what_was_fsynced_outlives_the_writer_its_home_and_one_of_three_nodes() throws Exception {
        Path home = swarm.home("writer");
        PpiofsMount writer = swarm.mountWriter(home, "--copies", "3", SYNC);
        PpiofsMount local = new PpiofsMount(home, "default", swarm.scratch().directory("local")).options(SYNC);
        Command.Result refused = local.mountCommand().run();
        assertThat(refused.exit()).isEqualTo(64);
        assertThat(refused.err()).contains("only on this machine").hasLineCount(1);
        Path capability = swarm.capability("--write");
        long seed = System.nanoTime();
        System.out.println("seed " + seed);

        Program program = new Program(writer.dir(), seed);
        program.start();
        await("it writes").atMost(PATIENCE).until(() -> program.count > 15 || program.end != null);
        swarm.node(2).kill9();
        int before = program.count;
        await("it goes on").atMost(PATIENCE).until(() -> program.count > before + 25 || program.end != null);
        assertThat(program.end).as("no fsync failed").isNull();
        assertThat(swarm.info())
                .containsPattern("\"swarmSyncsFailed\" ?: ?0")
                .containsPattern("\"journalHoldersNeeded\" ?: ?2");
        TimeUnit.MILLISECONDS.sleep(new Random(seed).nextInt(700)); // any moment will do
        lose(writer);
        program.join(PATIENCE.toMillis());
        assertThat(program.end).isNotNull();

        PpiofsMount second = swarm.reader(swarm.home("second"), capability).options(SYNC);
        second.mount();
        program.assertThere(second.dir());
        Program next = new Program(Files.createDirectory(second.dir().resolve("next")), seed + 1);
        next.start();
        await("the second writes").atMost(PATIENCE).until(() -> next.count > 10 || next.end != null);
        assertThat(next.end).as("no fsync of the second failed").isNull();
        lose(second);
        next.join(PATIENCE.toMillis());

        PpiofsMount third = swarm.reader(swarm.home("third"), capability).options(SYNC);
        third.mount();
        program.assertThere(third.dir());
        next.assertThere(third.dir().resolve("next"));
    }
}
