package io.ppiofs.fs.core;

import io.ppiofs.blockstore.BlockRef;
import io.ppiofs.blockstore.BlockType;
import io.ppiofs.blockstore.Blocks;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.core.FileSystemCore.Name;
import io.ppiofs.fs.core.FileSystemCore.Seek;
import io.ppiofs.fs.tree.SipHash;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What the entries of a namespace say: the reading half of a core. Thread-safe as its parts are; no state. */
final class Records {
    /** The extended attribute that shows a file's {@link ContentId}. */
    static final String CID_XATTR = "user.ppiofs.cid";

    private final Entries entries;
    private final Blocks blocks;
    private final SipHash names;

    Records(Entries entries, Blocks blocks, SipHash names) {
        this.entries = entries;
        this.blocks = blocks;
        this.names = names;
    }

    /** A directory entry with its place. */
    record Slot(long parent, long hash, int ordinal, DirEntry entry) {
        byte[] key() {
            return Keys.dirent(parent, hash, ordinal);
        }
    }

    static PpiofsException no(ErrorKind kind, String operation, Object subject) {
        return PpiofsException.expected(kind, operation, subject.toString());
    }

    static void check(FileName name, String operation) {
        if (name.bytes().length > FileName.MAX_LENGTH) {
            throw no(ErrorKind.NAME_TOO_LONG, operation, name);
        }
        if (name.bytes().length == 0) {
            throw no(ErrorKind.NOT_FOUND, operation, name);
        }
    }

    @Nullable
    InodeRecord find(long ino) {
        byte[] value = entries.get(Keys.inode(ino));
        return value == null ? null : InodeRecord.decode(value);
    }

    InodeRecord record(long ino, String operation) {
        InodeRecord r = find(ino);
        if (r == null) {
            throw no(ErrorKind.NOT_FOUND, operation, Long.toUnsignedString(ino));
        }
        return r;
    }

    void directoryOrThrow(long ino, String operation) {
        if (!record(ino, operation).isDirectory()) {
            throw no(ErrorKind.NOT_A_DIRECTORY, operation, Long.toUnsignedString(ino));
        }
    }

    /** As {@link FileSystemCore#names}, by the inode's back-references. */
    List<Name> names(Ino ino, int most) {
        List<Name> found = new ArrayList<>();
        InodeRecord r = find(ino.value());
        if (r == null) {
            return found;
        }
        addName(found, ino, r.parent, r.nameHash, r.nameOrdinal);
        byte[] behind = Keys.inodeSub(ino.value(), Keys.INODE_LINK + 1);
        entries.scan(Keys.inodeSub(ino.value(), Keys.INODE_LINK), behind, (k, v) -> {
            addName(found, ino, Keys.linkParent(k), Keys.linkHash(k), Keys.linkOrdinal(k));
            return found.size() < most;
        });
        return found;
    }

    /** A removed or moved name leaves its back-reference for a moment, or for good if it was the last one. */
    private void addName(List<Name> found, Ino ino, long parent, long hash, int ordinal) {
        byte[] value = entries.get(Keys.dirent(parent, hash, ordinal));
        DirEntry entry = value == null ? null : DirEntry.decode(value);
        if (entry != null && entry.ino() == ino.value()) {
            found.add(new Name(new Ino(parent), entry.name()));
        }
    }

    long hash(FileName name) {
        return Math.min(names.hash(name.bytes()) >>> 2, Keys.MAX_HASH);
    }

    /** Ordinal 1 exists only while ordinal 0 does. */
    @Nullable
    Slot find(long parent, FileName name) {
        long h = hash(name);
        for (int ordinal = 0; ordinal <= 1; ordinal++) {
            byte[] value = entries.get(Keys.dirent(parent, h, ordinal));
            if (value == null) {
                return null;
            }
            DirEntry e = DirEntry.decode(value);
            if (e.name().equals(name)) {
                return new Slot(parent, h, ordinal, e);
            }
        }
        return null;
    }

    /** Attributes as the record has them. */
    static Attr attr(long ino, InodeRecord r) {
        return attr(ino, r, r.size, r.taken(), r.atime(), r.mtime(), r.ctime());
    }

    /** Attributes of a record whose content and times are known better; a directory has the size of a page. */
    static Attr attr(
            long ino, InodeRecord r, long size, long taken, Timestamp atime, Timestamp mtime, Timestamp ctime) {
        long shown = r.isDirectory() ? 4096 : size;
        long blocks = r.isDirectory() ? 8 : (taken + 511) / 512;
        return new Attr(
                new Ino(ino), r.mode, r.nlink, r.uid, r.gid, r.rdev, shown, blocks, atime, mtime, ctime, r.born);
    }

    /** Values that are too long for the map are blocks. */
    byte[] longValue(byte[] stored) {
        StoredValue decoded = StoredValue.decode(stored);
        BlockRef ref = decoded.ref();
        if (ref == null) {
            return decoded.bytes();
        }
        byte[] value = new byte[ref.length()];
        blocks.read(BlockType.DATA, ref, 0, ByteBuffer.wrap(value));
        return value;
    }

