package io.ppiofs.tests.swarm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ppiofs.tests.harness.Command;
import io.ppiofs.tests.harness.PpiofsCommand;
import io.ppiofs.tests.harness.PpiofsMount;
import io.ppiofs.tests.harness.Scratch;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What storage nodes host is sealed and proven by the commands, on real nodes; third parties check with files only. */
class SectorsTest {
    private static final Duration PATIENCE = Duration.ofMinutes(3);
    private static final String VOLUME = "coded";

    private StorageSwarm swarm;

    @AfterEach
    void leaveNothingBehind() {
        if (swarm != null) {
            swarm.close();
        }
    }

    private static String seed(Random random) {
        byte[] seed = new byte[32];
        random.nextBytes(seed);
        return HexFormat.of().formatHex(seed);
    }

    private static String fact(String json, String name) {
        Matcher found = Pattern.compile("\"" + name + "\" ?: ?\"?([^\",\\s]*)").matcher(json);
        assertThat(found.find()).as("%s in %s", name, json).isTrue();
        return found.group(1);
    }

    private static Command.Result verify(PpiofsCommand anybody, Path statement, Path proof, String... seed) {
        Object[] words = new Object[6 + seed.length];
        words[0] = "sectors";
        words[1] = "verify";
        words[2] = "--statement";
        words[3] = statement;
        words[4] = "--proof";
        words[5] = proof;
        System.arraycopy(seed, 0, words, 6, seed.length);
        return anybody.of(words).within(PATIENCE).run();
    }

    private static void flip(Path file, long at) throws IOException {
        try (RandomAccessFile bytes = new RandomAccessFile(file.toFile(), "rw")) {
            bytes.seek(at);
            int old = bytes.read();
            bytes.seek(at);
            bytes.write(old ^ 1);
        }
    }

    /** A closed group that the node hosts. */
    private static String closedGroup(StorageNode node) {
        String[] found = {""};
        await("a group is closed and coded").atMost(PATIENCE).until(() -> {
            String groups =
                    node.command().of("sectors", "groups", "--json").ok().out();
            Matcher each = Pattern.compile("\"group\" ?: ?\"([a-z0-9]+)\"").matcher(groups);
            while (each.find()) {
                Command.Result sealed = node.command()
                        .of("sectors", "seal", each.group(1), "--parameters", "test", "--json")
                        .within(PATIENCE)
                        .run();
                if (sealed.exit() == 0) {
                    found[0] = sealed.out();
                    return true;
                }
                // copies become a coded group when they are closed, and may go between the list and the sealing
                assertThat(sealed.err()).containsAnyOf("still takes blocks", "it was given up");
            }
            return false;
        });
        return found[0];
    }

