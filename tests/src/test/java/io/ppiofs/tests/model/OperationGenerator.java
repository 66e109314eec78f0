package io.ppiofs.tests.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * Invents operations that mostly make sense: it remembers which names answers have shown to exist. Not thread-safe.
 */
final class OperationGenerator {
    private static final String[] NAMES = {"a", "b", "c", "d", "e", "f"};
    private static final int REMEMBERED = 60;
    private static final int O_CREAT = 0100;
    private static final int AT_SYMLINK_NOFOLLOW = 0x100;
    private static final int AT_SYMLINK_FOLLOW = 0x400;

    /** Open flags of asm-generic/fcntl.h in octal, as open(2) combines them. */
    private static final int[] OPEN_FLAGS = {
        0, 1, 2, 0102, 0101, 0302, 0301, 01002, 01001, 01102, 02001, 02102, 02002, 0200000, 0400000, 0400002, 0100,
        01101, 0
    };

    /** O_TMPFILE with access, of x86-64; O_EXCL forbids to give the file a name. */
    private static final int[] UNNAMED_FLAGS = {020200001, 020200002, 020200202};

    private static final int[] MODES = {0644, 0600, 0666, 0755, 0700, 0777, 0444, 0, 02755, 04711, 01777, 06777};

    private final Random random;
    private final List<String> homes;
    private final boolean ownDriver;
    private final List<String> directories = new ArrayList<>();
    private final List<String> others = new ArrayList<>();

    /**
     * @param homes directories that exist and in which to work
     * @param ownDriver whether the kernel lets RENAME_NOREPLACE, RENAME_EXCHANGE, O_TMPFILE and ACLs through to this file system
     */
    OperationGenerator(Random random, List<String> homes, boolean ownDriver) {
        this.random = random;
        this.homes = List.copyOf(homes);
        this.ownDriver = ownDriver;
    }

    /** Learns from an answer which names exist. */
    void learn(String line, String answer) {
        if (!answer.startsWith("=")) {
            return;
        }
        String[] words = line.split(" ");
        switch (words[0]) {
            case "mkdir" -> remember(directories, words[1]);
            case "open" -> {
                if ((Integer.decode(words[3]) & O_CREAT) != 0) {
                    remember(others, words[2]);
                }
            }
            case "mknod" -> remember(others, words[1]);
            case "symlink", "link", "linkslot" -> remember(others, words[2]);
            case "rename" -> {
                boolean directory = directories.remove(words[1]);
                others.remove(words[1]);
                remember(directory ? directories : others, words[2]);
            }
            case "unlink" -> others.remove(words[1]);
            case "rmdir" -> directories.remove(words[1]);
            default -> {
                // shows nothing new
            }
        }
    }

    private void remember(List<String> list, String path) {
        if (path.length() > 300 || path.chars().filter(c -> c == '/').count() > 6) {
            return;
        }
        if (!list.contains(path)) {
            list.add(path);
        }
        if (list.size() > REMEMBERED) {
            list.remove(random.nextInt(list.size()));
        }
    }

    String next() {
        int dice = random.nextInt(100);
        if (dice < 30) {
            return look();
        }
        if (dice < 62) {
            return content();
        }
        return dice < 86 ? names() : attributes();
    }

    private String look() {
        return switch (random.nextInt(10)) {
            case 0, 1 -> "stat " + path();
            case 2, 3 -> "lstat " + path();
            case 4 -> "fstat " + slot();
            case 5, 6 -> "ls " + directory();
            case 7 -> "readlink " + other();
            case 8 -> "access " + path() + " " + random.nextInt(8);
            default -> "stat " + directory();
        };
    }

