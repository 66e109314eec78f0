package io.ppiofs.fs.core;

import org.jspecify.annotations.Nullable;

/**
 * The value under an inode's key: registers of owner and mode, size and content, and times, each group stamped with the
 * dot of its last change; the primary back-reference (parent, name hash, ordinal). Further hard links stand under
 * {@link Keys#link}. Mutable and confined to one operation.
 */
final class InodeRecord {
    static final int VERSION = 1;

    /** Content stands in the inline range. */
    static final int FLAG_INLINE = 1;

    /** There is an access ACL. */
    static final int FLAG_ACL = 2;

    /** There is a default ACL (directories). */
    static final int FLAG_DEFAULT_ACL = 4;

    /** {@link #allocated} is not empty and follows the slots. */
    private static final int FLAG_ALLOCATED = 8;

    /** {@link #born} is known and follows the slots, before allocated ranges. */
    private static final int FLAG_BORN = 16;

    /** {@link InodeFlags#immutable}. */
    static final int FLAG_IMMUTABLE = 32;

    /** {@link InodeFlags#appendOnly}. */
    static final int FLAG_APPEND_ONLY = 64;

    int mode;
    int uid;
    int gid;
    int rdev;
    int nlink;
    int flags;
    long size;
    /** Bytes of plaintext held by extents. */
    long held;

    Allocated allocated = Allocated.NONE;
    long parent;
    long nameHash;
    int nameOrdinal;
    long atimeSeconds;
    int atimeNanos;
    long mtimeSeconds;
    int mtimeNanos;
    long ctimeSeconds;
    int ctimeNanos;

    /** When the inode was made; null in records of versions that did not keep that. */
    @Nullable
    Timestamp born;

    long ownerDot;
    long contentDot;
    long timesDot;
    int ownerSlot;
    int contentSlot;
    int timesSlot;

    byte[] encode() {
        Timestamp birth = born;
        flag(FLAG_ALLOCATED, !allocated.isEmpty());
        flag(FLAG_BORN, birth != null);
        RecordWriter w = new RecordWriter(112);
        w.u8(VERSION).varint(mode & 0xffff_ffffL).varint(uid & 0xffff_ffffL).varint(gid & 0xffff_ffffL);
        w.varint(rdev & 0xffff_ffffL).varint(nlink).varint(flags).varint(size).varint(held);
        w.i64(parent).i64(nameHash).u8(nameOrdinal);
        w.zigzag(mtimeSeconds).varint(mtimeNanos);
        w.zigzag(ctimeSeconds - mtimeSeconds).varint(ctimeNanos);
        w.zigzag(atimeSeconds - mtimeSeconds).varint(atimeNanos);
        w.i64(ownerDot).zigzag(contentDot - ownerDot).zigzag(timesDot - ownerDot);
        w.varint(ownerSlot).varint(contentSlot).varint(timesSlot);
        if (birth != null) {
            w.zigzag(birth.seconds() - mtimeSeconds).varint(birth.nanos());
        }
        if (!allocated.isEmpty()) {
            allocated.encode(w);
        }
        return w.toBytes();
    }

    static InodeRecord decode(byte[] bytes) {
        RecordReader r = new RecordReader(bytes, "inode record");
        r.version(VERSION);
        InodeRecord i = new InodeRecord();
        i.mode = r.varint32();
        i.uid = r.varint32();
        i.gid = r.varint32();
        i.rdev = r.varint32();
        i.nlink = r.varint32();
        i.flags = r.varint32();
        i.size = r.size();
        i.held = r.size();
        i.parent = r.i64();
        i.nameHash = r.i64();
        i.nameOrdinal = r.u8();
        i.mtimeSeconds = r.zigzag();
        i.mtimeNanos = r.nanos();
        i.ctimeSeconds = r.zigzag() + i.mtimeSeconds;
        i.ctimeNanos = r.nanos();
        i.atimeSeconds = r.zigzag() + i.mtimeSeconds;
        i.atimeNanos = r.nanos();
        i.ownerDot = r.i64();
        i.contentDot = r.zigzag() + i.ownerDot;
        i.timesDot = r.zigzag() + i.ownerDot;
        i.ownerSlot = r.varint32();
        i.contentSlot = r.varint32();
        i.timesSlot = r.varint32();
        if (i.has(FLAG_BORN)) {
            i.born = new Timestamp(r.zigzag() + i.mtimeSeconds, r.nanos());
        }
        if (i.has(FLAG_ALLOCATED)) {
            i.allocated = Allocated.decode(r);
        }
        r.end();
        return i;
    }

    /** Bytes that count in st_blocks: what content holds, and at least what fallocate asked for. */
    long taken() {
        return Math.max(inline() ? size : held, allocated.bytes());
    }

    boolean isDirectory() {
        return (mode & FileType.MASK) == FileType.DIRECTORY.bits();
    }

    boolean isRegular() {
        return (mode & FileType.MASK) == FileType.REGULAR.bits();
    }

    boolean has(int flag) {
        return (flags & flag) != 0;
    }

    void flag(int flag, boolean on) {
        flags = on ? flags | flag : flags & ~flag;
    }

    boolean immutable() {
        return has(FLAG_IMMUTABLE);
    }

    boolean appendOnly() {
        return has(FLAG_APPEND_ONLY);
    }

    InodeFlags inodeFlags() {
        return immutable() || appendOnly() ? new InodeFlags(immutable(), appendOnly()) : InodeFlags.NONE;
    }

    boolean inline() {
        return (flags & FLAG_INLINE) != 0;
    }

    Timestamp atime() {
        return new Timestamp(atimeSeconds, atimeNanos);
    }

    Timestamp mtime() {
        return new Timestamp(mtimeSeconds, mtimeNanos);
    }

    Timestamp ctime() {
        return new Timestamp(ctimeSeconds, ctimeNanos);
    }

    void atime(Timestamp t) {
        atimeSeconds = t.seconds();
        atimeNanos = t.nanos();
    }

    void mtime(Timestamp t) {
        mtimeSeconds = t.seconds();
        mtimeNanos = t.nanos();
    }

    void ctime(Timestamp t) {
        ctimeSeconds = t.seconds();
        ctimeNanos = t.nanos();
    }

    void stampOwner(long dot, int slot) {
        ownerDot = dot;
        ownerSlot = slot;
    }

    void stampContent(long dot, int slot) {
        contentDot = dot;
        contentSlot = slot;
    }

    void stampTimes(long dot, int slot) {
        timesDot = dot;
        timesSlot = slot;
    }
}