    @Test
    void a_hosted_group_is_sealed_proven_and_checked_by_others() throws IOException {
        Random random = new Random();
        swarm = StorageSwarm.start(VOLUME, 3, PATIENCE);
        PpiofsMount writer = swarm.mountWriter(swarm.home("writer"), "--code", "2+1");
        Command.shell("head -c 24000000 /dev/urandom >\"$1/large\"", writer.dir())
                .ok();
        swarm.sync();
        StorageNode node = swarm.node(0);
        PpiofsCommand operator = node.command();
        PpiofsCommand anybody = new PpiofsCommand(swarm.scratch().directory("anybody"));

        String sealed = closedGroup(node);
        String sector = fact(sealed, "sector");
        assertThat(fact(sealed, "state")).isEqualTo("sealed");
        Path statement = swarm.scratch().path("statement");
        Files.writeString(
                statement,
                operator.of("sectors", "inspect", sector, "--json").ok().out());

        Path replication = swarm.scratch().path("replication");
        operator.of("prove", sector, "--out", replication).within(PATIENCE).ok();
        assertThat(verify(anybody, statement, replication).exit()).isZero();
        flip(replication, random.nextLong(Files.size(replication)));
        assertThat(verify(anybody, statement, replication).exit()).isEqualTo(65);

        String challenge = seed(random);
        operator.of("prove", sector, "--seed", challenge, "--begin", "--out", replication)
                .within(PATIENCE)
                .ok();
        assertThat(verify(anybody, statement, replication, "--seed", challenge).exit())
                .isZero();
        assertThat(verify(anybody, statement, replication, "--seed", seed(random))
                        .exit())
                .isEqualTo(65);

        Path window = swarm.scratch().path("window");
        String randomness = seed(random);
        operator.of("prove", "--seed", randomness, "--out", window)
                .within(PATIENCE)
                .ok();
        assertThat(verify(anybody, statement, window, "--seed", randomness).exit())
                .isZero();
        assertThat(verify(anybody, statement, window, "--seed", seed(random)).exit())
                .isEqualTo(65);

        Path replica = operator.home().resolve("sectors").resolve(sector).resolve("replica");
        for (long at = 0; at < Files.size(replica); at += 4096) {
            flip(replica, at);
        }
        Command.Result failed = operator.of("prove", "--json").within(PATIENCE).run();
        assertThat(failed.exit()).isEqualTo(65);
        assertThat(fact(failed.out(), "state")).isEqualTo("faulty");
        for (long at = 0; at < Files.size(replica); at += 4096) {
            flip(replica, at);
        }
        operator.of("sectors", "recover", sector).ok();
        assertThat(fact(operator.of("prove", "--json").within(PATIENCE).ok().out(), "state"))
                .isEqualTo("proving");
        operator.of("sectors", "remove", sector).ok();
        assertThat(replica).doesNotExist();
    }

    /** Several times in different places of the work. */
    @Test
    @Tag("soak")
    void a_sealing_that_is_killed_goes_on_and_ends_with_what_decodes_to_the_file() throws IOException {
        swarm = StorageSwarm.start(VOLUME, 1, PATIENCE);
        StorageNode node = swarm.node(0);
        PpiofsCommand operator = node.command();
        Path file = swarm.scratch().path("file");
        byte[] content = new byte[3_000_000];
        new Random().nextBytes(content);
        Files.write(file, content);
        Command.Running sealing =
                operator.of("sectors", "seal", file, "--parameters", "strong").start();
        for (int kills = 0; kills < 2; kills++) {
            await("it is being sealed").atMost(PATIENCE).until(() -> {
                String list = operator.of("sectors", "list", "--json").ok().out();
                return list.contains("\"sealing\"") || list.contains("\"sealed\"");
            });
            node.kill9();
            sealing.close();
            node.start();
            sealing = operator.of("sectors", "seal", "1", "--parameters", "strong")
                    .start();
        }
        assertThat(sealing.await(PATIENCE).exit()).isZero();
        sealing.close();
        operator.of("prove", "1", "--begin").within(PATIENCE).ok();
        Path unsealed = operator.home().resolve("sectors/1/unsealed");
        assertThat(unsealed).doesNotExist();
        operator.of("sectors", "unseal", "1").within(PATIENCE).ok();
        byte[] again = Files.readAllBytes(unsealed);
        assertThat(Arrays.copyOf(again, content.length)).isEqualTo(content);
    }

    @Test
    void what_cannot_be_sealed_or_proven_is_one_sentence() {
        try (Scratch scratch = Scratch.open("sectors")) {
            PpiofsCommand alone = new PpiofsCommand(scratch.directory("home"));
            Command.Result none =
                    alone.of("sectors", "seal", "nosuchthing").within(PATIENCE).run();
            assertThat(none.exit()).isEqualTo(4);
            assertThat(none.err()).contains("is no file, and this node hosts no groups");
            assertThat(alone.of("prove").within(PATIENCE).run().err()).contains("none is proving");
            assertThat(alone.of("prove", "7").within(PATIENCE).run().err()).contains("there is no such sector");
            assertThat(alone.of("sectors", "inspect", "one")
                            .within(PATIENCE)
                            .run()
                            .err())
                    .contains("is no number");
        }
    }
}
