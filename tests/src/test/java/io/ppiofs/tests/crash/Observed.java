package io.ppiofs.tests.crash;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.UserDefinedFileAttributeView;
import java.util.Map;
import java.util.TreeMap;

/** What is below one worker's directory after the crash. */
record Observed(Map<String, Found> entries) {
    private static final int CELL = 64;
    private static final long MAGIC = 0x6c6c656373666970L;
    private static final long HASH_START = 0xcbf29ce484222325L;
    private static final long HASH_FACTOR = 0x100000001b3L;

    /** A cell of zeros: a hole. */
    static final int HOLE = 0;

    /** A cell that is neither a hole nor what somebody wrote there. */
    static final int TORN = -1;

    /**
     * @param file number in the cells, 0 if there are none
     * @param versions which write each cell comes from, {@link #HOLE} or {@link #TORN}
     * @param size in bytes
     */
    record Found(
            Namespace.Kind kind,
            long ino,
            int nlink,
            int mode,
            int tag,
            String target,
            long file,
            int[] versions,
            long size) {}

    static Observed read(Path root) throws IOException {
        Map<String, Found> entries = new TreeMap<>();
        Files.walkFileTree(root, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path directory, BasicFileAttributes attributes)
                    throws IOException {
                if (!directory.equals(root)) {
                    entries.put(root.relativize(directory).toString(), found(directory, attributes));
                }
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                entries.put(root.relativize(file).toString(), found(file, attributes));
                return FileVisitResult.CONTINUE;
            }
        });
        return new Observed(entries);
    }

    private static Found found(Path path, BasicFileAttributes attributes) throws IOException {
        Map<String, Object> stat = Files.readAttributes(path, "unix:mode,ino,nlink,size", LinkOption.NOFOLLOW_LINKS);
        int mode = (Integer) stat.get("mode") & 07777;
        long ino = (Long) stat.get("ino");
        int nlink = (Integer) stat.get("nlink");
        if (attributes.isDirectory()) {
            return new Found(Namespace.Kind.DIRECTORY, ino, nlink, mode, 0, "", 0, new int[0], 0);
        } else if (attributes.isSymbolicLink()) {
            String target = Files.readSymbolicLink(path).toString();
            return new Found(Namespace.Kind.SYMLINK, ino, nlink, mode, 0, target, 0, new int[0], 0);
        }
        byte[] bytes = Files.readAllBytes(path);
        long file = fileNumber(bytes);
        return new Found(
                Namespace.Kind.FILE, ino, nlink, mode, tag(path), "", file, versions(bytes, file), bytes.length);
    }

    private static int tag(Path path) throws IOException {
        UserDefinedFileAttributeView view = Files.getFileAttributeView(path, UserDefinedFileAttributeView.class);
        return view.list().contains("tag") ? view.size("tag") : 0;
    }

    /** The number in the first cell that has one. */
    static long fileNumber(byte[] bytes) {
        ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        for (int at = 0; at + CELL <= bytes.length; at += CELL) {
            if (buffer.getLong(at) == MAGIC) {
                return buffer.getLong(at + 8);
            }
        }
        return 0;
    }

    static int[] versions(byte[] bytes, long file) {
        ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        int[] versions = new int[(bytes.length + CELL - 1) / CELL];
        for (int i = 0; i < versions.length; i++) {
            versions[i] = (i + 1) * CELL <= bytes.length ? version(buffer, i, file) : TORN;
        }
        return versions;
    }

    private static int version(ByteBuffer buffer, int index, long file) {
        int at = index * CELL;
        long hash = HASH_START;
        boolean zero = true;
        for (int i = 0; i < CELL; i++) {
            byte b = buffer.get(at + i);
            zero &= b == 0;
            if (i < CELL - 8) {
                hash = (hash ^ (b & 0xff)) * HASH_FACTOR;
            }
        }
        if (zero) {
            return HOLE;
        }
        boolean whole = buffer.getLong(at) == MAGIC
                && buffer.getLong(at + 8) == file
                && buffer.getLong(at + 24) == index
                && buffer.getLong(at + 56) == hash;
        return whole ? (int) buffer.getLong(at + 16) : TORN;
    }
}
