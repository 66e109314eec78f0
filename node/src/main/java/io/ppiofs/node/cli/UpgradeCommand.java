package io.ppiofs.node.cli;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.node.Home;
import io.ppiofs.node.control.Request;
import java.io.IOException;
import java.nio.file.Files;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(
        name = "upgrade",
        header = "have this version serve the mounts, without unmounting",
        description =
                "Starts a new process of this version, to which the running node in the background gives its mounts: "
                        + "open files, directories and locks go on, requests wait for a moment. If the new process cannot, the running "
                        + "one goes on and the command says why.",
        sortOptions = false,
        footerHeading = "%nEXAMPLE%n",
        footer = "  ppiofs upgrade")
final class UpgradeCommand implements Callable<Integer> {
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(90);

    private final Main main;

    @Mixin
    private final JsonOption json = new JsonOption();

    UpgradeCommand(Main main) {
        this.main = main;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        Home home = main.home();
        Map<?, ?> running = main.node().askRunning(new Request("ping"));
        if (running == null) {
            throw new PpiofsException(
                    ErrorKind.NOT_CONNECTED,
                    "upgrade",
                    home.toString(),
                    "no node runs here; the next mount is of this version");
        }
        Map<?, ?> taken;
        try {
            taken = BackgroundNode.startNext(home, main.surroundings());
        } catch (PpiofsException e) {
            throw new PpiofsException(
                    e.kind(), "upgrade", home.toString(), reason(e, home) + "; " + whoServes(home), e);
        }
        long mounts = Facts.number(taken, "mounts");
        json.print(
                main.surroundings(),
                taken,
                () -> main.surroundings()
                        .err()
                        .println("ppiofs: process " + Facts.text(taken, "pid") + " has taken over " + mounts
                                + (mounts == 1 ? " mount" : " mounts") + " from process " + Facts.text(taken, "before")
                                + " after a pause of " + Facts.text(taken, "pauseMillis") + " ms"));
        return 0;
    }

    private static String reason(PpiofsException e, Home home) {
        if (!e.subject().equals(home.toString())) {
            return String.valueOf(e.getMessage());
        }
        return e.kind() == ErrorKind.INTERNAL ? "the new process " + e.detail() : e.detail();
    }

    /** It answers again as soon as it has taken back what it had given away. */
    private String whoServes(Home home) throws IOException, InterruptedException {
        long giveUp = System.nanoTime() + PATIENCE_NANOS;
        while (System.nanoTime() < giveUp) {
            Long pid = Files.exists(home.takeoverFile()) ? null : pidOfNode();
            if (pid != null) {
                return "process " + pid + " goes on serving the mounts";
            }
            TimeUnit.MILLISECONDS.sleep(20);
        }
        return "and the running node does not answer, see its log";
    }

    private @Nullable Long pidOfNode() throws IOException {
        try {
            Map<?, ?> answer = main.node().askRunning(new Request("ping"));
            return answer != null && answer.get("pid") instanceof Long pid ? pid : null;
        } catch (PpiofsException e) {
            return null; // it ends, or begins, this moment
        }
    }
}
