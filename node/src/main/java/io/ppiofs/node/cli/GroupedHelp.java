package io.ppiofs.node.cli;

import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Help;
import picocli.CommandLine.Help.Column;
import picocli.CommandLine.Help.Column.Overflow;
import picocli.CommandLine.Help.TextTable;
import picocli.CommandLine.Model.UsageMessageSpec;

/** The list of commands in the top-level help, by what one wants to do. */
final class GroupedHelp {
    /** A heading and its commands: name and what stands behind it. */
    record Group(String heading, List<String[]> commands) {}

    static final List<Group> GROUPS = List.of(
            new Group(
                    "SERVICE",
                    List.of(
                            new String[] {"mount", "[VOLUME] DIR"},
                            new String[] {"umount", "DIR"},
                            new String[] {"upgrade", ""},
                            new String[] {"node", ""})),
            new Group(
                    "VOLUME",
                    List.<String[]>of(new String[] {"volume", "create|list|info|share|custodian|import|place|sync"})),
            new Group(
                    "NETWORK",
                    List.of(
                            new String[] {"network", "create|join|list|members"},
                            new String[] {"grant", "add|list|invite|revoke|open"},
                            new String[] {"custody", "add|list|remove"},
                            new String[] {"id", ""},
                            new String[] {"peers", ""},
                            new String[] {"ping", "PEER"},
                            new String[] {"find", "PEER|CID|KEY"})),
            new Group(
                    "INSPECT",
                    List.of(
                            new String[] {"status", ""},
                            new String[] {"stats", "[DIR]"},
                            new String[] {"top", ""},
                            new String[] {"cid", "PATH..."},
                            new String[] {"doctor", ""},
                            new String[] {"version", ""})),
            new Group(
                    "MAINTAIN",
                    List.of(new String[] {"fsck", "[VOLUME]"}, new String[] {"scrub", ""}, new String[] {"gc", ""})),
            new Group(
                    "PROVE",
                    List.of(
                            new String[] {"sectors", "list|groups|seal|unseal|inspect|verify|recover|remove"},
                            new String[] {"prove", "[SECTOR...]"},
                            new String[] {"capacity", "fill|list|release|challenge"},
                            new String[] {"audit", "VOLUME|PEER"},
                            new String[] {"verifier", "add|list|remove"},
                            new String[] {"fetch", "CID..."})),
            new Group("MEASURE", List.<String[]>of(new String[] {"bench", "DIR"})));

    private static final int NAME_COLUMN = 28;

    private GroupedHelp() {}

    static void install(CommandLine line) {
        line.getHelpSectionMap().remove(UsageMessageSpec.SECTION_KEY_COMMAND_LIST_HEADING);
        line.getHelpSectionMap().put(UsageMessageSpec.SECTION_KEY_COMMAND_LIST, GroupedHelp::render);
    }

    private static String render(Help help) {
        StringBuilder text = new StringBuilder();
        for (Group group : GROUPS) {
            text.append(String.format("%n%s%n", group.heading()));
            TextTable table = TextTable.forColumns(
                    help.colorScheme(),
                    new Column(NAME_COLUMN, 2, Overflow.SPAN),
                    new Column(help.commandSpec().usageMessage().width() - NAME_COLUMN, 2, Overflow.WRAP));
            for (String[] command : group.commands()) {
                table.addRowValues((command[0] + " " + command[1]).strip(), header(help, command[0]));
            }
            text.append(table);
        }
        return text.toString();
    }

    private static String header(Help help, String name) {
        Help command = help.allSubcommands().get(name);
        if (command == null) {
            throw new IllegalStateException("the help names a command that does not exist: " + name);
        }
        String[] header = command.commandSpec().usageMessage().header();
        return header.length == 0 ? "" : header[0];
    }
}
