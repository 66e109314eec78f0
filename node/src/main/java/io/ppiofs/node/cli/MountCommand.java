package io.ppiofs.node.cli;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.node.Home;
import io.ppiofs.node.MountRequest;
import io.ppiofs.node.Node;
import io.ppiofs.node.Unlock;
import io.ppiofs.node.control.ControlClient;
import io.ppiofs.node.control.Progress;
import io.ppiofs.node.control.Request;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "mount",
        header = "show a volume as a directory",
        description =
                "Shows a volume as a directory. In the foreground until Ctrl-C or an unmount, unless -d is given; "
                        + "then it returns once the mount answers. The volume 'default' is made at its first mount.",
        sortOptions = false,
        footerHeading = "%nOPTIONS behind -o%n",
        footer = {
            "  ro, rw                              only for reading, or also for writing",
            "  allow_other, allow_root             let other users in; permissions are always checked",
            "  dev, nodev, suid, nosuid, exec, noexec, atime, noatime, relatime, strictatime, diratime,",
            "  nodiratime, sync, dirsync           as in mount(8)",
            "  sync=disk                           fsync returns when this machine's disk has it (the default)",
            "  sync=swarm                          fsync returns when a majority of the peers of the copies has it, too",
            "  home=DIR, passphrase-file=FILE, key-file=FILE, threads=N                for fstab",
            "  x-*, _netdev, nofail, noauto, user … are for mount(8) and systemd and accepted",
            "",
            "EXAMPLES",
            "  ppiofs mount /mnt/p -d",
            "  ppiofs mount photos /mnt/photos -d -o ro,allow_other",
            "  ppiofs mount @photos.capability /mnt/photos -d    a volume of another machine in this node's network"
        })
final class MountCommand implements Callable<Integer> {
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(20);

    private final Main main;

    @Parameters(
            index = "0..1",
            arity = "1..2",
            paramLabel = "[VOLUME] DIR",
            hideParamSyntax = true,
            description =
                    "volume (default: 'default') or capability, @FILE or - to read a capability, and the directory")
    private List<String> arguments = new ArrayList<>();

    @Option(
            names = {"-d", "--detach"},
            description = "in the background")
    private boolean detach;

    @Option(names = "-o", paramLabel = "OPTION[,OPTION]", description = "mount options, see below")
    private List<String> options = new ArrayList<>();

    /** For mount(8) -s. */
    @Option(names = "--sloppy", hidden = true)
    private boolean sloppy;

    @Option(
            names = "--metrics-port",
            paramLabel = "PORT",
            description = "of a node that starts for this mount; 0: chosen by the system, see 'ppiofs status'")
    private @Nullable Integer metricsPort;

    @Mixin
    private final UnlockOptions unlock = new UnlockOptions();

    @Mixin
    private final JsonOption json = new JsonOption();

    MountCommand(Main main) {
        this.main = main;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        MountOptionList list = MountOptionList.parse(options, sloppy);
        Home home = list.home() == null ? main.home() : new Home(list.home());
        Path directory = Path.of(arguments.get(arguments.size() - 1));
        if (directory.toString().isEmpty()) {
            throw new PpiofsException(ErrorKind.INVALID, "mount", "DIR", "must not be empty");
        }
        MountRequest request = new MountRequest(
                arguments.size() == 2 ? volume(CapabilityArgument.read(arguments.get(0))) : MountRequest.DEFAULT_VOLUME,
                MountPoint.canonical(directory),
                list.readOnly(),
                list.kernelOptions(),
                list.threads(),
                list.swarmSync(),
                !detach,
                unlock.read(main.surroundings().environment(), list.passphraseFile(), list.keyFile()));
        try {
            return run(home, request);
        } catch (PpiofsException e) {
            Unlock asked = e.kind() == ErrorKind.WRONG_KEY && request.unlock().isNone()
                    ? UnlockOptions.ask(request.volume())
                    : null;
            if (asked == null) {
                throw e;
            }
            return run(
                    home,
                    new MountRequest(
                            request.volume(),
                            request.directory(),
                            request.readOnly(),
                            request.kernelOptions(),
                            request.threads(),
                            request.swarmSync(),
                            request.attached(),
                            asked));
        }
    }

