package io.ppiofs.node.cli;

import io.ppiofs.node.control.Request;
import java.io.IOException;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

@Command(
        name = "custody",
        header = "whose volumes this node keeps from running out",
        description =
                "What a volume stores on peers is leased for 90 days. The machines that write it prolong that by themselves; while "
                        + "they are away, a custodian does: a node that runs and can do nothing else with the volume.",
        synopsisSubcommandLabel = "add|list|remove",
        sortOptions = false,
        footerHeading = "%nEXAMPLES%n",
        footer = {
            "  ppiofs volume custodian photos 12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq > photos.custody",
            "  ppiofs custody add @photos.custody",
            "  ppiofs custody list --json"
        })
final class CustodyCommand extends Subcommands {
    CustodyCommand(Main main) {
        super(main);
    }

    @Command(
            name = "add",
            header = "become a volume's custodian",
            description = "Takes what 'ppiofs volume custodian' printed for this node. Goes on whenever the node runs.")
    int add(
            @Parameters(paramLabel = "CUSTODY", description = "the text, @FILE, or - for standard input")
                    String custody,
            @Mixin JsonOption json)
            throws IOException, InterruptedException {
        Map<?, ?> facts = ask(new Request("custody.add").with("custody", CapabilityArgument.read(custody)));
        json.print(
                main.surroundings(),
                facts,
                () -> out().println("custodian of " + Facts.text(facts, "tenant") + " until "
                        + Facts.text(facts, "until")));
        return 0;
    }

    @Command(name = "list", header = "list them", description = "Lists the volumes whose custodian this node is.")
    int list(@Mixin JsonOption json) throws IOException, InterruptedException {
        Map<?, ?> facts = ask(new Request("custody.list"));
        json.print(main.surroundings(), facts, () -> {
            Table table = new Table("TENANT", "UNTIL", "HOLDERS", "LEASES END");
            Facts.list(facts.get("custodies"))
                    .forEach(one -> table.row(
                            Facts.text(one, "tenant"),
                            Facts.text(one, "until"),
                            Facts.text(one, "holders"),
                            one.get("leasesEnd") == null ? "-" : Facts.text(one, "leasesEnd")));
            table.print(out());
        });
        return 0;
    }

    @Command(
            name = "remove",
            header = "be a custodian no longer",
            description = "Forgets a custody. What was prolonged stays leased for as long.")
    int remove(
            @Parameters(paramLabel = "TENANT", description = "as 'ppiofs custody list' shows it") String tenant,
            @Mixin JsonOption json)
            throws IOException, InterruptedException {
        Map<?, ?> facts = ask(new Request("custody.remove").with("tenant", tenant));
        json.print(main.surroundings(), facts, () -> out().println("removed " + Facts.text(facts, "removed")));
        return 0;
    }
}
