package io.ppiofs.tests.swarm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ppiofs.tests.harness.Command;
import io.ppiofs.tests.harness.Log;
import io.ppiofs.tests.harness.PpiofsMount;
import io.ppiofs.tests.harness.Seeds;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Three copies on three storage nodes, or stripes of two and two on four, and a mount whose local store is too small for its
 * files: while programs work on it the nodes fail, up to two at a time. No program may notice, and afterwards everything has its
 * copies or stripes again.
 */
@Tag("soak")
@Timeout(value = 90, unit = TimeUnit.MINUTES)
class SwarmChaosTest {
    /** For what takes seconds on an idle machine. */
    private static final Duration PATIENCE = Duration.ofMinutes(8);

    private static final String VOLUME = "shared";
    private static final Pattern HEALED = Pattern.compile("\"degradedGroups\" ?: ?0\\b");

    private StorageSwarm swarm;
    private List<StorageNode> nodes;
    private PpiofsMount mount;
    private Workload work;

    /** How many slots a group has, and how many of them are enough. */
    private int slots;

    private int needed;

    private void startWithCopies() {
        start(3, 1, "--copies", "3");
    }

    private void startWithStripes() {
        start(4, 2, "--code", "2+2");
    }

    private void start(int slots, int needed, String option, String scheme) {
        this.slots = slots;
        this.needed = needed;
        swarm = StorageSwarm.startApart(VOLUME, slots, PATIENCE, "--scrub-every", "3s");
        nodes = swarm.nodes();
        Path home = swarm.home("writer", "cache = \"16MiB\"", "replace-after = \"10s\"");
        mount = swarm.mountWriter(home, option, scheme);
        Command.shell(
                        "mkdir \"$1/base\"; for i in $(seq 60); do head -c $((i * 700)) /dev/urandom >\"$1/base/$i\"; done; "
                                + "head -c 40000000 /dev/urandom >\"$1/base/big\"",
                        mount.dir())
                .ok();
        sync();
        work = new Workload();
    }

    @AfterEach
    void leaveNothingBehind() {
        if (work != null) {
            work.close();
        }
        if (swarm != null) {
            swarm.close();
        }
    }

    // ---- what the programs do

    private void startPrograms() {
        Path dir = mount.dir();
        work.start(
                "fio",
                "fio --name=v --directory=\"$1\" --rw=randwrite --bs=16k --size=4m --verify=crc32c --do_verify=1 "
                        + "--verify_fatal=1 --fsync=64 --minimal",
                dir);
        work.start("git", """
                cd "$1"; rm -rf g g2; git init -q g; cd g
                for k in 1 2; do
                  head -c 100000 /dev/urandom | base64 >f$k; git add .
                  git -c user.name=a -c user.email=b@c commit -qm $k
                done
                cd ..; git clone -q g g2; git -C g2 fsck --strict
                """, dir);
        work.start(
                "rsync",
                "rsync -a --delete \"$1/base/\" \"$1/copy/\"; diff -r \"$1/base\" \"$1/copy\"; rm -rf \"$1/copy\"",
                dir);
    }

    // ---- what is known of the volume

    private long fact(String name) {
        Matcher found = Pattern.compile("\"" + name + "\" ?: ?([0-9]+)").matcher(swarm.info());
        assertThat(found.find()).as(name).isTrue();
        return Long.parseLong(found.group(1));
    }

    /** Backlog and head included. Patience is that of the machine: one that is busy may take nothing for a minute. */
    private void sync() {
        await("everything is on peers")
                .atMost(PATIENCE)
                .until(() -> mount.command()
                                .of("volume", "sync", VOLUME)
                                .within(PATIENCE)
                                .run()
                                .exit()
                        == 0);
    }

    private void awaitCopies() {
        await("every group has its copies")
                .atMost(PATIENCE)
                .until(() -> HEALED.matcher(swarm.info()).find());
    }

    /** Each group is compared with what its holders have, begun after this call; then the copies are awaited. */
    private void awaitComparedAndWhole() {
        long groups = fact("placementGroups");
        long before = fact("comparedGroups");
        await("groups are compared").atMost(PATIENCE).until(() -> fact("comparedGroups") >= before + 2 * groups + 1);
        awaitCopies();
    }

    // ---- faults

    /** A test of minutes says where it is. */
    private static void say(String phase) {
        Log.say("chaos: " + phase);
    }

