package io.ppiofs.tests.interop;

import io.ppiofs.tests.harness.Command;
import io.ppiofs.tests.harness.Log;
import io.ppiofs.tests.harness.Tools;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;

/**
 * The foreign peers and the node program that runs them, installed by {@code npm ci} from the committed lock file into {@code
 * target/js/HASH}, where HASH is of the lock file. A second test run finds it there; two at once wait for each other.
 */
final class JsRuntime {
    private static final Path SOURCE =
            Path.of("src", "test", "js", "libp2p-peer").toAbsolutePath();
    private static final List<String> MANIFESTS = List.of("package.json", "package-lock.json");
    private static final List<String> PROGRAMS = List.of("lines.mjs", "peer.mjs", "peer-of-2024.mjs", "smoldot.mjs");
    private static final Duration INSTALL_LIMIT = Duration.ofMinutes(5);

    private final Path folder;

    private JsRuntime(Path folder) {
        this.folder = folder;
    }

    /** Installs it unless it is there. */
    static JsRuntime get() {
        try {
            Path folder = Path.of("target", "js", hash()).toAbsolutePath();
            Files.createDirectories(folder);
            try (FileChannel channel = FileChannel.open(
                            folder.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                    FileLock lock = channel.lock()) {
                assert lock.isValid();
                install(folder);
                // modules are looked up from where the program really is, so it lies beside them
                for (String program : PROGRAMS) {
                    bringUpToDate(SOURCE.resolve(program), folder.resolve(program));
                }
            }
            return new JsRuntime(folder);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** At no time is it missing or half there: another test may be starting it. */
    private static void bringUpToDate(Path source, Path target) throws IOException {
        if (!Files.exists(target) || Files.mismatch(source, target) >= 0) {
            Path fresh = Path.of(target + ".new");
            Files.copy(source, fresh, StandardCopyOption.REPLACE_EXISTING);
            Files.move(fresh, target, StandardCopyOption.ATOMIC_MOVE);
        }
    }

    private static void install(Path folder) throws IOException {
        Path done = folder.resolve("installed");
        if (Files.exists(done)) {
            return;
        }
        Tools.require("npm");
        Log.say("installing js-libp2p and node with npm");
        for (String manifest : MANIFESTS) {
            Files.copy(SOURCE.resolve(manifest), folder.resolve(manifest), StandardCopyOption.REPLACE_EXISTING);
        }
        Command.of("npm", "ci", "--no-audit", "--no-fund", "--loglevel=error")
                .in(folder)
                .within(INSTALL_LIMIT)
                .ok();
        Command.of(node(folder), "--version").ok();
        Files.createFile(done);
    }

    /** The words of a command that runs {@code program} with these options. */
    List<String> command(String program, String options) {
        return List.of(node(folder).toString(), folder.resolve(program).toString(), options);
    }

    Path folder() {
        return folder;
    }

    private static Path node(Path folder) {
        return folder.resolve("node_modules/node/bin/node");
    }

    private static String hash() throws IOException {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            for (String manifest : MANIFESTS) {
                digest.update(Files.readAllBytes(SOURCE.resolve(manifest)));
            }
            return HexFormat.of().formatHex(digest.digest()).substring(0, 16);
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every JDK has SHA-256", e);
        }
    }
}
