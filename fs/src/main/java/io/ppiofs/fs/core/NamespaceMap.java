package io.ppiofs.fs.core;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.journal.Journal;
import io.ppiofs.fs.tree.Change;
import io.ppiofs.fs.tree.MerkleTree;
import io.ppiofs.fs.tree.TreeCursor;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Iterator;
import java.util.Map;
import java.util.concurrent.ConcurrentNavigableMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * The volume's ordered map: a memtable of changes since the last checkpoint over the Merkle search tree. During a
 * checkpoint the memtable is frozen below a fresh one. Readers take no lock; writers serialise only in {@link
 * #commit}, which copies the record into the journal's buffer and the changes into the memtable.
 */
final class NamespaceMap implements Entries {
    private static final Comparator<byte[]> ORDER = Arrays::compareUnsigned;

    /** Marks a deleted key; compared by identity. */
    private static final byte[] TOMBSTONE = new byte[0];

    /** Heap of a skip list entry with its two arrays' headers, bytes; an estimate that bounds the memtable. */
    private static final int ENTRY_OVERHEAD = 88;

    private record View(
            ConcurrentSkipListMap<byte[], byte[]> active,
            @Nullable ConcurrentSkipListMap<byte[], byte[]> frozen,
            MerkleTree tree) {}

    private @Nullable Journal journal;
    private final Object commitLock = new Object();
    private final AtomicLong activeBytes = new AtomicLong();
    private final AtomicLong files = new AtomicLong();
    private volatile View view;

    NamespaceMap(MerkleTree tree) {
        this.view = new View(new ConcurrentSkipListMap<>(ORDER), null, tree);
    }

    /** From now on changes are journalled; before, during replay, there is nothing to journal to. */
    void attach(Journal opened) {
        synchronized (commitLock) {
            journal = opened;
        }
    }

    private Journal journal() {
        if (journal == null) {
            throw new IllegalStateException("no change before the journal is replayed");
        }
        return journal;
    }

    @Override
    public byte @Nullable [] get(byte[] key) {
        while (true) {
            View v = view;
            byte[] value = v.active.get(key);
            if (value == null && v.frozen != null) {
                value = v.frozen.get(key);
            }
            if (value != null) {
                return value == TOMBSTONE ? null : value;
            }
            try {
                return v.tree.get(key);
            } catch (PpiofsException e) {
                // a node that a newer tree does not need may have been collected since the look at the view
                if (e.kind() != ErrorKind.MISSING_BLOCK || view == v) {
                    throw e;
                }
            }
        }
    }

    /** Takes entries in key order. */
    @FunctionalInterface
    interface Visitor {
        /** @return false to stop */
        boolean visit(byte[] key, byte[] value);
    }

    /** Visits live entries with {@code from ≤ key < to}. Entries that exist throughout are seen exactly once. */
    @Override
    public void scan(byte[] from, byte[] to, Visitor visitor) {
        View v = view;
        Source top = new MapSource(v.active.subMap(from, to));
        Source middle = v.frozen == null ? Source.NONE : new MapSource(v.frozen.subMap(from, to));
        Source bottom = new TreeSource(v.tree.seek(from), to);
        while (true) {
            byte[] key = least(least(top.key(), middle.key()), bottom.key());
            if (key == null) {
                return;
            }
            byte[] value = null;
            if (same(bottom.key(), key)) {
                value = bottom.value();
                bottom.advance();
            }
            if (same(middle.key(), key)) {
                value = middle.value();
                middle.advance();
            }
            if (same(top.key(), key)) {
                value = top.value();
                top.advance();
            }
            if (value != null && value != TOMBSTONE && !visitor.visit(key, value)) {
                return;
            }
        }
    }

    /** Visits the entries of a tree alone with {@code from ≤ key < to}. */
    static void scanTree(MerkleTree tree, byte[] from, byte[] to, Visitor visitor) {
        TreeSource source = new TreeSource(tree.seek(from), to);
        for (byte[] key = source.key(); key != null; key = source.key()) {
            if (!visitor.visit(key, source.value())) {
                return;
            }
            source.advance();
        }
    }

    private static byte @Nullable [] least(byte @Nullable [] a, byte @Nullable [] b) {
        if (a == null) {
            return b;
        }
        return b == null || ORDER.compare(a, b) <= 0 ? a : b;
    }

    private static boolean same(byte @Nullable [] a, byte[] b) {
        return a != null && (a == b || Arrays.equals(a, b));
    }

    /** Journals and applies; after it returns every reader sees the change. Durable after the journal's commit. */
    long commit(Transaction tx) {
        RecordWriter record = tx.record();
        synchronized (commitLock) {
            long lsn = journal().append(record.buffer(), 0, record.length());
            apply(tx);
            return lsn;
        }
    }

    /** Journals a record that changes nothing here (a write record), in the same total order. */
    long journalOnly(RecordWriter record) {
        synchronized (commitLock) {
            return journal().append(record.buffer(), 0, record.length());
        }
    }

    /** Applies without journalling: replay, and content flushed while replaying. */
    void apply(Transaction tx) {
        for (Transaction.Mutation m : tx.mutations()) {
            applyOne(m.key(), m.value());
        }
        files.addAndGet(tx.filesDelta());
    }

    void applyOne(byte[] key, byte @Nullable [] value) {
        ConcurrentSkipListMap<byte[], byte[]> active = view.active;
        byte[] stored = value == null ? TOMBSTONE : value;
        byte[] old = active.put(key, stored);
        long grown = old == null ? ENTRY_OVERHEAD + key.length + stored.length : stored.length - old.length;
        activeBytes.addAndGet(grown);
    }

    /** Heap held by changes that no checkpoint has taken yet, bytes (estimate). */
    long memtableBytes() {
        return activeBytes.get();
    }

    boolean hasFrozen() {
        return view.frozen != null;
    }

    long files() {
        return files.get();
    }

    void files(long count) {
        files.set(count);
    }

    MerkleTree tree() {
        return view.tree;
    }

    /**
     * Freezes the memtable; {@code last} may put closing entries into it.
     *
     * @return the journal position that the frozen state contains completely
     */
    long freeze(Runnable last) {
        synchronized (commitLock) {
            View v = view;
            if (v.frozen != null) {
                throw new IllegalStateException("a checkpoint is in progress");
            }
            last.run();
            long lsn = journal().roll();
            view = new View(new ConcurrentSkipListMap<>(ORDER), v.active, v.tree);
            activeBytes.set(0);
            return lsn;
        }
    }

    /** The tree with the frozen changes; writes nodes, changes nothing here. */
    MerkleTree merged() {
        View v = view;
        if (v.frozen == null) {
            return v.tree;
        }
        Iterator<Map.Entry<byte[], byte[]>> it = v.frozen.entrySet().iterator();
        return v.tree.apply(new Iterator<>() {
            @Override
            public boolean hasNext() {
                return it.hasNext();
            }

            @Override
            public Change next() {
                Map.Entry<byte[], byte[]> e = it.next();
                return new Change(e.getKey(), e.getValue() == TOMBSTONE ? null : e.getValue());
            }
        });
    }

    /** Puts the merged tree in the place of the old one and drops the frozen memtable. */
    void install(MerkleTree merged) {
        synchronized (commitLock) {
            view = new View(view.active, null, merged);
        }
    }

    /** Every value that is in a memtable, deleted or not yet in the tree, for marking. */
    void visitMemtables(Visitor visitor) {
        View v = view;
        visitAll(v.active, visitor);
        if (v.frozen != null) {
            visitAll(v.frozen, visitor);
        }
    }

    private static void visitAll(ConcurrentSkipListMap<byte[], byte[]> map, Visitor visitor) {
        for (Map.Entry<byte[], byte[]> e : map.entrySet()) {
            if (e.getValue() != TOMBSTONE && !visitor.visit(e.getKey(), e.getValue())) {
                return;
            }
        }
    }

    /** One of the layers of a merged scan. */
    private interface Source {
        Source NONE = new Source() {
            @Override
            public byte @Nullable [] key() {
                return null;
            }

            @Override
            public byte[] value() {
                throw new IllegalStateException("no entry");
            }

            @Override
            public void advance() {
                throw new IllegalStateException("no entry");
            }
        };

        byte @Nullable [] key();

        byte[] value();

        void advance();
    }

    private static final class MapSource implements Source {
        private final Iterator<Map.Entry<byte[], byte[]>> it;
        private Map.@Nullable Entry<byte[], byte[]> current;

        MapSource(ConcurrentNavigableMap<byte[], byte[]> map) {
            it = map.entrySet().iterator();
            advance();
        }

        @Override
        public byte @Nullable [] key() {
            return current == null ? null : current.getKey();
        }

        @Override
        public byte[] value() {
            if (current == null) {
                throw new IllegalStateException("no entry");
            }
            return current.getValue();
        }

        @Override
        public void advance() {
            current = it.hasNext() ? it.next() : null;
        }
    }

    private static final class TreeSource implements Source {
        private final TreeCursor cursor;
        private final byte[] to;
        private byte @Nullable [] key;

        TreeSource(TreeCursor cursor, byte[] to) {
            this.cursor = cursor;
            this.to = to;
            advance();
        }

        @Override
        public byte @Nullable [] key() {
            return key;
        }

        @Override
        public byte[] value() {
            return cursor.value();
        }

        @Override
        public void advance() {
            key = null;
            if (cursor.next()) {
                byte[] k = cursor.key();
                if (ORDER.compare(k, to) < 0) {
                    key = k;
                }
            }
        }
    }
}
