package io.ppiofs.node.cli;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.node.MountRequest;
import io.ppiofs.node.audit.Transcript;
import io.ppiofs.node.control.Progress;
import io.ppiofs.node.control.Request;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "audit",
        header = "challenge the peers that hold a volume",
        description =
                "Asks each holder of each closed group to prove that it can read what is challenged, and judges the proofs "
                        + "without data. PASS: all was there, in time. FAIL: a wrong proof, or the holder says that it lacks something; its "
                        + "slots go to others. SUSPECT: no answer, or a late one. Sealed slots ('ppiofs volume place --seal') show leaves of their replicas, too. Exit code 0 if every slot passed, 65 if one "
                        + "failed, 75 if one is suspect or nothing could be audited. Audits also go on by themselves, see "
                        + "'audit.every' in docs/operations.md. A volume that this home only verifies ('ppiofs verifier') is audited by the "
                        + "public tags that peers have of it, always as with --public.",
        sortOptions = false,
        footerHeading = "%nEXAMPLES%n",
        footer = {
            "  ppiofs audit photos                        every holder of the volume",
            "  ppiofs audit 12D3KooW…                     what one peer holds of the volumes that are open",
            "  ppiofs audit photos --public --out a.ptr   a transcript that anybody may check",
            "  ppiofs audit --check a.ptr                 with nothing but the file"
        })
final class AuditCommand implements Callable<Integer> {
    private final Main main;

    @Parameters(paramLabel = "VOLUME|PEER", arity = "0..1", description = "what to audit")
    private @Nullable String target;

    @Option(
            names = "--public",
            description = "by tags that others can check, too; they are made where they are missing, 20 MiB a second")
    private boolean publicly;

    @Option(
            names = "--out",
            paramLabel = "FILE",
            description = "with --public: write the transcript here; a private audit has nothing to show")
    private @Nullable Path out;

    @Option(names = "--check", paramLabel = "FILE", description = "check a transcript; no node is asked")
    private @Nullable Path check;

    @Option(names = "--fetch", description = "fetch blocks that tags need and that are not on this machine")
    private boolean fetch;

    @Option(
            names = "--units",
            paramLabel = "N",
            description = "8 KiB units to challenge in each slot; default 460, which finds a loss of 1 %% with 0.99")
    private @Nullable Integer units;

    @Mixin
    private final UnlockOptions unlock = new UnlockOptions();

    @Mixin
    private final JsonOption json = new JsonOption();

    AuditCommand(Main main) {
        this.main = main;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        if (check != null) {
            return check(check);
        }
        if (target == null) {
            throw new PpiofsException(
                    ErrorKind.INVALID, "audit", "target", "name a volume, a peer, or with --check a transcript");
        }
        Request request = new Request("audit")
                .with("target", target)
                .with("public", publicly)
                .with("fetch", fetch)
                .with("out", out == null ? null : out.toAbsolutePath().toString());
        if (units != null) {
            request = request.with("units", units.longValue());
        }
        Surroundings around = main.surroundings();
        Progress progress = ProgressBars.on(around);
        Map<?, ?> facts;
        try {
            facts = main.node()
                    .ask(MountRequest.withUnlock(request, unlock.read(around.environment(), null, null)), progress);
        } finally {
            ProgressBars.end(progress);
        }
        json.print(around, facts, () -> print(facts));
        if (Facts.number(facts, "failed") > 0) {
            return ErrorKind.CORRUPT.exitCode();
        }
        return Facts.number(facts, "suspect") > 0 || Facts.number(facts, "passed") == 0 ? ErrorKind.BUSY.exitCode() : 0;
    }

    private void print(Map<?, ?> facts) {
        Table table = new Table("GROUP", "SLOT", "PEER", "RESULT", "MS", "");
        Facts.list(facts.get("slots"))
                .forEach(s -> table.row(
                        Facts.text(s, "group"),
                        Facts.text(s, "slot"),
                        Facts.text(s, "peer"),
                        Facts.text(s, "result"),
                        Facts.text(s, "millis"),
                        Facts.text(s, "reason")));
        table.print(main.surroundings().out());
        List<Map<String, @Nullable Object>> seals = Facts.list(facts.get("seals"));
        if (!seals.isEmpty()) {
            Table sealed = new Table("GROUP", "SLOT", "PEER", "SEAL", "WINDOW", "MS", "");
            seals.forEach(s -> sealed.row(
                    Facts.text(s, "group"),
                    Facts.text(s, "slot"),
                    Facts.text(s, "peer"),
                    Facts.text(s, "state"),
                    s.get("result") == null ? "" : Facts.text(s, "result"),
                    s.get("millis") == null ? "" : Facts.text(s, "millis"),
                    Facts.text(s, "reason")));
            sealed.print(main.surroundings().out());
        }
        main.surroundings()
                .out()
                .println(Facts.number(facts, "passed") + " passed, " + Facts.number(facts, "failed") + " failed, "
                        + Facts.number(facts, "suspect") + " suspect; "
                        + Facts.number(facts, "untaggedGroups") + " closed groups without tags");
    }

    private int check(Path file) throws IOException {
        List<Transcript.Finding> findings = Transcript.check(ProofCheck.read(file, Transcript.MAX_BYTES));
        boolean accepted = !findings.isEmpty()
                && findings.stream().allMatch(f -> f.verdict().accepted());
        List<Object> list = new ArrayList<>();
        Table table = new Table("OWNER", "GROUP", "SLOT", "PEER", "TIME", "VERDICT");
        for (Transcript.Finding finding : findings) {
            String verdict =
                    finding.verdict().accepted() ? "holds" : finding.verdict().reason();
            Map<String, @Nullable Object> facts = new LinkedHashMap<>();
            facts.put("owner", finding.owner().toString());
            facts.put("verifier", HexFormat.of().formatHex(finding.verifier()));
            facts.put("verifierNamedByOwner", finding.byOwner());
            facts.put("group", finding.group().toString());
            facts.put("slot", (long) finding.slot());
            facts.put("peer", finding.prover().toString());
            facts.put("epoch", finding.epoch());
            facts.put("units", (long) finding.units());
            facts.put("bytes", finding.bytes());
            facts.put("accepted", finding.verdict().accepted());
            facts.put("reason", finding.verdict().reason());
            list.add(facts);
            table.row(
                    finding.owner().toString(),
                    finding.group().toString(),
                    Integer.toString(finding.slot()),
                    finding.prover().toString(),
                    Instant.ofEpochSecond(Math.min(finding.epoch(), Instant.MAX.getEpochSecond()))
                            .toString(),
                    verdict);
        }
        Map<String, @Nullable Object> answer = new LinkedHashMap<>();
        answer.put("accepted", accepted);
        answer.put("answers", list);
        json.print(
                main.surroundings(),
                answer,
                () -> table.print(main.surroundings().out()));
        return accepted ? 0 : ErrorKind.CORRUPT.exitCode();
    }
}
