package io.ppiofs.node.cli;

import io.ppiofs.node.config.ByteSize;
import io.ppiofs.node.control.Request;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "sectors",
        header = "seal what this node hosts, so that it can prove a copy of its own",
        description =
                "A sector is a hosted slot of a closed group, or a file, that is sealed into a replica which only this "
                        + "peer has: labels as Filecoin's SDR, see docs/proofs.md. 'ppiofs prove' proves it.",
        synopsisSubcommandLabel = "list|groups|seal|unseal|inspect|verify|recover|remove",
        sortOptions = false,
        footerHeading = "%nEXAMPLES%n",
        footer = {
            "  ppiofs sectors groups",
            "  ppiofs sectors seal cgkj2tdbtdjcvfvqi6oyk6sfqe --parameters fast",
            "  ppiofs sectors inspect 1 --json >statement.json",
            "  ppiofs prove 1 --begin --out 1.proof",
            "  ppiofs sectors verify --statement statement.json --proof 1.proof"
        })
final class SectorsCommand extends Subcommands {
    private static final String SECTOR = "number, as 'ppiofs sectors list' shows it";

    SectorsCommand(Main main) {
        super(main);
    }

    @Command(name = "list", header = "the sectors of this home")
    int list(@Mixin JsonOption json) throws IOException, InterruptedException {
        Map<?, ?> facts = ask(new Request("sectors.list"));
        json.print(main.surroundings(), facts, () -> print(Facts.list(facts.get("sectors"))));
        return 0;
    }

    private void print(List<? extends Map<?, ?>> sectors) {
        Table table = new Table("SECTOR", "STATE", "SIZE", "PAYLOAD", "PARAMETERS", "SOURCE");
        sectors.forEach(s -> table.row(
                Facts.text(s, "sector"),
                Facts.text(s, "state"),
                ByteSize.show(Facts.number(s, "sectorBytes")),
                ByteSize.show(Facts.number(s, "payloadBytes")),
                Facts.text(s, "parameters"),
                Facts.text(s, "source")));
        table.print(out());
    }

    @Command(name = "groups", header = "the groups that this node hosts and that can be sealed once they are closed")
    int groups(@Mixin JsonOption json) throws IOException, InterruptedException {
        Map<?, ?> facts = ask(new Request("sectors.groups"));
        json.print(main.surroundings(), facts, () -> {
            Table table = new Table("GROUP", "SLOT", "BYTES", "TENANT");
            Facts.list(facts.get("groups"))
                    .forEach(g -> table.row(
                            Facts.text(g, "group"),
                            Facts.text(g, "slot"),
                            ByteSize.show(Facts.number(g, "bytes")),
                            Facts.text(g, "tenant")));
            table.print(out());
        });
        return 0;
    }

    @Command(
            name = "seal",
            header = "make a sector and seal it",
            description =
                    "Seals the slots of a hosted group, a file, or goes on with a sector whose sealing was stopped. Takes "
                            + "minutes for what is large; who interrupts the command does not stop the node's work.")
    int seal(
            @Parameters(paramLabel = "GROUP|FILE|SECTOR", description = "what to seal") String what,
            @Mixin ParametersOption parameters,
            @Option(
                            names = "--copy",
                            paramLabel = "N",
                            description = "of a file: which copy of the same data; default 0")
                    @Nullable
                    Integer copy,
            @Option(
                            names = "--keep-unsealed",
                            description =
                                    "keep the sector's own payload beside the replica; a group's blocks stay anyway")
                    boolean keepUnsealed,
            @Mixin JsonOption json)
            throws IOException, InterruptedException {
        Request request = new Request("sectors.seal")
                .with("what", what)
                .with("path", Path.of(what).toAbsolutePath().toString())
                .with("parameters", parameters.name())
                .with("copy", copy == null ? null : copy.longValue())
                .with("keepUnsealed", keepUnsealed);
        Map<?, ?> facts = main.node().askShowing(request);
        json.print(main.surroundings(), facts, () -> print(Facts.list(facts.get("sectors"))));
        return 0;
    }

    @Command(name = "unseal", header = "make the payload of a sector again from its replica; as slow as sealing")
    int unseal(@Parameters(paramLabel = "SECTOR", description = SECTOR) String sector, @Mixin JsonOption json)
            throws IOException, InterruptedException {
        Map<?, ?> facts = main.node().askShowing(new Request("sectors.unseal").with("sector", sector));
        json.print(main.surroundings(), facts, () -> print(List.of(facts)));
        return 0;
    }

    @Command(
            name = "inspect",
            header = "everything about one sector",
            description = "With --json it is also the statement against which others check its proofs.")
    int inspect(@Parameters(paramLabel = "SECTOR", description = SECTOR) String sector, @Mixin JsonOption json)
            throws IOException, InterruptedException {
        return one(new Request("sectors.inspect").with("sector", sector), json);
    }

    @Command(name = "recover", header = "say that a faulty sector is whole again: it has to prove it next")
    int recover(@Parameters(paramLabel = "SECTOR", description = SECTOR) String sector, @Mixin JsonOption json)
            throws IOException, InterruptedException {
        return one(new Request("sectors.recover").with("sector", sector), json);
    }

    private int one(Request request, JsonOption json) throws IOException, InterruptedException {
        Map<?, ?> facts = ask(request);
        json.print(
                main.surroundings(),
                facts,
                () -> facts.forEach((name, value) -> out().printf("%-14s %s%n", name, value == null ? "-" : value)));
        return 0;
    }

    @Command(name = "remove", header = "delete a sector with its replica; hosted blocks stay")
    int remove(@Parameters(paramLabel = "SECTOR", description = SECTOR) String sector, @Mixin JsonOption json)
            throws IOException, InterruptedException {
        Map<?, ?> facts = ask(new Request("sectors.remove").with("sector", sector));
        json.print(main.surroundings(), facts, () -> out().println("sector " + sector + " is gone"));
        return 0;
    }

    @Command(
            name = "verify",
            header = "check a proof against a statement, without any node",
            description = "Exit code 65 if it does not hold.")
    int verify(
            @Option(
                            names = "--statement",
                            paramLabel = "FILE",
                            required = true,
                            description = "what 'ppiofs sectors inspect SECTOR --json' printed")
                    Path statement,
            @Option(
                            names = "--proof",
                            paramLabel = "FILE",
                            required = true,
                            description = "of 'ppiofs prove --out FILE'")
                    Path proof,
            @Option(
                            names = "--seed",
                            paramLabel = "HEX",
                            description =
                                    "32 bytes; without it the proof must be the non-interactive one of replication")
                    @Nullable
                    String seed,
            @Mixin JsonOption json)
            throws IOException {
        ProofCheck check = ProofCheck.of(statement, proof, seed);
        Map<String, @Nullable Object> facts = new LinkedHashMap<>();
        facts.put("accepted", check.accepted());
        facts.put("proof", check.kind());
        facts.put("reason", check.reason());
        json.print(
                main.surroundings(),
                facts,
                () -> out().println(
                                check.accepted()
                                        ? "the proof of " + check.kind() + " holds"
                                        : "the proof does not hold: " + check.reason()));
        return check.exitCode();
    }
}
