package io.ppiofs.fs.fuse;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Who keeps a mount busy: processes by open files (by mount id in fdinfo), working and root directories, mapped files (by
 * device), and filesystems that are mounted inside. Reads only /proc, never the mount; processes of other users are invisible
 * to an ordinary user.
 */
final class MountHolders {
    private static final Path PROC = Path.of("/proc");

    private MountHolders() {}

    /** For example {@code 4711 (bash)} or {@code the mount at /mnt/p/inner}; empty if none can be seen. */
    static List<String> of(MountTable.Entry mount) {
        List<String> holders = new ArrayList<>();
        MountTable.below(mount.mountPoint()).forEach(e -> holders.add("the mount at " + e.mountPoint()));
        try (DirectoryStream<Path> processes = Files.newDirectoryStream(PROC, "[0-9]*")) {
            for (Path process : processes) {
                if (holds(process, mount)) {
                    holders.add(process.getFileName() + " (" + command(process) + ")");
                }
            }
        } catch (IOException e) {
            return holders;
        }
        return holders;
    }

    private static boolean holds(Path process, MountTable.Entry mount) {
        return standsIn(process.resolve("cwd"), mount)
                || standsIn(process.resolve("root"), mount)
                || hasOpen(process, mount)
                || maps(process, mount);
    }

    private static boolean standsIn(Path link, MountTable.Entry mount) {
        try {
            String target = Files.readSymbolicLink(link).toString();
            return target.equals(mount.mountPoint()) || target.startsWith(mount.mountPoint() + "/");
        } catch (IOException | SecurityException e) {
            return false; // gone or not ours to see
        }
    }

    private static boolean hasOpen(Path process, MountTable.Entry mount) {
        String wanted = "mnt_id:\t" + mount.id();
        try (DirectoryStream<Path> descriptors = Files.newDirectoryStream(process.resolve("fdinfo"))) {
            for (Path d : descriptors) {
                if (lines(d).contains(wanted)) {
                    return true;
                }
            }
        } catch (IOException e) {
            return false; // gone or not ours to see
        }
        return false;
    }

    /** Lines are {@code from-to permissions offset device inode path}; the device in hexadecimal. */
    private static boolean maps(Path process, MountTable.Entry mount) {
        String[] numbers = mount.device().split(":");
        String device = String.format("%02x:%02x", Integer.parseInt(numbers[0]), Integer.parseInt(numbers[1]));
        for (String line : lines(process.resolve("maps"))) {
            String[] fields = line.split(" ", 6);
            if (fields.length > 4 && fields[3].equals(device)) {
                return true;
            }
        }
        return false;
    }

    private static String command(Path process) {
        List<String> comm = lines(process.resolve("comm"));
        return comm.isEmpty() ? "?" : comm.get(0);
    }

    private static List<String> lines(Path file) {
        try {
            return Files.readAllLines(file, StandardCharsets.ISO_8859_1);
        } catch (IOException | SecurityException e) {
            return List.of(); // gone or not ours to see
        }
    }
}
