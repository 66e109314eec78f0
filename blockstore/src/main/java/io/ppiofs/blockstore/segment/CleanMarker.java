package io.ppiofs.blockstore.segment;

import io.ppiofs.blockstore.index.ChronicleBlockIndex;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.BitSet;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * What a clean close leaves beside the index: the state of the log it belongs to and a checksum of every shard file. An
 * index file is used again only if all of it is as it was left; anything else is rebuilt from the segments.
 *
 * @param epoch last write epoch
 * @param lastSegment id of the newest segment
 * @param lastLength its length, bytes
 * @param liveBytes stored bytes of all blocks
 * @param shardCrcs CRC32C of each shard file
 */
record CleanMarker(long epoch, int lastSegment, long lastLength, long liveBytes, int[] shardCrcs) {
    private static final int MAGIC = 0x50504958; // "PPIX"
    private static final int LENGTH = 4 + 4 + 8 + 4 + 8 + 8 + 4 * ChronicleBlockIndex.SHARDS + 4;
    private static final int VERSION = 1;

    private static Path fileIn(Path indexDirectory) {
        return indexDirectory.resolve("clean");
    }

    /** Takes the marker away: from now on the index counts as unclean. @return null if there is no good one */
    static @Nullable CleanMarker take(Path indexDirectory) throws IOException {
        Path file = fileIn(indexDirectory);
        if (!Files.exists(file)) {
            return null;
        }
        ByteBuffer in;
        try (InputStream stream = Files.newInputStream(file)) {
            in = ByteBuffer.wrap(stream.readNBytes(LENGTH + 1));
        }
        Files.delete(file);
        PositionalFile.forceDirectory(indexDirectory);
        if (in.remaining() != LENGTH || in.getInt(LENGTH - 4) != crc(in.array(), LENGTH - 4)) {
            return null;
        }
        if (in.getInt() != MAGIC || in.getInt() != VERSION) {
            return null;
        }
        long epoch = in.getLong();
        int lastSegment = in.getInt();
        long lastLength = in.getLong();
        long liveBytes = in.getLong();
        int[] crcs = new int[ChronicleBlockIndex.SHARDS];
        for (int i = 0; i < crcs.length; i++) {
            crcs[i] = in.getInt();
        }
        return new CleanMarker(epoch, lastSegment, lastLength, liveBytes, crcs);
    }

    void write(Path indexDirectory) throws IOException {
        ByteBuffer out = ByteBuffer.allocate(LENGTH)
                .putInt(MAGIC)
                .putInt(VERSION)
                .putLong(epoch)
                .putInt(lastSegment)
                .putLong(lastLength)
                .putLong(liveBytes);
        for (int crc : shardCrcs) {
            out.putInt(crc);
        }
        out.putInt(crc(out.array(), LENGTH - 4)).flip();
        Path next = indexDirectory.resolve("clean.next");
        Files.write(next, out.array());
        Files.move(next, fileIn(indexDirectory), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    /** Shards whose files are as this marker's writer left them. */
    BitSet trusted(Path indexDirectory) throws IOException {
        BitSet trusted = new BitSet();
        for (int i = 0; i < shardCrcs.length; i++) {
            Path file = ChronicleBlockIndex.fileIn(indexDirectory, i);
            trusted.set(i, file != null && crcOf(file) == shardCrcs[i]);
        }
        return trusted;
    }

    static int[] crcsIn(Path indexDirectory) throws IOException {
        int[] crcs = new int[ChronicleBlockIndex.SHARDS];
        for (int i = 0; i < crcs.length; i++) {
            Path file = ChronicleBlockIndex.fileIn(indexDirectory, i);
            if (file == null) {
                throw new NoSuchFileException("index shard " + i);
            }
            crcs[i] = crcOf(file);
        }
        return crcs;
    }

    private static int crcOf(Path file) throws IOException {
        CRC32C crc = new CRC32C();
        crc.update(Long.toString(Files.size(file)).getBytes(StandardCharsets.US_ASCII));
        byte[] window = new byte[1 << 20];
        try (InputStream in = Files.newInputStream(file)) {
            for (int n = in.read(window); n >= 0; n = in.read(window)) {
                crc.update(window, 0, n);
            }
        }
        return (int) crc.getValue();
    }

    private static int crc(byte[] bytes, int length) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, 0, length);
        return (int) crc.getValue();
    }
}
