package io.ppiofs.fs.journal;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What another machine kept of a journal, opened: the longest run of authentic records from the first entry on. What follows an
 * entry that is missing, foreign or incomplete is left out. Immutable.
 */
public final class JournalCopy {
    private final List<ByteBuffer> records;
    private final long firstLsn;
    private final int used;
    private final int dropped;

    private JournalCopy(List<ByteBuffer> records, long firstLsn, int used, int dropped) {
        this.records = records;
        this.firstLsn = firstLsn;
        this.used = used;
        this.dropped = dropped;
    }

    /**
     * @param seal of the stream, used for nothing else
     * @param entries in the order in which they were kept; the first one may be any of its stream
     */
    public static JournalCopy open(ReplicaSeal seal, List<byte[]> entries) {
        List<ByteBuffer> records = new ArrayList<>();
        long firstLsn = 0;
        int used = 0;
        ByteArrayOutputStream parts = new ByteArrayOutputStream();
        ReplicaSeal.@Nullable Header before = null;
        byte[] tag = new byte[0];
        for (int i = 0; i < entries.size(); i++) {
            byte[] entry = entries.get(i);
            ReplicaSeal.Header header = seal.header(entry);
            byte[] plain = header == null || !follows(header, before, tag) ? null : seal.open(header, entry);
            if (header == null || plain == null) {
                break;
            }
            before = header;
            tag = ReplicaSeal.tagOf(entry);
            parts.writeBytes(plain);
            if (header.part() < header.parts() - 1) {
                continue;
            }
            List<ByteBuffer> opened = records(parts.toByteArray(), header.count());
            parts.reset();
            if (opened == null || firstLsn != 0 && header.firstLsn() != firstLsn + records.size()) {
                break;
            }
            firstLsn = firstLsn == 0 ? header.firstLsn() : firstLsn;
            records.addAll(opened);
            used = i + 1;
        }
        return new JournalCopy(records, firstLsn, used, entries.size() - used);
    }

    private static boolean follows(ReplicaSeal.Header header, ReplicaSeal.@Nullable Header before, byte[] tag) {
        if (before == null) {
            return header.part() == 0;
        }
        boolean samePart = before.part() + 1 < before.parts();
        return header.number() == before.number() + 1
                && Arrays.equals(header.previousTag(), tag)
                && (samePart
                        ? header.part() == before.part() + 1
                                && header.parts() == before.parts()
                                && header.firstLsn() == before.firstLsn()
                                && header.count() == before.count()
                        : header.part() == 0);
    }

    private static @Nullable List<ByteBuffer> records(byte[] frame, int count) {
        ByteBuffer in = ByteBuffer.wrap(frame).asReadOnlyBuffer();
        List<ByteBuffer> records = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int length = in.remaining() < JournalFormat.RECORD_HEADER_BYTES ? -1 : in.getInt();
            if (length < 0 || length > in.remaining()) {
                return null;
            }
            records.add(in.slice(in.position(), length));
            in.position(in.position() + length);
        }
        return records;
    }

    /** Whether record {@code lsn + 1} is here, so that the records go on behind a checkpoint that has all up to {@code lsn}. */
    public boolean continues(long lsn) {
        return !records.isEmpty() && firstLsn <= lsn + 1 && lastLsn() > lsn;
    }

    /** Whether it has records, and they begin behind a gap. */
    public boolean beginsBehind(long lsn) {
        return !records.isEmpty() && firstLsn > lsn + 1;
    }

    /** 0 if there is no record. */
    public long firstLsn() {
        return firstLsn;
    }

    /** The last record's; 0 if there is none. */
    public long lastLsn() {
        return records.isEmpty() ? 0 : firstLsn + records.size() - 1;
    }

    /** Entries at the end that were left out. */
    public int dropped() {
        return dropped;
    }

    /** Entries whose records are here. */
    public int used() {
        return used;
    }

    /** Gives the records behind {@code lsn} in order. */
    void forEach(long lsn, ReplayConsumer consumer) {
        for (int i = 0; i < records.size(); i++) {
            if (firstLsn + i > lsn) {
                consumer.accept(firstLsn + i, records.get(i).duplicate());
            }
        }
    }
}
