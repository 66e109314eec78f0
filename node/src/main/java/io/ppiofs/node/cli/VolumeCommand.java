package io.ppiofs.node.cli;

import io.ppiofs.blockstore.erasure.Scheme;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.node.MountRequest;
import io.ppiofs.node.config.ByteSize;
import io.ppiofs.node.control.Progress;
import io.ppiofs.node.control.Request;
import java.io.IOException;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "volume",
        header = "make, list and describe volumes",
        description = "A volume is one filesystem with keys of its own.",
        synopsisSubcommandLabel = "create|list|info|share|custodian|import|place|sync",
        sortOptions = false,
        footerHeading = "%nEXAMPLES%n",
        footer = {"  ppiofs volume create photos --passphrase-file ~/.photos-passphrase", "  ppiofs volume list --json"
        })
final class VolumeCommand extends Subcommands {
    VolumeCommand(Main main) {
        super(main);
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
            @Option(
                            names = "--copies",
                            paramLabel = "N",
                            description = "keep its blocks on N peers of the node's network; default: only here")
                    @Nullable
                    String copies,
            @Option(
                            names = "--code",
                            paramLabel = "K+M",
                            description =
                                    "keep its blocks there as Reed-Solomon stripes: any K of K+M peers restore them; what "
                                            + "is new is kept as copies until it fills stripes")
                    @Nullable
                    String code,
            @Mixin UnlockOptions unlock,
            @Mixin JsonOption json)
            throws IOException, InterruptedException {
        Surroundings around = main.surroundings();
        Request order = new Request("volume.create")
                .with("name", name)
                .with("blockSize", blockSize == null ? null : blockSize.bytes())
                .with("noDedup", noDedup)
                .with("noPadding", noPadding)
                .with("scheme", scheme("create volume", copies, code));
        Request request = MountRequest.withUnlock(order, unlock.read(around.environment(), null, null));
        Map<?, ?> volume = ask(request);
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
        Map<?, ?> facts = ask(new Request("volume.list"));
        json.print(main.surroundings(), facts, () -> {
            Table table = new Table("NAME", "ID", "CREATED", "KEYS");
            Facts.list(facts.get("volumes"))
                    .forEach(v -> table.row(
                            Facts.text(v, "name"),
                            Facts.text(v, "id"),
                            Facts.text(v, "created"),
                            Facts.text(v, "protection")));
            table.print(out());
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
        Map<?, ?> facts = ask(new Request("volume.info").with("name", name));
        json.print(main.surroundings(), facts, () -> {
            Table table = new Table("FACT", "VALUE");
            facts.forEach((k, v) -> table.row(String.valueOf(k), show(String.valueOf(k), v)));
            table.print(out());
        });
        return 0;
    }

    @Command(
            name = "share",
            header = "print a capability of a volume",
            description = {
                "Prints a capability: who has it can mount the volume on any machine of its network, to read it (default), to "
                        + "write it (--write), or only to check and repair what peers hold (--verify). It is a secret.",
                "  ppiofs volume share photos > photos.capability"
            })
    int share(
            @Parameters(
                            paramLabel = "NAME",
                            arity = "0..1",
                            defaultValue = MountRequest.DEFAULT_VOLUME,
                            description = "default: 'default'")
                    String name,
            @Option(names = "--write", description = "everything: reading, writing, sharing") boolean write,
            @Option(names = "--verify", description = "neither reading nor writing") boolean verify,
            @Mixin UnlockOptions unlock,
            @Mixin JsonOption json)
            throws IOException, InterruptedException {
        if (write && verify) {
            throw new PpiofsException(ErrorKind.INVALID, "share", "--write and --verify", "exclude each other");
        }
        Surroundings around = main.surroundings();
        Request order =
                new Request("volume.share").with("name", name).with("right", write ? "rw" : verify ? "verify" : "ro");
        Map<?, ?> facts = main.node()
                .ask(MountRequest.withUnlock(order, unlock.read(around.environment(), null, null)), Progress.NONE);
        json.print(around, facts, () -> around.out().println(Facts.text(facts, "capability")));
        return 0;
    }

    @Command(
            name = "custodian",
            header = "let a node prolong what peers keep of a volume",
            description = {
                "Prints a custody for one node, which can neither read nor change the volume with it, but keeps its leases on "
                        + "peers from ending while the machines that write it are away for more than 90 days.",
                "  ppiofs volume custodian photos 12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq > photos.custody"
            })
    int custodian(
            @Parameters(paramLabel = "NAME", description = "the volume") String name,
            @Parameters(paramLabel = "PEER", description = "the node, as 'ppiofs id' shows it there") String peer,
            @Option(
                            names = "--days",
                            paramLabel = "N",
                            defaultValue = "366",
                            description = "for so long; default: ${DEFAULT-VALUE}")
                    long days,
            @Mixin UnlockOptions unlock,
            @Mixin JsonOption json)
            throws IOException, InterruptedException {
        Surroundings around = main.surroundings();
        Request order = new Request("volume.custodian")
                .with("name", name)
                .with("peer", peer)
                .with("days", days);
        Map<?, ?> facts = main.node()
                .ask(MountRequest.withUnlock(order, unlock.read(around.environment(), null, null)), Progress.NONE);
        json.print(around, facts, () -> around.out().println(Facts.text(facts, "custody")));
        return 0;
    }

    @Command(
            name = "import",
            header = "make a volume of the network known here",
            description = "Makes a volume of the node's network known to this home, from a capability.")
    int importVolume(
            @Parameters(paramLabel = "CAPABILITY", description = "the text, @FILE, or - for standard input")
                    String capability,
            @Mixin UnlockOptions unlock,
            @Mixin JsonOption json)
            throws IOException, InterruptedException {
        Surroundings around = main.surroundings();
        Request order = new Request("volume.import").with("capability", CapabilityArgument.read(capability));
        Map<?, ?> volume = main.node()
                .ask(MountRequest.withUnlock(order, unlock.read(around.environment(), null, null)), Progress.NONE);
        json.print(
                around,
                volume,
                () -> around.out()
                        .println("volume " + Facts.text(volume, "name") + " is known, id " + Facts.text(volume, "id")));
        return 0;
    }

    @Command(
            name = "place",
            header = "keep a volume's blocks on peers",
            description = {
                "The volume's blocks are kept on peers of the node's network, as so many copies or as stripes of a code. A mounted "
                        + "volume that is on peers already is changed in the background, and never survives less meanwhile than "
                        + "before; another one goes there from its next mount on.",
                "  ppiofs volume place photos --code 4+2",
                "  ppiofs volume place photos --seal fast"
            })
    int place(
            @Parameters(paramLabel = "NAME") String name,
            @Option(names = "--copies", paramLabel = "N", description = "on how many peers") @Nullable String copies,
            @Option(
                            names = "--code",
                            paramLabel = "K+M",
                            description = "K data and M parity blocks to a stripe, each on a peer of its own")
                    @Nullable
                    String code,
            @Option(
                            names = "--seal",
                            paramLabel = "NAME",
                            description =
                                    "have holders that agree seal closed groups, and prove it: fast, strong, test, or off")
                    @Nullable
                    String seal,
            @Mixin UnlockOptions unlock,
            @Mixin JsonOption json)
            throws IOException, InterruptedException {
        Surroundings around = main.surroundings();
        String scheme = scheme("place", copies, code);
        if (scheme == null && seal == null) {
            throw new PpiofsException(
                    ErrorKind.INVALID, "place", "volume " + name, "give --copies N, --code K+M or --seal NAME");
        }
        Request order = new Request("volume.place")
                .with("name", name)
                .with("scheme", scheme)
                .with("seal", seal);
        Map<?, ?> facts = main.node()
                .ask(MountRequest.withUnlock(order, unlock.read(around.environment(), null, null)), Progress.NONE);
        json.print(
                around,
                facts,
                () -> around.out()
                        .println("volume " + name + " is kept as " + Facts.text(facts, "scheme") + sealed(facts)
                                + (Boolean.TRUE.equals(facts.get("begun"))
                                        ? " from now on; what is on peers already is changed in the background"
                                        : " from its next mount on")));
        return 0;
    }

    private static String sealed(Map<?, ?> facts) {
        return facts.get("seal") == null ? "" : ", sealed as " + Facts.text(facts, "seal") + " by holders that agree,";
    }

    /** What the control protocol calls a scheme; null for none. */
    private static @Nullable String scheme(String operation, @Nullable String copies, @Nullable String code) {
        if (copies != null && code != null) {
            throw new PpiofsException(ErrorKind.INVALID, operation, "--copies and --code", "exclude each other");
        }
        String text = copies == null ? code : copies;
        if (text == null) {
            return null;
        }
        Scheme scheme = Scheme.parse(text);
        if (scheme.isCopies() != (copies != null)) {
            throw new PpiofsException(
                    ErrorKind.INVALID, operation, "scheme " + scheme, "--copies takes a number, --code K+M");
        }
        return scheme.toString();
    }

    @Command(
            name = "sync",
            header = "wait until peers have everything",
            description = "Returns when everything written so far is on peers and can be read with the capability.")
    int sync(
            @Parameters(
                            paramLabel = "NAME",
                            arity = "0..1",
                            defaultValue = MountRequest.DEFAULT_VOLUME,
                            description = "default: 'default'")
                    String name,
            @Mixin UnlockOptions unlock,
            @Mixin JsonOption json)
            throws IOException, InterruptedException {
        Surroundings around = main.surroundings();
        Request order = new Request("volume.sync").with("name", name);
        Progress progress = ProgressBars.on(around);
        Map<?, ?> facts;
        try {
            facts = main.node()
                    .ask(MountRequest.withUnlock(order, unlock.read(around.environment(), null, null)), progress);
        } finally {
            ProgressBars.end(progress);
        }
        json.print(
                around,
                facts,
                () -> around.out()
                        .println("volume " + name + " is on peers: " + facts.get("placedBlocks") + " blocks in "
                                + facts.get("placementGroups") + " groups, tolerates " + facts.get("toleratedFailures")
                                + " failures"));
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