    private void whileTwoAreKilled(StorageNode a, StorageNode b) {
        awaitCopies();
        say("two are killed");
        a.kill9();
        b.kill9();
        work.awaitRounds();
        a.start();
        b.start();
    }

    private void whileTwoAreFrozen(StorageNode a, StorageNode b) {
        awaitCopies();
        say("two are frozen");
        a.signal("STOP");
        b.signal("STOP");
        work.awaitRounds();
        a.signal("CONT");
        b.signal("CONT");
    }

    private void whileTwoAreCutOff(StorageNode a, StorageNode b) {
        awaitCopies();
        say("two are cut off");
        swarm.cut(a);
        swarm.cut(b);
        work.awaitRounds();
        swarm.mend(a);
        swarm.mend(b);
    }

    private void whileOneIsFull(StorageNode full) {
        awaitCopies();
        say("one is full");
        full.kill9();
        full.start("1MiB"); // less than it holds: it takes nothing more
        work.awaitRounds();
        full.kill9();
        full.start();
        awaitCopies();
    }

    /** A byte here and there in what a node hosts, while it is down. */
    private void corrupt(StorageNode victim, Random random) throws IOException {
        awaitCopies();
        say("one is corrupted");
        victim.kill9();
        int flipped = 0;
        try (Stream<Path> files = Files.walk(victim.command().home().resolve("hosted"))) {
            for (Path file : files.filter(f -> f.toString().endsWith(".seg")).toList()) {
                try (RandomAccessFile bytes = new RandomAccessFile(file.toFile(), "rw")) {
                    for (int i = 0; i < 20 && bytes.length() > 8192; i++) {
                        long at = 4096 + (long) (random.nextDouble() * (bytes.length() - 4097));
                        bytes.seek(at);
                        int old = bytes.read();
                        bytes.seek(at);
                        bytes.write(old ^ 0x41);
                        flipped++;
                    }
                }
            }
        }
        assertThat(flipped).isPositive();
        victim.start();
        work.awaitRounds();
        await("the node hashes what it hosts")
                .atMost(PATIENCE)
                .until(() -> log(victim).contains("hosted blocks were damaged"));
        awaitComparedAndWhole();
    }

    private static String log(StorageNode node) throws IOException {
        StringBuilder all = new StringBuilder();
        try (Stream<Path> files = Files.walk(node.command().home().resolve("logs"))) {
            for (Path file : files.filter(f -> f.toString().endsWith(".log")).toList()) {
                all.append(Files.readString(file));
            }
        }
        return all.toString();
    }

    /**
     * A node comes back with an empty home, which is another peer. Programs rest, so that bytes can be counted. A lost byte costs
     * a byte with copies, and as many as are needed of a stripe without.
     */
    private void replaceOne(int which) {
        sync();
        awaitCopies();
        say("one is lost");
        StorageNode lost = nodes.get(which);
        long bytes = lost.storageFact("hostedBytes");
        lost.kill9();
        Command.of("rm", "-rf", lost.command().home()).ok();
        nodes.remove(lost);
        Map<String, Long> fetchedBefore = StorageSwarm.received(mount);
        long before = nodes.stream().mapToLong(SwarmChaosTest::moved).sum();
        StorageNode fresh = swarm.addNode();
        long start = System.nanoTime();
        await("the new node holds copies").atMost(PATIENCE).until(() -> fresh.storageFact("hostedBytes") > 0);
        awaitCopies();
        // what the programs have deleted was still hosted, and is not needed any more
        long held = fresh.storageFact("hostedBytes");
        double seconds = (System.nanoTime() - start) / 1e9;
        // the writer may be who computes what was lost
        long moved = nodes.stream().mapToLong(SwarmChaosTest::moved).sum()
                - before
                + StorageSwarm.received(mount).entrySet().stream()
                        .mapToLong(peer -> peer.getValue() - fetchedBefore.getOrDefault(peer.getKey(), 0L))
                        .sum();
        Log.say(String.format(
                "full redundancy %.1f s after the loss of %d bytes, of which %d were needed, %d bytes moved (%.2f of these)",
                seconds, bytes, held, moved, (double) moved / held));
        assertThat(moved).isLessThanOrEqualTo(needed * held * 13 / 10 + (1 << 20));
    }

    private static long moved(StorageNode node) {
        return node.storageFact("bytesTaken") + node.storageFact("repairBytesFetched");
    }

