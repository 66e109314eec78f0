package io.ppiofs.node.cli;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.node.control.Progress;
import io.ppiofs.node.control.Request;
import io.ppiofs.node.deals.DealParty;
import io.ppiofs.node.deals.DealService;
import io.ppiofs.proofs.pod.PodOutcome;
import io.ppiofs.proofs.pod.PodProof;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "fetch",
        header = "fetch blocks from a peer, against a receipt",
        description =
                "A fair exchange: the peer sends the blocks encrypted, a verifier that it trusts keeps the key, and gives it to this node "
                        + "against its signed receipt for everything. Each block becomes a file with its CID as the name, as it is stored "
                        + "(encrypted by its volume). The proof of download goes to a file, and to the peer. Exit code 0 if everything was "
                        + "delivered, 65 if the peer served garbage: the proof shows that.",
        sortOptions = false,
        footerHeading = "%nEXAMPLES%n",
        footer = {
            "  ppiofs fetch bafkrei… bafkrei… --from 12D3KooW… --verifier 12D3KooW… --out blocks",
            "  ppiofs fetch --check blocks/5f….pod            with nothing but the file"
        })
final class FetchCommand implements Callable<Integer> {
    private final Main main;

    @Parameters(paramLabel = "CID", arity = "0..*", description = "which blocks; 1 GiB at most in one deal")
    private @Nullable List<String> cids;

    @Option(names = "--from", paramLabel = "PEER", description = "who has them")
    private @Nullable String from;

    @Option(names = "--verifier", paramLabel = "PEER", description = "who keeps the key; the other peer must trust it")
    private @Nullable String verifier;

    @Option(names = "--out", paramLabel = "DIR", description = "where the blocks go")
    private @Nullable Path out;

    @Option(
            names = "--proof",
            paramLabel = "FILE",
            description = "where the proof goes; default: beside the blocks, named by the deal")
    private @Nullable Path proof;

    @Option(
            names = "--challenges",
            paramLabel = "N",
            description = "4 KiB leaves that the verifier looks at on each side; default 64")
    private @Nullable Integer challenges;

    @Option(names = "--check", paramLabel = "FILE", description = "check a proof of download; no node is asked")
    private @Nullable Path check;

    @Mixin
    private final JsonOption json = new JsonOption();

    FetchCommand(Main main) {
        this.main = main;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        if (check != null) {
            return check(check);
        }
        if (cids == null || from == null || verifier == null || out == null) {
            throw new PpiofsException(
                    ErrorKind.INVALID,
                    "fetch",
                    "options",
                    "name blocks, --from, --verifier and --out; or with --check a proof");
        }
        Request request = new Request("fetch")
                .with("cids", cids)
                .with("from", from)
                .with("verifier", verifier)
                .with("out", out.toAbsolutePath().toString())
                .with("proof", proof == null ? null : proof.toAbsolutePath().toString());
        if (challenges != null) {
            request = request.with("challenges", challenges.longValue());
        }
        Progress progress = ProgressBars.on(main.surroundings());
        Map<?, ?> facts;
        try {
            facts = main.node().ask(request, progress);
        } finally {
            ProgressBars.end(progress);
        }
        json.print(main.surroundings(), facts, () -> {
            print(facts);
            main.surroundings().out().println("proof: " + Facts.text(facts, "proof"));
        });
        return PodOutcome.DELIVERED.name().equals(Facts.text(facts, "outcome")) ? 0 : ErrorKind.CORRUPT.exitCode();
    }

    private int check(Path file) throws IOException {
        PodProof.Finding finding = PodProof.check(ProofCheck.read(file, PodProof.MAX_BYTES), DealParty::signed);
        Map<String, @Nullable Object> facts = DealService.describe(finding);
        json.print(main.surroundings(), facts, () -> print(facts));
        return finding.verdict().accepted() ? 0 : ErrorKind.CORRUPT.exitCode();
    }

    private void print(Map<?, ?> facts) {
        Table table = new Table("OUTCOME", "BLOCKS", "BYTES", "USER", "PROVIDER", "VERIFIER", "TIME");
        table.row(
                Facts.text(facts, "outcome"),
                Facts.text(facts, "blocks"),
                Facts.text(facts, "bytes"),
                Facts.text(facts, "user"),
                Facts.text(facts, "provider"),
                Facts.text(facts, "verifier"),
                Instant.ofEpochMilli(Facts.number(facts, "decidedMillis")).toString());
        table.print(main.surroundings().out());
        if (!Facts.text(facts, "reason").isEmpty()) {
            main.surroundings().out().println("does not hold: " + Facts.text(facts, "reason"));
        }
    }
}