    byte[] symlink(long ino) {
        byte[] value = entries.get(Keys.symlink(ino));
        if (value == null) {
            throw no(ErrorKind.INVALID, "readlink", Long.toUnsignedString(ino));
        }
        return longValue(value);
    }

    void readdir(Ino ino, InodeRecord r, long cookie, DirectorySink sink) {
        if (cookie < 1 && !sink.add(FileName.of("."), ino, FileType.DIRECTORY, 1)) {
            return;
        }
        if (cookie < 2 && !sink.add(FileName.of(".."), new Ino(r.parent), FileType.DIRECTORY, 2)) {
            return;
        }
        byte[] from = Keys.direntAfter(ino.value(), cookie);
        entries.scan(from, Keys.after(Keys.DIRENT, ino.value()), (k, v) -> {
            DirEntry e = DirEntry.decode(v);
            return sink.add(e.name(), new Ino(e.ino()), e.type(), Keys.cookie(k));
        });
    }

    static void checkXattr(FileName name, String operation) {
        if (name.bytes().length > FileName.MAX_LENGTH) {
            throw no(ErrorKind.RANGE, operation, name);
        }
        String text = name.toString();
        boolean known = text.startsWith("user.")
                || text.startsWith("trusted.")
                || text.startsWith("security.")
                || PosixAcl.is(name);
        if (!known) {
            throw no(ErrorKind.NOT_SUPPORTED, operation, name);
        }
        // only a prefix: EINVAL, as the kernel's own file systems say
        if (text.indexOf('.') == text.length() - 1) {
            throw no(ErrorKind.INVALID, operation, name);
        }
    }

    /** A stored attribute; NO_DATA if it is not there. */
    byte[] xattr(Ino ino, FileName name) {
        byte[] stored = entries.get(Keys.xattr(ino.value(), name.bytes()));
        if (stored == null) {
            if (name.bytes().length > FileName.MAX_LENGTH) {
                throw no(ErrorKind.RANGE, "getxattr", name);
            }
            checkXattr(name, "getxattr");
            throw no(ErrorKind.NO_DATA, "getxattr", name);
        }
        return longValue(stored);
    }

    List<FileName> xattrs(Ino ino) {
        List<FileName> found = new ArrayList<>();
        byte[] from = Keys.inodeSub(ino.value(), Keys.INODE_XATTR);
        entries.scan(from, Keys.inodeSub(ino.value(), Keys.INODE_XATTR + 1), (k, v) -> {
            found.add(FileName.of(Arrays.copyOfRange(k, 10, k.length)));
            return true;
        });
        return found;
    }

    static byte[] cidText(ContentId.Content content) {
        return ContentId.of(content).toString().getBytes(StandardCharsets.US_ASCII);
    }

    byte @Nullable [] inlineContent(long ino) {
        return entries.get(Keys.inline(ino));
    }

    /** Extents that overlap [from, to). No extent crosses a block boundary of the file. */
    List<Extent> extents(long ino, long from, long to) {
        return extents(entries, blocks.blockSize(), ino, from, to);
    }

    static List<Extent> extents(Entries entries, int blockSize, long ino, long from, long to) {
        List<Extent> found = new ArrayList<>(2);
        long start = from - from % blockSize;
        entries.scan(Keys.extent(ino, start), Keys.extent(ino, to), (k, v) -> {
            Extent e = Extent.decode(Keys.extentOffset(k), v);
            if (e.end() > from) {
                found.add(e);
            }
            return true;
        });
        return found;
    }

    /** What a file of that size consists of. */
    ContentId.Content content(long ino, long size, boolean inline) {
        List<ContentId.Part> parts = new ArrayList<>();
        if (!inline) {
            for (Extent e : extents(ino, 0, size)) {
                parts.add(new ContentId.Part(e.offset(), e.length(), e.ref().cid(), e.blockOffset()));
            }
        }
        return new ContentId.Content(size, parts, inline ? inlineContent(ino) : null);
    }

    /**
     * Where data or a hole begins at or behind {@code offset} in a file of that size, in the units of st_blocks: what has a
     * byte of data in it is data, as on filesystems that keep blocks.
     */
    long seek(long ino, long size, boolean inline, long offset, Seek what) {
        if (offset < 0 || offset >= size) {
            throw no(ErrorKind.NO_SUCH_DEVICE, "lseek", Long.toUnsignedString(ino));
        }
        if (inline) {
            return what == Seek.DATA ? offset : size;
        }
        long at = offset;
        for (Extent e : extents(ino, offset - offset % Allocated.UNIT, size)) {
            long start = e.offset() - e.offset() % Allocated.UNIT;
            if (what == Seek.DATA) {
                return Math.max(offset, start);
            }
            if (start > at) {
                return at;
            }
            long end = Math.min(size, e.end());
            at = end + Math.min(-end & Allocated.UNIT - 1, size - end);
        }
        if (what == Seek.DATA) {
            throw no(ErrorKind.NO_SUCH_DEVICE, "lseek", Long.toUnsignedString(ino));
        }
        return Math.min(at, size);
    }
}
