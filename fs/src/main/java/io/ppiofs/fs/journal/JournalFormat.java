package io.ppiofs.fs.journal;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/** Layout of journal files; the byte tables are in {@code docs/formats.md}, "Journal". All numbers big-endian. */
final class JournalFormat {
    static final int VERSION = 1;
    static final byte[] FILE_MAGIC = "PPIOJRNL".getBytes(StandardCharsets.US_ASCII);
    static final int FRAME_MAGIC = 0x504a4631; // "PJF1"

    static final int KEY_BYTES = 32;
    static final int SALT_BYTES = 32;
    static final int TAG_BYTES = 16;
    static final int CRC_BYTES = 4;

    /** Magic, version, flags, zero, salt, first lsn, previous tag; authenticated by the tag that follows. */
    static final int FILE_HEADER_AAD = 8 + 2 + 2 + 4 + SALT_BYTES + 8 + TAG_BYTES;

    static final int FILE_HEADER_BYTES = FILE_HEADER_AAD + TAG_BYTES + CRC_BYTES;

    /** Magic, plaintext length, first lsn, record count, nonce, synced offset, previous tag. */
    static final int FRAME_HEADER_AAD = 4 + 4 + 8 + 4 + 8 + 8 + TAG_BYTES;

    static final int FRAME_HEADER_BYTES = FRAME_HEADER_AAD + CRC_BYTES;
    static final int FRAME_OVERHEAD = FRAME_HEADER_BYTES + TAG_BYTES + CRC_BYTES;

    static final int RECORD_HEADER_BYTES = 4;
    /** Records are put together in one frame up to here. */
    static final int FRAME_TARGET_BYTES = 1 << 20;

    static final int MAX_FRAME_PLAINTEXT = Journal.MAX_RECORD_BYTES + RECORD_HEADER_BYTES;

    private static final String SUFFIX = ".wal";
    private static final Pattern NAME = Pattern.compile("[0-9a-f]{16}\\.wal");

    private JournalFormat() {}

    static String fileName(long firstLsn) {
        return HexFormat.of().toHexDigits(firstLsn) + SUFFIX;
    }

    static boolean isJournalFile(Path path) {
        Path name = path.getFileName();
        return name != null && NAME.matcher(name.toString()).matches();
    }

    /** The first lsn that a file's name says. */
    static long firstLsn(Path path) {
        return HexFormat.fromHexDigitsToLong(String.valueOf(path.getFileName()), 0, 16);
    }

    static int crc(byte[] bytes, int offset, int length) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, offset, length);
        return (int) crc.getValue();
    }

    /** The header of a file without tag and CRC, which {@link FileSeal#sealHeader} adds. */
    static ByteBuffer fileHeader(byte[] salt, long firstLsn, byte[] previousTag) {
        return ByteBuffer.allocate(FILE_HEADER_BYTES)
                .put(FILE_MAGIC)
                .putShort((short) VERSION)
                .putShort((short) 0)
                .putInt(0)
                .put(salt)
                .putLong(firstLsn)
                .put(previousTag);
    }

    /**
     * What stands before a frame's ciphertext.
     *
     * @param length plaintext bytes
     * @param nonce never used before under the file's key
     * @param syncedOffset length of the file that was durable when the frame was written: a damaged byte before the
     *     synced offset of a later frame is damage, not an unfinished write
     * @param previousTag tag of the frame before, or of the file header
     */
    record FrameHeader(int length, long firstLsn, int count, long nonce, long syncedOffset, byte[] previousTag) {
        void writeTo(ByteBuffer out) {
            int at = out.position();
            out.putInt(FRAME_MAGIC)
                    .putInt(length)
                    .putLong(firstLsn)
                    .putInt(count)
                    .putLong(nonce)
                    .putLong(syncedOffset)
                    .put(previousTag);
            out.putInt(crc(out.array(), out.arrayOffset() + at, FRAME_HEADER_AAD));
        }

        /** Null if these are not the bytes of a header, or its numbers are out of bounds. */
        static @Nullable FrameHeader parse(byte[] bytes, int offset) {
            ByteBuffer in = ByteBuffer.wrap(bytes, offset, FRAME_HEADER_BYTES);
            if (in.getInt() != FRAME_MAGIC
                    || in.getInt(offset + FRAME_HEADER_AAD) != crc(bytes, offset, FRAME_HEADER_AAD)) {
                return null;
            }
            int length = in.getInt();
            long firstLsn = in.getLong();
            int count = in.getInt();
            long nonce = in.getLong();
            long syncedOffset = in.getLong();
            byte[] previousTag = new byte[TAG_BYTES];
            in.get(previousTag);
            boolean sane = length >= RECORD_HEADER_BYTES
                    && length <= MAX_FRAME_PLAINTEXT
                    && count > 0
                    && count <= length / RECORD_HEADER_BYTES
                    && firstLsn > 0
                    && nonce > 0
                    && syncedOffset >= FILE_HEADER_BYTES;
            return sane ? new FrameHeader(length, firstLsn, count, nonce, syncedOffset, previousTag) : null;
        }

        int frameBytes() {
            return FRAME_OVERHEAD + length;
        }
    }

    /** NO_SPACE where the system says so, else IO. */
    static PpiofsException ioFailure(String operation, Path subject, IOException cause) {
        String reason = String.valueOf(cause.getMessage());
        String lower = reason.toLowerCase(Locale.ROOT);
        if (lower.contains("no space left") || lower.contains("quota exceeded")) {
            return new PpiofsException(
                    ErrorKind.NO_SPACE, operation, subject.toString(), "the disk is full, free some space", cause);
        }
        return new PpiofsException(
                ErrorKind.IO, operation, subject.toString(), reason + "; check the disk and the system's log", cause);
    }
}
