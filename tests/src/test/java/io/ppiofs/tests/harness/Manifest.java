package io.ppiofs.tests.harness;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.UserDefinedFileAttributeView;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;

/** Everything about a tree that must survive: names, types, modes, owners, link counts, times, xattrs, SHA-256. */
public final class Manifest {
    private static final String STAT = "unix:mode,ino,nlink,uid,gid,rdev,size,lastModifiedTime";
    private static final int TYPE_MASK = 0170000;
    private static final int REGULAR = 0100000;
    private static final int DIRECTORY = 0040000;
    private static final int SYMLINK = 0120000;

    private final TreeMap<String, Entry> entries;

    private Manifest(TreeMap<String, Entry> entries) {
        this.entries = entries;
    }

    /** What of an entry is compared. */
    public enum Scope {
        /** For two trees with histories of their own. */
        WITHOUT_TIMES,
        WITH_TIMES
    }

    /**
     * @param mode type and permission bits
     * @param size of a directory: 0, every file system counts its own way
     * @param content SHA-256 in hex, target of a symbolic link, else empty
     */
    record Entry(
            int mode, int uid, int gid, int nlink, long rdev, long size, String mtime, String xattrs, String content) {}

    public static Manifest of(Path root, Scope scope) {
        TreeMap<String, Entry> entries = new TreeMap<>();
        Map<Object, String> digests = new HashMap<>();
        URI base = root.toUri();
        try {
            Files.walkFileTree(root, new SimpleFileVisitor<>() {
                @Override
                public FileVisitResult preVisitDirectory(Path directory, BasicFileAttributes attributes)
                        throws IOException {
                    return add(directory);
                }

                @Override
                public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                    return add(file);
                }

                private FileVisitResult add(Path path) throws IOException {
                    entries.put(name(base, root, path), entry(path, scope, digests));
                    return FileVisitResult.CONTINUE;
                }
            });
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return new Manifest(entries);
    }

    public int size() {
        return entries.size();
    }

    /** The SHA-256 of each regular file, by relative path. */
    public Map<String, String> digests() {
        Map<String, String> digests = new TreeMap<>();
        entries.forEach((name, entry) -> {
            if ((entry.mode & TYPE_MASK) == REGULAR) {
                digests.put(name, entry.content);
            }
        });
        return digests;
    }

    /** Fails with the first differences if {@code now} is not the same tree. */
    public void assertSame(Manifest now, String occasion) {
        List<String> differences = new ArrayList<>();
        TreeSet<String> names = new TreeSet<>(entries.keySet());
        names.addAll(now.entries.keySet());
        for (String name : names) {
            Entry before = entries.get(name);
            Entry after = now.entries.get(name);
            if (before == null || !before.equals(after)) {
                differences.add(name + "\n    was " + before + "\n    is  " + after);
            }
        }
        if (!differences.isEmpty()) {
            throw new AssertionError(occasion + ": " + differences.size() + " of " + names.size()
                    + " entries differ\n  "
                    + String.join("\n  ", differences.subList(0, Math.min(10, differences.size()))));
        }
    }

    private static String name(URI base, Path root, Path path) {
        String relative = root.relativize(path).toString();
        boolean plain = relative.chars().allMatch(c -> c >= ' ' && c < 127);
        // a name that is not text in this locale is spelled by its bytes
        return plain ? relative : base.relativize(path.toUri()).getRawPath();
    }

    private static Entry entry(Path path, Scope scope, Map<Object, String> digests) throws IOException {
        Map<String, Object> stat = Files.readAttributes(path, STAT, LinkOption.NOFOLLOW_LINKS);
        int mode = (Integer) stat.get("mode");
        int type = mode & TYPE_MASK;
        String content = "";
        if (type == REGULAR) {
            // once for all names of a file
            String known = digests.get(stat.get("ino"));
            content = known == null ? sha256(path) : known;
            digests.put(stat.get("ino"), content);
        } else if (type == SYMLINK) {
            content = Files.readSymbolicLink(path).toString();
        }
        boolean timed = scope == Scope.WITH_TIMES;
        return new Entry(
                mode,
                (Integer) stat.get("uid"),
                (Integer) stat.get("gid"),
                (Integer) stat.get("nlink"),
                (Long) stat.get("rdev"),
                type == DIRECTORY ? 0 : (Long) stat.get("size"),
                timed ? time((FileTime) stat.get("lastModifiedTime")) : "",
                type == REGULAR || type == DIRECTORY ? xattrs(path) : "",
                content);
    }

    private static String time(FileTime time) {
        long seconds = time.to(TimeUnit.SECONDS);
        return seconds + "." + time.toInstant().getNano();
    }

    private static String xattrs(Path path) throws IOException {
        UserDefinedFileAttributeView view =
                Files.getFileAttributeView(path, UserDefinedFileAttributeView.class, LinkOption.NOFOLLOW_LINKS);
        List<String> names = view.list();
        if (names.isEmpty()) {
            return "";
        }
        TreeMap<String, String> values = new TreeMap<>();
        for (String name : names) {
            ByteBuffer value = ByteBuffer.allocate(view.size(name));
            view.read(name, value);
            values.put(name, HexFormat.of().formatHex(value.array()));
        }
        return values.toString();
    }

    public static String sha256(Path file) throws IOException {
        MessageDigest digest;
        try {
            digest = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every JDK has SHA-256", e);
        }
        byte[] buffer = new byte[1 << 18];
        try (InputStream in = Files.newInputStream(file)) {
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                digest.update(buffer, 0, n);
            }
        }
        return HexFormat.of().formatHex(digest.digest());
    }
}
