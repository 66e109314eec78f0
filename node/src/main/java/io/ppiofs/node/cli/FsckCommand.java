package io.ppiofs.node.cli;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.node.MountRequest;
import io.ppiofs.node.config.ByteSize;
import io.ppiofs.node.control.Progress;
import io.ppiofs.node.control.Request;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

@Command(
        name = "fsck",
        header = "verify every reachable block and the tree",
        description = "Reads and verifies every block that the volume reaches and checks the invariants of its tree, "
                + "mounted or not. Exit code 65 if something is damaged; the paths are printed.",
        sortOptions = false,
        footerHeading = "%nEXAMPLE%n",
        footer = "  ppiofs fsck photos")
final class FsckCommand implements Callable<Integer> {
    private final Main main;

    @Parameters(
            paramLabel = "VOLUME",
            arity = "0..1",
            defaultValue = MountRequest.DEFAULT_VOLUME,
            description = "default: 'default'")
    private String volume = MountRequest.DEFAULT_VOLUME;

    @Mixin
    private final UnlockOptions unlock = new UnlockOptions();

    @Mixin
    private final JsonOption json = new JsonOption();

    FsckCommand(Main main) {
        this.main = main;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        Surroundings around = main.surroundings();
        Request request = MountRequest.withUnlock(
                new Request("fsck").with("volume", volume), unlock.read(around.environment(), null, null));
        Progress progress = ProgressBars.on(around);
        Map<?, ?> facts;
        try {
            facts = main.node().ask(request, progress);
        } finally {
            ProgressBars.end(progress);
        }
        List<Map<String, @Nullable Object>> findings = Facts.list(facts.get("findings"));
        json.print(around, facts, () -> {
            findings.forEach(f -> around.out().println(Facts.text(f, "subject") + ": " + Facts.text(f, "problem")));
            around.out()
                    .println("volume " + volume + ": " + Facts.text(facts, "files") + " files, "
                            + Facts.text(facts, "directories") + " directories, "
                            + Facts.text(facts, "blocks") + " blocks, "
                            + ByteSize.show(Facts.number(facts, "bytes")) + ", "
                            + (Facts.flag(facts, "sound") ? "sound" : Facts.text(facts, "problems") + " problems"));
        });
        return Facts.flag(facts, "sound") ? 0 : ErrorKind.CORRUPT.exitCode();
    }
}
