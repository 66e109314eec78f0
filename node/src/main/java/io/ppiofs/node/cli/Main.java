package io.ppiofs.node.cli;

import com.google.common.collect.ImmutableMap;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.node.EmbeddedServices;
import io.ppiofs.node.Home;
import java.io.PrintWriter;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** The {@code ppiofs} command. */
@Command(
        name = "ppiofs",
        synopsisSubcommandLabel = "COMMAND",
        description = "A filesystem that needs no server: encrypted, content-addressed blocks behind a directory.",
        sortOptions = false,
        footerHeading = "%n",
        footer = {
            "EXAMPLES",
            "  ppiofs mount /mnt/p -d              mount the default volume in the background",
            "  ppiofs umount /mnt/p                unmount; returns when everything is safe",
            "  ppiofs mount photos ~/photos        mount another volume, Ctrl-C unmounts",
            "  ppiofs volume create photos --passphrase-file ~/.photos",
            "  ppiofs status --json",
            "",
            "EXIT CODES",
            "   0 done                      4 not found            5 exists already",
            "   6 the state forbids it     28 no space            64 wrong option or argument",
            "  65 damaged data             69 not available       70 defect of ppiofs",
            "  74 input/output error       75 busy or in use      76 unknown format",
            "  77 no right or wrong key    78 unusable configuration",
            "",
            "Every command takes --home DIR (or $PPIOFS_HOME); see 'ppiofs help COMMAND'."
        })
public final class Main implements Runnable {
    /** In the order in which completion offers them. */
    private static final ImmutableMap<String, Function<Main, Object>> COMMANDS =
            ImmutableMap.<String, Function<Main, Object>>builder()
                    .put("mount", MountCommand::new)
                    .put("umount", UmountCommand::new)
                    .put("upgrade", UpgradeCommand::new)
                    .put("node", NodeCommand::new)
                    .put("volume", VolumeCommand::new)
                    .put("status", StatusCommand::new)
                    .put("stats", StatsCommand::new)
                    .put("cid", CidCommand::new)
                    .put("doctor", DoctorCommand::new)
                    .put("version", VersionCommand::new)
                    .put("id", IdCommand::new)
                    .put("peers", PeersCommand::new)
                    .put("ping", PingCommand::new)
                    .put("find", FindCommand::new)
                    .put("network", NetworkCommand::new)
                    .put("grant", GrantCommand::new)
                    .put("custody", CustodyCommand::new)
                    .put("verifier", VerifierCommand::new)
                    .put("fsck", FsckCommand::new)
                    .put("scrub", ScrubCommand::new)
                    .put("gc", GcCommand::new)
                    .put("top", TopCommand::new)
                    .put("sectors", SectorsCommand::new)
                    .put("prove", ProveCommand::new)
                    .put("capacity", CapacityCommand::new)
                    .put("audit", AuditCommand::new)
                    .put("fetch", FetchCommand::new)
                    .put("bench", BenchCommand::new)
                    .put("help", HelpCommand::new)
                    .put("completion", CompletionCommand::new)
                    .put("train", TrainCommand::new)
                    .buildOrThrow();

    @Spec
    private @Nullable CommandSpec spec;

    @Option(
            names = "--home",
            paramLabel = "DIR",
            scope = ScopeType.INHERIT,
            description = "where the node keeps everything; default $PPIOFS_HOME, then the XDG data directory")
    private @Nullable Path home;

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            scope = ScopeType.INHERIT,
            description = "show this help")
    private boolean help;

    private final Surroundings surroundings;

    private Main(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    public static void main(String[] arguments) {
        Surroundings process = Surroundings.ofProcess(EmbeddedServices::open);
        boolean background = arguments.length > 1 && arguments[0].equals(BackgroundNode.COMMAND);
        int exit = background ? BackgroundNode.run(process, arguments) : run(process, arguments);
        // Threads of libraries that are no daemons must not keep a finished command alive.
        System.exit(exit);
    }

    /** @return the exit code */
    static int run(Surroundings surroundings, String... arguments) {
        boolean named = arguments.length > 0 && COMMANDS.containsKey(arguments[0]);
        int exit = commandLine(surroundings, named ? arguments[0] : null).execute(arguments);
        surroundings.out().flush();
        surroundings.err().flush();
        return exit;
    }

    /** With all commands. */
    static CommandLine commandLine(Surroundings surroundings) {
        return commandLine(surroundings, null);
    }

    /** @param only with this command alone, which takes half of the time that all of them take; null: with all */
    private static CommandLine commandLine(Surroundings surroundings, @Nullable String only) {
        Main main = new Main(surroundings);
        CommandLine line = new CommandLine(main);
        COMMANDS.forEach((name, command) -> {
            if (only == null || only.equals(name)) {
                line.addSubcommand(name, command.apply(main));
            }
        });
        GroupedHelp.install(line);
        line.setOut(surroundings.out());
        line.setErr(surroundings.err());
        line.setExecutionExceptionHandler((e, command, parsed) -> report(surroundings, e));
        setUp(line);
        return line;
    }

    private static void setUp(CommandLine line) {
        line.setCaseInsensitiveEnumValuesAllowed(true);
        line.setUsageHelpWidth(100);
        line.setParameterExceptionHandler((e, arguments) -> complain(e));
        line.getSubcommands().values().forEach(Main::setUp);
    }

    /** A wrong option is one sentence, without the page of help that picocli would print. */
    private static int complain(ParameterException e) {
        CommandLine line = e.getCommandLine();
        String name = line.getCommandSpec().qualifiedName();
        String message = String.valueOf(e.getMessage()).replaceAll("\\s*\\R\\s*", " ");
        line.getErr().println("ppiofs: " + decapitalise(message) + "; see '" + name + " --help'");
        return ErrorKind.INVALID.exitCode();
    }

    private static String decapitalise(String message) {
        return message.isEmpty() ? message : Character.toLowerCase(message.charAt(0)) + message.substring(1);
    }

    /** One sentence for what the user can mend; a stack trace only for a defect. */
    static int report(Surroundings surroundings, Exception e) {
        PrintWriter err = surroundings.err();
        if (e instanceof PpiofsException p && p.kind() != ErrorKind.INTERNAL) {
            err.println("ppiofs: " + p.getMessage());
            return p.kind().exitCode();
        }
        if (e instanceof InvalidPathException p) {
            err.println("ppiofs: '" + p.getInput() + "' is no file name: " + p.getReason());
            return ErrorKind.INVALID.exitCode();
        }
        if (e instanceof InterruptedException) {
            err.println("ppiofs: interrupted");
            return ErrorKind.INTERRUPTED.exitCode();
        }
        if (e instanceof PpiofsException p) {
            err.println("ppiofs: " + p.getMessage());
        } else {
            err.println("ppiofs: a defect of ppiofs, please report it with these lines:");
            e.printStackTrace(err);
        }
        return ErrorKind.INTERNAL.exitCode();
    }

    Surroundings surroundings() {
        return surroundings;
    }

    /** The home that the options and the environment name. */
    Home home() {
        return surroundings.home(home);
    }

    /** The node of {@link #home}. */
    NodeAccess node() {
        return new NodeAccess(home(), surroundings);
    }

    @Override
    public void run() {
        if (spec != null) {
            throw new ParameterException(spec.commandLine(), "Missing command");
        }
    }
}