    private String content() {
        return switch (random.nextInt(31)) {
            case 0, 1, 2, 3, 4, 5 -> "open " + slot() + " " + path() + " " + flags() + " " + mode();
            case 6 -> "close " + slot();
            case 7, 8 -> "read " + slot() + " " + length();
            case 9, 10 -> "pread " + slot() + " " + offset() + " " + length();
            case 11, 12, 13 -> "write " + slot() + " " + length() + " " + random.nextInt(1000);
            case 14, 15, 16 -> "pwrite " + slot() + " " + offset() + " " + length() + " " + random.nextInt(1000);
            case 17 -> "lseek " + slot() + " " + offset() + " " + random.nextInt(3);
            case 18 -> "ftruncate " + slot() + " " + offset();
            case 19 -> "truncate " + path() + " " + offset();
            case 20 -> "fallocate " + slot() + " " + allocateMode() + " " + offset() + " " + length();
            case 21 -> (random.nextBoolean() ? "fsync " : "fdatasync ") + slot();
            case 22 -> "mapread " + slot() + " " + Math.max(0, offset()) + " " + length();
            case 23 -> "mapwrite " + slot() + " " + Math.max(0, offset()) + " " + length() + " " + random.nextInt(1000);
            case 24 ->
                "copyrange " + slot() + " " + Math.max(0, offset()) + " " + slot() + " " + Math.max(0, offset()) + " "
                        + length();
            case 25 -> "preadv " + slot() + " " + offset() + " " + length();
            case 26 -> "pwritev " + slot() + " " + offset() + " " + length() + " " + random.nextInt(1000);
            case 27 -> "sendfile " + slot() + " " + slot() + " " + offset() + " " + length();
            case 28 ->
                "getlock " + slot() + " " + random.nextInt(2) + " " + random.nextInt(100) + " " + random.nextInt(100);
            case 29 ->
                ownDriver
                        ? "open " + slot() + " " + directory() + " " + octal(UNNAMED_FLAGS[random.nextInt(3)]) + " "
                                + mode()
                        : "close " + slot();
            default ->
                random.nextBoolean()
                        ? "lock " + slot() + " " + random.nextInt(3) + " " + random.nextInt(100) + " "
                                + random.nextInt(100)
                        // LOCK_SH, LOCK_EX, LOCK_UN, each with LOCK_NB
                        : "flock " + slot() + " " + (4 | 1 << (random.nextInt(3) == 2 ? 3 : random.nextInt(2)));
        };
    }

    private String names() {
        return switch (random.nextInt(17)) {
            case 15 -> "linkslot " + slot() + " " + newPath();
            case 0, 1, 2 -> "mkdir " + newPath() + " " + mode();
            case 3 -> "rmdir " + path();
            case 4, 5 -> "unlink " + path();
            case 6, 7 -> "link " + other() + " " + newPath() + " " + (random.nextInt(4) == 0 ? AT_SYMLINK_FOLLOW : 0);
            case 8 -> "symlink " + target() + " " + newPath();
            case 9, 10, 11, 12 ->
                "rename " + path() + " " + (random.nextBoolean() ? newPath() : path()) + " "
                        + (ownDriver && random.nextInt(3) == 0 ? 1 + random.nextInt(3) : 0);
            case 13 -> "mknod " + newPath() + " " + nodeMode() + " 1 3";
            case 14 -> "umask " + (random.nextBoolean() ? "022" : "0" + Integer.toOctalString(random.nextInt(64)));
            default -> "rmdir " + directory();
        };
    }

    private String attributes() {
        return switch (random.nextInt(ownDriver ? 19 : 15)) {
            case 14, 15 -> "setacl " + acl();
            case 16 -> "getacl " + path() + " " + aclType();
            case 17 -> "removexattr " + path() + " " + aclType();
            case 0, 1 -> "chmod " + path() + " " + mode();
            case 2 -> "fchmod " + slot() + " " + mode();
            case 3 -> "chown " + path() + " " + owner() + " " + owner();
            case 4 -> "lchown " + path() + " " + owner() + " " + owner();
            case 5 -> "fchown " + slot() + " " + owner() + " " + owner();
            case 6, 7 ->
                "utimens " + path() + " " + time() + " " + time() + " "
                        + (random.nextBoolean() ? AT_SYMLINK_NOFOLLOW : 0);
            case 8 -> "futimens " + slot() + " " + time() + " " + time();
            case 9, 10 ->
                "setxattr " + path() + " " + attribute() + " " + random.nextInt(400) + " " + random.nextInt(1000) + " "
                        + (random.nextInt(3) == 0 ? 1 + random.nextInt(2) : 0);
            case 11 ->
                "fsetxattr " + slot() + " " + attribute() + " " + random.nextInt(400) + " " + random.nextInt(1000)
                        + " 0";
            case 12 -> "getxattr " + path() + " " + attribute() + " " + (random.nextInt(4) == 0 ? 10 : 4096);
            case 13 -> "listxattr " + path();
            default -> "removexattr " + path() + " " + attribute();
        };
    }

    private static String aclType(boolean forNew) {
        return forNew ? "system.posix_acl_default" : "system.posix_acl_access";
    }

    private String aclType() {
        return aclType(random.nextBoolean());
    }

    /** A path, a type and entries: mostly right ones; without a mask where one is needed it is refused. */
    private String acl() {
        boolean forNew = random.nextInt(3) == 0;
        StringBuilder entries = new StringBuilder("u::" + random.nextInt(8));
        boolean named = random.nextInt(4) > 0;
        if (named) {
            entries.append(",u:").append(1001 + random.nextInt(2)).append(':').append(random.nextInt(8));
        }
        entries.append(",g::").append(random.nextInt(8));
        if (named && random.nextBoolean()) {
            entries.append(",g:2000:").append(random.nextInt(8));
        }
        if (named && random.nextInt(10) > 0) {
            entries.append(",m::").append(random.nextInt(8));
        }
        return (forNew ? directory() : path()) + " " + aclType(forNew) + " " + entries + ",o::" + random.nextInt(8);
    }

