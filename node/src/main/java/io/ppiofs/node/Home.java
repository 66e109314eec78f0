package io.ppiofs.node;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The directory in which a node keeps everything, and the names of what lies in it.
 *
 * @param root absolute and normalised; need not exist yet
 */
public record Home(Path root) {
    /** {@code sockaddr_un.sun_path} has 108 bytes with its NUL (unix(7)). */
    private static final int LONGEST_SOCKET_PATH = 107;

    public Home {
        root = root.toAbsolutePath().normalize();
    }

    /** The home that {@code --home}, {@code $PPIOFS_HOME} or the XDG data directory names, in this order. */
    public static Home resolve(@Nullable Path option, Map<String, String> environment, Path userHome) {
        if (option != null) {
            return new Home(option);
        }
        String own = environment.getOrDefault("PPIOFS_HOME", "");
        if (!own.isEmpty()) {
            return new Home(Path.of(own));
        }
        String data = environment.getOrDefault("XDG_DATA_HOME", "");
        // The XDG base directory specification: a relative path is to be ignored.
        Path base = data.startsWith("/")
                ? Path.of(data)
                : userHome.resolve(".local").resolve("share");
        return new Home(base.resolve("ppiofs"));
    }

    public Path lockFile() {
        return root.resolve("lock");
    }

    public Path configFile() {
        return root.resolve("config.toml");
    }

    public Path logDirectory() {
        return root.resolve("logs");
    }

    public Path logFile() {
        return logDirectory().resolve("ppiofs.log");
    }

    /** What the virtual machine itself says when a background node fails before it can log. */
    public Path errorFile() {
        return logDirectory().resolve("node.err");
    }

    public Path blocksDirectory() {
        return root.resolve("blocks");
    }

    public Path volumesDirectory() {
        return root.resolve("volumes");
    }

    /** The node's secret key. */
    public Path identityFile() {
        return root.resolve("identity.key");
    }

    /** Blocks that this node keeps for others. */
    public Path hostedDirectory() {
        return root.resolve("hosted");
    }

    /** Sealed sectors. */
    public Path sectorsDirectory() {
        return root.resolve("sectors");
    }

    /** Units that fill what nobody uses of the lent space. */
    public Path idleDirectory() {
        return root.resolve("idle");
    }

    /** What peers said last of their idle space. */
    public Path capacityDirectory() {
        return root.resolve("capacity");
    }

    /** Whose leases this node prolongs. */
    public Path custodyDirectory() {
        return root.resolve("custody");
    }

    /** The volumes that this node audits for others. */
    public Path verifyingDirectory() {
        return root.resolve("verifying");
    }

    /** Proofs of download of what was sold. */
    public Path proofsDirectory() {
        return root.resolve("proofs");
    }

    /** One directory per network that the home knows. */
    public Path networksDirectory() {
        return root.resolve("networks");
    }

    /**
     * {@code HOME/node.sock}, or, where that is longer than a socket address may be, a name derived from it in the
     * user's run-time directory.
     */
    public Path socket() {
        Path inHome = root.resolve("node.sock");
        if (inHome.toString().getBytes(StandardCharsets.UTF_8).length <= LONGEST_SOCKET_PATH) {
            return inHome;
        }
        return shortDirectory().resolve(digest(root.toString()) + ".sock");
    }

    /** Where a process that takes over from another one listens; as long as {@link #socket}, and beside it. */
    public Path takeoverSocket() {
        Path control = socket();
        String name = String.valueOf(control.getFileName());
        return control.resolveSibling(name.equals("node.sock") ? "next.sock" : name.replace(".sock", ".next"));
    }

    /** Says between which processes the home is being handed over; there only meanwhile. */
    public Path takeoverFile() {
        return root.resolve("takeover");
    }

    /**
     * Makes the home and its log directory, closed to others.
     *
     * @throws PpiofsException NOT_A_DIRECTORY, ACCESS_DENIED, IO with one sentence
     */
    public void create() {
        try {
            makePrivate(root);
            makePrivate(logDirectory());
            Path socketDirectory = socket().getParent();
            if (socketDirectory != null && !socketDirectory.equals(root)) {
                makePrivate(socketDirectory);
                requireOwn(socketDirectory);
            }
        } catch (IOException e) {
            ErrorKind kind = Files.exists(root) && !Files.isDirectory(root) ? ErrorKind.NOT_A_DIRECTORY : ErrorKind.IO;
            throw new PpiofsException(
                    kind,
                    "home",
                    root.toString(),
                    "cannot be made (" + reason(e) + "); name a directory you may write with --home or $PPIOFS_HOME",
                    e);
        }
        if (!Files.isWritable(root)) {
            throw new PpiofsException(
                    ErrorKind.ACCESS_DENIED,
                    "home",
                    root.toString(),
                    "is not writable for you; name another with --home or $PPIOFS_HOME");
        }
    }

    /** @throws PpiofsException IO */
    public void createNetworksDirectory() {
        try {
            makePrivate(networksDirectory());
        } catch (IOException e) {
            throw new PpiofsException(
                    ErrorKind.IO, "home", networksDirectory().toString(), "cannot be made (" + reason(e) + ")", e);
        }
    }

    private static String reason(IOException e) {
        return e.getClass().getSimpleName().replace("Exception", "") + " " + e.getMessage();
    }

    private static void makePrivate(Path directory) throws IOException {
        if (Files.isDirectory(directory)) {
            return;
        }
        Files.createDirectories(
                directory, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    }

    /** A directory in /tmp could be somebody else's trap. */
    private static void requireOwn(Path directory) throws IOException {
        Path self = Path.of("/proc/self");
        if (Files.exists(self)
                && !Files.getOwner(directory, LinkOption.NOFOLLOW_LINKS).equals(Files.getOwner(self))) {
            throw new IOException(directory + " belongs to somebody else");
        }
    }

    private static Path shortDirectory() {
        String runtime = System.getenv().getOrDefault("XDG_RUNTIME_DIR", "");
        return runtime.startsWith("/") && runtime.length() < 40
                ? Path.of(runtime, "ppiofs")
                : Path.of("/tmp", "ppiofs-" + digest(System.getProperty("user.name", "")));
    }

    private static String digest(String text) {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(hash, 0, 8);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    @Override
    public String toString() {
        return root.toString();
    }
}
