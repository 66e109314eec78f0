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
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
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
        loseWriters(1);
    }

    @Test
    @Tag("soak")
    void it_outlives_one_writer_after_another() throws Exception {
        loseWriters(6);
    }

    private void loseWriters(int further) throws Exception {
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

        List<Program> programs = new ArrayList<>(List.of(program));
        for (int i = 0; i < further; i++) {
            PpiofsMount next = swarm.reader(swarm.home("home" + i), capability).options(SYNC);
            next.mount();
            for (int j = 0; j < programs.size(); j++) {
                programs.get(j).assertThere(j == 0 ? next.dir() : next.dir().resolve("next" + j));
            }
            Program more =
                    new Program(Files.createDirectory(next.dir().resolve("next" + programs.size())), seed + i + 1);
            programs.add(more);
            more.start();
            await("the next one writes").atMost(PATIENCE).until(() -> more.count > 10 || more.end != null);
            assertThat(more.end).as("no fsync of the next one failed").isNull();
            lose(next);
            more.join(PATIENCE.toMillis());
        }
    }
}
