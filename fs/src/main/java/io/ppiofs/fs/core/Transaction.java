package io.ppiofs.fs.core;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The changes of one operation, applied and journalled as a whole. Keys are put in the order in which a reader without
 * a lock may see them (an inode before the name that leads to it). Confined to one thread.
 *
 * <p>Journal payload: kind 1, the dot's clock (i64), then per change an op byte: 0 delete (key blob), 1 put (key blob, value blob), 2 flushed
 * (ino i64: content written by earlier write records of this inode is contained in this transaction),
 * 3 times (ino i64, mtime and ctime as zigzag seconds and varint nanoseconds: set explicitly while content was dirty).
 */
final class Transaction {
    static final int KIND = 1;
    static final int OP_DELETE = 0;
    static final int OP_PUT = 1;
    static final int OP_FLUSHED = 2;
    static final int OP_TIMES = 3;

    /** One change; a null value deletes. */
    record Mutation(byte[] key, byte @Nullable [] value) {}

    private final RecordWriter record;
    private final List<Mutation> mutations = new ArrayList<>(6);
    final long dot;
    final int slot;
    private long filesDelta;

    Transaction(long dot, int slot) {
        this.dot = dot;
        this.slot = slot;
        this.record = new RecordWriter(512).u8(KIND).i64(dot);
    }

    Transaction put(byte[] key, byte[] value) {
        record.u8(OP_PUT).blob(key).blob(value);
        mutations.add(new Mutation(key, value));
        return this;
    }

    Transaction delete(byte[] key) {
        record.u8(OP_DELETE).blob(key);
        mutations.add(new Mutation(key, null));
        return this;
    }

    Transaction flushed(long ino) {
        record.u8(OP_FLUSHED).i64(ino);
        return this;
    }

    /** For replay: dirty content of this inode, brought by earlier write records, has these times from here on. */
    Transaction times(long ino, Timestamp mtime, Timestamp ctime) {
        record.u8(OP_TIMES).i64(ino).zigzag(mtime.seconds()).varint(mtime.nanos());
        record.zigzag(ctime.seconds()).varint(ctime.nanos());
        return this;
    }

    /** Counts inodes that this transaction makes (+) or ends (−). */
    Transaction files(int delta) {
        filesDelta += delta;
        return this;
    }

    long filesDelta() {
        return filesDelta;
    }

    List<Mutation> mutations() {
        return mutations;
    }

    RecordWriter record() {
        return record;
    }

    /** Bytes of the journal payload so far. */
    int size() {
        return record.length();
    }
}
