package io.ppiofs.fs.journal;

import java.nio.ByteBuffer;
import java.util.Arrays;

/** Records that wait to be written as one frame, in the frame's plaintext form. Guarded by the journal's lock while it grows. */
final class RecordBatch {
    private static final int FIRST_CAPACITY = 4 << 10;

    private final long firstLsn;
    private final int generation;
    private byte[] bytes;
    private int length;
    private int count;

    /** @param generation how many rolls were before it: batches of different generations go to different files */
    RecordBatch(long firstLsn, int generation, int firstRecordBytes) {
        this.firstLsn = firstLsn;
        this.generation = generation;
        this.bytes = new byte[Math.max(FIRST_CAPACITY, firstRecordBytes + JournalFormat.RECORD_HEADER_BYTES)];
    }

    boolean hasRoomFor(int recordBytes) {
        return length + JournalFormat.RECORD_HEADER_BYTES + recordBytes <= JournalFormat.FRAME_TARGET_BYTES;
    }

    void add(int recordBytes, ByteBuffer... parts) {
        begin(recordBytes);
        for (ByteBuffer part : parts) {
            int n = part.remaining();
            part.get(bytes, length, n);
            length += n;
        }
        count++;
    }

    void add(byte[] record, int offset, int recordBytes) {
        begin(recordBytes);
        System.arraycopy(record, offset, bytes, length, recordBytes);
        length += recordBytes;
        count++;
    }

    private void begin(int recordBytes) {
        int needed = length + JournalFormat.RECORD_HEADER_BYTES + recordBytes;
        if (needed > bytes.length) {
            bytes = Arrays.copyOf(bytes, Math.max(needed, bytes.length * 2));
        }
        ByteBuffer.wrap(bytes).putInt(length, recordBytes);
        length += JournalFormat.RECORD_HEADER_BYTES;
    }

    long firstLsn() {
        return firstLsn;
    }

    long lastLsn() {
        return firstLsn + count - 1;
    }

    int generation() {
        return generation;
    }

    int count() {
        return count;
    }

    byte[] bytes() {
        return bytes;
    }

    int length() {
        return length;
    }
}
