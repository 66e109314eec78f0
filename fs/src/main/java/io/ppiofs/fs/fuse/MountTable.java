package io.ppiofs.fs.fuse;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** What {@code /proc/self/mountinfo} tells (proc(5)). Reading it never touches the filesystems it lists. */
public final class MountTable {
    public static final Path PATH = Path.of("/proc/self/mountinfo");

    private MountTable() {}

    /**
     * One mount.
     *
     * @param id of the mount, as /proc/PID/fdinfo shows it
     * @param device {@code major:minor}
     */
    public record Entry(long id, String device, String mountPoint, String type, String source) {
        /** The number under which the kernel keeps a FUSE connection in /sys/fs/fuse/connections. */
        public String connection() {
            return device.substring(device.indexOf(':') + 1);
        }

        public boolean fuse() {
            return type.equals("fuse") || type.startsWith("fuse.");
        }
    }

    /** The mount on top at {@code mountPoint}. */
    public static Optional<Entry> at(Path mountPoint) {
        String wanted = mountPoint.toString();
        Entry top = null;
        for (Entry e : read()) {
            if (e.mountPoint().equals(wanted)) {
                top = e;
            }
        }
        return Optional.ofNullable(top);
    }

    /** What is mounted inside a directory. */
    static List<Entry> below(String directory) {
        return read().stream()
                .filter(e -> e.mountPoint().startsWith(directory + "/"))
                .toList();
    }

    /** The mount of a device at a place, whatever lies on top of it. */
    public static boolean contains(Entry mount) {
        return read().stream().anyMatch(e -> e.id() == mount.id() && e.device().equals(mount.device()));
    }

    /** The flags of a mount (not those of its filesystem, but for {@code ro}), like {@code relatime}; empty if it is gone. */
    public static Optional<Set<String>> flags(Entry mount) {
        for (String line : lines()) {
            Entry e = parse(line);
            if (e.id() == mount.id() && e.device().equals(mount.device())) {
                return Optional.of(Set.of(line.split(" ")[5].split(",")));
            }
        }
        return Optional.empty();
    }

    private static List<Entry> read() {
        return lines().stream().map(MountTable::parse).toList();
    }

    private static List<String> lines() {
        try {
            // Latin-1 keeps every byte; names are decoded below.
            return Files.readAllLines(PATH, StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            throw new UncheckedIOException("/proc/self/mountinfo cannot be read; is /proc mounted?", e);
        }
    }

    /** {@code id parent major:minor root mountpoint options [optional fields] - type source superoptions}. */
    static Entry parse(String line) {
        String[] left = line.substring(0, line.indexOf(" - ")).split(" ");
        String[] right = line.substring(line.indexOf(" - ") + 3).split(" ");
        return new Entry(Long.parseLong(left[0]), left[2], unescape(left[4]), right[0], unescape(right[1]));
    }

    /** The kernel writes space, tab, newline and backslash as three octal digits. */
    private static String unescape(String field) {
        byte[] in = field.getBytes(StandardCharsets.ISO_8859_1);
        byte[] out = new byte[in.length];
        int n = 0;
        for (int i = 0; i < in.length; i++) {
            if (in[i] == '\\' && i + 3 < in.length) {
                out[n++] = (byte) Integer.parseInt(field.substring(i + 1, i + 4), 8);
                i += 3;
            } else {
                out[n++] = in[i];
            }
        }
        return new String(out, 0, n, StandardCharsets.UTF_8);
    }
}