    /** In fstab the source may be written as the kernel shows it, {@code ppiofs#default}, or showed it, {@code ppiofs:default}. */
    private static String volume(String argument) {
        boolean shown = argument.startsWith(MountRequest.SOURCE)
                || argument.startsWith("ppiofs:") && !MountRequest.isCapability(argument);
        return shown ? argument.substring(MountRequest.SOURCE.length()) : argument;
    }

    /** Another command may start or end a node between our look and our step: such a race is run again. */
    private int run(Home home, MountRequest request) throws IOException, InterruptedException {
        long giveUp = System.nanoTime() + PATIENCE_NANOS;
        while (true) {
            try {
                return runOnce(home, request);
            } catch (PpiofsException e) {
                boolean race = e.kind() == ErrorKind.IN_USE || e.kind() == ErrorKind.NOT_CONNECTED;
                if (!race || e.subject().equals("-d") || System.nanoTime() > giveUp) {
                    throw e;
                }
                TimeUnit.MILLISECONDS.sleep(100);
            }
        }
    }

    private int runOnce(Home home, MountRequest request) throws IOException, InterruptedException {
        try (ControlClient client = detach ? connectOrStart(home) : ControlClient.connect(home.socket())) {
            if (client == null) {
                return becomeNode(home, request);
            }
            if (detach) {
                announce(client.call(request.toRequest()));
            } else {
                stayAttached(home, request, client);
            }
            return 0;
        }
    }

    private ControlClient connectOrStart(Home home) throws IOException, InterruptedException {
        ControlClient running = ControlClient.connect(home.socket());
        if (running != null) {
            return running;
        }
        BackgroundNode.start(home, main.surroundings(), metricsPort);
        ControlClient started = ControlClient.connect(home.socket());
        if (started == null) {
            throw new PpiofsException(
                    ErrorKind.NOT_CONNECTED, "mount", home.toString(), "its node ended at once; see its log");
        }
        return started;
    }

    private void announce(Map<?, ?> facts) {
        json.print(main.surroundings(), facts, () -> {
            main.surroundings()
                    .err()
                    .println("ppiofs: " + Facts.text(facts, "volume") + " is mounted at " + Facts.text(facts, "dir"));
        });
        Notification.ready(main.surroundings());
    }

    private void stayAttached(Home home, MountRequest request, ControlClient client) throws IOException {
        Thread hook = new Thread(() -> unmountAtEnd(home, request.directory()), "unmount");
        Runtime.getRuntime().addShutdownHook(hook);
        try {
            client.call(request.toRequest(), Progress.NONE, message -> announce(Facts.object(message.get("mounted"))));
        } finally {
            removeHook(hook);
        }
    }

    private void unmountAtEnd(Home home, Path directory) {
        try (ControlClient client = ControlClient.connect(home.socket())) {
            if (client != null) {
                client.call(
                        new Request("umount").with("dir", directory.toString()).with("force", true));
            }
        } catch (IOException | PpiofsException e) {
            main.surroundings().err().println("ppiofs: " + e.getMessage());
        }
    }

    private static void removeHook(Thread hook) {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            // the hook runs already: this is the end of the process
            return;
        }
    }

    private int becomeNode(Home home, MountRequest request) throws InterruptedException {
        Surroundings surroundings = main.surroundings();
        Node node = Node.start(home, Node.Life.whileMounted(metricsPort), surroundings.services());
        Thread hook = new Thread(node::close, "unmount");
        Runtime.getRuntime().addShutdownHook(hook);
        try (node) {
            MountRequest detached = new MountRequest(
                    request.volume(),
                    request.directory(),
                    request.readOnly(),
                    request.kernelOptions(),
                    request.threads(),
                    request.swarmSync(),
                    false,
                    request.unlock());
            announce(node.handler().handle(detached.toRequest(), new NodeAccess.Alone(Progress.NONE)));
            node.awaitEnd();
        }
        removeHook(hook);
        return 0;
    }
}
