package io.ppiofs.node.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.node.FakeServices;
import io.ppiofs.node.FsckReport;
import io.ppiofs.node.Home;
import io.ppiofs.node.Node;
import io.ppiofs.node.ScrubFindings;
import io.ppiofs.node.control.Json;
import io.ppiofs.node.network.NetworkOrder;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

class CommandTest {
    @TempDir
    Path directory;

    private final FakeServices services = new FakeServices();
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();
    private final Map<String, String> environment = new HashMap<>();

    @BeforeEach
    void setHome() {
        environment.put("PPIOFS_HOME", home().toString());
    }

    private Path home() {
        return directory.resolve("home");
    }

    private int run(String... arguments) {
        return Main.run(
                new Surroundings(
                        new PrintWriter(out),
                        new PrintWriter(err),
                        false,
                        environment,
                        directory,
                        null,
                        services.factory()),
                arguments);
    }

    private void assertOneSentence(String... parts) {
        assertThat(err.toString()).startsWith("ppiofs: ").contains(parts);
        assertThat(err.toString().strip()).doesNotContain("\n").doesNotContain("Exception");
        assertThat(out.toString()).isEmpty();
    }

    @Test
    void helpListsEveryCommandThatIsNotHidden() {
        assertThat(run("help")).isZero();
        CommandLine line = Main.commandLine(new Surroundings(
                new PrintWriter(out), new PrintWriter(err), false, Map.of(), directory, null, services.factory()));
        List<String> grouped = GroupedHelp.GROUPS.stream()
                .flatMap(g -> g.commands().stream())
                .map(c -> c[0])
                .toList();
        List<String> visible = line.getSubcommands().entrySet().stream()
                .filter(e -> !e.getValue().getCommandSpec().usageMessage().hidden())
                .map(Map.Entry::getKey)
                .filter(name -> !name.equals("help"))
                .toList();
        assertThat(grouped).containsExactlyInAnyOrderElementsOf(visible);
        assertThat(out.toString()).contains("SERVICE", "MEASURE", "EXIT CODES").contains(grouped);
    }

    @Test
    void everyCommandHasHelpWithAHeader() {
        for (GroupedHelp.Group group : GroupedHelp.GROUPS) {
            for (String[] command : group.commands()) {
                out.getBuffer().setLength(0);
                assertThat(run(command[0], "--help")).as(command[0]).isZero();
                assertThat(out.toString()).contains("ppiofs " + command[0]).contains("--home");
            }
        }
        assertThat(run("help", "volume", "create")).isZero();
    }

