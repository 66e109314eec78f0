package io.ppiofs.fs.journal;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.journal.JournalFormat.FrameHeader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Reads one journal file and judges its frames. One thread. */
final class JournalFileReader {
    /**
     * An authentic frame.
     *
     * @param plaintext its first {@code header.length()} bytes count
     */
    record Frame(FrameHeader header, byte[] plaintext, byte[] tag) {}

    private static final int SCAN_BYTES = 1 << 20;

    private final Path path;
    private final FileChannel channel;
    private final long size;
    private final FileSeal seal;
    private final long firstLsn;
    private final byte[] previousTag;
    private final byte[] headerTag;
    private String why = "the file ends too early";

    /** Reads the header. @throws PpiofsException CORRUPT, WRONG_KEY, UNSUPPORTED_FORMAT */
    JournalFileReader(Path path, FileChannel channel, byte[] key) throws IOException {
        this.path = path;
        this.channel = channel;
        this.size = channel.size();
        byte[] header = readFully(0, JournalFormat.FILE_HEADER_BYTES);
        ByteBuffer in = ByteBuffer.wrap(header);
        if (!isIntactHeader(header)) {
            throw JournalReplay.corrupt(path, 0, "the header is not what was written");
        }
        in.position(JournalFormat.FILE_MAGIC.length);
        int version = in.getShort() & 0xffff;
        if (version != JournalFormat.VERSION) {
            throw new PpiofsException(
                    ErrorKind.UNSUPPORTED_FORMAT,
                    "replay journal",
                    path.toString(),
                    "format version " + version + " is unknown here, use a newer ppiofs");
        }
        in.getShort();
        in.getInt();
        byte[] salt = new byte[JournalFormat.SALT_BYTES];
        in.get(salt);
        firstLsn = in.getLong();
        previousTag = new byte[JournalFormat.TAG_BYTES];
        in.get(previousTag);
        headerTag = new byte[JournalFormat.TAG_BYTES];
        in.get(headerTag);
        seal = new FileSeal(key, salt);
        if (!MessageDigest.isEqual(headerTag, seal.headerTag(header))) {
            throw new PpiofsException(
                    ErrorKind.WRONG_KEY,
                    "replay journal",
                    path.toString(),
                    "the volume's key does not open the file (offset 0), check that this journal belongs to this volume");
        }
        if (firstLsn != JournalFormat.firstLsn(path)) {
            throw JournalReplay.corrupt(path, 0, "the header says record " + firstLsn + ", the file was renamed");
        }
    }

    /** Magic and CRC; whose key it was is another question. @param header at least a header's bytes */
    static boolean isIntactHeader(byte[] header) {
        int crcAt = JournalFormat.FILE_HEADER_BYTES - JournalFormat.CRC_BYTES;
        int magic = JournalFormat.FILE_MAGIC.length;
        return Arrays.equals(header, 0, magic, JournalFormat.FILE_MAGIC, 0, magic)
                && ByteBuffer.wrap(header).getInt(crcAt) == JournalFormat.crc(header, 0, crcAt);
    }

    Path path() {
        return path;
    }

    long firstLsn() {
        return firstLsn;
    }

    /** What the file says about the end of the file before it. */
    byte[] previousTag() {
        return previousTag;
    }

    byte[] headerTag() {
        return headerTag;
    }

    /** Why the last {@link #read} returned null. */
    String why() {
        return why;
    }

    /** The frame at {@code offset} if it is whole, authentic and the next one of the chain; else null. */
    @Nullable
    Frame read(long offset, byte[] chainTag, long nextLsn) throws IOException {
        FrameHeader header = headerAt(offset);
        if (header == null) {
            return null;
        }
        if (!Arrays.equals(header.previousTag(), chainTag) || header.firstLsn() != nextLsn) {
            why = "the frame there does not follow the one before it";
            return null;
        }
        return open(offset, header);
    }

    private @Nullable FrameHeader headerAt(long offset) throws IOException {
        if (size - offset < JournalFormat.FRAME_OVERHEAD) {
            why = "the file ends too early";
            return null;
        }
        FrameHeader header = FrameHeader.parse(readFully(offset, JournalFormat.FRAME_HEADER_BYTES), 0);
        if (header == null) {
            why = "no frame begins there";
            return null;
        }
        if (header.frameBytes() > size - offset) {
            why = "the frame is cut off";
            return null;
        }
        return header;
    }

    private @Nullable Frame open(long offset, FrameHeader header) throws IOException {
        byte[] frame = readFully(offset, header.frameBytes());
        int sealed = header.length() + JournalFormat.TAG_BYTES;
        int crcAt = JournalFormat.FRAME_HEADER_BYTES + sealed;
        if (ByteBuffer.wrap(frame).getInt(crcAt)
                != JournalFormat.crc(frame, JournalFormat.FRAME_HEADER_BYTES, sealed)) {
            why = "the frame's checksum is wrong";
            return null;
        }
        // Room for the tag too: some providers want it while they decrypt.
        byte[] plaintext = new byte[sealed];
        if (!seal.open(header, frame, plaintext)) {
            why = "the frame is not authentic";
            return null;
        }
        return new Frame(header, plaintext, Arrays.copyOfRange(frame, crcAt - JournalFormat.TAG_BYTES, crcAt));
    }

    /**
     * Whether an authentic frame at or behind {@code offset} was written when more than {@code offset} bytes were already
     * durable: then what is bad at {@code offset} was good once.
     */
    boolean wasDurable(long offset) throws IOException {
        String reason = why;
        boolean durable = false;
        byte[] magic = ByteBuffer.allocate(4).putInt(JournalFormat.FRAME_MAGIC).array();
        for (long at = offset; !durable && size - at >= JournalFormat.FRAME_OVERHEAD; at += SCAN_BYTES) {
            byte[] window = readFully(at, (int) Math.min(SCAN_BYTES + magic.length - 1, size - at));
            for (int i = 0; !durable && i <= window.length - magic.length; i++) {
                durable = Arrays.equals(window, i, i + magic.length, magic, 0, magic.length)
                        && provesDurable(at + i, offset);
            }
        }
        why = reason;
        return durable;
    }

    private boolean provesDurable(long frameAt, long offset) throws IOException {
        FrameHeader header = headerAt(frameAt);
        return header != null && header.syncedOffset() > offset && open(frameAt, header) != null;
    }

    private byte[] readFully(long offset, int length) throws IOException {
        ByteBuffer out = ByteBuffer.allocate(length);
        while (out.hasRemaining()) {
            if (channel.read(out, offset + out.position()) < 0) {
                throw new IOException("the file became shorter while it was read");
            }
        }
        return out.array();
    }
}
