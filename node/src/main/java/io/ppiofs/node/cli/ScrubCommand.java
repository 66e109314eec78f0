package io.ppiofs.node.cli;

import io.ppiofs.error.ErrorKind;
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
import picocli.CommandLine.Option;

@Command(
        name = "scrub",
        header = "hash everything that is stored, at a bounded rate",
        description = "Hashes every block in the home against its name, of all volumes, locked ones too; work goes on "
                + "meanwhile. Names damaged blocks by their CID; 'ppiofs fsck' says which files they belong to. Exit "
                + "code 65 if something is damaged.",
        sortOptions = false,
        footerHeading = "%nEXAMPLE%n",
        footer = "  ppiofs scrub --rate 20MiB")
final class ScrubCommand implements Callable<Integer> {
    private final Main main;

    @Option(
            names = "--rate",
            paramLabel = "SIZE",
            defaultValue = "256MiB",
            converter = BenchCommand.SizeConverter.class,
            description = "bytes per second at most; default 256MiB, 0: as fast as it goes")
    private ByteSize rate = ByteSize.ofMebibytes(256);

    @Mixin
    private final JsonOption json = new JsonOption();

    ScrubCommand(Main main) {
        this.main = main;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        Surroundings around = main.surroundings();
        Progress progress = ProgressBars.on(around);
        Map<?, ?> facts;
        try {
            facts = main.node().ask(new Request("scrub").with("rate", rate.bytes()), progress);
        } finally {
            ProgressBars.end(progress);
        }
        boolean sound = Facts.flag(facts, "sound");
        List<Map<String, @Nullable Object>> findings = Facts.list(facts.get("findings"));
        json.print(around, facts, () -> {
            findings.forEach(f -> around.out().println(Facts.text(f, "subject") + ": " + Facts.text(f, "problem")));
            around.out()
                    .println(Facts.text(facts, "blocks") + " blocks, " + ByteSize.show(Facts.number(facts, "bytes"))
                            + ", " + (sound ? "sound" : Facts.text(facts, "problems") + " problems"));
        });
        if (!sound) {
            around.err()
                    .println(
                            "ppiofs: run 'ppiofs fsck VOLUME' to see which files are hit; copy them back from a backup");
        }
        return sound ? 0 : ErrorKind.CORRUPT.exitCode();
    }
}
