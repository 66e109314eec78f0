package io.ppiofs.fs.fuse.kernel;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.core.Attr;
import io.ppiofs.fs.core.FileName;
import io.ppiofs.fs.core.FileType;
import io.ppiofs.fs.core.Ino;
import io.ppiofs.fs.core.SpaceInfo;
import io.ppiofs.fs.core.Timestamp;
import io.ppiofs.fs.fuse.Caching;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import jnr.ffi.Pointer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One worker's answer: header and payload in one direct buffer that is used again and again, written with one write(2).
 * {@link #begin}, then exactly one of the sending methods. Belongs to its thread.
 */
final class Reply {
    private static final Logger LOG = LoggerFactory.getLogger(Reply.class);

    /** Above this a read is refused; the kernel asks for 1 MiB at most. */
    private static final int LARGEST = 4 << 20;

    private static final int FIRST_CAPACITY = 64 << 10;
    private static final int H = Wire.OUT_HEADER;
    private static final int BLOCK_SIZE = 4096;
    private static final int EINVAL = 22;
    /** A file whose content changes by itself has attributes for this moment only. */
    private static final int VOLATILE_VIEW = 0xFF;

    private final Device device;
    private final Times attrValid;
    private final Times entryValid;
    private ByteBuffer out;
    private long address;
    private long unique;
    private boolean answered;
    private int sentErrno;
    private int sentLength;

    /** A validity as the protocol wants it. */
    private record Times(long seconds, int nanos) {
        static Times of(double s) {
            long whole = (long) s;
            return new Times(whole, (int) ((s - whole) * 1e9));
        }
    }

    Reply(Device device, Caching caching) {
        this.device = device;
        this.attrValid = Times.of(caching.attrSeconds());
        this.entryValid = Times.of(caching.entrySeconds());
        this.out = allocate(FIRST_CAPACITY);
        this.address = Pointer.wrap(device.runtime(), out).address();
    }

    private static ByteBuffer allocate(int payload) {
        return ByteBuffer.allocateDirect(H + payload).order(ByteOrder.nativeOrder());
    }

    void begin(long requestUnique) {
        unique = requestUnique;
        answered = false;
        sentErrno = 0;
        sentLength = 0;
        out.clear();
    }

    boolean answered() {
        return answered;
    }

    /** What was answered: 0 or an errno. */
    int errno() {
        return sentErrno;
    }

    /** Bytes of the answer behind its header. */
    int length() {
        return sentLength;
    }

    /** The request has no answer. */
    void none() {
        answered = true;
    }

    /** The buffer from the start of the payload, with room for {@code size} bytes. */
    ByteBuffer payload(int size) {
        if (H + size > out.capacity()) {
            if (size < 0 || size > LARGEST) {
                throw new PpiofsException(
                        ErrorKind.INVALID, "fuse request", Integer.toString(size), "the answer would be too large");
            }
            out = allocate(size);
            address = Pointer.wrap(device.runtime(), out).address();
        }
        out.limit(H + size).position(H);
        return out;
    }

    /**
     * Sends the first {@code length} bytes of the payload.
     *
     * @return false if the kernel no longer wants the answer
     */
    boolean send(int length) {
        return send(length, 0);
    }

    private boolean send(int length, int errno) {
        if (answered) {
            throw new IllegalStateException("a request is answered once");
        }
        answered = true;
        sentErrno = errno;
        sentLength = length;
        out.putInt(Wire.OUT_LENGTH, H + length);
        out.putInt(Wire.OUT_ERROR, -errno);
        out.putLong(Wire.OUT_UNIQUE, unique);
        int failure = device.write(address, H + length);
        if (failure == EINVAL) {
            LOG.error("the kernel refused an answer of {} bytes as malformed", length);
        }
        return failure == 0;
    }

    void ok() {
        send(0, 0);
    }

    void error(int errno) {
        send(0, errno);
    }

    boolean bytes(byte[] bytes) {
        payload(bytes.length).put(bytes);
        return send(bytes.length);
    }

    void attr(Attr a) {
        boolean lasting = lasting(a.ino());
        out.putLong(H + Wire.ATTR_OUT_VALID, lasting ? attrValid.seconds() : 0);
        out.putInt(H + Wire.ATTR_OUT_VALID_NANOS, lasting ? attrValid.nanos() : 0);
        out.putInt(H + Wire.ATTR_OUT_VALID_NANOS + 4, 0);
        putAttr(out, H + Wire.ATTR_OUT_ATTR, a);
        send(Wire.ATTR_OUT);
    }

    /** As {@link #attr}, with the birth time where it is known. */
    void statx(Attr a) {
        for (int i = 0; i < Wire.STATX_OUT; i += Long.BYTES) {
            out.putLong(H + i, 0);
        }
        boolean lasting = lasting(a.ino());
        Timestamp born = a.btime();
        out.putLong(H + Wire.STATX_VALID, lasting ? attrValid.seconds() : 0);
        out.putInt(H + Wire.STATX_VALID_NANOS, lasting ? attrValid.nanos() : 0);
        out.putInt(H + Wire.STATX_MASK, Wire.BASIC_STATS | (born == null ? 0 : Wire.BIRTH_TIME));
        out.putInt(H + Wire.STATX_BLOCK_SIZE, BLOCK_SIZE);
        out.putInt(H + Wire.STATX_NLINK, a.nlink());
        out.putInt(H + Wire.STATX_UID, a.uid());
        out.putInt(H + Wire.STATX_GID, a.gid());
        out.putShort(H + Wire.STATX_MODE, (short) a.mode());
        out.putLong(H + Wire.STATX_INO, a.ino().value());
        out.putLong(H + Wire.STATX_SIZE, a.size());
        out.putLong(H + Wire.STATX_BLOCKS, a.blocks());
        putTime(H + Wire.STATX_ATIME, a.atime());
        putTime(H + Wire.STATX_MTIME, a.mtime());
        putTime(H + Wire.STATX_CTIME, a.ctime());
        if (born != null) {
            putTime(H + Wire.STATX_BTIME, born);
        }
        // the kernel's encoding of 32 bits: 12 of the major number between 8 and 12 of the minor one
        out.putInt(H + Wire.STATX_RDEV_MAJOR, a.rdev() >>> 8 & 0xfff);
        out.putInt(H + Wire.STATX_RDEV_MINOR, a.rdev() & 0xff | a.rdev() >>> 12 & 0xfff00);
        send(Wire.STATX_OUT);
    }

    private void putTime(int at, Timestamp time) {
        out.putLong(at, time.seconds());
        out.putInt(at + Long.BYTES, time.nanos());
    }

    static boolean lasting(Ino ino) {
        return ino.value() >>> 56 != VOLATILE_VIEW;
    }

    boolean entry(Attr a) {
        putEntry(out, H, a);
        return send(Wire.ENTRY_OUT);
    }

    /** There is no such name; the kernel may remember that. */
    void noEntry() {
        for (int i = 0; i < Wire.ENTRY_OUT; i += Long.BYTES) {
            out.putLong(H + i, 0);
        }
        out.putLong(H + Wire.ENTRY_VALID, entryValid.seconds());
        out.putInt(H + Wire.ENTRY_VALID_NANOS, entryValid.nanos());
        send(Wire.ENTRY_OUT);
    }

    boolean remembersNames() {
        return entryValid.seconds() > 0 || entryValid.nanos() > 0;
    }

    boolean created(Attr a, long handle, int openFlags) {
        putEntry(out, H, a);
        putOpen(H + Wire.ENTRY_OUT, handle, openFlags);
        return send(Wire.ENTRY_OUT + Wire.OPEN_OUT);
    }

    boolean opened(long handle, int openFlags) {
        putOpen(H, handle, openFlags);
        return send(Wire.OPEN_OUT);
    }

    private void putOpen(int at, long handle, int openFlags) {
        out.putLong(at + Wire.OPEN_HANDLE, handle);
        out.putInt(at + Wire.OPEN_FLAGS, openFlags);
        out.putInt(at + Wire.OPEN_FLAGS + 4, 0);
    }

    /** {@code struct fuse_write_out}, {@code fuse_getxattr_out}: a number of 32 bits and padding. */
    void number(int n) {
        out.putInt(H, n);
        out.putInt(H + 4, 0);
        send(Wire.WRITE_OUT);
    }

    /** {@code struct fuse_lseek_out}, {@code fuse_copy_file_range_out}. */
    void longNumber(long n) {
        out.putLong(H, n);
        send(Wire.LSEEK_OUT);
    }

    void statfs(SpaceInfo space) {
        for (int i = 0; i < Wire.STATFS_OUT; i += Long.BYTES) {
            out.putLong(H + i, 0);
        }
        long unit = space.blockSize();
        // Inodes are not a resource of their own: as many fit as there are free blocks.
        long free = space.availableBytes() / unit;
        out.putLong(H + Wire.STATFS_BLOCKS, space.totalBytes() / unit);
        out.putLong(H + Wire.STATFS_FREE, space.freeBytes() / unit);
        out.putLong(H + Wire.STATFS_AVAILABLE, free);
        out.putLong(H + Wire.STATFS_FILES, space.files() + free);
        out.putLong(H + Wire.STATFS_FILES_FREE, free);
        out.putInt(H + Wire.STATFS_BLOCK_SIZE, (int) unit);
        out.putInt(H + Wire.STATFS_NAME_MAX, FileName.MAX_LENGTH);
        out.putInt(H + Wire.STATFS_FRAGMENT, (int) unit);
        send(Wire.STATFS_OUT);
    }

    private void putEntry(ByteBuffer to, int at, Attr a) {
        boolean lasting = lasting(a.ino());
        to.putLong(at + Wire.ENTRY_NODE, a.ino().value());
        // Inode numbers are never reused, so one generation is enough.
        to.putLong(at + Wire.ENTRY_GENERATION, 0);
        to.putLong(at + Wire.ENTRY_VALID, entryValid.seconds());
        to.putLong(at + Wire.ENTRY_ATTR_VALID, lasting ? attrValid.seconds() : 0);
        to.putInt(at + Wire.ENTRY_VALID_NANOS, entryValid.nanos());
        to.putInt(at + Wire.ENTRY_ATTR_VALID_NANOS, lasting ? attrValid.nanos() : 0);
        putAttr(to, at + Wire.ENTRY_ATTR, a);
    }

    private static void putAttr(ByteBuffer to, int at, Attr a) {
        to.putLong(at + Wire.ATTR_INO, a.ino().value());
        to.putLong(at + Wire.ATTR_SIZE, a.size());
        to.putLong(at + Wire.ATTR_BLOCKS, a.blocks());
        to.putLong(at + Wire.ATTR_ATIME, a.atime().seconds());
        to.putLong(at + Wire.ATTR_MTIME, a.mtime().seconds());
        to.putLong(at + Wire.ATTR_CTIME, a.ctime().seconds());
        to.putInt(at + Wire.ATTR_ATIME_NANOS, a.atime().nanos());
        to.putInt(at + Wire.ATTR_MTIME_NANOS, a.mtime().nanos());
        to.putInt(at + Wire.ATTR_CTIME_NANOS, a.ctime().nanos());
        to.putInt(at + Wire.ATTR_MODE, a.mode());
        to.putInt(at + Wire.ATTR_NLINK, a.nlink());
        to.putInt(at + Wire.ATTR_UID, a.uid());
        to.putInt(at + Wire.ATTR_GID, a.gid());
        to.putInt(at + Wire.ATTR_RDEV, a.rdev());
        to.putInt(at + Wire.ATTR_BLOCK_SIZE, BLOCK_SIZE);
        to.putInt(at + Wire.ATTR_FLAGS, 0);
    }

    /**
     * Appends one {@code struct fuse_dirent} at the buffer's position.
     *
     * @return false if it does not fit any more
     */
    static boolean putDirent(ByteBuffer to, FileName name, Ino ino, FileType type, long nextCookie) {
        byte[] bytes = name.bytes();
        int at = to.position();
        int length = Wire.DIRENT_NAME + bytes.length;
        int padded = Wire.padded(length);
        if (padded > to.remaining()) {
            return false;
        }
        to.putLong(at + Wire.DIRENT_INO, ino.value());
        to.putLong(at + Wire.DIRENT_COOKIE, nextCookie);
        to.putInt(at + Wire.DIRENT_NAME_LENGTH, bytes.length);
        to.putInt(at + Wire.DIRENT_TYPE, type.bits() >>> 12);
        to.put(at + Wire.DIRENT_NAME, bytes);
        for (int i = at + length; i < at + padded; i++) {
            to.put(i, (byte) 0);
        }
        to.position(at + padded);
        return true;
    }

    static boolean fitsPlus(ByteBuffer to, FileName name) {
        return Wire.ENTRY_OUT + Wire.padded(Wire.DIRENT_NAME + name.bytes().length) <= to.remaining();
    }

    /** Appends the entry part of a {@code struct fuse_direntplus}. */
    void putEntryPart(ByteBuffer to, Attr a) {
        putEntry(to, to.position(), a);
        to.position(to.position() + Wire.ENTRY_OUT);
    }

    /** An entry part that says nothing: the kernel looks the name up itself. */
    static void putEmptyPart(ByteBuffer to) {
        for (int i = 0; i < Wire.ENTRY_OUT; i += Long.BYTES) {
            to.putLong(to.position() + i, 0);
        }
        to.position(to.position() + Wire.ENTRY_OUT);
    }
}
