package io.ppiofs.node.cli;

import io.ppiofs.node.control.Request;
import java.io.IOException;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

@Command(
        name = "verifier",
        header = "whose volumes this node audits, without being able to read them",
        description =
                "With the verify capability of a volume a node challenges the peers that hold it, by the public tags that its owner has given to peers: whenever "
                        + "it runs ('audit.every'), and by 'ppiofs audit'. Of several verifiers two are drawn for each slot in each interval. What fails is "
                        + "told to the others and to the writer.",
        synopsisSubcommandLabel = "add|list|remove",
        sortOptions = false,
        footerHeading = "%nEXAMPLES%n",
        footer = {
            "  ppiofs volume share photos --verify > photos.verify   where it is written",
            "  ppiofs verifier add @photos.verify                    on another node",
            "  ppiofs audit photos --json"
        })
final class VerifierCommand extends Subcommands {
    VerifierCommand(Main main) {
        super(main);
    }

    @Command(
            name = "add",
            header = "audit a volume",
            description =
                    "Takes what 'ppiofs volume share --verify' printed. It is kept in clear: it tells where the volume's blocks are, and opens none.")
    int add(
            @Parameters(paramLabel = "CAPABILITY", description = "the text, @FILE, or - for standard input")
                    String capability,
            @Mixin JsonOption json)
            throws IOException, InterruptedException {
        Map<?, ?> facts = ask(new Request("verifier.add").with("capability", CapabilityArgument.read(capability)));
        json.print(main.surroundings(), facts, () -> out().println("verifies volume " + Facts.text(facts, "volume")));
        return 0;
    }

    @Command(name = "list", header = "list them", description = "Lists the volumes that this node audits for others.")
    int list(@Mixin JsonOption json) throws IOException, InterruptedException {
        Map<?, ?> facts = ask(new Request("verifier.list"));
        json.print(main.surroundings(), facts, () -> {
            Table table = new Table("VOLUME", "NAME", "CLOSED GROUPS", "TAGGED", "OTHER VERIFIERS", "PASS", "FAIL");
            Facts.list(facts.get("volumes"))
                    .forEach(one -> table.row(
                            Facts.text(one, "volume"),
                            one.get("name") == null ? "-" : Facts.text(one, "name"),
                            Facts.text(one, "closedGroups"),
                            Facts.text(one, "taggedGroups"),
                            Facts.text(one, "otherVerifiers"),
                            Facts.text(one, "auditsPass"),
                            Facts.text(one, "auditsFail")));
            table.print(out());
        });
        return 0;
    }

    @Command(
            name = "remove",
            header = "audit a volume no longer",
            description = "Forgets the capability and all that was learnt with it.")
    int remove(
            @Parameters(paramLabel = "VOLUME", description = "name or id, as 'ppiofs verifier list' shows it")
                    String volume,
            @Mixin JsonOption json)
            throws IOException, InterruptedException {
        Map<?, ?> facts = ask(new Request("verifier.remove").with("volume", volume));
        json.print(main.surroundings(), facts, () -> out().println("removed " + Facts.text(facts, "removed")));
        return 0;
    }
}