    private int slot() {
        return random.nextInt(5);
    }

    private String octal(int value) {
        return "0" + Integer.toOctalString(value);
    }

    private String flags() {
        return octal(OPEN_FLAGS[random.nextInt(OPEN_FLAGS.length)]);
    }

    private String mode() {
        return octal(MODES[random.nextInt(MODES.length)]);
    }

    private String nodeMode() {
        int[] types = {0010000, 0010000, 0140000, 0100000, 0020000, 0060000, 0040000};
        return octal(types[random.nextInt(types.length)] | MODES[random.nextInt(MODES.length)]);
    }

    private int owner() {
        int[] ids = {-1, 0, 1001, 1002, 2000, 3000};
        return ids[random.nextInt(ids.length)];
    }

    /** Times long ago; what the clock sets cannot be compared. */
    private String time() {
        return switch (random.nextInt(8)) {
            case 0 -> "0 now";
            case 1, 2 -> "0 omit";
            case 3 -> "-1 " + random.nextInt(1_000_000_000);
            case 4 -> "5 1000000000"; // no such nanosecond
            default -> random.nextInt(1_000_000_000) + " " + random.nextInt(1_000_000_000);
        };
    }

    private String attribute() {
        String[] names = {"user.a", "user.b", "user.c", "trusted.t", "user."};
        return names[random.nextInt(names.length)];
    }

    private long offset() {
        return switch (random.nextInt(12)) {
            case 0 -> 0;
            case 1 -> -1;
            case 2 -> 4096L * random.nextInt(64);
            case 3 -> 3_000_000 + random.nextInt(2_000_000);
            case 4, 5, 6 -> random.nextInt(5000);
            default -> random.nextInt(300_000);
        };
    }

    private int length() {
        return switch (random.nextInt(8)) {
            case 0 -> 0;
            case 1 -> 4096 * (1 + random.nextInt(16));
            case 2, 3 -> random.nextInt(150_000);
            default -> random.nextInt(3000);
        };
    }

    /** FALLOC_FL_KEEP_SIZE 1, PUNCH_HOLE 2, ZERO_RANGE 16: what the kernel passes to FUSE. */
    private int allocateMode() {
        int[] modes = {0, 0, 1, 3, 3, 16, 17, 2};
        return modes[random.nextInt(modes.length)];
    }

    private String path() {
        int dice = random.nextInt(100);
        if (dice < 45 && !others.isEmpty()) {
            return others.get(random.nextInt(others.size()));
        }
        if (dice < 60 && !directories.isEmpty()) {
            return directories.get(random.nextInt(directories.size()));
        }
        return dice < 95 ? newPath() : oddPath();
    }

    private String other() {
        return others.isEmpty() || random.nextInt(5) == 0 ? path() : others.get(random.nextInt(others.size()));
    }

    private String directory() {
        int dice = random.nextInt(20);
        if (dice == 0) {
            return path();
        }
        return directories.isEmpty() || dice < 8
                ? homes.get(random.nextInt(homes.size()))
                : directories.get(random.nextInt(directories.size()));
    }

    private String newPath() {
        return directory() + "/" + name();
    }

    private String name() {
        return switch (random.nextInt(60)) {
            case 0 -> "n".repeat(255);
            case 1 -> "n".repeat(256);
            case 2 -> "%ff%fe"; // no UTF-8
            case 3 -> "with%20space";
            case 4 -> "%c3%a4";
            case 5 -> ".";
            case 6 -> "..";
            default -> NAMES[random.nextInt(NAMES.length)];
        };
    }

    private String oddPath() {
        return switch (random.nextInt(7)) {
            case 0 -> "%-";
            case 1 -> other() + "/" + name(); // below something that is no directory
            case 2 -> directory() + "/";
            case 3 -> other() + "/";
            case 4 -> directory() + "/" + ("x".repeat(200) + "/").repeat(21); // longer than PATH_MAX
            case 5 -> directory() + "/../" + name();
            default -> directory() + "//./" + name();
        };
    }

    private String target() {
        return switch (random.nextInt(8)) {
            case 0 -> name();
            case 1 -> "..";
            case 2 -> "../" + name() + "/" + name();
            case 3 -> "/";
            case 4 -> "%-";
            case 5 -> "t".repeat(300 + random.nextInt(3700));
            default -> path();
        };
    }
}