    @Test
    void theHelpTellsTheExitCodesThatTheErrorTableHas() {
        run("help");
        Stream.of(ErrorKind.values())
                .map(ErrorKind::exitCode)
                .distinct()
                .forEach(code -> assertThat(out.toString()).containsPattern("(?m)(^| )\\s*" + code + " [a-z]"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "frobnicate",
                "mount",
                "mount --bla x",
                "mount a b c",
                "volume",
                "volume destroy",
                "umount",
                "fsck a b",
                "scrub --rate fast",
                "scrub a",
                "bench",
                "bench . --big-file-size x",
                "sectors",
                "sectors verify --proof x",
                "sectors seal",
                "prove 1 --seed",
                "status --json=maybe",
                "mount --metrics-port many x",
            })
    void aWrongCallIsOneSentenceAndExit64(String call) {
        assertThat(run(call.split(" "))).isEqualTo(64);
        assertOneSentence("--help");
    }

    @Test
    void nothingToDoIsExit64() {
        assertThat(run()).isEqualTo(64);
        assertOneSentence("missing command");
    }

    @Test
    void anUnknownMountOptionNamesItselfAndStartsNothing() {
        assertThat(run("mount", "-o", "allow_other,colour=blue", directory.toString()))
                .isEqualTo(64);
        assertOneSentence("colour=blue");
        assertThat(home()).doesNotExist();
    }

    @Test
    void anUnreadableConfigurationIsExit78() throws IOException {
        Files.createDirectories(home());
        Files.writeString(home().resolve("config.toml"), "colour = 1");
        assertThat(run("volume", "list")).isEqualTo(78);
        assertOneSentence("config.toml", "colour");
    }

    @Test
    void volumesAreMadeListedAndDescribedWithoutANode() {
        assertThat(run("volume", "create", "photos")).isZero();
        assertThat(err.toString()).contains("unprotected");
        assertThat(run("volume", "list")).isZero();
        assertThat(run("volume", "info", "photos", "--json")).isZero();
        assertThat(out.toString()).contains("photos", "id-photos", "\"protection\" : \"unprotected\"");
        err.getBuffer().setLength(0);
        out.getBuffer().setLength(0);
        assertThat(run("volume", "create", "photos")).isEqualTo(5);
        assertOneSentence("exists already");
        assertThat(run("volume", "info", "videos")).isEqualTo(4);
    }

    @Test
    void aPassphraseComesFromAFileAndIsNeverTooOpen() throws IOException {
        Path file = Files.writeString(directory.resolve("pass"), "secret words\nsecond line\n");
        assertThat(run("volume", "create", "a", "--passphrase-file", file.toString(), "--json"))
                .isZero();
        assertThat(out.toString()).contains("\"passphrase\"").doesNotContain("secret words");
        assertThat(run("fsck", "a")).isEqualTo(77);
        environment.put("PPIOFS_PASSPHRASE_FILE", file.toString());
        assertThat(run("fsck", "a")).isZero();
    }

    @ParameterizedTest
    @ValueSource(strings = {"\n", ""})
    void anEmptyPassphraseFileIsRefused(String content) throws IOException {
        Path file = Files.writeString(directory.resolve("pass"), content);
        assertThat(run("volume", "create", "a", "--passphrase-file", file.toString()))
                .isEqualTo(64);
        assertOneSentence("pass");
        assertThat(services.volumes()).isEmpty();
    }

    @Test
    void aMissingPassphraseFileIsNotFound() {
        assertThat(run("volume", "create", "a", "--passphrase-file", "/nowhere"))
                .isEqualTo(4);
        assertOneSentence("/nowhere");
    }

    @Test
    void fsckReportsDamageWithExit65() {
        run("volume", "create", "default");
        out.getBuffer().setLength(0);
        services.fsck = new FsckReport(5, 1, 9, 100, 1, List.of(new FsckReport.Finding("/a/b", "damaged block")));
        assertThat(run("fsck")).isEqualTo(65);
        assertThat(out.toString()).contains("/a/b: damaged block", "1 problem");
        services.fsck = new FsckReport(5, 1, 9, 100, 0, List.of());
        assertThat(run("fsck", "--json")).isZero();
        assertThat(out.toString()).contains("\"sound\" : true");
    }

    @Test
    void scrubReportsDamageWithExit65AndSaysHowToFindTheFiles() {
        assertThat(run("scrub", "--rate", "20MiB")).isZero();
        assertThat(services.events).contains("scrub " + (20 << 20));
        assertThat(out.toString()).contains("9 blocks", "100 B", "sound");
        services.scrub =
                new ScrubFindings(9, 100, 1, List.of(new FsckReport.Finding("block bafkrei", "not what it says")));
        assertThat(run("scrub")).isEqualTo(65);
        assertThat(out.toString()).contains("block bafkrei: not what it says", "1 problem");
        assertThat(err.toString()).contains("ppiofs fsck");
        assertThat(run("scrub", "--json")).isEqualTo(65);
        assertThat(out.toString()).contains("\"sound\" : false");
    }

    @Test
    void gcTellsWhatItFreed() {
        assertThat(run("gc")).isZero();
        assertThat(out.toString()).contains("3 blocks deleted", "1.00 MiB freed");
    }

    @Test
    void statusAndStatsWithoutANode() {
        assertThat(run("status")).isZero();
        assertThat(out.toString()).contains("no node runs");
        assertThat(run("status", "--json")).isZero();
        assertThat(run("stats")).isEqualTo(69);
        assertThat(run("top")).isEqualTo(69);
    }

    @Test
    void commandsTalkToTheRunningNode() throws IOException {
        Path mountPoint = Files.createDirectory(directory.resolve("m"));
        try (Node node = Node.own(new Home(home()), Node.Life.untilStopped(null), services.factory())) {
            node.serve();
            // a home in use: every command below succeeds only by asking the node
            assertThat(run("volume", "create", "photos")).isZero();
            assertThat(run("mount", "photos", mountPoint.toString(), "-d", "-o", "ro"))
                    .isZero();
            out.getBuffer().setLength(0);
            assertThat(run("status")).isZero();
            assertThat(out.toString()).contains(mountPoint.toString(), "photos", "ro", "unprotected", "metrics");
            out.getBuffer().setLength(0);
            assertThat(run("stats")).isZero();
            assertThat(run("top", "--count", "2", "--every", "0.1", "--json")).isZero();
            assertThat(run("top", "--count", "0")).isEqualTo(64);
            assertThat(out.toString()).contains("volumes.photos.journalBytes 4096");
            assertThat(run("umount", mountPoint.toString())).isZero();
        }
        assertThat(services.events).contains("mount m", "unmount m", "close photos");
    }

    @Test
    void aNodeWithoutAnOrderForItIsInNoNetwork() {
        try (Node node = Node.start(new Home(home()), Node.Life.untilStopped(null), services.factory())) {
            assertThat(node.network()).isNull();
            assertThat(run("peers")).isEqualTo(ErrorKind.NOT_CONNECTED.exitCode());
            assertOneSentence("in no network", "--listen");
        }
        assertThat(services.events).noneMatch(e -> e.startsWith("join"));
    }

    @Test
    void whoLendsNothingCannotLeave() {
        try (Node node = Node.start(new Home(home()), Node.Life.untilStopped(null), services.factory())) {
            assertThat(node.network()).isNull();
            assertThat(run("node", "drain")).isEqualTo(ErrorKind.NOT_CONNECTED.exitCode());
            assertOneSentence("it lends nothing now", "--store");
        }
    }

    @Test
    void networkCommandsWithoutANodeSayHowToStartOne() {
        assertThat(run("ping", "friend")).isEqualTo(ErrorKind.NOT_CONNECTED.exitCode());
        assertOneSentence("no node runs", "ppiofs node");
    }

    @Test
    void networkCommandsAskTheRunningNode() {
        NetworkOrder order = new NetworkOrder(List.of("/ip4/127.0.0.1/tcp/9"), List.of(), "team", true);
        try (Node node =
                Node.start(new Home(home()), Node.Life.untilStopped(null).in(order), services.factory())) {
            assertThat(services.events).contains("join team [/ip4/127.0.0.1/tcp/9] [] true");
            assertThat(run("id")).isZero();
            assertThat(out.toString()).contains("peer     me", "network  public id", "/ip4/127.0.0.1/tcp/9/p2p/me");
            assertThat(run("peers")).isZero();
            assertThat(out.toString()).contains("friend  outbound", "tls/yamux", "/ip4/1.2.3.4/tcp/5");
            assertThat(run("ping", "-c", "1", "friend")).isZero();
            assertThat(out.toString()).contains("answer from friend time=1.234 ms", "min/median/max = 1.234");
            assertThat(run("find", "friend")).isZero();
            assertThat(run("status", "--json")).isZero();
            assertThat(out.toString()).contains("\"peerId\"");
            assertThat(run("ping", "stranger")).isEqualTo(ErrorKind.NOT_CONNECTED.exitCode());
            assertThat(run("find", "nothing")).isEqualTo(ErrorKind.NOT_FOUND.exitCode());
        }
        assertThat(services.events).contains("leave");
    }

    @Test
    void theIdOfAHomeIsMadeOnceAndStays() {
        assertThat(run("id")).isZero();
        String first = out.toString();
        assertThat(first).startsWith("peer     12D3Koo");
        assertThat(run("id")).isZero();
        assertThat(out.toString()).isEqualTo(first + first);
    }

    @Test
    void aDamagedIdentityIsSaidAndKept() throws IOException {
        Files.createDirectories(home());
        Path key = home().resolve("identity.key");
        Files.writeString(key, "no key");
        assertThat(run("id")).isEqualTo(ErrorKind.CORRUPT.exitCode());
        assertOneSentence("identity.key", "restore it");
        assertThat(key).hasContent("no key");
    }

    @Test
    void theConfigurationCanJoinANetwork() throws IOException {
        Files.createDirectories(home());
        Files.writeString(
                home().resolve("config.toml"),
                "[network]\nlisten = '/ip4/127.0.0.1/tcp/1 /ip4/127.0.0.1/tcp/2'\nname = 'team'\n");
        try (Node node = Node.start(new Home(home()), Node.Life.untilStopped(null), services.factory())) {
            assertThat(node.network()).isNotNull();
        }
        assertThat(services.events).contains("join team [/ip4/127.0.0.1/tcp/1, /ip4/127.0.0.1/tcp/2] [] false");
    }

    @Test
    void aForegroundMountIsTheNodeUntilItIsUnmounted() throws Exception {
        Path mountPoint = Files.createDirectory(directory.resolve("m"));
        Thread unmounting = new Thread(() -> {
            org.awaitility.Awaitility.await().until(() -> !services.mounts.isEmpty());
            services.mounts.get(0).unmountBehindTheNode();
        });
        unmounting.start();
        assertThat(run("mount", mountPoint.toString())).isZero();
        unmounting.join();
        assertThat(err.toString()).contains("default is mounted at " + mountPoint);
        assertThat(services.events).endsWith("close default", "close services");
    }

    @Test
    void theUsersHomeIsTheEnvironmentsIfItIsAbsolute() {
        assertThat(Surroundings.userHome(Map.of("HOME", "/home/ada"))).isEqualTo(Path.of("/home/ada"));
        assertThat(Surroundings.userHome(Map.of("HOME", "ada"))).isEqualTo(Path.of(System.getProperty("user.home")));
        assertThat(Surroundings.userHome(Map.of())).isEqualTo(Path.of(System.getProperty("user.home")));
    }

    @Test
    void umountOfWhatIsNoMountIsNotFound() {
        assertThat(run("umount", directory.toString())).isEqualTo(4);
        assertOneSentence(directory.toString());
    }

    @Test
    void detachingNeedsTheLauncher() {
        assertThat(run("mount", directory.toString(), "-d")).isEqualTo(69);
        assertOneSentence("launcher");
    }

    @Test
    void cidOfAnOrdinaryFileHasNone() throws IOException {
        Path file = Files.createFile(directory.resolve("f"));
        assertThat(run("cid", file.toString())).isEqualTo(4);
        assertOneSentence(file.toString());
        assertThat(run("cid", directory.resolve("none").toString())).isEqualTo(4);
    }

    @Test
    void jsonIsWhatItSays() {
        assertThat(run("version", "--json")).isZero();
        assertThat(Json.parse(out.toString())).containsKeys("ppiofs", "java", "controlProtocol");
    }

    @Test
    void doctorSaysWhatToDoWithItsFindings() throws IOException {
        Files.createDirectories(home());
        Files.writeString(home().resolve("config.toml"), "colour = 1");
        assertThat(run("doctor", "--json")).isEqualTo(69);
        Map<String, Object> facts = Json.parse(out.toString());
        assertThat(facts.get("healthy")).isEqualTo(false);
        assertThat(facts.get("findings").toString())
                .contains("check=config, level=fail")
                .contains("check=java");
    }

    @Test
    void aDefectShowsItsStackTraceAndExit70() {
        Surroundings surroundings = new Surroundings(
                new PrintWriter(out), new PrintWriter(err), false, environment, directory, null, services.factory());
        assertThat(Main.report(surroundings, new IllegalStateException("oops"))).isEqualTo(70);
        assertThat(err.toString()).contains("defect", "oops", "\tat ");
    }

    @Test
    void everyKindIsReportedWithItsExitCode() {
        Surroundings surroundings = new Surroundings(
                new PrintWriter(out), new PrintWriter(err), false, environment, directory, null, services.factory());
        for (ErrorKind kind : ErrorKind.values()) {
            assertThat(Main.report(surroundings, new PpiofsException(kind, "do", "it", "no")))
                    .isEqualTo(kind.exitCode());
        }
    }
}
