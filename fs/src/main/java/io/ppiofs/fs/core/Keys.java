package io.ppiofs.fs.core;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.util.HexFormat;

/**
 * Keys of the namespace map. A tag byte names the range, numbers are big-endian so that unsigned lexicographic order
 * is numeric order (docs/formats.md, "Namespace entries").
 */
final class Keys {
    static final int META = 0x01;
    static final int DIRENT = 0x10;
    static final int INODE = 0x20;
    static final int EXTENT = 0x30;
    static final int INLINE = 0x40;
    static final int ORPHAN = 0x50;

    /** Sub-ranges of an inode. */
    static final int INODE_RECORD = 0;

    static final int INODE_LINK = 1;
    static final int INODE_XATTR = 2;
    static final int INODE_SYMLINK = 3;

    /** Largest name hash: leaves room for the cookies of "." and ".." in 63 bits. */
    static final long MAX_HASH = (1L << 62) - 4;

    static final int FIRST_COOKIE = 3;

    private Keys() {}

    static byte[] meta(String name) {
        return new RecordWriter(8)
                .u8(META)
                .bytes(name.getBytes(java.nio.charset.StandardCharsets.US_ASCII))
                .toBytes();
    }

    private static byte[] tagged(int tag, long ino, int extra) {
        byte[] k = new byte[9 + extra];
        k[0] = (byte) tag;
        RecordWriter.putLong(k, 1, ino);
        return k;
    }

    static byte[] dirent(long parent, long hash, int ordinal) {
        byte[] k = tagged(DIRENT, parent, 9);
        RecordWriter.putLong(k, 9, hash);
        k[17] = (byte) ordinal;
        return k;
    }

    static byte[] inode(long ino) {
        return tagged(INODE, ino, 1);
    }

    static byte[] link(long ino, long parent, long hash, int ordinal) {
        byte[] k = tagged(INODE, ino, 18);
        k[9] = INODE_LINK;
        RecordWriter.putLong(k, 10, parent);
        RecordWriter.putLong(k, 18, hash);
        k[26] = (byte) ordinal;
        return k;
    }

    static byte[] xattr(long ino, byte[] name) {
        byte[] k = tagged(INODE, ino, 1 + name.length);
        k[9] = INODE_XATTR;
        System.arraycopy(name, 0, k, 10, name.length);
        return k;
    }

    static byte[] symlink(long ino) {
        byte[] k = tagged(INODE, ino, 1);
        k[9] = INODE_SYMLINK;
        return k;
    }

    /** Start of a sub-range of an inode. */
    static byte[] inodeSub(long ino, int sub) {
        byte[] k = tagged(INODE, ino, 1);
        k[9] = (byte) sub;
        return k;
    }

    static byte[] extent(long ino, long offset) {
        byte[] k = tagged(EXTENT, ino, 8);
        RecordWriter.putLong(k, 9, offset);
        return k;
    }

    static byte[] inline(long ino) {
        return tagged(INLINE, ino, 0);
    }

    static byte[] orphan(long ino) {
        return tagged(ORPHAN, ino, 0);
    }

    /** First key behind every key of {@code tag} and {@code ino}. */
    static byte[] after(int tag, long ino) {
        return ino == -1 ? new byte[] {(byte) (tag + 1)} : tagged(tag, ino + 1, 0);
    }

    private static byte[] atLeast(byte[] key, int length) {
        if (key.length < length) {
            throw new PpiofsException(
                    ErrorKind.CORRUPT,
                    "read",
                    "namespace key " + HexFormat.of().formatHex(key),
                    "the key ends too early; run ppiofs fsck");
        }
        return key;
    }

    static long ino(byte[] key) {
        return RecordWriter.getLong(atLeast(key, 9), 1);
    }

    /** Which sub-range of an inode a key belongs to. */
    static int sub(byte[] inodeKey) {
        return atLeast(inodeKey, 10)[9];
    }

    static long extentOffset(byte[] key) {
        return RecordWriter.getLong(atLeast(key, 17), 9);
    }

    static long direntHash(byte[] key) {
        return RecordWriter.getLong(atLeast(key, 18), 9);
    }

    static int direntOrdinal(byte[] key) {
        return atLeast(key, 18)[17] & 0xff;
    }

    static long linkParent(byte[] key) {
        return RecordWriter.getLong(atLeast(key, 27), 10);
    }

    static long linkHash(byte[] key) {
        return RecordWriter.getLong(atLeast(key, 27), 18);
    }

    static int linkOrdinal(byte[] key) {
        return atLeast(key, 27)[26] & 0xff;
    }

    /** The readdir cookie of a directory entry key: stable across changes, remount and upgrade. */
    static long cookie(byte[] direntKey) {
        return (direntHash(direntKey) << 1 | direntOrdinal(direntKey)) + FIRST_COOKIE;
    }

    /** The first possible directory entry key behind a cookie. */
    static byte[] direntAfter(long parent, long cookie) {
        if (cookie < FIRST_COOKIE) {
            return dirent(parent, 0, 0);
        }
        long next = cookie - FIRST_COOKIE + 1;
        return dirent(parent, next >>> 1, (int) (next & 1));
    }
}
