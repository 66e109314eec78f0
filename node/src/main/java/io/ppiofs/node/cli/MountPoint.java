package io.ppiofs.node.cli;

import io.ppiofs.node.MountRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Mount points as the kernel names them.
 *
 * @param directory with all symbolic links resolved
 * @param type for example {@code fuse.ppiofs}
 * @param source for example {@code ppiofs#default}
 */
record MountPoint(Path directory, String type, String source) {
    private static final Path TABLE = Path.of("/proc/self/mountinfo");

    /**
     * The name under which the kernel lists a directory. A mount point whose daemon died cannot be looked at itself
     * (ENOTCONN), but its parent can.
     */
    static Path canonical(Path directory) {
        Path absolute = directory.toAbsolutePath().normalize();
        Path parent = absolute.getParent();
        try {
            return absolute.toRealPath();
        } catch (IOException itself) {
            if (parent == null) {
                return absolute;
            }
            try {
                return parent.toRealPath().resolve(absolute.getFileName());
            } catch (IOException e) {
                // neither is there: the one who uses it says so in a sentence
                return absolute;
            }
        }
    }

    /** All mounts of this mount namespace that ppiofs made, in the order they were made (proc(5)). */
    static List<MountPoint> ofPpiofs() throws IOException {
        List<MountPoint> mounts = new ArrayList<>();
        if (!Files.isReadable(TABLE)) {
            return mounts;
        }
        for (String line : Files.readAllLines(TABLE, java.nio.charset.StandardCharsets.ISO_8859_1)) {
            String[] sides = line.split(" - ", 2);
            String[] left = sides[0].split(" ");
            if (sides.length < 2 || left.length < 5) {
                continue;
            }
            String[] right = sides[1].split(" ");
            String source = right.length < 2 ? "" : unescape(right[1]);
            if (right[0].equals("fuse.ppiofs")
                    || source.startsWith(MountRequest.SOURCE)
                    || source.startsWith("ppiofs:")) {
                mounts.add(new MountPoint(Path.of(unescape(left[4])), right[0], source));
            }
        }
        return mounts;
    }

    /** The kernel writes space, tab, line feed, backslash and, of a source, '#' as three octal digits. */
    private static String unescape(String text) {
        byte[] bytes = text.getBytes(java.nio.charset.StandardCharsets.ISO_8859_1);
        byte[] plain = new byte[bytes.length];
        int n = 0;
        for (int i = 0; i < bytes.length; i++) {
            if (bytes[i] == '\\' && i + 3 < bytes.length) {
                plain[n++] = (byte) Integer.parseInt(text.substring(i + 1, i + 4), 8);
                i += 3;
            } else {
                plain[n++] = bytes[i];
            }
        }
        return new String(plain, 0, n, java.nio.charset.StandardCharsets.UTF_8);
    }
}
