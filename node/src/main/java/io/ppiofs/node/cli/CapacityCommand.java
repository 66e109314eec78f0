package io.ppiofs.node.cli;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.node.config.ByteSize;
import io.ppiofs.node.control.Request;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "capacity",
        header = "show others that lent space is there before anybody uses it",
        description =
                "Fills what hosted blocks leave of the lent space with units that only this peer can have, and challenges "
                        + "the units of others; see docs/proofs.md. Units go by themselves, one by one, when hosted data needs the room.",
        synopsisSubcommandLabel = "fill|list|release|challenge",
        sortOptions = false,
        footerHeading = "%nEXAMPLES%n",
        footer = {
            "  ppiofs capacity fill 100GiB                hours: a unit of 512 MiB takes a minute or two",
            "  ppiofs capacity list",
            "  ppiofs capacity challenge 12D3KooW… --labels",
            "  ppiofs capacity release 7 8"
        })
final class CapacityCommand extends Subcommands {
    CapacityCommand(Main main) {
        super(main);
    }

    @Command(
            name = "fill",
            header = "make units until they are SIZE in all",
            description =
                    "Ends before when nothing more fits into what is lent, or hosted data needs the room. Who interrupts the "
                            + "command does not stop the node's work; after a restart of the node it has to be asked for again.")
    int fill(
            @Parameters(paramLabel = "SIZE", description = "of all units together, like 100GiB") String size,
            @Option(
                            names = "--unit",
                            paramLabel = "SIZE",
                            defaultValue = "512MiB",
                            description =
                                    "of one unit, a power of two up to 1GiB; default 512MiB; smaller ones prove less about time")
                    String unit,
            @Mixin ParametersOption parameters,
            @Mixin JsonOption json)
            throws IOException, InterruptedException {
        Request request = new Request("capacity.fill")
                .with("bytes", ByteSize.parse(size).bytes())
                .with("unitBytes", ByteSize.parse(unit).bytes())
                .with("parameters", parameters.name());
        Map<?, ?> facts = main.node().askShowing(request);
        json.print(main.surroundings(), facts, () -> {
            print(facts);
            if (!Facts.text(facts, "ended").isEmpty()) {
                out().println("not more: " + Facts.text(facts, "ended"));
            }
        });
        return 0;
    }

    @Command(name = "list", header = "the units of this node")
    int list(@Mixin JsonOption json) throws IOException, InterruptedException {
        Map<?, ?> facts = ask(new Request("capacity.list"));
        json.print(main.surroundings(), facts, () -> print(facts));
        return 0;
    }

    private void print(Map<?, ?> facts) {
        out().println(Facts.number(facts, "count") + " units, " + ByteSize.show(Facts.number(facts, "bytes"))
                + ", sequence " + Facts.number(facts, "sequence"));
        if (facts.get("units") instanceof List<?> units && !units.isEmpty()) {
            out().println("numbers: "
                    + String.join(" ", units.stream().map(String::valueOf).toList()));
        }
    }

    @Command(
            name = "release",
            header = "give units back",
            description = "Whoever challenged this node before sees at the next challenge that exactly these went.")
    int release(
            @Parameters(
                            paramLabel = "UNIT",
                            arity = "0..*",
                            description = "numbers, as 'ppiofs capacity list' shows them")
                    @Nullable
                    List<String> units,
            @Option(names = "--all", description = "all units, at most 1024 at a time") boolean all,
            @Mixin JsonOption json)
            throws IOException, InterruptedException {
        Request request = new Request("capacity.release")
                .with("units", units == null ? List.of() : units)
                .with("all", all);
        Map<?, ?> facts = ask(request);
        json.print(main.surroundings(), facts, () -> print(facts));
        return 0;
    }

    @Command(
            name = "challenge",
            header = "let a peer prove its units",
            description =
                    "PASS: all leaves were there in time, and what was said before fits. FAIL: a wrong proof, or the peer "
                            + "contradicts itself. SUSPECT: no answer, or a late one. Exit code 0, 65, 75.")
    int challenge(
            @Parameters(paramLabel = "PEER", description = "a peer id") String peer,
            @Option(
                            names = "--leaves",
                            paramLabel = "N",
                            description = "to open; default 66, which finds a loss of 5 %% with 0.97")
                    @Nullable
                    Integer leaves,
            @Option(
                            names = "--labels",
                            description =
                                    "let a random unit be labelled once more, too; takes as long as filling it did")
                    boolean labels,
            @Option(
                            names = "--timed",
                            description =
                                    "SUSPECT if the units are of the parameters 'test', or so small that they could be made anew within the "
                                            + "deadline")
                    boolean timed,
            @Mixin JsonOption json)
            throws IOException, InterruptedException {
        Request request = new Request("capacity.challenge")
                .with("peer", peer)
                .with("leaves", leaves == null ? null : leaves.longValue())
                .with("labels", labels)
                .with("timed", timed);
        Map<?, ?> facts = main.node().askShowing(request);
        json.print(
                main.surroundings(),
                facts,
                () -> facts.forEach((name, value) -> out().printf("%-16s %s%n", name, value == null ? "-" : value)));
        return switch (Facts.text(facts, "result")) {
            case "PASS" -> 0;
            case "FAIL" -> ErrorKind.CORRUPT.exitCode();
            default -> ErrorKind.BUSY.exitCode();
        };
    }
}
