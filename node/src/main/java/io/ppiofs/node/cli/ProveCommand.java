package io.ppiofs.node.cli;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.node.config.ByteSize;
import io.ppiofs.node.control.Progress;
import io.ppiofs.node.control.Request;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "prove",
        header = "prove that sectors are here",
        description =
                "Of a sector that is sealed: that its replica was made (replication). Of sectors that prove: that they "
                        + "are still there (space-time). Each proof is checked before it is given out; a sector that fails is faulty "
                        + "from then on. Exit code 65 if something does not hold.",
        sortOptions = false,
        footerHeading = "%nEXAMPLES%n",
        footer = {
            "  ppiofs prove 1 --begin --out 1.proof   replication; from then on it proves space-time",
            "  ppiofs prove --seed $(openssl rand -hex 32) --out window.proof"
        })
final class ProveCommand implements Callable<Integer> {
    private final Main main;

    @Parameters(
            paramLabel = "SECTOR",
            arity = "0..*",
            description = "number, as 'ppiofs sectors list' shows it; without one: all that prove")
    private List<String> sectors = List.of();

    @Option(
            names = "--seed",
            paramLabel = "HEX",
            description = "the verifier's 32 random bytes; without it, replication is proven non-interactively and "
                    + "space-time for random bytes of this node")
    private @Nullable String seed;

    @Option(names = "--out", paramLabel = "FILE", description = "write the proof here")
    private @Nullable Path out;

    @Option(
            names = "--begin",
            description =
                    "after the proof of replication: prove space-time from now on; what only the other proof needs goes")
    private boolean begin;

    @Mixin
    private final JsonOption json = new JsonOption();

    ProveCommand(Main main) {
        this.main = main;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        Map<?, ?> facts = main.node()
                .ask(
                        new Request("prove")
                                .with("sectors", sectors)
                                .with("seed", seed)
                                .with(
                                        "out",
                                        out == null
                                                ? null
                                                : out.toAbsolutePath().toString())
                                .with("begin", begin),
                        Progress.NONE);
        boolean accepted = Facts.flag(facts, "accepted");
        json.print(main.surroundings(), facts, () -> {
            Table table = new Table("SECTOR", "STATE", "SIZE", "VERDICT");
            Facts.list(facts.get("sectors"))
                    .forEach(s -> table.row(
                            Facts.text(s, "sector"),
                            Facts.text(s, "state"),
                            ByteSize.show(Facts.number(s, "sectorBytes")),
                            Facts.flag(s, "accepted") ? "holds" : Facts.text(s, "reason")));
            table.print(main.surroundings().out());
            main.surroundings()
                    .out()
                    .println(Facts.text(facts, "proof") + ", " + ByteSize.show(Facts.number(facts, "bytes")));
        });
        return accepted ? 0 : ErrorKind.CORRUPT.exitCode();
    }
}