    private void allFrozen(String sums) {
        // what is on this machine needs no peer, and only what is known to be safe goes from it
        awaitComparedAndWhole();
        await("the cache is within its limit")
                .atMost(PATIENCE)
                .until(() -> fact("localBytes") <= fact("localLimitBytes"));
        // nor is anything left in the memory of the kernel and of the mount
        mount.command().of("umount", mount.dir()).ok();
        mount.mount();
        say("all are frozen");
        nodes.forEach(node -> node.signal("STOP"));
        long start = System.nanoTime();
        Command.Result read = Command.shell("cat \"$1\"/base/big >/dev/null", mount.dir())
                .within(PATIENCE)
                .run();
        double seconds = (System.nanoTime() - start) / 1e9;
        Log.say(String.format("with no copy in reach: an error after %.1f s", seconds));
        assertThat(read.err()).contains("Input/output error");
        assertThat(seconds).isLessThan(30);
        nodes.forEach(node -> node.signal("CONT"));
        await("it heals by itself").atMost(PATIENCE).ignoreExceptions().until(() -> sums().equals(sums));
    }

    private String sums() {
        return sums(mount.dir());
    }

    private static String sums(Path dir) {
        return Command.shell("cd \"$1/base\"; sha256sum *", dir)
                .within(PATIENCE)
                .ok()
                .out();
    }

    /** As many nodes as are needed have everything, whichever they are. */
    private void assertAnyFewHoldAll(String sums) throws IOException {
        Path capability = swarm.capability();
        for (int first = 0; first < slots; first++) {
            say(needed + " are alone");
            List<StorageNode> others = new ArrayList<>();
            for (int i = needed; i < slots; i++) {
                others.add(nodes.get((first + i) % slots));
            }
            others.forEach(StorageNode::kill9);
            PpiofsMount reader = swarm.reader(swarm.home("reader" + first), capability);
            reader.mount();
            assertThat(sums(reader.dir())).isEqualTo(sums);
            reader.umount();
            others.forEach(StorageNode::start);
        }
    }

    /** One fault after the other. */
    private void eachFault(Random random) throws IOException {
        String sums = sums();
        startPrograms();
        whileTwoAreKilled(nodes.get(1), nodes.get(2));
        whileTwoAreFrozen(nodes.get(0), nodes.get(2));
        whileTwoAreCutOff(nodes.get(0), nodes.get(1));
        whileOneIsFull(nodes.get(1));
        corrupt(nodes.get(2), random);
        work.close();
        work.assertNoErrors();
        Log.say(work.rounds() + " rounds of the programs");
        replaceOne(0);
        sync();
        allFrozen(sums);
        sync();
        awaitComparedAndWhole();
        assertAnyFewHoldAll(sums);
    }

    // ---- tests

    @Test
    void programs_do_not_notice_that_up_to_two_of_three_nodes_fail() throws IOException {
        startWithCopies();
        eachFault(new Random(Seeds.next("chaos")));
    }

    @Test
    void nor_that_up_to_two_of_four_fail_that_hold_stripes() throws IOException {
        startWithStripes();
        eachFault(new Random(Seeds.next("chaos")));
    }

    @Test
    void nor_when_they_fail_again_and_again() throws IOException {
        startWithCopies();
        failAgainAndAgain();
    }

    @Test
    void nor_when_those_with_stripes_do() throws IOException {
        startWithStripes();
        failAgainAndAgain();
    }

    private void failAgainAndAgain() throws IOException {
        Random random = new Random(Seeds.next("chaos"));
        String sums = sums();
        startPrograms();
        for (int round = 0; round < 25; round++) {
            int a = random.nextInt(slots);
            int b = (a + 1 + random.nextInt(slots - 1)) % slots;
            switch (random.nextInt(5)) {
                case 0 -> whileTwoAreKilled(nodes.get(a), nodes.get(b));
                case 1 -> whileTwoAreFrozen(nodes.get(a), nodes.get(b));
                case 2 -> whileTwoAreCutOff(nodes.get(a), nodes.get(b));
                case 3 -> whileOneIsFull(nodes.get(a));
                default -> corrupt(nodes.get(a), random);
            }
        }
        work.close();
        work.assertNoErrors();
        replaceOne(random.nextInt(slots));
        sync();
        awaitComparedAndWhole();
        assertAnyFewHoldAll(sums);
    }
}
