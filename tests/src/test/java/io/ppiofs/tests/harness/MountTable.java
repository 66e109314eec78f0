package io.ppiofs.tests.harness;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The kernel's table of mounts, read afresh at each call. */
public final class MountTable {
    private MountTable() {}

    /**
     * One line of {@code /proc/self/mountinfo}.
     *
     * @param minor of the device number; for FUSE the name of its directory under {@code /sys/fs/fuse/connections}
     */
    public record Entry(Path mountPoint, String type, String source, String options, int minor) {}

    public static List<Entry> entries() {
        List<Entry> entries = new ArrayList<>();
        for (String line : lines()) {
            int separator = line.indexOf(" - ");
            String[] left = line.substring(0, separator).split(" ", -1);
            String[] right = line.substring(separator + 3).split(" ", -1);
            entries.add(new Entry(
                    Path.of(unescape(left[4])),
                    right[0],
                    unescape(right[1]),
                    left[5] + "," + right[2],
                    Integer.parseInt(left[2].split(":", -1)[1])));
        }
        return entries;
    }

    public static Optional<Entry> at(Path mountPoint) {
        // the last one covers the others
        return entries().stream()
                .filter(entry -> entry.mountPoint().equals(mountPoint))
                .reduce((first, second) -> second);
    }

    public static boolean isMounted(Path mountPoint) {
        return at(mountPoint).isPresent();
    }

    /** Ends a FUSE mount whose daemon does not answer: every request that waits gets an error. */
    public static void abort(Path mountPoint) {
        at(mountPoint).filter(entry -> entry.type().startsWith("fuse")).ifPresent(entry -> {
            Path abort = Path.of("/sys/fs/fuse/connections", Integer.toString(entry.minor()), "abort");
            try {
                if (Files.exists(abort)) {
                    Files.writeString(abort, "1");
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
    }

    private static List<String> lines() {
        try {
            return Files.readAllLines(Path.of("/proc/self/mountinfo"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String unescape(String text) {
        return text.replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\");
    }
}
