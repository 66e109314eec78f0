package io.ppiofs.node.cli;

import io.ppiofs.node.config.ByteSize;
import io.ppiofs.node.control.Request;
import java.io.IOException;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "grant",
        header = "whom this node lends space, and how much",
        description =
                "A node that runs with --store lends space under grants only: to tenants (the keys under which volumes "
                        + "store) that you name, to who shows an invitation, to who stores as much for you, and, if you open it, "
                        + "to strangers up to a cap.",
        synopsisSubcommandLabel = "add|list|invite|revoke|open",
        sortOptions = false,
        footerHeading = "%nEXAMPLES%n",
        footer = {
            "  ppiofs grant invite --bytes 100GiB",
            "  ppiofs grant add 12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq --bytes 1TiB",
            "  ppiofs grant open --bytes 50GiB --per-prefix 5GiB",
            "  ppiofs grant list --json"
        })
final class GrantCommand extends Subcommands {
    GrantCommand(Main main) {
        super(main);
    }

    @Command(
            name = "add",
            header = "lend to a tenant",
            description = "Puts a tenant on the allow-list. Given again it changes how much; what is stored stays.")
    int add(
            @Parameters(paramLabel = "TENANT", description = "as 'ppiofs volume info' shows it: 12D3KooW…")
                    String tenant,
            @Option(
                            names = "--bytes",
                            paramLabel = "SIZE",
                            required = true,
                            description = "stored bytes in all, like 1TiB")
                    String bytes,
            @Mixin JsonOption json)
            throws IOException, InterruptedException {
        Map<?, ?> facts = ask(new Request("grant.add").with("tenant", tenant).with("bytes", bytes));
        json.print(
                main.surroundings(),
                facts,
                () -> out().println(Facts.text(facts, "tenant") + " may store "
                        + ByteSize.show(Facts.number(facts, "bytes"))));
        return 0;
    }

    @Command(
            name = "invite",
            header = "make an invitation",
            description = "Prints an invitation: whoever shows it first is lent so much, once.")
    int invite(
            @Option(names = "--bytes", paramLabel = "SIZE", required = true, description = "stored bytes, like 100GiB")
                    String bytes,
            @Mixin JsonOption json)
            throws IOException, InterruptedException {
        Map<?, ?> facts = ask(new Request("grant.invite").with("bytes", bytes));
        json.print(main.surroundings(), facts, () -> out().println(Facts.text(facts, "invitation")));
        return 0;
    }

    @Command(
            name = "revoke",
            header = "end a grant, or withdraw an invitation",
            description = "Nothing more is stored for the tenant. What is stored stays until its leases end.")
    int revoke(
            @Parameters(paramLabel = "TENANT|INVITATION", description = "as 'ppiofs grant list' shows it")
                    String subject,
            @Mixin JsonOption json)
            throws IOException, InterruptedException {
        Map<?, ?> facts = ask(new Request("grant.revoke").with("subject", subject));
        json.print(main.surroundings(), facts, () -> out().println("revoked " + Facts.text(facts, "revoked")));
        return 0;
    }

    @Command(
            name = "open",
            header = "lend to strangers",
            description =
                    "Lends to everybody who asks, up to a cap in all and for each network prefix (IPv4 /24, IPv6 /48). "
                            + "0 closes it; what is granted stays granted.")
    int open(
            @Option(names = "--bytes", paramLabel = "SIZE", required = true, description = "for all strangers together")
                    String bytes,
            @Option(names = "--per-prefix", paramLabel = "SIZE", description = "for one network prefix; default: all")
                    @Nullable
                    String perPrefix,
            @Mixin JsonOption json)
            throws IOException, InterruptedException {
        Map<?, ?> facts = ask(new Request("grant.open").with("bytes", bytes).with("perPrefix", perPrefix));
        json.print(main.surroundings(), facts, () -> out().println(openLine(facts)));
        return 0;
    }

    @Command(name = "list", header = "list grants and invitations", description = "Lists grants and invitations.")
    int list(@Mixin JsonOption json) throws IOException, InterruptedException {
        Map<?, ?> facts = ask(new Request("grant.list"));
        json.print(main.surroundings(), facts, () -> print(facts));
        return 0;
    }

    private void print(Map<?, ?> facts) {
        Table grants = new Table("TENANT", "BYTES", "USED", "KIND", "STATE");
        Facts.list(facts.get("grants"))
                .forEach(g -> grants.row(
                        Facts.text(g, "tenant"),
                        ByteSize.show(Facts.number(g, "bytes")),
                        g.get("usedBytes") == null ? "-" : ByteSize.show(Facts.number(g, "usedBytes")),
                        Facts.text(g, "kind"),
                        Facts.text(g, "state")));
        grants.print(out());
        Table invitations = new Table("INVITATION", "BYTES", "USED BY");
        Facts.list(facts.get("invitations"))
                .forEach(i -> invitations.row(
                        Facts.text(i, "id"),
                        ByteSize.show(Facts.number(i, "bytes")),
                        i.get("usedBy") == null ? "nobody yet" : Facts.text(i, "usedBy")));
        out().println();
        invitations.print(out());
        out().println();
        out().println(openLine(Facts.object(facts.get("open"))));
    }

    private static String openLine(Map<?, ?> open) {
        long bytes = Facts.number(open, "bytes");
        return bytes == 0
                ? "closed to strangers"
                : "open to strangers: " + ByteSize.show(bytes) + " in all, "
                        + ByteSize.show(Facts.number(open, "perPrefix")) + " for one network prefix";
    }
}
