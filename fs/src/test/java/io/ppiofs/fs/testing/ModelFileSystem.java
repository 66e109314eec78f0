package io.ppiofs.fs.testing;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.core.AccessTimes;
import io.ppiofs.fs.core.Allocated;
import io.ppiofs.fs.core.Attr;
import io.ppiofs.fs.core.Caller;
import io.ppiofs.fs.core.DirectorySink;
import io.ppiofs.fs.core.FileName;
import io.ppiofs.fs.core.FileSystemCore;
import io.ppiofs.fs.core.FileType;
import io.ppiofs.fs.core.Ino;
import io.ppiofs.fs.core.InodeFlags;
import io.ppiofs.fs.core.OpenDirectory;
import io.ppiofs.fs.core.OpenFile;
import io.ppiofs.fs.core.OpenFlags;
import io.ppiofs.fs.core.PosixAcl;
import io.ppiofs.fs.core.RenameMode;
import io.ppiofs.fs.core.SetAttr;
import io.ppiofs.fs.core.SpaceInfo;
import io.ppiofs.fs.core.Timestamp;
import io.ppiofs.fs.fuse.CoarseClock;
import java.nio.ByteBuffer;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The rules of POSIX (and Linux where POSIX leaves a choice) in memory, under one lock, as plainly as they can be
 * written: the oracle of property tests and the core of driver tests. Directories count 2 plus their subdirectories as
 * links; access times follow relatime; a file has at most {@link #MAX_LINKS} names.
 */
public final class ModelFileSystem implements FileSystemCore {
    /** As on ext4. */
    public static final int MAX_LINKS = 65_000;

    public static final int MAX_XATTR_VALUE = 65_536;
    private static final int MAX_SYMLINK = 4095;
    private static final int SET_UID = 04000;
    private static final int SET_GID = 02000;
    private static final int GROUP_EXEC = 010;
    private static final int PERMISSIONS = 07777;
    private static final long FIRST_COOKIE = 3;
    private static final long RELATIME_SECONDS = 24 * 3600;

    private final Supplier<Timestamp> clock;
    private final long capacityPages;
    private final Map<Long, Inode> inodes = new HashMap<>();
    private long nextIno = 2;
    private long usedPages;
    private boolean closed;

    /** One file of any type. */
    private static final class Inode {
        final long ino;
        int mode;
        int nlink;
        int uid;
        int gid;
        int rdev;
        Timestamp atime;
        Timestamp mtime;
        Timestamp ctime;
        final Timestamp born;
        final SparseBytes content = new SparseBytes();
        Allocated allocated = Allocated.NONE;
        final TreeMap<FileName, byte[]> xattrs = new TreeMap<>();
        byte[] target = {};
        long parent;
        long nextCookie = FIRST_COOKIE;
        final Map<FileName, Entry> entries = new HashMap<>();
        final TreeMap<Long, Entry> byCookie = new TreeMap<>();
        long lookups;
        int opens;
        /** Made without a name, which it may still get. */
        boolean unnamed;

        InodeFlags flags = InodeFlags.NONE;

        Inode(long ino, int mode, int uid, int gid, Timestamp now) {
            this.ino = ino;
            this.born = now;
            this.mode = mode;
            this.uid = uid;
            this.gid = gid;
            atime = now;
            mtime = now;
            ctime = now;
        }

        FileType type() {
            return FileType.ofMode(mode);
        }

        boolean directory() {
            return type() == FileType.DIRECTORY;
        }

        void requireMutable(String operation) {
            if (flags.immutable()) {
                throw PpiofsException.expected(ErrorKind.NOT_PERMITTED, operation, Long.toString(ino));
            }
        }

        void requireNoFlags(String operation) {
            if (!flags.equals(InodeFlags.NONE)) {
                throw PpiofsException.expected(ErrorKind.NOT_PERMITTED, operation, Long.toString(ino));
            }
        }
    }

    private record Entry(FileName name, long ino, long cookie) {}

    private record File(Ino ino, OpenFlags flags) implements OpenFile {}

    private record Directory(Ino ino, AccessTimes accessTimes) implements OpenDirectory {}

    public ModelFileSystem() {
        this(CoarseClock.ofSystem(), Long.MAX_VALUE);
    }

    private ModelFileSystem(Clock clock, long capacityBytes) {
        this(() -> Timestamp.of(clock.instant()), capacityBytes);
    }

    /**
     * @param clock what is written into times
     * @param capacityBytes of file content, in pages of 4 KiB
     */
    public ModelFileSystem(Supplier<Timestamp> clock, long capacityBytes) {
        this.clock = clock;
        this.capacityPages = capacityBytes / SparseBytes.PAGE;
        Inode root = new Inode(1, FileType.DIRECTORY.bits() | 0755, 0, 0, clock.get());
        root.nlink = 2;
        root.parent = 1;
        inodes.put(1L, root);
    }

    // ---- lookups

    @Override
    public synchronized Attr lookup(Ino parent, FileName name) {
        return counted(child(directory(parent), name, "lookup"));
    }

    @Override
    public synchronized Attr reference(Ino ino) {
        return counted(inode(ino));
    }

    @Override
    public synchronized Ino parent(Ino directory) {
        return new Ino(directory(directory).parent);
    }

    @Override
    public synchronized List<Name> names(Ino ino, int most) {
        return inodes.values().stream()
                .flatMap(d -> d.entries.values().stream()
                        .filter(e -> e.ino() == ino.value())
                        .map(e -> new Name(new Ino(d.ino), e.name())))
                .limit(most)
                .toList();
    }

    @Override
    public synchronized void forget(Ino ino, long count) {
        Inode i = inodes.get(ino.value());
        if (i != null) {
            i.lookups = Math.max(0, i.lookups - count);
            reap(i);
        }
    }

    /** Inodes in memory, those that only a lookup or an open file keeps alive included. */
    public synchronized int inodeCount() {
        return inodes.size();
    }

    /** Sum of all lookup counts. */
    public synchronized long lookupCount() {
        return inodes.values().stream().mapToLong(i -> i.lookups).sum();
    }

    private Attr counted(Inode i) {
        i.lookups++;
        return attr(i);
    }

    private static Attr attr(Inode i) {
        long size = i.type() == FileType.SYMLINK ? i.target.length : i.directory() ? 4096 : i.content.size();
        long blocks = Math.max((long) i.content.pageCount() * SparseBytes.PAGE, i.allocated.bytes()) / 512;
        return new Attr(
                new Ino(i.ino), i.mode, i.nlink, i.uid, i.gid, i.rdev, size, blocks, i.atime, i.mtime, i.ctime, i.born);
    }

    private Inode inode(Ino ino) {
        if (closed) {
            throw PpiofsException.expected(ErrorKind.NOT_CONNECTED, "inode", ino.toString());
        }
        Inode i = inodes.get(ino.value());
        if (i == null) {
            throw PpiofsException.expected(ErrorKind.NOT_FOUND, "inode", ino.toString());
        }
        return i;
    }

    private Inode directory(Ino ino) {
        Inode i = inode(ino);
        if (!i.directory()) {
            throw PpiofsException.expected(ErrorKind.NOT_A_DIRECTORY, "directory", ino.toString());
        }
        return i;
    }

    private static void checkName(FileName name) {
        if (name.bytes().length > FileName.MAX_LENGTH) {
            throw PpiofsException.expected(ErrorKind.NAME_TOO_LONG, "name", name.toString());
        }
    }

    private Inode child(Inode directory, FileName name, String operation) {
        checkName(name);
        Entry e = directory.entries.get(name);
        if (e == null) {
            throw PpiofsException.expected(ErrorKind.NOT_FOUND, operation, name.toString());
        }
        return inode(new Ino(e.ino()));
    }

    /** An inode without name, lookup and open file ceases to exist. */
    private void reap(Inode i) {
        if (i.nlink == 0 && i.lookups == 0 && i.opens == 0) {
            usedPages -= i.content.pageCount();
            inodes.remove(i.ino);
        }
    }

    // ---- attributes

    @Override
    public synchronized Attr getattr(Ino ino) {
        return attr(inode(ino));
    }

    @Override
    public synchronized Attr setattr(Caller caller, Ino ino, SetAttr change) {
        Inode i = inode(ino);
        i.requireMutable("setattr");
        if (!touches(change)) {
            i.requireNoFlags("setattr");
        }
        Timestamp now = clock.get();
        Long size = change.size();
        if (size != null) {
            truncate(i, size, now);
        }
        if (change.uid() != null || change.gid() != null) {
            i.uid = change.uid() != null ? change.uid() : i.uid;
            i.gid = change.gid() != null ? change.gid() : i.gid;
            if (!i.directory()) {
                i.mode &= ~SET_UID;
                i.mode &= (i.mode & GROUP_EXEC) != 0 ? ~SET_GID : ~0;
            }
        }
        if (change.mode() != null) {
            i.mode = (i.mode & FileType.MASK) | (change.mode() & PERMISSIONS);
            i.xattrs.computeIfPresent(
                    PosixAcl.ACCESS,
                    (k, v) -> PosixAcl.decode(v).changedTo(i.mode).encode());
        }
        i.atime = resolve(change.atime(), i.atime, now);
        i.mtime = resolve(change.mtime(), i.mtime, now);
        i.ctime = resolve(change.ctime(), now, now);
        return attr(i);
    }

    @Override
    public synchronized InodeFlags inodeFlags(Ino ino) {
        return inode(ino).flags;
    }

    @Override
    public synchronized void inodeFlags(Caller caller, Ino ino, InodeFlags flags) {
        Inode i = inode(ino);
        if (flags.equals(i.flags)) {
            return;
        }
        if (caller.uid() != 0) {
            throw PpiofsException.expected(ErrorKind.NOT_PERMITTED, "ioctl", ino.toString());
        }
        i.flags = flags;
        i.ctime = clock.get();
    }

    @SuppressWarnings("ReferenceEquality") // NOW is a mark, see SetAttr
    private static boolean touches(SetAttr change) {
        return change.mode() == null
                && change.uid() == null
                && change.gid() == null
                && change.size() == null
                && (change.atime() == SetAttr.NOW || change.atime() == null)
                && (change.mtime() == SetAttr.NOW || change.mtime() == null)
                && (change.atime() == null) == (change.mtime() == null);
    }

    @SuppressWarnings("ReferenceEquality") // NOW is a mark, see SetAttr
    private static Timestamp resolve(@Nullable Timestamp wanted, Timestamp old, Timestamp now) {
        if (wanted == null) {
            return old;
        }
        return wanted == SetAttr.NOW ? now : wanted;
    }

    private void truncate(Inode i, long size, Timestamp now) {
        if (i.directory()) {
            throw PpiofsException.expected(ErrorKind.IS_A_DIRECTORY, "truncate", Long.toString(i.ino));
        }
        if (i.type() != FileType.REGULAR || size < 0) {
            throw PpiofsException.expected(ErrorKind.INVALID, "truncate", Long.toString(i.ino));
        }
        int before = i.content.pageCount();
        if (size <= i.content.size()) {
            i.allocated = i.allocated.below(size);
        }
        i.content.resize(size);
        usedPages += i.content.pageCount() - before;
        i.mtime = now;
        i.ctime = now;
    }

    // ---- making names

    private Inode make(Caller caller, Ino parent, FileName name, int mode) {
        Inode p = directory(parent);
        checkName(name);
        requireAlive(p, name);
        if (p.entries.containsKey(name)) {
            throw PpiofsException.expected(ErrorKind.EXISTS, "create", name.toString());
        }
        p.requireMutable("create");
        Timestamp now = clock.get();
        Inode i = inherit(caller, p, mode, now);
        if (i.directory()) {
            i.nlink = 2;
            i.parent = p.ino;
            p.nlink++;
        } else {
            i.nlink = 1;
        }
        inodes.put(i.ino, i);
        enter(p, name, i.ino, now);
        return i;
    }

    /** A new inode with what it has from its directory: group, and the default ACL or else the umask. */
    private Inode inherit(Caller caller, Inode p, int mode, Timestamp now) {
        boolean group = (p.mode & SET_GID) != 0;
        Inode i = new Inode(nextIno++, mode, caller.uid(), group ? p.gid : caller.gid(), now);
        i.mode |= group && i.directory() ? SET_GID : 0;
        caller.labels().forEach(label -> i.xattrs.put(label.name(), label.value()));
        byte[] defaults = p.xattrs.get(PosixAcl.DEFAULT);
        if (i.type() == FileType.SYMLINK) {
            return i;
        }
        if (defaults == null) {
            i.mode &= ~caller.umask();
            return i;
        }
        PosixAcl acl = PosixAcl.decode(defaults).inheritedBy(mode);
        i.mode = (i.mode & ~0777) | acl.permissions();
        if (!acl.minimal()) {
            i.xattrs.put(PosixAcl.ACCESS, acl.encode());
        }
        if (i.directory()) {
            i.xattrs.put(PosixAcl.DEFAULT, defaults);
        }
        return i;
    }

    /** A removed directory takes no new names. */
    private static void requireAlive(Inode directory, FileName name) {
        if (directory.nlink == 0) {
            throw PpiofsException.expected(ErrorKind.NOT_FOUND, "create", name.toString());
        }
    }

    private static void enter(Inode directory, FileName name, long ino, Timestamp now) {
        Entry e = new Entry(name, ino, directory.nextCookie++);
        directory.entries.put(name, e);
        directory.byCookie.put(e.cookie(), e);
        directory.mtime = now;
        directory.ctime = now;
    }

    private static void leave(Inode directory, FileName name, Timestamp now) {
        Entry e = directory.entries.remove(name);
        directory.byCookie.remove(e.cookie());
        directory.mtime = now;
        directory.ctime = now;
    }

    @Override
    public synchronized Attr mknod(Caller caller, Ino parent, FileName name, int mode, int rdev) {
        FileType type = FileType.ofMode(mode);
        if (type == FileType.DIRECTORY || type == FileType.SYMLINK) {
            throw PpiofsException.expected(ErrorKind.INVALID, "mknod", name.toString());
        }
        Inode i = make(caller, parent, name, mode);
        i.rdev = type == FileType.CHARACTER_DEVICE || type == FileType.BLOCK_DEVICE ? rdev : 0;
        return counted(i);
    }

    @Override
    public synchronized Attr mkdir(Caller caller, Ino parent, FileName name, int mode) {
        return counted(make(caller, parent, name, FileType.DIRECTORY.bits() | (mode & PERMISSIONS)));
    }

    @Override
    public synchronized Attr symlink(Caller caller, Ino parent, FileName name, byte[] target) {
        if (target.length > MAX_SYMLINK) {
            throw PpiofsException.expected(ErrorKind.NAME_TOO_LONG, "symlink", name.toString());
        }
        Inode i = make(caller, parent, name, FileType.SYMLINK.bits() | 0777);
        i.target = target.clone();
        return counted(i);
    }

    @Override
    public synchronized byte[] readlink(Ino ino) {
        Inode i = inode(ino);
        if (i.type() != FileType.SYMLINK) {
            throw PpiofsException.expected(ErrorKind.INVALID, "readlink", ino.toString());
        }
        accessed(i, AccessTimes.RELATIVE);
        return i.target.clone();
    }

    @Override
    public synchronized byte[] readlinkNoAtime(Ino ino) {
        Inode i = inode(ino);
        Timestamp before = i.atime;
        byte[] target = readlink(ino);
        i.atime = before;
        return target;
    }

    @Override
    public synchronized Attr link(Caller caller, Ino ino, Ino newParent, FileName newName) {
        Inode i = inode(ino);
        Inode p = directory(newParent);
        checkName(newName);
        requireAlive(p, newName);
        if (i.directory()) {
            throw PpiofsException.expected(ErrorKind.NOT_PERMITTED, "link", newName.toString());
        }
        if (p.entries.containsKey(newName)) {
            throw PpiofsException.expected(ErrorKind.EXISTS, "link", newName.toString());
        }
        p.requireMutable("link");
        i.requireNoFlags("link");
        if (i.nlink == 0 && !i.unnamed) {
            throw PpiofsException.expected(ErrorKind.NOT_FOUND, "link", newName.toString());
        }
        if (i.nlink >= MAX_LINKS) {
            throw PpiofsException.expected(ErrorKind.TOO_MANY_LINKS, "link", newName.toString());
        }
        Timestamp now = clock.get();
        i.nlink++;
        i.unnamed = false;
        i.ctime = now;
        enter(p, newName, i.ino, now);
        return counted(i);
    }

    // ---- removing names

    @Override
    public synchronized void unlink(Caller caller, Ino parent, FileName name) {
        Inode p = directory(parent);
        Inode i = child(p, name, "unlink");
        p.requireNoFlags("unlink");
        i.requireNoFlags("unlink");
        if (i.directory()) {
            throw PpiofsException.expected(ErrorKind.IS_A_DIRECTORY, "unlink", name.toString());
        }
        Timestamp now = clock.get();
        leave(p, name, now);
        dropName(i, now);
    }

    @Override
    public synchronized void rmdir(Caller caller, Ino parent, FileName name) {
        Inode p = directory(parent);
        Inode i = child(p, name, "rmdir");
        p.requireNoFlags("rmdir");
        i.requireNoFlags("rmdir");
        requireEmptyDirectory(i, name);
        Timestamp now = clock.get();
        leave(p, name, now);
        p.nlink--;
        dropName(i, now);
    }

    private static void requireEmptyDirectory(Inode i, FileName name) {
        if (!i.directory()) {
            throw PpiofsException.expected(ErrorKind.NOT_A_DIRECTORY, "rmdir", name.toString());
        }
        if (!i.entries.isEmpty()) {
            throw PpiofsException.expected(ErrorKind.NOT_EMPTY, "rmdir", name.toString());
        }
    }

    private void dropName(Inode i, Timestamp now) {
        i.nlink = i.directory() ? 0 : i.nlink - 1;
        i.ctime = now;
        reap(i);
    }

    @Override
    public synchronized void rename(
            Caller caller, Ino parent, FileName name, Ino newParent, FileName newName, RenameMode mode) {
        Inode from = directory(parent);
        Inode to = directory(newParent);
        Inode moved = child(from, name, "rename");
        checkName(newName);
        requireAlive(to, newName);
        Entry taken = to.entries.get(newName);
        Inode replaced = taken == null ? null : inode(new Ino(taken.ino()));
        if (replaced == null && mode == RenameMode.EXCHANGE) {
            throw PpiofsException.expected(ErrorKind.NOT_FOUND, "rename", newName.toString());
        }
        if (replaced != null && mode.keepsTarget()) {
            throw PpiofsException.expected(ErrorKind.EXISTS, "rename", newName.toString());
        }
        if (moved.directory() && contains(moved, to)) {
            throw PpiofsException.expected(ErrorKind.INVALID, "rename", newName.toString());
        }
        if (replaced != null && replaced.ino == moved.ino) {
            return; // two names of one file: POSIX wants nothing done
        }
        from.requireNoFlags("rename");
        moved.requireNoFlags("rename");
        to.requireMutable("rename");
        if (replaced != null) {
            to.requireNoFlags("rename");
            replaced.requireNoFlags("rename");
        }
        Timestamp now = clock.get();
        if (mode == RenameMode.EXCHANGE && replaced != null) {
            exchange(from, name, moved, to, newName, replaced, now);
        } else {
            move(from, name, moved, to, newName, replaced, now);
        }
        if (mode.leavesWhiteout()) {
            make(caller, parent, name, FileType.CHARACTER_DEVICE.bits());
        }
    }

    private void move(
            Inode from, FileName name, Inode moved, Inode to, FileName newName, @Nullable Inode old, Timestamp now) {
        if (old != null) {
            if (moved.directory()) {
                requireEmptyDirectory(old, newName);
            } else if (old.directory()) {
                throw PpiofsException.expected(ErrorKind.IS_A_DIRECTORY, "rename", newName.toString());
            }
            leave(to, newName, now);
            to.nlink -= old.directory() ? 1 : 0;
            dropName(old, now);
        }
        leave(from, name, now);
        enter(to, newName, moved.ino, now);
        reparent(moved, from, to);
        moved.ctime = now;
    }

    private void exchange(
            Inode from, FileName name, Inode moved, Inode to, FileName newName, Inode other, Timestamp now) {
        if (other.directory() && contains(other, from)) {
            throw PpiofsException.expected(ErrorKind.INVALID, "rename", name.toString());
        }
        leave(from, name, now);
        leave(to, newName, now);
        enter(from, name, other.ino, now);
        enter(to, newName, moved.ino, now);
        reparent(moved, from, to);
        reparent(other, to, from);
        moved.ctime = now;
        other.ctime = now;
    }

    private static void reparent(Inode moved, Inode from, Inode to) {
        if (moved.directory()) {
            from.nlink--;
            to.nlink++;
            moved.parent = to.ino;
        }
    }

    /** Whether {@code directory} is {@code ancestor} or lies below it. */
    private boolean contains(Inode ancestor, Inode directory) {
        for (Inode i = directory; ; i = inode(new Ino(i.parent))) {
            if (i.ino == ancestor.ino) {
                return true;
            }
            if (i.ino == 1 || i.nlink == 0) {
                return false;
            }
        }
    }

    // ---- files

    @Override
    public synchronized OpenFile open(Caller caller, Ino ino, OpenFlags flags) {
        Inode i = inode(ino);
        if (i.directory()) {
            throw PpiofsException.expected(ErrorKind.IS_A_DIRECTORY, "open", ino.toString());
        }
        if (flags.truncate()) {
            truncate(i, 0, clock.get());
        }
        i.opens++;
        return new File(ino, flags);
    }

    @Override
    public synchronized Created create(Caller caller, Ino parent, FileName name, int mode, OpenFlags flags) {
        Inode i = make(caller, parent, name, FileType.REGULAR.bits() | (mode & PERMISSIONS));
        i.opens++;
        return new Created(counted(i), new File(new Ino(i.ino), flags));
    }

    @Override
    public synchronized Created tmpfile(Caller caller, Ino directory, int mode, OpenFlags flags) {
        Inode p = directory(directory);
        requireAlive(p, FileName.of("tmpfile"));
        p.requireMutable("tmpfile");
        Inode i = inherit(caller, p, FileType.REGULAR.bits() | (mode & PERMISSIONS), clock.get());
        i.unnamed = true;
        inodes.put(i.ino, i);
        i.opens++;
        return new Created(counted(i), new File(new Ino(i.ino), flags));
    }

    @Override
    public synchronized int read(OpenFile file, long offset, ByteBuffer dst) {
        Inode i = inode(file.ino());
        if (dst.hasRemaining()) {
            accessed(i, file.flags().accessTimes());
        }
        return i.content.read(offset, dst);
    }

    /** RELATIVE is the rule of Linux's relatime: at most once a day unless something changed since. */
    private void accessed(Inode i, AccessTimes rule) {
        Timestamp now = clock.get();
        if (rule == AccessTimes.NEVER) {
            return;
        }
        if (rule == AccessTimes.ALWAYS
                || i.atime.compareTo(i.mtime) <= 0
                || i.atime.compareTo(i.ctime) <= 0
                || now.seconds() - i.atime.seconds() >= RELATIME_SECONDS) {
            i.atime = now;
        }
    }

    @Override
    public synchronized long write(OpenFile file, long offset, ByteBuffer src, WriteMode mode) {
        boolean append = mode == WriteMode.APPENDED
                || mode == WriteMode.PLACED && file.flags().append();
        long at = append ? inode(file.ino()).content.size() : offset;
        write(file, src, at, mode);
        return at;
    }

    private void write(OpenFile file, ByteBuffer src, long at, WriteMode mode) {
        Inode i = inode(file.ino());
        if (mode != WriteMode.WRITTEN_BACK) {
            i.requireMutable("write");
        }
        int n = src.remaining();
        if (n == 0) {
            return;
        }
        if (at + n < 0) {
            throw PpiofsException.expected(
                    ErrorKind.FILE_TOO_LARGE, "write", file.ino().toString());
        }
        long added = i.content.newPages(at, n);
        if (usedPages + added > capacityPages) {
            throw PpiofsException.expected(
                    ErrorKind.NO_SPACE, "write", file.ino().toString());
        }
        usedPages += added;
        i.content.write(at, src);
        changed(i);
    }

    private void changed(Inode i) {
        i.mtime = clock.get();
        i.ctime = i.mtime;
    }

    @Override
    public synchronized void flush(OpenFile file) {
        inode(file.ino());
    }

    @Override
    public synchronized void fsync(OpenFile file, boolean dataOnly) {
        inode(file.ino());
    }

    @Override
    public synchronized void release(OpenFile file) {
        Inode i = inode(file.ino());
        i.opens--;
        reap(i);
    }

    @Override
    public synchronized void fallocate(OpenFile file, AllocateMode mode, long offset, long length) {
        Inode i = inode(file.ino());
        if (offset < 0 || length <= 0) {
            throw PpiofsException.expected(
                    ErrorKind.INVALID, "fallocate", file.ino().toString());
        }
        if (offset + length < 0) {
            throw PpiofsException.expected(
                    ErrorKind.FILE_TOO_LARGE, "fallocate", file.ino().toString());
        }
        i.requireMutable("fallocate");
        if (mode != AllocateMode.RESERVE && mode != AllocateMode.RESERVE_KEEP_SIZE) {
            i.requireNoFlags("fallocate");
        }
        int before = i.content.pageCount();
        switch (mode) {
            case RESERVE -> i.content.grow(offset + length);
            case RESERVE_KEEP_SIZE -> {}
            case PUNCH_HOLE, ZERO_RANGE_KEEP_SIZE -> i.content.zero(offset, length);
            case ZERO_RANGE -> {
                i.content.zero(offset, length);
                i.content.grow(offset + length);
            }
        }
        i.allocated = mode == AllocateMode.PUNCH_HOLE
                ? i.allocated.without(offset, offset + length)
                : i.allocated.with(offset, offset + length);
        usedPages += i.content.pageCount() - before;
        changed(i);
    }

    @Override
    public synchronized long copyRange(OpenFile from, long fromOffset, OpenFile to, long toOffset, long length) {
        SparseBytes source = inode(from.ino()).content;
        Inode target = inode(to.ino());
        target.requireMutable("copy_file_range");
        long n = Math.min(length, source.size() - fromOffset);
        if (n <= 0) {
            return 0;
        }
        if (toOffset + n < 0) {
            throw PpiofsException.expected(
                    ErrorKind.FILE_TOO_LARGE, "copy_file_range", to.ino().toString());
        }
        int before = target.content.pageCount();
        ByteBuffer bytes = ByteBuffer.allocate(SparseBytes.PAGE);
        for (long done = 0; done < n; done += bytes.limit()) {
            bytes.clear().limit((int) Math.min(SparseBytes.PAGE, n - done));
            source.read(fromOffset + done, bytes);
            target.content.write(toOffset + done, bytes.flip());
        }
        usedPages += target.content.pageCount() - before;
        changed(target);
        return n;
    }

    @Override
    public synchronized long seek(OpenFile file, long offset, Seek what) {
        SparseBytes c = inode(file.ino()).content;
        long at = offset >= c.size() ? -1 : what == Seek.DATA ? c.nextData(offset) : c.nextHole(offset);
        if (at < 0) {
            throw PpiofsException.expected(
                    ErrorKind.NO_SUCH_DEVICE, "seek", file.ino().toString());
        }
        return at;
    }

    // ---- directories

    @Override
    public synchronized OpenDirectory opendir(Ino ino) {
        return opendir(ino, AccessTimes.RELATIVE);
    }

    @Override
    public synchronized OpenDirectory opendir(Ino ino, AccessTimes rule) {
        directory(ino).opens++;
        return new Directory(ino, rule);
    }

    @Override
    public synchronized void readdir(OpenDirectory directory, long cookie, DirectorySink sink) {
        Inode d = directory(directory.ino());
        accessed(d, directory.accessTimes());
        if (cookie < 1 && !sink.add(FileName.of("."), new Ino(d.ino), FileType.DIRECTORY, 1)) {
            return;
        }
        if (cookie < 2 && !sink.add(FileName.of(".."), new Ino(d.parent), FileType.DIRECTORY, 2)) {
            return;
        }
        for (Entry e : List.copyOf(d.byCookie.tailMap(cookie, false).values())) {
            FileType type = inode(new Ino(e.ino())).type();
            if (!sink.add(e.name(), new Ino(e.ino()), type, e.cookie())) {
                return;
            }
        }
    }

    @Override
    public synchronized void releasedir(OpenDirectory directory) {
        Inode i = inode(directory.ino());
        i.opens--;
        reap(i);
    }

    @Override
    public synchronized void fsyncdir(OpenDirectory directory) {
        inode(directory.ino());
    }

    @Override
    public synchronized SpaceInfo statfs() {
        long pages = Math.min(capacityPages, 1L << 30);
        long free = Math.max(0, pages - usedPages);
        return new SpaceInfo(
                pages * SparseBytes.PAGE,
                free * SparseBytes.PAGE,
                free * SparseBytes.PAGE,
                inodes.size(),
                SparseBytes.PAGE);
    }

    // ---- extended attributes

    @Override
    public synchronized void setxattr(Caller caller, Ino ino, FileName name, byte[] value, XattrMode mode) {
        Inode i = inode(ino);
        i.requireNoFlags("setxattr");
        if (name.bytes().length > FileName.MAX_LENGTH) {
            throw PpiofsException.expected(ErrorKind.RANGE, "setxattr", name.toString());
        }
        if (value.length > MAX_XATTR_VALUE) {
            throw PpiofsException.expected(ErrorKind.TOO_BIG, "setxattr", name.toString());
        }
        if (PosixAcl.is(name)) {
            setAcl(i, name, PosixAcl.decode(value));
            return;
        }
        boolean there = i.xattrs.containsKey(name);
        if (there && mode == XattrMode.CREATE) {
            throw PpiofsException.expected(ErrorKind.EXISTS, "setxattr", name.toString());
        }
        if (!there && mode == XattrMode.REPLACE) {
            throw PpiofsException.expected(ErrorKind.NO_DATA, "setxattr", name.toString());
        }
        i.xattrs.put(name, value.clone());
        i.ctime = clock.get();
    }

    private void setAcl(Inode i, FileName name, PosixAcl acl) {
        if (name.equals(PosixAcl.DEFAULT) && !i.directory()) {
            throw PpiofsException.expected(ErrorKind.ACCESS_DENIED, "setxattr", name.toString());
        }
        if (name.equals(PosixAcl.DEFAULT) || !acl.minimal()) {
            i.xattrs.put(name, acl.encode());
        } else {
            i.xattrs.remove(name);
        }
        if (name.equals(PosixAcl.ACCESS)) {
            i.mode = (i.mode & ~0777) | acl.permissions();
        }
        i.ctime = clock.get();
    }

    @Override
    public synchronized byte[] getxattr(Ino ino, FileName name) {
        byte[] value = inode(ino).xattrs.get(name);
        if (value == null) {
            throw PpiofsException.expected(ErrorKind.NO_DATA, "getxattr", name.toString());
        }
        return value.clone();
    }

    @Override
    public synchronized List<FileName> listxattr(Ino ino) {
        return new ArrayList<>(inode(ino).xattrs.keySet());
    }

    @Override
    public synchronized void removexattr(Caller caller, Ino ino, FileName name) {
        Inode i = inode(ino);
        i.requireNoFlags("removexattr");
        if (i.xattrs.remove(name) == null && !PosixAcl.is(name)) {
            throw PpiofsException.expected(ErrorKind.NO_DATA, "removexattr", name.toString());
        }
        i.ctime = clock.get();
    }

    @Override
    public synchronized void syncfs() {
        inode(Ino.ROOT);
    }

    @Override
    public synchronized void close() {
        closed = true;
    }
}
