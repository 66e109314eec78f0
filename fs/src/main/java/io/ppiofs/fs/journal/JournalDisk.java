package io.ppiofs.fs.journal;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** How the journal changes the disk; a seam so that tests can make each call fail. */
interface JournalDisk {
    /** A file being written. */
    interface DiskFile extends Closeable {
        /** Writes all remaining bytes at {@code offset}. */
        void write(ByteBuffer bytes, long offset) throws IOException;

        /** fdatasync. */
        void force() throws IOException;

        void truncate(long length) throws IOException;

        @Override
        void close() throws IOException;
    }

    /** An empty file; one of this name is emptied. */
    DiskFile create(Path path) throws IOException;

    /** A file that exists. */
    DiskFile open(Path path) throws IOException;

    void delete(Path path) throws IOException;

    /** Makes creations and deletions in the directory durable. */
    void syncDirectory(Path dir) throws IOException;

    /** The real disk. */
    static JournalDisk real() {
        return new JournalDisk() {
            @Override
            public DiskFile create(Path path) throws IOException {
                return new ChannelFile(FileChannel.open(
                        path,
                        StandardOpenOption.CREATE,
                        StandardOpenOption.TRUNCATE_EXISTING,
                        StandardOpenOption.WRITE));
            }

            @Override
            public DiskFile open(Path path) throws IOException {
                return new ChannelFile(FileChannel.open(path, StandardOpenOption.WRITE));
            }

            @Override
            public void delete(Path path) throws IOException {
                Files.deleteIfExists(path);
            }

            @Override
            public void syncDirectory(Path dir) throws IOException {
                try (FileChannel channel = FileChannel.open(dir, StandardOpenOption.READ)) {
                    channel.force(true);
                }
            }
        };
    }

    /** A file through NIO. */
    final class ChannelFile implements DiskFile {
        /** The JDK keeps a direct buffer of the largest heap buffer ever written per thread; this bounds it. */
        private static final int MAX_WRITE = 2 << 20;

        private final FileChannel channel;

        ChannelFile(FileChannel channel) {
            this.channel = channel;
        }

        @Override
        public void write(ByteBuffer bytes, long offset) throws IOException {
            long at = offset;
            while (bytes.hasRemaining()) {
                ByteBuffer part = bytes.slice(bytes.position(), Math.min(bytes.remaining(), MAX_WRITE));
                int written = channel.write(part, at);
                bytes.position(bytes.position() + written);
                at += written;
            }
        }

        @Override
        public void force() throws IOException {
            channel.force(false);
        }

        @Override
        public void truncate(long length) throws IOException {
            channel.truncate(length);
        }

        @Override
        public void close() throws IOException {
            channel.close();
        }
    }
}
