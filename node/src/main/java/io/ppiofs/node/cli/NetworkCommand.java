package io.ppiofs.node.cli;

import io.ppiofs.node.control.Request;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "network",
        header = "make, join and list networks",
        description =
                "A network is a set of peers with a genesis record of its own; its hash is in every protocol name, so "
                        + "two networks never mix. A private network admits only peers with a certificate of its membership key.",
        synopsisSubcommandLabel = "create|join|list|members",
        sortOptions = false,
        footerHeading = "%nEXAMPLES%n",
        footer = {
            "  ppiofs network create team --private",
            "  ppiofs network members team --admit 12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq",
            "  ppiofs network join ppiofs-network:…",
            "  ppiofs node --network team --listen /ip4/0.0.0.0/tcp/4001"
        })
final class NetworkCommand extends Subcommands {
    NetworkCommand(Main main) {
        super(main);
    }

    @Command(
            name = "create",
            header = "make a network",
            description = "Makes a network and prints the invitation with which others join it.")
    int create(
            @Parameters(paramLabel = "NAME", description = "1 to 64 letters, digits, '.', '_', '-'") String name,
            @Option(names = "--private", description = "only peers with a certificate may take part") boolean secret,
            @Option(
                            names = "--bootstrap",
                            paramLabel = "ADDR",
                            description = "address with /p2p/… of a peer, for the invitation; may be repeated")
                    String @Nullable [] bootstrap,
            @Mixin JsonOption json)
            throws IOException, InterruptedException {
        Request request = new Request("network.create")
                .with("name", name)
                .with("private", secret)
                .with("bootstrap", NodeCommand.list(bootstrap));
        Map<?, ?> facts = ask(request);
        json.print(main.surroundings(), facts, () -> {
            PrintWriter out = out();
            out.println("network " + Facts.text(facts, "name") + " is made, id " + Facts.text(facts, "id"));
            out.println(Facts.text(facts, "invitation"));
        });
        return 0;
    }

    @Command(
            name = "join",
            header = "join a network by its invitation",
            description = "Stores what an invitation says, so that 'ppiofs node --network NAME' can take part.")
    int join(
            @Parameters(paramLabel = "INVITATION", description = "the text that 'network create' or 'members' printed")
                    String invitation,
            @Mixin JsonOption json)
            throws IOException, InterruptedException {
        Map<?, ?> facts = ask(new Request("network.join").with("invitation", invitation));
        json.print(
                main.surroundings(),
                facts,
                () -> main.surroundings()
                        .out()
                        .println("network " + Facts.text(facts, "name") + ", id " + Facts.text(facts, "id")
                                + "; 'ppiofs " + "node --network " + Facts.text(facts, "name") + "' takes part"));
        return 0;
    }

    @Command(name = "list", header = "list networks", description = "Lists the networks that the home knows.")
    int list(@Mixin JsonOption json) throws IOException, InterruptedException {
        Map<?, ?> facts = ask(new Request("network.list"));
        json.print(main.surroundings(), facts, () -> {
            Table table = new Table("NAME", "ID", "KIND", "RIGHTS");
            Facts.list(facts.get("networks"))
                    .forEach(n -> table.row(
                            Facts.text(n, "name"),
                            Facts.text(n, "id"),
                            Facts.text(n, "kind"),
                            Facts.text(n, "rights")));
            table.print(out());
        });
        return 0;
    }

    @Command(
            name = "members",
            header = "list, admit and revoke members of a private network",
            description = "Lists the certificates that this home has issued, or issues and revokes one. Needs the "
                    + "membership key, which lies in the home that made the network.")
    int members(
            @Parameters(paramLabel = "NETWORK", description = "name or id") String network,
            @Option(names = "--admit", paramLabel = "PEER", description = "issue a certificate, print its invitation")
                    @Nullable
                    String admit,
            @Option(names = "--revoke", paramLabel = "PEER", description = "revoke the certificates of this peer")
                    @Nullable
                    String revoke,
            @Mixin JsonOption json)
            throws IOException, InterruptedException {
        Request request = new Request("network.members")
                .with("network", network)
                .with("admit", admit)
                .with("revoke", revoke);
        Map<?, ?> facts = ask(request);
        json.print(main.surroundings(), facts, () -> {
            PrintWriter out = out();
            Table table = new Table("PEER", "SERIAL", "UNTIL", "STATE");
            Facts.list(facts.get("members"))
                    .forEach(m -> table.row(
                            Facts.text(m, "peer"),
                            Facts.text(m, "serial"),
                            Facts.text(m, "until"),
                            Facts.text(m, "state")));
            table.print(out);
            if (facts.get("invitation") != null) {
                out.println(Facts.text(facts, "invitation"));
            }
        });
        return 0;
    }
}
