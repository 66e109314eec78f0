package io.ppiofs.fs.journal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;

/**
 * A disk in memory that forgets like a real one: at {@link #cutInto} each sector written since the file's last force is there
 * or not, the length is anything between, and creations and deletions since the directory's last sync happened or not.
 * After call number {@code cutAt} every call fails, as if the machine were gone.
 */
final class PowerCutDisk implements JournalDisk {
    private static final int SECTOR = 512;

    /** Content as written and as last forced. */
    private static final class Content {
        private byte[] written = {};
        private byte[] forced = {};
    }

    private final Map<Path, Content> names = new HashMap<>();
    private final Map<Path, Content> durableNames = new HashMap<>();
    private final long cutAt;
    private long calls;

    PowerCutDisk(Path dir, long cutAt) throws IOException {
        this.cutAt = cutAt;
        try (var files = Files.list(dir)) {
            for (Path path : files.toList()) {
                Content content = new Content();
                content.written = Files.readAllBytes(path);
                content.forced = content.written;
                names.put(path, content);
                durableNames.put(path, content);
            }
        }
    }

    /** Leaves in the directory what a power cut now might leave. */
    synchronized void cutInto(Path dir, Random random) throws IOException {
        try (var files = Files.list(dir)) {
            for (Path path : files.toList()) {
                Files.delete(path);
            }
        }
        Map<Path, Content> survivors = new HashMap<>(durableNames);
        names.forEach((path, content) -> {
            if (random.nextBoolean()) {
                survivors.put(path, content);
            }
        });
        durableNames.keySet().stream()
                .filter(path -> !names.containsKey(path) && random.nextBoolean())
                .forEach(survivors::remove);
        for (Map.Entry<Path, Content> e : survivors.entrySet()) {
            Files.write(e.getKey(), mixture(e.getValue(), random));
        }
    }

    private static byte[] mixture(Content content, Random random) {
        int shorter = Math.min(content.forced.length, content.written.length);
        int longer = Math.max(content.forced.length, content.written.length);
        int kind = random.nextInt(3);
        int length = kind == 0 ? shorter : kind == 1 ? longer : shorter + random.nextInt(longer - shorter + 1);
        byte[] out = Arrays.copyOf(content.forced, length);
        for (int at = 0; at < length; at += SECTOR) {
            int n = Math.min(SECTOR, Math.min(length, content.written.length) - at);
            if (n > 0 && random.nextBoolean()) {
                System.arraycopy(content.written, at, out, at, n);
            }
        }
        return out;
    }

    private void call() throws IOException {
        if (++calls > cutAt) {
            throw new IOException("power is gone");
        }
    }

    @Override
    public synchronized DiskFile create(Path path) throws IOException {
        call();
        Content content = new Content();
        names.put(path, content);
        return file(content);
    }

    @Override
    public synchronized DiskFile open(Path path) throws IOException {
        call();
        Content content = names.get(path);
        if (content == null) {
            throw new IOException("no file " + path);
        }
        return file(content);
    }

    @Override
    public synchronized void delete(Path path) throws IOException {
        call();
        names.remove(path);
    }

    @Override
    public synchronized void syncDirectory(Path dir) throws IOException {
        call();
        durableNames.clear();
        durableNames.putAll(names);
    }

    private DiskFile file(Content content) {
        return new DiskFile() {
            @Override
            public void write(ByteBuffer bytes, long offset) throws IOException {
                synchronized (PowerCutDisk.this) {
                    int end = (int) offset + bytes.remaining();
                    byte[] next = Arrays.copyOf(content.written, Math.max(end, content.written.length));
                    bytes.get(next, (int) offset, bytes.remaining());
                    content.written = next;
                    call(); // a failing write may have happened all the same
                }
            }

            @Override
            public void force() throws IOException {
                synchronized (PowerCutDisk.this) {
                    call();
                    content.forced = content.written;
                }
            }

            @Override
            public void truncate(long length) throws IOException {
                synchronized (PowerCutDisk.this) {
                    call();
                    content.written = Arrays.copyOf(content.written, (int) length);
                }
            }

            @Override
            public void close() {
                // nothing is lost by closing
            }
        };
    }
}
