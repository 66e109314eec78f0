package io.ppiofs.node.cli;

import io.ppiofs.node.Home;
import io.ppiofs.node.Node;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The world around one run of the command; tests make their own.
 *
 * @param out facts
 * @param err everything else
 * @param terminal whether {@code err} is a terminal: progress bars, questions
 * @param userHome of the account
 * @param launcher the script that starts a node in the background; null if this run was started without it
 * @param services what a node that starts here is made of
 */
record Surroundings(
        PrintWriter out,
        PrintWriter err,
        boolean terminal,
        Map<String, String> environment,
        Path userHome,
        @Nullable Path launcher,
        Node.ServicesFactory services) {

    static Surroundings ofProcess(Node.ServicesFactory services) {
        String launcher = System.getProperty("ppiofs.launcher", "");
        return new Surroundings(
                new PrintWriter(System.out, true, StandardCharsets.UTF_8),
                new PrintWriter(System.err, true, StandardCharsets.UTF_8),
                Boolean.getBoolean("ppiofs.terminal"),
                System.getenv(),
                userHome(System.getenv()),
                launcher.isEmpty() ? null : Path.of(launcher),
                services);
    }

    /** $HOME as shells understand it; Java's own idea comes from the user database and is for who has no $HOME. */
    static Path userHome(Map<String, String> environment) {
        String home = environment.getOrDefault("HOME", "");
        return Path.of(home.startsWith("/") ? home : System.getProperty("user.home", "/"));
    }

    Home home(@Nullable Path option) {
        return Home.resolve(option, environment, userHome);
    }
}
