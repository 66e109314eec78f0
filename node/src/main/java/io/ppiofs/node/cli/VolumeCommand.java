package io.ppiofs.node.cli;

import io.ppiofs.node.MountRequest;
import io.ppiofs.node.config.ByteSize;
import io.ppiofs.node.control.Progress;
import io.ppiofs.node.control.Request;
import java.io.IOException;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "volume",
        header = "make, list and describe volumes",
        description = "A volume is one filesystem with keys of its own.",
        synopsisSubcommandLabel = "create|list|info",
        sortOptions = false,
        footerHeading = "%nEXAMPLES%n",
        footer = {"  ppiofs volume create photos --passphrase-file ~/.photos-passphrase", "  ppiofs volume list --json"
        })
final class VolumeCommand implements Runnable {
    private final Main main;

    @Spec
    private @Nullable CommandSpec spec;

    VolumeCommand(Main main) {
        this.main = main;
    }

    @Override
    public void run() {
        if (spec != null) {
            throw new ParameterException(spec.commandLine(), "Missing command: create, list or info");
        }
    }

    @Command(name = "create", header = "make a volume", description = "Makes a volume and its keys.")
    int create(
            @Parameters(paramLabel = "NAME", description = "1 to 64 letters, digits, '.', '_', '-'") String name,
            @Option(
                            names = "--block-size",
                            paramLabel = "SIZE",
                            converter = BenchCommand.SizeConverter.class,
                            description = "largest block, a power of two from 64KiB to 4MiB; default 1MiB")
                    @Nullable
                    ByteSize blockSize,
            @Option(names = "--no-dedup", description = "equal blocks are stored each time, with keys by chance")
                    boolean noDedup,
            @Option(names = "--no-padding", description = "stored lengths tell more, and take up to 12 %% less")
                    boolean noPadding,
            @Mixin UnlockOptions unlock,
            @Mixin JsonOption json)
            throws IOException, InterruptedException {
        Surroundings around = main.surroundings();
        Request order = new Request("volume.create")
                .with("name", name)
                .with("blockSize", blockSize == null ? null : blockSize.bytes())
                .with("noDedup", noDedup)
                .with("noPadding", noPadding);
        Request request = MountRequest.withUnlock(order, unlock.read(around.environment(), null, null));
        Map<?, ?> volume = main.node().ask(request, Progress.NONE);
        json.print(around, volume, () -> {
            around.out().println("volume " + Facts.text(volume, "name") + " is made, id " + Facts.text(volume, "id"));
            warnUnprotected(volume);
        });
        return 0;
    }

    private void warnUnprotected(Map<?, ?> volume) {
        if (Facts.text(volume, "protection").equals("unprotected")) {
            main.surroundings()
                    .err()
                    .println("ppiofs: its keys lie unprotected in the home: whoever can read the home can read the "
                            + "volume; --passphrase-file protects them");
        }
    }

    @Command(name = "list", header = "list the volumes of the home", description = "Lists the volumes of the home.")
    int list(@Mixin JsonOption json) throws IOException, InterruptedException {
        Map<?, ?> facts = main.node().ask(new Request("volume.list"), Progress.NONE);
        json.print(main.surroundings(), facts, () -> {
            Table table = new Table("NAME", "ID", "CREATED", "KEYS");
            Facts.list(facts.get("volumes"))
                    .forEach(v -> table.row(
                            Facts.text(v, "name"),
                            Facts.text(v, "id"),
                            Facts.text(v, "created"),
                            Facts.text(v, "protection")));
            table.print(main.surroundings().out());
        });
        return 0;
    }

    @Command(name = "info", header = "describe a volume", description = "Describes a volume.")
    int info(
            @Parameters(
                            paramLabel = "NAME",
                            arity = "0..1",
                            defaultValue = MountRequest.DEFAULT_VOLUME,
                            description = "default: 'default'")
                    String name,
            @Mixin JsonOption json)
            throws IOException, InterruptedException {
        Map<?, ?> facts = main.node().ask(new Request("volume.info").with("name", name), Progress.NONE);
        json.print(main.surroundings(), facts, () -> {
            Table table = new Table("FACT", "VALUE");
            facts.forEach((k, v) -> table.row(String.valueOf(k), show(String.valueOf(k), v)));
            table.print(main.surroundings().out());
        });
        return 0;
    }

    /** A number of bytes is shown in a unit, everything else as it is. */
    static String show(String name, @Nullable Object value) {
        if (value instanceof Number n && name.endsWith("Bytes")) {
            return ByteSize.show(n.longValue());
        }
        return value == null ? "none" : value.toString();
    }
}
