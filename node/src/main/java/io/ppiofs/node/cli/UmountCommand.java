package io.ppiofs.node.cli;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.node.Home;
import io.ppiofs.node.control.ControlClient;
import io.ppiofs.node.control.Json;
import io.ppiofs.node.control.Request;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "umount",
        header = "unmount; returns when everything is safe on disk",
        description = "Unmounts and returns when everything that was written is safe on this machine's disk.",
        sortOptions = false,
        footerHeading = "%nEXAMPLE%n",
        footer = "  ppiofs umount /mnt/p")
final class UmountCommand implements Callable<Integer> {
    private final Main main;

    @Parameters(paramLabel = "DIR", description = "the mount point")
    private Path directory = Path.of("");

    @Option(
            names = {"-f", "--force"},
            description = "also while files are open; they fail from then on")
    private boolean force;

    UmountCommand(Main main) {
        this.main = main;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        Path mountPoint = MountPoint.canonical(directory);
        if (!ask(main.home(), mountPoint)) {
            Home other = homeOf(mountPoint);
            if (other == null || !ask(other, mountPoint)) {
                unmountDead(mountPoint);
            }
        }
        return 0;
    }

    /** @return false if no node of this home knows the mount point */
    private boolean ask(Home home, Path mountPoint) throws IOException {
        try (ControlClient client = ControlClient.connect(home.socket())) {
            if (client == null) {
                return false;
            }
            Map<?, ?> facts = client.call(
                    new Request("umount").with("dir", mountPoint.toString()).with("force", force));
            if (Facts.flag(facts, "ending")) {
                client.awaitNodeEnd();
            }
            return true;
        } catch (PpiofsException e) {
            if (e.kind() == ErrorKind.NOT_FOUND) {
                return false;
            }
            throw e;
        }
    }

    /** The mount itself tells its home, in .stats; a hanging mount must not hang this command. */
    private static @Nullable Home homeOf(Path mountPoint) throws IOException, InterruptedException {
        if (MountPoint.ofPpiofs().stream().noneMatch(m -> m.directory().equals(mountPoint))) {
            return null;
        }
        CompletableFuture<String> content = new CompletableFuture<>();
        Thread reader = new Thread(
                () -> {
                    try {
                        content.complete(Files.readString(mountPoint.resolve(".stats")));
                    } catch (IOException | RuntimeException e) {
                        content.completeExceptionally(e);
                    }
                },
                "stats-reader");
        reader.setDaemon(true);
        reader.start();
        try {
            Map<String, @Nullable Object> facts = Json.parse(content.get(2, TimeUnit.SECONDS));
            String home = Facts.text(Facts.object(facts.get("node")), "home");
            return home.startsWith("/") ? new Home(Path.of(home)) : null;
        } catch (ExecutionException | TimeoutException | PpiofsException e) {
            // a dead or hanging mount has no answer; it is unmounted without one
            return null;
        }
    }

    /** What is left of a mount whose node died: the kernel's entry alone. */
    private void unmountDead(Path mountPoint) throws IOException, InterruptedException {
        if (MountPoint.ofPpiofs().stream().noneMatch(m -> m.directory().equals(mountPoint))) {
            throw new PpiofsException(
                    ErrorKind.NOT_FOUND, "umount", mountPoint.toString(), "is no mount of ppiofs; see 'ppiofs status'");
        }
        List<String> said = new ArrayList<>();
        List<List<String>> ways = List.of(
                List.of("umount", "-i", mountPoint.toString()),
                List.of("fusermount", "-u", mountPoint.toString()),
                List.of("fusermount3", "-u", mountPoint.toString()),
                List.of("umount", "-i", "-l", mountPoint.toString()));
        for (List<String> way : ways) {
            try {
                Process process =
                        new ProcessBuilder(way).redirectErrorStream(true).start();
                String output =
                        new String(process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
                if (process.waitFor() == 0) {
                    return;
                }
                said.add(output.strip());
            } catch (IOException e) {
                said.add(way.get(0) + " is not installed");
            }
        }
        throw new PpiofsException(ErrorKind.BUSY, "umount", mountPoint.toString(), String.join("; ", said));
    }
}
