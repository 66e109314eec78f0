package io.ppiofs.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.core.PrivateContent;
import io.ppiofs.node.control.ControlClient;
import io.ppiofs.node.control.Progress;
import io.ppiofs.node.control.Request;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NodeTest {
    @TempDir
    Path directory;

    private final FakeServices services = new FakeServices();
    private Home home;
    private Node node;

    @BeforeEach
    void makeHome() {
        home = new Home(directory.resolve("home"));
    }

    @AfterEach
    void closeNode() {
        if (node != null) {
            node.close();
        }
    }

    private Node start(Node.Life life) {
        node = Node.own(home, life, services.factory());
        node.serve();
        return node;
    }

    private Map<?, ?> ask(Request request) {
        try (ControlClient client = ControlClient.connect(home.socket())) {
            assertThat(client).as("a node answers").isNotNull();
            return client.call(request);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private MountRequest mountOf(String name, boolean attached) {
        return new MountRequest("default", mountPoint(name), false, List.of(), 0, false, attached, Unlock.NONE);
    }

    private Path mountPoint(String name) {
        try {
            return Files.createDirectories(directory.resolve(name));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void theDefaultVolumeIsMadeAtItsFirstMountAndClosedAfterItsLast() {
        start(Node.Life.untilStopped(null));
        ask(mountOf("a", false).toRequest());
        ask(mountOf("b", false).toRequest());
        assertThat(services.openCores).as("both mounts share one core").hasValue(1);

        ask(new Request("umount").with("dir", mountPoint("a").toString()));
        assertThat(services.openCores).hasValue(1);
        ask(new Request("umount").with("dir", mountPoint("b").toString()));
        assertThat(services.openCores).hasValue(0);
        assertThat(services.events)
                .containsSubsequence("open default", "mount a", "mount b", "unmount a", "unmount b", "close default");
    }

    private static Request handover(long protocol, Path socket) {
        return new Request("handover").with("protocol", protocol).with("socket", socket.toString());
    }

    @Test
    void aNodeSaysWhyItsMountsCannotGoToAnotherProcess() {
        Path nobody = directory.resolve("nobody.sock");
        start(Node.Life.inBackground(null));
        assertKind(ErrorKind.UNSUPPORTED_FORMAT, () -> ask(handover(Handover.PROTOCOL + 1, nobody)));
        assertKind(ErrorKind.IO, () -> ask(handover(Handover.PROTOCOL, nobody)));
        ask(mountOf("m", false).toRequest());
        assertKind(ErrorKind.NOT_SUPPORTED, () -> ask(handover(Handover.PROTOCOL, nobody)));
        ask(new Request("umount").with("dir", mountPoint("m").toString()));
        node.close();
        start(Node.Life.untilStopped(null));
        assertKind(ErrorKind.NOT_SUPPORTED, () -> ask(handover(Handover.PROTOCOL, nobody)));
    }

    @Test
    void aHomeThatIsBeingTakenOverIsNobodyElses() throws IOException {
        home.create();
        String boot =
                Files.readString(Path.of("/proc/sys/kernel/random/boot_id")).strip();
        String pids = " 999999998 " + ProcessHandle.current().pid();
        Files.writeString(home.takeoverFile(), boot + pids);
        assertKind(ErrorKind.IN_USE, () -> start(Node.Life.untilStopped(null)));
        Files.writeString(home.takeoverFile(), boot + " 999999998 999999999"); // both have died
        start(Node.Life.untilStopped(null)).close();
        assertThat(home.takeoverFile()).doesNotExist();
        Files.writeString(home.takeoverFile(), "before-the-machine-was-started-anew" + pids);
        start(Node.Life.untilStopped(null));
        assertThat(home.takeoverFile()).doesNotExist();
    }

    @Test
    void anotherVolumeMustExist() {
        start(Node.Life.untilStopped(null));
        MountRequest other =
                new MountRequest("photos", mountPoint("m"), false, List.of(), 0, false, false, Unlock.NONE);
        assertKind(ErrorKind.NOT_FOUND, () -> ask(other.toRequest()));
        ask(new Request("volume.create").with("name", "photos"));
        ask(other.toRequest());
        assertThat(services.events).contains("mount m");
    }

    @Test
    void aMountPointIsUsedOnceAndFreeAfterAnUnmountBehindTheNode() {
        start(Node.Life.untilStopped(null));
        ask(mountOf("m", false).toRequest());
        assertKind(ErrorKind.BUSY, () -> ask(mountOf("m", false).toRequest()));
        services.mounts.get(0).unmountBehindTheNode();
        ask(mountOf("m", false).toRequest());
        assertThat(services.openCores).hasValue(1);
    }

    @Test
    void aMountPointThatIsMissingMakesNoVolume() {
        start(Node.Life.untilStopped(null));
        MountRequest request = new MountRequest(
                "default", directory.resolve("nowhere"), false, List.of(), 0, false, false, Unlock.NONE);
        assertKind(ErrorKind.NOT_FOUND, () -> ask(request.toRequest()));
        assertThat(services.volumes()).isEmpty();
    }

    @Test
    void aMountThatFailsClosesItsVolumeAndEndsTheNodeThatWasStartedForIt() throws InterruptedException {
        start(Node.Life.whileMounted(null));
        services.mountFailure = new PpiofsException(ErrorKind.NOT_SUPPORTED, "mount", "m", "no FUSE");
        assertKind(ErrorKind.NOT_SUPPORTED, () -> ask(mountOf("m", false).toRequest()));
        assertThat(services.openCores).hasValue(0);
        node.awaitEnd();
    }

    @Test
    void aNodeThatWasStartedForAMountEndsWithItWhoeverUnmounts() throws InterruptedException {
        start(Node.Life.whileMounted(null));
        ask(mountOf("m", false).toRequest());
        services.mounts.get(0).unmountBehindTheNode();
        node.awaitEnd();
        assertThat(services.events).contains("close default");
    }

    @Test
    void theAnswerToTheLastUnmountSaysThatTheNodeEnds() {
        start(Node.Life.whileMounted(null));
        ask(mountOf("a", false).toRequest());
        ask(mountOf("b", false).toRequest());
        assertThat(ask(new Request("umount").with("dir", mountPoint("a").toString()))
                        .get("ending"))
                .isEqualTo(false);
        assertThat(ask(new Request("umount").with("dir", mountPoint("b").toString()))
                        .get("ending"))
                .isEqualTo(true);
    }

    @Test
    void anAttachedMountEndsWithTheOneWhoAsked() throws IOException {
        start(Node.Life.untilStopped(null));
        ControlClient client = ControlClient.connect(home.socket());
        CountDownLatch mounted = new CountDownLatch(1);
        CompletableFuture<Void> call = CompletableFuture.runAsync(
                () -> client.call(mountOf("m", true).toRequest(), Progress.NONE, message -> mounted.countDown()));
        await().until(() -> mounted.getCount() == 0);
        client.close();
        await().untilAsserted(() -> assertThat(services.events).contains("force m", "close default"));
        assertThat(call.handle((ok, failure) -> failure).join()).isNotNull();
    }

    @Test
    void anAttachedMountAnswersWhenItIsUnmounted() throws IOException {
        start(Node.Life.untilStopped(null));
        try (ControlClient client = ControlClient.connect(home.socket())) {
            CountDownLatch mounted = new CountDownLatch(1);
            CompletableFuture<Map<?, ?>> call = CompletableFuture.supplyAsync(
                    () -> client.call(mountOf("m", true).toRequest(), Progress.NONE, message -> mounted.countDown()));
            await().until(() -> mounted.getCount() == 0);
            ask(new Request("umount").with("dir", mountPoint("m").toString()));
            assertThat(call.join().get("volume")).isEqualTo("default");
        }
    }

    @Test
    void anUnmountOfOpenFilesIsRefusedUnlessForced() {
        start(Node.Life.untilStopped(null));
        ask(mountOf("m", false).toRequest());
        services.busy = true;
        Request request = new Request("umount").with("dir", mountPoint("m").toString());
        assertKind(ErrorKind.BUSY, () -> ask(request));
        ask(request.with("force", true));
        assertThat(services.openCores).hasValue(0);
    }

    @Test
    void aNodeThatEndsUnmountsEverythingAndLeavesNoSocket() {
        start(Node.Life.untilStopped(null));
        ask(mountOf("a", false).toRequest());
        services.busy = true;
        node.close();
        assertThat(services.events).containsSubsequence("force a", "close default", "close services");
        assertThat(home.socket()).doesNotExist();
        assertThat(ControlClient.connect(home.socket())).isNull();
    }

    @Test
    void onlyOneNodeOwnsAHome() {
        start(Node.Life.untilStopped(null));
        assertThatThrownBy(() -> Node.own(home, Node.Life.untilStopped(null), services.factory()))
                .isInstanceOfSatisfying(
                        PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.IN_USE))
                .hasMessageContaining(home.toString());
        node.close();
        Node.own(home, Node.Life.untilStopped(null), services.factory()).close();
    }

    @Test
    void aSocketLeftByADeadNodeIsReplaced() throws IOException {
        home.create();
        Files.createFile(home.socket());
        assertThat(ControlClient.connect(home.socket())).isNull();
        start(Node.Life.untilStopped(null));
        assertThat(ask(new Request("ping")).get("pid"))
                .isEqualTo(ProcessHandle.current().pid());
    }

    @Test
    void statusShowsMountsVolumesAndStore() {
        start(Node.Life.untilStopped(null));
        ask(mountOf("m", false).toRequest());
        Map<?, ?> status = ask(new Request("status"));
        assertThat(status.get("mounts").toString()).contains(mountPoint("m").toString());
        assertThat(status.get("volumes").toString())
                .contains("unprotected", "journalBytes=4096", "dirtyBytes=5", "unsyncedOperations=1");
        assertThat(status.get("store").toString()).contains("diskBytes=1048576");
    }

    @Test
    void theStatsFileTellsTheHome() {
        start(Node.Life.untilStopped(null));
        ask(mountOf("m", false).toRequest());
        String content = new String(services.virtualFiles.get(".stats").get(), StandardCharsets.UTF_8);
        assertThat(content).contains("\"home\" : \"" + home + "\"").contains("\"journalBytes\" : 4096");
    }

    @Test
    void theAccessLogIsOfTheMountsOfItsVolumeAndPrivate() {
        start(Node.Life.untilStopped(null));
        ask(mountOf("m", false).toRequest());
        assertThat(services.virtualFiles.get(".accesslog")).isInstanceOf(PrivateContent.class);
        String content = new String(services.virtualFiles.get(".accesslog").get(), StandardCharsets.UTF_8);
        assertThat(content).isEqualTo("# " + mountPoint("m") + "\nmkdir\n");
    }

    @Test
    void metricsAreServedOnTheLoopbackPortThatStatusTells() throws Exception {
        start(Node.Life.untilStopped(0));
        ask(mountOf("m", false).toRequest());
        Map<?, ?> facts = (Map<?, ?>) ask(new Request("status")).get("node");
        URI uri = URI.create("http://127.0.0.1:" + facts.get("metricsPort") + "/metrics");
        String body = HttpClient.newHttpClient()
                .send(HttpRequest.newBuilder(uri).build(), BodyHandlers.ofString())
                .body();
        assertThat(body)
                .contains("ppiofs_mounts 1.0")
                .doesNotContainPattern("(?m)^# HELP ppiofs_\\S+ +$")
                .contains("ppiofs_volume_journal_bytes{volume=\"default\"} 4096.0")
                .contains("ppiofs_store_blocks 10.0")
                .containsPattern(
                        "ppiofs_fuse_request_seconds_bucket\\{dir=\".*/m\",request=\"mkdir\",le=\"1.0E-6\"} 1\n")
                .containsPattern(
                        "ppiofs_fuse_request_seconds_bucket\\{dir=\".*/m\",request=\"mkdir\",le=\"\\+Inf\"} 3\n")
                .containsPattern("ppiofs_fuse_request_seconds_sum\\{dir=\".*/m\",request=\"mkdir\"} 0.006\n")
                .contains("jvm_memory_used_bytes");
    }

    @Test
    void fsckOfAVolumeThatIsNotMountedOpensAndClosesIt() {
        start(Node.Life.untilStopped(null));
        ask(new Request("volume.create").with("name", "photos"));
        services.fsck = new FsckReport(5, 1, 9, 100, 1, List.of(new FsckReport.Finding("/a/b", "damaged block")));
        Map<?, ?> report = ask(new Request("fsck").with("volume", "photos"));
        assertThat(report.get("sound")).isEqualTo(false);
        assertThat(report.get("findings").toString()).contains("/a/b", "damaged block");
        assertThat(services.openCores).hasValue(0);
    }

    @Test
    void whoAsksForACollectionHearsHowFarItIs() throws IOException {
        start(Node.Life.untilStopped(null));
        List<String> heard = new ArrayList<>();
        try (ControlClient client = ControlClient.connect(home.socket())) {
            client.call(new Request("gc"), (task, done, total) -> heard.add(task + " " + done + "/" + total), m -> {});
        }
        assertThat(heard).containsExactly("gc 1/2");
    }

    @Test
    void garbageIsCollectedWhenSpaceIsScarce() {
        start(Node.Life.untilStopped(null));
        ask(mountOf("m", false).toRequest());
        services.garbageBytes = 2 << 20;
        services.availableBytes = 1 << 20;
        await().untilAsserted(() -> assertThat(services.events).contains("gc"));
    }

    @Test
    void garbageIsLeftAloneWhileThereIsLittleOfItAndMuchSpace() {
        StoreFacts roomy = new StoreFacts(1, 1 << 30, 1 << 30, 4, 1L << 40, 1L << 41);
        assertThat(AutoCollect.isDue(roomy, 100 << 20)).isFalse();
        assertThat(AutoCollect.isDue(roomy, 600 << 20)).isTrue();
        StoreFacts full = new StoreFacts(1, 1 << 30, 1 << 30, 4, 1 << 20, 1L << 31);
        assertThat(AutoCollect.isDue(full, 0)).isFalse();
        assertThat(AutoCollect.isDue(full, 1 << 20)).isTrue();
    }

    @Test
    void aNodeForAMountThatNeverComesEnds() throws InterruptedException {
        start(new Node.Life(true, Duration.ofMillis(50), null, null, false));
        node.awaitEnd();
    }

    private static void assertKind(ErrorKind kind, Runnable action) {
        assertThatThrownBy(action::run)
                .isInstanceOfSatisfying(
                        PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(kind));
    }
}
