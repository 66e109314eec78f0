package io.ppiofs.tests.harness;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The programs of the machine that the tests drive. A missing one fails the test and says how to get it. */
public final class Tools {
    /** Program → Debian package, where the names differ. */
    private static final Map<String, String> PACKAGES = Map.of(
            "fusermount", "fuse3",
            "getfattr", "attr",
            "setfattr", "attr",
            "mkfs.ext4", "e2fsprogs",
            "losetup", "mount",
            "apt-get", "apt",
            "ip", "iproute2",
            "nft", "nftables",
            "ps", "procps");

    private Tools() {}

    public static void require(String... programs) {
        List<String> missing =
                Stream.of(programs).filter(program -> !installed(program)).collect(Collectors.toList());
        if (!missing.isEmpty()) {
            throw new AssertionError("missing " + missing + "; install with: apt-get install "
                    + missing.stream()
                            .map(program -> PACKAGES.getOrDefault(program, program))
                            .distinct()
                            .collect(Collectors.joining(" ")));
        }
    }

    public static boolean installed(String program) {
        return Stream.of("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
                .anyMatch(folder -> Files.isExecutable(Path.of(folder, program)));
    }

    /** These tests mount, drop caches and change owners. */
    public static void requireRoot() {
        long uid = Long.parseLong(Command.of("id", "-u").ok().out().trim());
        if (uid != 0) {
            throw new AssertionError(
                    "the end-to-end tests mount file systems and change owners: run them as root (uid is " + uid + ")");
        }
    }
}
