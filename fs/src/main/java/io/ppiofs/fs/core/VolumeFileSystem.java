package io.ppiofs.fs.core;

import com.google.common.util.concurrent.Striped;
import io.ppiofs.blockstore.BlockRef;
import io.ppiofs.blockstore.BlockType;
import io.ppiofs.blockstore.Blocks;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.core.Records.Slot;
import io.ppiofs.fs.core.VirtualFiles.OpenVirtual;
import io.ppiofs.fs.core.VirtualFiles.VirtualFile;
import java.nio.ByteBuffer;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The POSIX core over one volume: translates calls into transactions on the {@link NamespaceMap} and content
 * operations on {@link FileContents}. Life cycle, clocks and checkpoints are in {@link CoreEngine}.
 *
 * <p>Lookups and attribute reads take no lock. A change locks the stripes of the inodes that it touches, in one global
 * order; directories moved between parents also take one volume-wide lock, so that no cycle can be made.
 */
public final class VolumeFileSystem implements FileSystemCore {
    /** Most names of one inode. */
    static final int MAX_LINKS = 65_000;

    static final int MAX_SYMLINK = 4095;
    static final int MAX_XATTR_VALUE = 65_536;

    /** Values up to this stand in the map; longer ones are blocks. */
    static final int MAX_VALUE_IN_MAP = 480;

    /** An ACL always stands in the map, where chmod and create find it under the inode's lock: 500 entries. */
    static final int MAX_ACL = 4004;

    private static final int SET_GID = SetIds.SET_GID;
    private static final String CID_XATTR = Records.CID_XATTR;
    private static final byte[] CAPABILITIES =
            "security.capability".getBytes(java.nio.charset.StandardCharsets.US_ASCII);

    private final CoreEngine engine;
    private final NamespaceMap map;
    private final FileContents contents;
    private final Blocks blocks;
    private final CoreVolume volume;
    private final LookupCounts lookups;
    private final AtimeMap atimes;
    private final Striped<Lock> stripes;
    private final ReentrantLock directoryMoves = new ReentrantLock();
    private final Set<Long> orphans = ConcurrentHashMap.newKeySet();
    /** Orphans that never had a name and may get one. */
    private final Set<Long> unnamed = ConcurrentHashMap.newKeySet();

    private final VirtualFiles virtualFiles;
    private final Records records;
    private final Clock clock;

    private VolumeFileSystem(CoreEngine engine, Map<FileName, Supplier<byte[]>> virtual, Clock clock) {
        this.engine = engine;
        this.map = engine.map();
        this.contents = engine.contents();
        this.volume = engine.volume();
        this.blocks = volume.blocks();
        this.lookups = engine.lookups();
        this.atimes = engine.atimes();
        this.stripes = engine.stripes();
        this.clock = clock;
        this.virtualFiles = new VirtualFiles(virtual);
        this.records = new Records(map, blocks, volume.names());
    }

    /**
     * Opens a volume: loads the last checkpoint, replays the journal, starts the clocks.
     *
     * @param virtualFiles files of the root that show live state, by name
     * @throws PpiofsException CORRUPT, WRONG_KEY, IO with one sentence
     */
    public static VolumeFileSystem open(
            CoreVolume volume, CoreOptions options, Map<FileName, Supplier<byte[]>> virtualFiles) {
        return open(volume, options, virtualFiles, Clock.systemUTC());
    }

    /** @param clock what files are stamped with */
    public static VolumeFileSystem open(
            CoreVolume volume, CoreOptions options, Map<FileName, Supplier<byte[]>> virtualFiles, Clock clock) {
        VolumeFileSystem fs = resume(volume, options, virtualFiles, clock);
        fs.resumed(List.of());
        return fs;
    }

    /**
     * Opens a volume for users who had it open through another process: inodes without a name are kept until {@link
     * #resumed}, when those go that nobody has asked for.
     */
    public static VolumeFileSystem resume(
            CoreVolume volume, CoreOptions options, Map<FileName, Supplier<byte[]>> virtualFiles, Clock clock) {
        CoreEngine engine = CoreEngine.open(volume, options);
        VolumeFileSystem fs = new VolumeFileSystem(engine, virtualFiles, clock);
        fs.makeRoot();
        fs.findLeftOrphans();
        engine.start();
        return fs;
    }

    private void makeRoot() {
        if (map.get(Keys.inode(Ino.ROOT.value())) != null) {
            return;
        }
        InodeRecord root = new InodeRecord();
        root.mode = FileType.DIRECTORY.bits() | 0755;
        root.uid = engine.options().owner().uid();
        root.gid = engine.options().owner().gid();
        root.nlink = 2;
        root.parent = Ino.ROOT.value();
        Timestamp now = now();
        root.atime(now);
        root.mtime(now);
        root.ctime(now);
        root.born = now;
        Transaction tx = begin();
        stampAll(root, tx);
        map.commit(tx.put(Keys.inode(Ino.ROOT.value()), root.encode()).files(1));
    }

    private void findLeftOrphans() {
        map.scan(new byte[] {Keys.ORPHAN}, new byte[] {Keys.ORPHAN + 1}, (k, v) -> {
            orphans.add(Keys.ino(k));
            return true;
        });
    }

    @Override
    public List<Ino> unnamed() {
        return unnamed.stream().map(Ino::new).toList();
    }

    @Override
    public void known(Ino ino, long count) {
        if (virtualFile(ino) == null) {
            lookups.add(ino.value(), count);
        }
    }

    @Override
    public void resumed(List<Ino> stillUnnamed) {
        for (Ino ino : stillUnnamed) {
            if (orphans.contains(ino.value())) {
                unnamed.add(ino.value());
            }
        }
        List.copyOf(orphans).forEach(this::reap);
    }

    // ---- small helpers ----------------------------------------------------------------------------------------------

    private Timestamp now() {
        return Timestamp.of(clock.instant());
    }

    private Transaction begin() {
        return engine.begin();
    }

    private static void stampAll(InodeRecord r, Transaction tx) {
        r.stampOwner(tx.dot, tx.slot);
        r.stampContent(tx.dot, tx.slot);
        r.stampTimes(tx.dot, tx.slot);
    }

    private static PpiofsException no(ErrorKind kind, String operation, Object subject) {
        return PpiofsException.expected(kind, operation, subject.toString());
    }

    private InodeRecord record(long ino, String operation) {
        return records.record(ino, operation);
    }

    /** A directory that entries can be made in. */
    private InodeRecord directory(long ino, String operation) {
        InodeRecord r = record(ino, operation);
        if (!r.isDirectory()) {
            throw no(ErrorKind.NOT_A_DIRECTORY, operation, Long.toUnsignedString(ino));
        }
        if (r.nlink == 0) {
            throw no(ErrorKind.NOT_FOUND, operation, Long.toUnsignedString(ino));
        }
        return r;
    }

    /** For changes that neither an immutable nor an append-only inode allows. */
    private static void refuseIfFlagged(InodeRecord r, String operation, Object subject) {
        if (r.immutable() || r.appendOnly()) {
            throw no(ErrorKind.NOT_PERMITTED, operation, subject);
        }
    }

    /** For changes that an append-only inode allows. */
    private static void refuseIfImmutable(InodeRecord r, String operation, Object subject) {
        if (r.immutable()) {
            throw no(ErrorKind.NOT_PERMITTED, operation, subject);
        }
    }

    private static void refuseIfImmutable(FileState s, String operation) {
        if (s.flags.immutable()) {
            throw no(ErrorKind.NOT_PERMITTED, operation, Long.toUnsignedString(s.ino));
        }
    }

    private static void check(FileName name, String operation) {
        Records.check(name, operation);
    }

    private void refuseVirtual(Ino parent, FileName name, String operation, ErrorKind kind) {
        if (virtualFiles.find(parent, name) != null) {
            throw no(kind, operation, name);
        }
    }

    private long hash(FileName name) {
        return records.hash(name);
    }

    private @Nullable Slot find(long parent, FileName name) {
        return records.find(parent, name);
    }

    private Slot slot(long parent, FileName name, String operation) {
        Slot s = find(parent, name);
        if (s == null) {
            // a missing parent and a file as parent answer differently
            directoryOrThrow(parent, operation);
            throw no(ErrorKind.NOT_FOUND, operation, name);
        }
        return s;
    }

    private void directoryOrThrow(long ino, String operation) {
        records.directoryOrThrow(ino, operation);
    }

    /** Where a new entry goes. */
    private int freeOrdinal(long parent, long hash, FileName name, String operation) {
        for (int ordinal = 0; ordinal <= 1; ordinal++) {
            byte[] value = map.get(Keys.dirent(parent, hash, ordinal));
            if (value == null) {
                return ordinal;
            }
            if (DirEntry.decode(value).name().equals(name)) {
                throw no(ErrorKind.EXISTS, operation, name);
            }
        }
        throw new PpiofsException(ErrorKind.IO, operation, name.toString(), "three names have one 62-bit hash");
    }

    private interface Body<T> {
        T run();
    }

    /** A change that takes room promises it first; one that fails gives the promise back. */
    private <T> T growing(Body<T> body) {
        engine.reserveForChange();
        try {
            return body.run();
        } catch (RuntimeException failed) {
            engine.releaseChange();
            throw failed;
        }
    }

    private void withLock(long ino, Runnable body) {
        locked(ino, () -> {
            body.run();
            return true;
        });
    }

    private <T> T locked(long a, Body<T> body) {
        Lock lock = stripes.get(a);
        lock.lock();
        try {
            return body.run();
        } finally {
            lock.unlock();
        }
    }

    private <T> T locked(List<Long> inos, Body<T> body) {
        List<Lock> locks = new ArrayList<>(4);
        for (Lock l : stripes.bulkGet(inos)) {
            locks.add(l);
        }
        locks.forEach(Lock::lock);
        try {
            return body.run();
        } finally {
            for (int i = locks.size() - 1; i >= 0; i--) {
                locks.get(i).unlock();
            }
        }
    }

    private void commit(Transaction tx) {
        map.commit(tx);
        engine.changed();
    }

    private static void touchDirectory(InodeRecord dir, Timestamp now, Transaction tx) {
        dir.mtime(now);
        dir.ctime(now);
        dir.stampTimes(tx.dot, tx.slot);
    }

    // ---- lookup and attributes --------------------------------------------------------------------------------------

    @Override
    public Attr lookup(Ino parent, FileName name) {
        check(name, "lookup");
        VirtualFile v = virtualFiles.find(parent, name);
        if (v != null) {
            return v.attr(now(), engine.options().owner());
        }
        Slot s = slot(parent.value(), name, "lookup");
        long ino = s.entry().ino();
        lookups.increment(ino);
        try {
            return getattr(new Ino(ino));
        } catch (PpiofsException gone) {
            forget(new Ino(ino), 1);
            throw gone;
        }
    }

    @Override
    public Attr reference(Ino ino) {
        VirtualFile v = virtualFile(ino);
        if (v != null) {
            return v.attr(now(), engine.options().owner());
        }
        lookups.increment(ino.value());
        try {
            Attr attr = getattr(ino);
            if (attr.nlink() == 0 && !contents.pinned(ino.value())) {
                // the kernel has let go of it already, and its forget is still on the way
                throw no(ErrorKind.NOT_FOUND, "lookup", ino);
            }
            return attr;
        } catch (PpiofsException gone) {
            forget(ino, 1);
            throw gone;
        }
    }

    @Override
    public Ino parent(Ino directory) {
        directoryOrThrow(directory.value(), "lookup");
        return new Ino(record(directory.value(), "lookup").parent);
    }

    @Override
    public List<Name> names(Ino ino, int most) {
        return records.names(ino, most);
    }

    @Override
    public void forget(Ino ino, long count) {
        if (lookups.decrement(ino.value(), count) == 0 && orphans.contains(ino.value())) {
            engine.background(() -> reap(ino.value()));
        }
    }

    @Override
    public Attr getattr(Ino ino) {
        VirtualFile v = virtualFile(ino);
        if (v != null) {
            return v.attr(now(), engine.options().owner());
        }
        // In this order: a state that a flush lets go meanwhile still has what it committed, whereas a record that was
        // read before the commit would bring the old size back.
        FileState s = contents.peek(ino.value());
        return attr(ino.value(), record(ino.value(), "getattr"), s);
    }

    /** @param r read under the inode's stripe, which is still held: no flush commits meanwhile */
    private Attr attr(long ino, InodeRecord r) {
        return attr(ino, r, r.isRegular() ? contents.peek(ino) : null);
    }

    private Attr attr(long ino, InodeRecord r, @Nullable FileState s) {
        long size = r.size;
        long taken = r.taken();
        Timestamp mtime = r.mtime();
        Timestamp ctime = r.ctime();
        if (s != null) {
            s.lock.lock();
            try {
                size = s.size;
                taken = s.taken();
                mtime = s.mtime;
                ctime = s.ctime.compareTo(ctime) > 0 ? s.ctime : ctime;
            } finally {
                s.lock.unlock();
            }
        }
        Timestamp atime = atimes.get(ino);
        return Records.attr(ino, r, size, taken, atime == null ? r.atime() : atime, mtime, ctime);
    }

    private @Nullable VirtualFile virtualFile(Ino ino) {
        return virtualFiles.find(ino);
    }

    @Override
    public Attr setattr(Caller caller, Ino ino, SetAttr change) {
        if (virtualFile(ino) != null) {
            throw no(ErrorKind.NOT_PERMITTED, "setattr", ino);
        }
        Long size = change.size();
        if (size != null) {
            truncate(ino, size);
        }
        return locked(ino.value(), () -> {
            InodeRecord r = record(ino.value(), "setattr");
            applyChange(caller, ino.value(), r, change);
            return attr(ino.value(), r);
        });
    }

    private void truncate(Ino ino, long size) {
        if (size < 0) {
            throw no(ErrorKind.INVALID, "truncate", ino);
        }
        InodeRecord r = record(ino.value(), "truncate");
        if (!r.isRegular()) {
            throw no(r.isDirectory() ? ErrorKind.IS_A_DIRECTORY : ErrorKind.INVALID, "truncate", ino);
        }
        refuseIfFlagged(r, "truncate", ino);
        FileState s = contents.pin(ino.value());
        try {
            dropCapabilities(s);
            contents.truncate(s, size, now());
        } finally {
            contents.unpin(s);
        }
        engine.changed();
    }

    private void applyChange(Caller caller, long ino, InodeRecord r, SetAttr change) {
        boolean owner = change.mode() != null || change.uid() != null || change.gid() != null;
        Timestamp now = now();
        Timestamp atime = resolve(change.atime(), now);
        Timestamp mtime = resolve(change.mtime(), now);
        if (!owner && atime == null && mtime == null && change.ctime() == null) {
            return;
        }
        refuseIfImmutable(r, "setattr", Long.toUnsignedString(ino));
        if (owner || givenTimes(change)) {
            refuseIfFlagged(r, "setattr", Long.toUnsignedString(ino));
        }
        Timestamp given = resolve(change.ctime(), now);
        Timestamp ctime = given == null ? now : given;
        Transaction tx = begin();
        if (owner) {
            changeOwner(r, change);
            r.stampOwner(tx.dot, tx.slot);
            if (change.mode() != null && r.has(InodeRecord.FLAG_ACL)) {
                followMode(tx, ino, r.mode);
            }
        }
        if (atime != null) {
            r.atime(atime);
            atimes.remove(ino);
        }
        if (mtime != null) {
            r.mtime(mtime);
        }
        r.ctime(ctime);
        r.stampTimes(tx.dot, tx.slot);
        if (!r.isRegular()) {
            commit(tx.put(Keys.inode(ino), r.encode()));
            return;
        }
        // pinned, not looked at: one that is opened between the look and the commit would keep the old times
        FileState s = contents.pin(ino);
        try {
            s.lock.lock();
            try {
                s.ctime = ctime;
                if (mtime != null) {
                    s.mtime = mtime;
                    tx.times(ino, mtime, ctime); // replay must not put an earlier write's time over it
                }
                commit(tx.put(Keys.inode(ino), r.encode()));
            } finally {
                s.lock.unlock();
            }
        } finally {
            contents.unpin(s);
        }
    }

    /** Anything but both times together to now, which whoever may write may ask for. */
    private static boolean givenTimes(SetAttr change) {
        boolean touch = change.atime() == SetAttr.NOW && change.mtime() == SetAttr.NOW;
        return !touch && (change.atime() != null || change.mtime() != null);
    }

    @Override
    public InodeFlags inodeFlags(Ino ino) {
        return virtualFile(ino) != null
                ? InodeFlags.NONE
                : record(ino.value(), "ioctl").inodeFlags();
    }

    @Override
    public void inodeFlags(Caller caller, Ino ino, InodeFlags flags) {
        if (virtualFile(ino) != null) {
            throw no(ErrorKind.NOT_PERMITTED, "ioctl", ino);
        }
        withLock(ino.value(), () -> {
            InodeRecord r = record(ino.value(), "ioctl");
            if (r.inodeFlags().equals(flags)) {
                return;
            }
            if (caller.uid() != 0) {
                throw no(ErrorKind.NOT_PERMITTED, "ioctl", ino);
            }
            Transaction tx = begin();
            r.flag(InodeRecord.FLAG_IMMUTABLE, flags.immutable());
            r.flag(InodeRecord.FLAG_APPEND_ONLY, flags.appendOnly());
            r.stampOwner(tx.dot, tx.slot);
            if (r.isRegular()) {
                // pinned: a state made between the look and the commit would have the old flags
                FileState s = contents.pin(ino.value());
                try {
                    changeTime(tx, ino.value(), r);
                    commit(tx);
                    s.flags = flags;
                } finally {
                    contents.unpin(s);
                }
            } else {
                changeTime(tx, ino.value(), r);
                commit(tx);
            }
        });
    }

    private static void changeOwner(InodeRecord r, SetAttr change) {
        Integer mode = change.mode();
        Integer uid = change.uid();
        Integer gid = change.gid();
        if (mode != null) {
            r.mode = r.mode & FileType.MASK | mode & 07777;
        } else if (!r.isDirectory()) {
            r.mode = SetIds.dropped(r.mode); // POSIX chown
        }
        r.uid = uid != null ? uid : r.uid;
        r.gid = gid != null ? gid : r.gid;
    }

    private static @Nullable Timestamp resolve(@Nullable Timestamp t, Timestamp now) {
        return t == SetAttr.NOW ? now : t;
    }

    @Override
    public byte[] readlink(Ino ino) {
        InodeRecord r = record(ino.value(), "readlink");
        byte[] target = records.symlink(ino.value());
        touchAtime(ino.value(), r.atime(), r.mtime(), r.ctime());
        return target;
    }

    @Override
    public byte[] readlinkNoAtime(Ino ino) {
        return records.symlink(ino.value());
    }

    /** The rule RELATIVE. */
    private void touchAtime(long ino, Timestamp recorded, Timestamp mtime, Timestamp ctime) {
        Timestamp own = atimes.get(ino);
        Timestamp atime = own == null ? recorded : own;
        Timestamp now = now();
        if (atime.compareTo(mtime) <= 0
                || atime.compareTo(ctime) <= 0
                || now.seconds() - atime.seconds() >= 24 * 3600) {
            setAtime(ino, now);
        }
    }

    /** No change that the clocks bring to disk: it waits for a checkpoint that comes for another reason, or the last one. */
    private void setAtime(long ino, Timestamp now) {
        atimes.put(ino, now);
        if (atimes.full()) {
            engine.changed();
        }
    }

    /** Values that are too long for the map are blocks. */
    private byte[] storedValue(byte[] value) {
        return value.length <= MAX_VALUE_IN_MAP
                ? StoredValue.inMap(value)
                : StoredValue.inBlock(blocks.write(BlockType.DATA, ByteBuffer.wrap(value)));
    }

    private byte[] longValue(byte[] stored) {
        return records.longValue(stored);
    }

    // ---- making names -----------------------------------------------------------------------------------------------

    private record NewInode(int mode, int rdev, byte @Nullable [] symlink) {}

    private Attr make(Caller caller, Ino parent, FileName name, NewInode what, String operation) {
        check(name, operation);
        refuseVirtual(parent, name, operation, ErrorKind.EXISTS);
        return growing(() -> makeReserved(caller, parent, name, what, operation));
    }

    private Attr makeReserved(Caller caller, Ino parent, FileName name, NewInode what, String operation) {
        boolean longLink = what.symlink() != null && what.symlink().length > MAX_VALUE_IN_MAP;
        Lock refs = contents.refsInFlight.readLock();
        if (longLink) {
            refs.lock();
        }
        try {
            byte[] link = what.symlink() == null ? null : storedValue(what.symlink());
            return locked(parent.value(), () -> makeLocked(caller, parent, name, what, link, operation));
        } finally {
            if (longLink) {
                refs.unlock();
            }
        }
    }

    private Attr makeLocked(
            Caller caller, Ino parent, FileName name, NewInode what, byte @Nullable [] link, String operation) {
        InodeRecord dir = directory(parent.value(), operation);
        long h = hash(name);
        int ordinal = freeOrdinal(parent.value(), h, name, operation);
        refuseIfImmutable(dir, operation, name);
        boolean isDirectory = (what.mode() & FileType.MASK) == FileType.DIRECTORY.bits();
        if (isDirectory && dir.nlink >= MAX_LINKS) {
            throw no(ErrorKind.TOO_MANY_LINKS, operation, name);
        }
        long ino = engine.inodes().take();
        Transaction tx = begin();
        Timestamp now = now();
        InodeRecord r = newRecord(tx, caller, parent.value(), dir, ino, what, now);
        r.nlink = isDirectory ? 2 : 1;
        r.nameHash = h;
        r.nameOrdinal = ordinal;
        tx.put(Keys.inode(ino), r.encode());
        if (link != null) {
            tx.put(Keys.symlink(ino), link);
        }
        DirEntry entry = new DirEntry(name, ino, FileType.ofMode(what.mode()), tx.dot, tx.slot);
        tx.put(Keys.dirent(parent.value(), h, ordinal), entry.encode());
        dir.nlink += isDirectory ? 1 : 0;
        touchDirectory(dir, now, tx);
        tx.put(Keys.inode(parent.value()), dir.encode());
        commit(tx.files(1));
        lookups.increment(ino);
        return attr(ino, r);
    }

    /** A new inode of {@code dir} with what it inherits from it: group, and the default ACL or else the umask. */
    private InodeRecord newRecord(
            Transaction tx, Caller caller, long parent, InodeRecord dir, long ino, NewInode what, Timestamp now) {
        InodeRecord r = new InodeRecord();
        boolean isDirectory = (what.mode() & FileType.MASK) == FileType.DIRECTORY.bits();
        r.mode = what.mode();
        r.uid = caller.uid();
        r.gid = caller.gid();
        if ((dir.mode & SET_GID) != 0) {
            r.gid = dir.gid;
            r.mode |= isDirectory ? SET_GID : 0;
        }
        if (what.symlink() == null) {
            byte[] stored = dir.has(InodeRecord.FLAG_DEFAULT_ACL)
                    ? map.get(Keys.xattr(parent, PosixAcl.DEFAULT.bytes()))
                    : null;
            if (stored == null) {
                r.mode &= ~caller.umask();
            } else {
                inherit(tx, ino, r, stored, isDirectory);
            }
        }
        r.rdev = what.rdev();
        r.size = what.symlink() == null ? 0 : what.symlink().length;
        r.parent = parent;
        r.atime(now);
        r.mtime(now);
        r.ctime(now);
        r.born = now;
        stampAll(r, tx);
        for (SecurityLabel label : caller.labels()) {
            tx.put(Keys.xattr(ino, label.name().bytes()), StoredValue.inMap(label.value()));
        }
        return r;
    }

    private void inherit(Transaction tx, long ino, InodeRecord r, byte[] storedDefault, boolean isDirectory) {
        PosixAcl acl = PosixAcl.decode(longValue(storedDefault)).inheritedBy(r.mode);
        r.mode = r.mode & ~0777 | acl.permissions();
        if (!acl.minimal()) {
            tx.put(Keys.xattr(ino, PosixAcl.ACCESS.bytes()), StoredValue.inMap(acl.encode()));
            r.flag(InodeRecord.FLAG_ACL, true);
        }
        if (isDirectory) {
            tx.put(Keys.xattr(ino, PosixAcl.DEFAULT.bytes()), storedDefault);
            r.flag(InodeRecord.FLAG_DEFAULT_ACL, true);
        }
    }

    /** chmod(2) changes the entries of the access ACL that stand for the three classes. */
    private void followMode(Transaction tx, long ino, int mode) {
        byte[] key = Keys.xattr(ino, PosixAcl.ACCESS.bytes());
        byte[] stored = map.get(key);
        if (stored != null) {
            PosixAcl acl = PosixAcl.decode(longValue(stored)).changedTo(mode);
            tx.put(key, StoredValue.inMap(acl.encode()));
        }
    }

    @Override
    public Created tmpfile(Caller caller, Ino directory, int mode, OpenFlags flags) {
        return growing(() -> locked(directory.value(), () -> {
            InodeRecord dir = directory(directory.value(), "tmpfile");
            refuseIfImmutable(dir, "tmpfile", directory);
            long ino = engine.inodes().take();
            Transaction tx = begin();
            int full = FileType.REGULAR.bits() | mode & 07777;
            NewInode what = new NewInode(full, 0, null);
            InodeRecord r = newRecord(tx, caller, directory.value(), dir, ino, what, now());
            tx.put(Keys.inode(ino), r.encode()).put(Keys.orphan(ino), dotValue(tx));
            lookups.increment(ino);
            unnamed.add(ino);
            orphans.add(ino);
            commit(tx.files(1));
            return new Created(attr(ino, r), new OpenRegular(new Ino(ino), flags, contents.pin(ino)));
        }));
    }

    @Override
    public Attr mknod(Caller caller, Ino parent, FileName name, int mode, int rdev) {
        FileType type = FileType.ofMode((mode & FileType.MASK) == 0 ? mode | FileType.REGULAR.bits() : mode);
        if (type == FileType.DIRECTORY || type == FileType.SYMLINK) {
            throw no(ErrorKind.INVALID, "mknod", name);
        }
        int full = type.bits() | mode & 07777;
        boolean device = type == FileType.CHARACTER_DEVICE || type == FileType.BLOCK_DEVICE;
        return make(caller, parent, name, new NewInode(full, device ? rdev : 0, null), "mknod");
    }

    @Override
    public Attr mkdir(Caller caller, Ino parent, FileName name, int mode) {
        int full = FileType.DIRECTORY.bits() | mode & 07777;
        return make(caller, parent, name, new NewInode(full, 0, null), "mkdir");
    }

    @Override
    public Attr symlink(Caller caller, Ino parent, FileName name, byte[] target) {
        if (target.length > MAX_SYMLINK) {
            throw no(ErrorKind.NAME_TOO_LONG, "symlink", name);
        }
        if (target.length == 0) {
            throw no(ErrorKind.NOT_FOUND, "symlink", name);
        }
        return make(caller, parent, name, new NewInode(FileType.SYMLINK.bits() | 0777, 0, target), "symlink");
    }

    @Override
    public Created create(Caller caller, Ino parent, FileName name, int mode, OpenFlags flags) {
        int full = FileType.REGULAR.bits() | mode & 07777;
        Attr attr = make(caller, parent, name, new NewInode(full, 0, null), "create");
        FileState s = contents.pin(attr.ino().value());
        return new Created(attr, new OpenRegular(attr.ino(), flags, s));
    }

    @Override
    public Attr link(Caller caller, Ino ino, Ino newParent, FileName newName) {
        check(newName, "link");
        refuseVirtual(newParent, newName, "link", ErrorKind.EXISTS);
        if (virtualFile(ino) != null) {
            throw no(ErrorKind.NOT_PERMITTED, "link", newName);
        }
        return growing(() -> linkReserved(ino, newParent, newName));
    }

    private Attr linkReserved(Ino ino, Ino newParent, FileName newName) {
        return locked(List.of(ino.value(), newParent.value()), () -> {
            InodeRecord dir = directory(newParent.value(), "link");
            InodeRecord r = record(ino.value(), "link");
            if (r.isDirectory()) {
                throw no(ErrorKind.NOT_PERMITTED, "link", newName);
            }
            boolean first = r.nlink == 0 && unnamed.contains(ino.value());
            if (r.nlink == 0 && !first) {
                throw no(ErrorKind.NOT_FOUND, "link", newName);
            }
            long h = hash(newName);
            int ordinal = freeOrdinal(newParent.value(), h, newName, "link");
            refuseIfImmutable(dir, "link", newName);
            refuseIfFlagged(r, "link", newName);
            if (r.nlink >= MAX_LINKS) {
                throw no(ErrorKind.TOO_MANY_LINKS, "link", newName);
            }
            Transaction tx = begin();
            Timestamp now = now();
            r.nlink++;
            r.ctime(now);
            r.stampTimes(tx.dot, tx.slot);
            if (first) {
                r.parent = newParent.value();
                r.nameHash = h;
                r.nameOrdinal = ordinal;
                tx.delete(Keys.orphan(ino.value()));
            } else {
                tx.put(Keys.link(ino.value(), newParent.value(), h, ordinal), dotValue(tx));
            }
            tx.put(Keys.inode(ino.value()), r.encode());
            DirEntry entry = new DirEntry(newName, ino.value(), FileType.ofMode(r.mode), tx.dot, tx.slot);
            tx.put(Keys.dirent(newParent.value(), h, ordinal), entry.encode());
            touchDirectory(dir, now, tx);
            tx.put(Keys.inode(newParent.value()), dir.encode());
            commit(tx);
            if (first) {
                unnamed.remove(ino.value());
                orphans.remove(ino.value());
            }
            lookups.increment(ino.value());
            return attr(ino.value(), r);
        });
    }

    private static byte[] dotValue(Transaction tx) {
        return new RecordWriter(12).i64(tx.dot).varint(tx.slot).toBytes();
    }

    // ---- removing names ---------------------------------------------------------------------------------------------

    @Override
    public void unlink(Caller caller, Ino parent, FileName name) {
        remove(parent, name, false);
    }

    @Override
    public void rmdir(Caller caller, Ino parent, FileName name) {
        remove(parent, name, true);
    }

    private void remove(Ino parent, FileName name, boolean directory) {
        String operation = directory ? "rmdir" : "unlink";
        check(name, operation);
        refuseVirtual(parent, name, operation, ErrorKind.NOT_PERMITTED);
        while (true) {
            Slot before = slot(parent.value(), name, operation);
            long ino = before.entry().ino();
            boolean done = locked(List.of(parent.value(), ino), () -> {
                Slot s = find(parent.value(), name);
                if (s == null || s.entry().ino() != ino) {
                    return false; // somebody was faster; look again
                }
                removeLocked(parent, s, directory, operation);
                return true;
            });
            if (done) {
                return;
            }
        }
    }

    private void removeLocked(Ino parent, Slot s, boolean directory, String operation) {
        InodeRecord dir = directory(parent.value(), operation);
        InodeRecord r = record(s.entry().ino(), operation);
        refuseIfFlagged(dir, operation, s.entry().name());
        refuseIfFlagged(r, operation, s.entry().name());
        if (directory && !r.isDirectory()) {
            throw no(ErrorKind.NOT_A_DIRECTORY, operation, s.entry().name());
        }
        if (!directory && r.isDirectory()) {
            throw no(ErrorKind.IS_A_DIRECTORY, operation, s.entry().name());
        }
        if (directory && !isEmpty(s.entry().ino())) {
            throw no(ErrorKind.NOT_EMPTY, operation, s.entry().name());
        }
        Transaction tx = begin();
        Timestamp now = now();
        removeEntry(tx, s);
        dropName(tx, s, r, now);
        dir.nlink -= directory ? 1 : 0;
        touchDirectory(dir, now, tx);
        tx.put(Keys.inode(parent.value()), dir.encode());
        commit(tx);
        reapIfUnused(s.entry().ino(), r);
    }

    private boolean isEmpty(long dir) {
        boolean[] empty = {true};
        map.scan(Keys.dirent(dir, 0, 0), Keys.after(Keys.DIRENT, dir), (k, v) -> empty[0] = false);
        return empty[0];
    }

    /** Takes the entry out; a collision behind it moves up. */
    private void removeEntry(Transaction tx, Slot s) {
        if (s.ordinal() == 0) {
            byte[] second = map.get(Keys.dirent(s.parent(), s.hash(), 1));
            if (second != null) {
                moveUp(tx, s, DirEntry.decode(second));
                return;
            }
        }
        tx.delete(s.key());
    }

    private void moveUp(Transaction tx, Slot removed, DirEntry second) {
        tx.put(removed.key(), second.encode()).delete(Keys.dirent(removed.parent(), removed.hash(), 1));
        InodeRecord r = record(second.ino(), "unlink");
        if (r.parent == removed.parent() && r.nameHash == removed.hash() && r.nameOrdinal == 1) {
            r.nameOrdinal = 0;
            tx.put(Keys.inode(second.ino()), r.encode());
        } else {
            tx.delete(Keys.link(second.ino(), removed.parent(), removed.hash(), 1));
            tx.put(Keys.link(second.ino(), removed.parent(), removed.hash(), 0), dotValue(tx));
        }
    }

    /** Takes one name off the inode: its back-reference and its link count. */
    private void dropName(Transaction tx, Slot s, InodeRecord r, Timestamp now) {
        long ino = s.entry().ino();
        boolean directory = r.isDirectory();
        r.nlink = directory ? 0 : r.nlink - 1;
        r.ctime(now);
        r.stampTimes(tx.dot, tx.slot);
        boolean primary = r.parent == s.parent() && r.nameHash == s.hash() && r.nameOrdinal == s.ordinal();
        if (!primary) {
            tx.delete(Keys.link(ino, s.parent(), s.hash(), s.ordinal()));
        } else if (r.nlink > 0) {
            promoteLink(tx, ino, r);
        }
        if (r.nlink == 0) {
            tx.put(Keys.orphan(ino), dotValue(tx));
        }
        tx.put(Keys.inode(ino), r.encode());
    }

    /** The primary name went: another one takes its place. */
    private void promoteLink(Transaction tx, long ino, InodeRecord r) {
        byte[][] first = new byte[1][];
        map.scan(Keys.inodeSub(ino, Keys.INODE_LINK), Keys.inodeSub(ino, Keys.INODE_LINK + 1), (k, v) -> {
            first[0] = k;
            return false;
        });
        if (first[0] == null) {
            throw new PpiofsException(
                    ErrorKind.CORRUPT,
                    "unlink",
                    "inode " + Long.toUnsignedString(ino),
                    "its link count and its names differ; run ppiofs fsck");
        }
        r.parent = Keys.linkParent(first[0]);
        r.nameHash = Keys.linkHash(first[0]);
        r.nameOrdinal = Keys.linkOrdinal(first[0]);
        tx.delete(first[0]);
    }

    private void reapIfUnused(long ino, InodeRecord r) {
        if (r.nlink != 0) {
            return;
        }
        orphans.add(ino); // only now: a removal that failed leaves a file that lives
        if (lookups.get(ino) == 0 && !contents.pinned(ino)) {
            engine.background(() -> reap(ino));
        }
    }

    /** Deletes everything of an inode without names, unless it is still in use. */
    private void reap(long ino) {
        withLock(ino, () -> {
            if (!orphans.contains(ino) || lookups.get(ino) > 0 || contents.pinned(ino)) {
                return;
            }
            byte[] value = map.get(Keys.inode(ino));
            if (value == null) {
                orphans.remove(ino);
                return;
            }
            InodeRecord r = InodeRecord.decode(value);
            if (r.nlink == 0) {
                contents.kill(ino);
                purge(ino, r);
            }
            orphans.remove(ino);
            unnamed.remove(ino);
            atimes.remove(ino);
        });
    }

    private void purge(long ino, InodeRecord r) {
        boolean more = true;
        while (more) {
            Transaction tx = begin();
            int[] n = {0};
            map.scan(Keys.extent(ino, 0), Keys.after(Keys.EXTENT, ino), (k, v) -> {
                tx.delete(k);
                contents.countDropped(Extent.decode(Keys.extentOffset(k), v).length());
                return ++n[0] < 10_000;
            });
            more = n[0] == 10_000;
            if (!more) {
                map.scan(Keys.inodeSub(ino, Keys.INODE_LINK), Keys.after(Keys.INODE, ino), (k, v) -> {
                    tx.delete(k);
                    return true;
                });
                if (r.inline()) {
                    tx.delete(Keys.inline(ino));
                }
                tx.delete(Keys.orphan(ino)).delete(Keys.inode(ino)).files(-1);
            }
            commit(tx);
        }
    }

    // ---- rename -----------------------------------------------------------------------------------------------------

    @Override
    public void rename(Caller caller, Ino parent, FileName name, Ino newParent, FileName newName, RenameMode mode) {
        check(name, "rename");
        check(newName, "rename");
        refuseVirtual(parent, name, "rename", ErrorKind.NOT_PERMITTED);
        refuseVirtual(newParent, newName, "rename", ErrorKind.NOT_PERMITTED);
        directoryOrThrow(parent.value(), "rename");
        directoryOrThrow(newParent.value(), "rename");
        if (mode.leavesWhiteout()) {
            growing(() -> renameReserved(caller, parent, name, newParent, newName, mode));
        } else {
            renameReserved(caller, parent, name, newParent, newName, mode);
        }
    }

    private boolean renameReserved(
            Caller caller, Ino parent, FileName name, Ino newParent, FileName newName, RenameMode mode) {
        while (true) {
            Slot source = slot(parent.value(), name, "rename");
            Slot target = find(newParent.value(), newName);
            if (target != null && source.entry().type() == FileType.REGULAR && mode != RenameMode.EXCHANGE) {
                // rename over: the new data must be durable in the same commit as the name
                flushIfDirty(source.entry().ino());
            }
            boolean moves = parent.value() != newParent.value()
                    && (source.entry().type() == FileType.DIRECTORY || mode == RenameMode.EXCHANGE);
            if (moves) {
                directoryMoves.lock();
            }
            try {
                if (renameLocked(caller, parent, name, newParent, newName, mode, source, target)) {
                    return true;
                }
            } finally {
                if (moves) {
                    directoryMoves.unlock();
                }
            }
        }
    }

    private void flushIfDirty(long ino) {
        FileState s = contents.peek(ino);
        if (s != null) {
            contents.flush(s);
        }
    }

    private boolean renameLocked(
            Caller caller,
            Ino parent,
            FileName name,
            Ino newParent,
            FileName newName,
            RenameMode mode,
            Slot seenSource,
            @Nullable Slot seenTarget) {
        List<Long> inos = new ArrayList<>(
                List.of(parent.value(), newParent.value(), seenSource.entry().ino()));
        if (seenTarget != null) {
            inos.add(seenTarget.entry().ino());
        }
        return locked(inos, () -> {
            Slot source = find(parent.value(), name);
            Slot target = find(newParent.value(), newName);
            if (source == null
                    || source.entry().ino() != seenSource.entry().ino()
                    || (target == null) != (seenTarget == null)
                    || target != null
                            && seenTarget != null
                            && target.entry().ino() != seenTarget.entry().ino()) {
                return false;
            }
            if (target != null && mode.keepsTarget()) {
                throw no(ErrorKind.EXISTS, "rename", newName);
            }
            if (mode == RenameMode.EXCHANGE) {
                exchange(parent, newParent, source, target, newName);
            } else if (target == null || target.entry().ino() != source.entry().ino()) {
                move(parent, newParent, newName, source, target, mode.leavesWhiteout() ? caller : null);
            }
            return true;
        });
    }

    private void refuseCycle(long moved, long newParent) {
        for (long at = newParent; ; ) {
            if (at == moved) {
                throw no(ErrorKind.INVALID, "rename", Long.toUnsignedString(moved));
            }
            if (at == Ino.ROOT.value()) {
                return;
            }
            long up = record(at, "rename").parent;
            if (up == at) {
                return;
            }
            at = up;
        }
    }

    /** @param whiteout whose whiteout stays behind; null: nothing does */
    private void move(
            Ino parent,
            Ino newParent,
            FileName newName,
            Slot source,
            @Nullable Slot target,
            @Nullable Caller whiteout) {
        boolean sameParent = parent.value() == newParent.value();
        InodeRecord from = directory(parent.value(), "rename");
        InodeRecord to = sameParent ? from : directory(newParent.value(), "rename");
        InodeRecord moved = record(source.entry().ino(), "rename");
        InodeRecord replaced = null;
        refuseIfFlagged(from, "rename", newName);
        refuseIfFlagged(moved, "rename", newName);
        refuseIfImmutable(to, "rename", newName);
        if (moved.isDirectory()) {
            refuseCycle(source.entry().ino(), newParent.value());
        }
        if (target != null) {
            replaced = record(target.entry().ino(), "rename");
            refuseIfFlagged(to, "rename", newName);
            refuseIfFlagged(replaced, "rename", newName);
            checkReplace(moved, replaced, target, newName);
        } else if (moved.isDirectory() && !sameParent && to.nlink >= MAX_LINKS) {
            throw no(ErrorKind.TOO_MANY_LINKS, "rename", newName);
        }
        Transaction tx = begin();
        Timestamp now = now();
        if (target != null && replaced != null) {
            dropName(tx, target, replaced, now);
        }
        long h = hash(newName);
        int ordinal;
        if (whiteout != null) {
            leaveWhiteout(tx, whiteout, from, source, now);
            ordinal = target != null ? target.ordinal() : freeOrdinal(newParent.value(), h, newName, "rename");
        } else {
            removeEntry(tx, source);
            ordinal = target != null ? target.ordinal() : ordinalAfterMove(newParent, newName, source);
        }
        reName(tx, source, moved, newParent.value(), h, ordinal, now);
        DirEntry entry =
                new DirEntry(newName, source.entry().ino(), source.entry().type(), tx.dot, tx.slot);
        tx.put(Keys.dirent(newParent.value(), h, ordinal), entry.encode());
        if (moved.isDirectory()) {
            from.nlink--;
            to.nlink++;
        }
        if (replaced != null && replaced.isDirectory()) {
            to.nlink--;
        }
        touchDirectory(from, now, tx);
        touchDirectory(to, now, tx);
        tx.put(Keys.inode(parent.value()), from.encode());
        if (!sameParent) {
            tx.put(Keys.inode(newParent.value()), to.encode());
        }
        commit(tx);
        if (target != null && replaced != null) {
            reapIfUnused(target.entry().ino(), replaced);
        }
    }

    /** The old name means a new inode now. */
    private void leaveWhiteout(Transaction tx, Caller caller, InodeRecord directory, Slot source, Timestamp now) {
        long ino = engine.inodes().take();
        NewInode what = new NewInode(FileType.CHARACTER_DEVICE.bits(), 0, null);
        InodeRecord r = newRecord(tx, caller, source.parent(), directory, ino, what, now);
        r.nlink = 1;
        r.nameHash = source.hash();
        r.nameOrdinal = source.ordinal();
        tx.put(Keys.inode(ino), r.encode());
        DirEntry entry = new DirEntry(source.entry().name(), ino, FileType.CHARACTER_DEVICE, tx.dot, tx.slot);
        tx.put(source.key(), entry.encode()).files(1);
    }

    /** The ordinal of the new entry, knowing that the source's slot becomes free in the same transaction. */
    private int ordinalAfterMove(Ino newParent, FileName newName, Slot source) {
        long h = hash(newName);
        int free = freeOrdinal(newParent.value(), h, newName, "rename");
        boolean sameSlotRange = source.parent() == newParent.value() && source.hash() == h;
        return sameSlotRange ? free - 1 : free;
    }

    private void checkReplace(InodeRecord moved, InodeRecord replaced, Slot target, FileName newName) {
        if (moved.isDirectory() && !replaced.isDirectory()) {
            throw no(ErrorKind.NOT_A_DIRECTORY, "rename", newName);
        }
        if (!moved.isDirectory() && replaced.isDirectory()) {
            throw no(ErrorKind.IS_A_DIRECTORY, "rename", newName);
        }
        if (replaced.isDirectory() && !isEmpty(target.entry().ino())) {
            throw no(ErrorKind.NOT_EMPTY, "rename", newName);
        }
    }

    /** Changes one back-reference of {@code r} from the slot to the new place, and the change time. */
    private void reName(
            Transaction tx, Slot old, InodeRecord r, long newParent, long newHash, int newOrdinal, Timestamp now) {
        long ino = old.entry().ino();
        boolean primary = r.parent == old.parent() && r.nameHash == old.hash() && r.nameOrdinal == old.ordinal();
        if (primary) {
            r.parent = newParent;
            r.nameHash = newHash;
            r.nameOrdinal = newOrdinal;
        } else {
            tx.delete(Keys.link(ino, old.parent(), old.hash(), old.ordinal()));
            tx.put(Keys.link(ino, newParent, newHash, newOrdinal), dotValue(tx));
        }
        r.ctime(now);
        r.stampTimes(tx.dot, tx.slot);
        tx.put(Keys.inode(ino), r.encode());
    }

    private void exchange(Ino parent, Ino newParent, Slot a, @Nullable Slot b, FileName newName) {
        if (b == null) {
            throw no(ErrorKind.NOT_FOUND, "rename", newName);
        }
        if (a.entry().ino() == b.entry().ino()) {
            return;
        }
        boolean sameParent = parent.value() == newParent.value();
        InodeRecord from = directory(parent.value(), "rename");
        InodeRecord to = sameParent ? from : directory(newParent.value(), "rename");
        InodeRecord first = record(a.entry().ino(), "rename");
        InodeRecord second = record(b.entry().ino(), "rename");
        for (InodeRecord r : List.of(from, to, first, second)) {
            refuseIfFlagged(r, "rename", newName);
        }
        if (first.isDirectory()) {
            refuseCycle(a.entry().ino(), newParent.value());
        }
        if (second.isDirectory()) {
            refuseCycle(b.entry().ino(), parent.value());
        }
        Transaction tx = begin();
        Timestamp now = now();
        reName(tx, a, first, b.parent(), b.hash(), b.ordinal(), now);
        reName(tx, b, second, a.parent(), a.hash(), a.ordinal(), now);
        DirEntry toB = new DirEntry(b.entry().name(), a.entry().ino(), a.entry().type(), tx.dot, tx.slot);
        DirEntry toA = new DirEntry(a.entry().name(), b.entry().ino(), b.entry().type(), tx.dot, tx.slot);
        tx.put(b.key(), toB.encode());
        tx.put(a.key(), toA.encode());
        int delta = (second.isDirectory() ? 1 : 0) - (first.isDirectory() ? 1 : 0);
        if (!sameParent) {
            from.nlink += delta;
            to.nlink -= delta;
            touchDirectory(to, now, tx);
            tx.put(Keys.inode(newParent.value()), to.encode());
        }
        touchDirectory(from, now, tx);
        tx.put(Keys.inode(parent.value()), from.encode());
        commit(tx);
    }

    // ---- open files -------------------------------------------------------------------------------------------------

    private static final class OpenRegular implements OpenFile {
        private final Ino ino;
        private final OpenFlags flags;
        private final FileState state;
        private boolean released;

        OpenRegular(Ino ino, OpenFlags flags, FileState state) {
            this.ino = ino;
            this.flags = flags;
            this.state = state;
        }

        @Override
        public Ino ino() {
            return ino;
        }

        @Override
        public OpenFlags flags() {
            return flags;
        }
    }

    @Override
    public OpenFile open(Caller caller, Ino ino, OpenFlags flags) {
        VirtualFile v = virtualFile(ino);
        if (v != null) {
            if (flags.write()) {
                throw no(ErrorKind.ACCESS_DENIED, "open", ino);
            }
            return new OpenVirtual(ino, flags, v.content().get());
        }
        FileState s = contents.pin(ino.value());
        if (flags.truncate()) {
            try {
                dropCapabilities(s);
                contents.truncate(s, 0, now());
                engine.changed();
            } catch (RuntimeException failed) {
                contents.unpin(s);
                throw failed;
            }
        }
        return new OpenRegular(ino, flags, s);
    }

    /** Who changes a program's content takes its capabilities away, root too; once looked up, it costs nothing. */
    private void dropCapabilities(FileState s) {
        if (s.noCapabilities) {
            return;
        }
        byte[] key = Keys.xattr(s.ino, CAPABILITIES);
        s.noCapabilities = true;
        if (map.get(key) != null) {
            withLock(s.ino, () -> commit(begin().delete(key)));
        }
    }

    private static FileState state(OpenFile file, String operation) {
        if (file instanceof OpenRegular r) {
            return r.state;
        }
        throw no(ErrorKind.BAD_HANDLE, operation, file.ino());
    }

    @Override
    public int read(OpenFile file, long offset, ByteBuffer dst) {
        if (file instanceof OpenVirtual v) {
            return v.read(offset, dst);
        }
        if (offset < 0) {
            throw no(ErrorKind.INVALID, "read", file.ino());
        }
        FileState s = state(file, "read");
        int n = contents.read(s, offset, dst);
        switch (file.flags().accessTimes()) {
            case NEVER -> {}
            case RELATIVE -> touchFileAtime(s);
            case ALWAYS -> setAtime(s.ino, now());
        }
        return n;
    }

    private void touchFileAtime(FileState s) {
        Timestamp own = atimes.get(s.ino);
        long seconds = clock.millis() / 1000;
        // mtime and ctime are replaced as a whole: a stale one costs at most a needless or late update
        if (own != null
                && own.compareTo(s.mtime) > 0
                && own.compareTo(s.ctime) > 0
                && seconds - own.seconds() < 24 * 3600) {
            return;
        }
        byte[] value = map.get(Keys.inode(s.ino));
        if (value != null) {
            InodeRecord r = InodeRecord.decode(value);
            Timestamp ctime = r.ctime().compareTo(s.ctime) > 0 ? r.ctime() : s.ctime;
            touchAtime(s.ino, r.atime(), s.mtime, ctime);
        }
    }

    @Override
    public long write(OpenFile file, long offset, ByteBuffer src, WriteMode mode) {
        if (offset < 0) {
            throw no(ErrorKind.INVALID, "write", file.ino());
        }
        FileState s = state(file, "write");
        if (mode != WriteMode.WRITTEN_BACK) {
            refuseIfImmutable(s, "write");
        }
        dropCapabilities(s);
        boolean append = mode == WriteMode.APPENDED
                || mode == WriteMode.PLACED && file.flags().append();
        long at = contents.write(s, offset, append, src, now());
        engine.changed();
        if (file.flags().sync()) {
            fsync(file, false);
        }
        return at;
    }

    @Override
    public void flush(OpenFile file) {
        // close(2) promises nothing beyond what write(2) did
    }

    @Override
    public boolean observesFlush() {
        return false;
    }

    @Override
    public void fsync(OpenFile file, boolean dataOnly) {
        if (file instanceof OpenRegular r) {
            contents.flushForFsync(r.state);
            engine.commitAsPromised();
        }
    }

    @Override
    public void release(OpenFile file) {
        if (!(file instanceof OpenRegular r)) {
            return;
        }
        synchronized (r) {
            if (r.released) {
                return;
            }
            r.released = true;
        }
        contents.unpin(r.state);
        long ino = r.ino.value();
        if (orphans.contains(ino) && lookups.get(ino) == 0 && !contents.pinned(ino)) {
            engine.background(() -> reap(ino));
        }
    }

    @Override
    public void fallocate(OpenFile file, AllocateMode mode, long offset, long length) {
        if (offset < 0 || length <= 0) {
            throw no(ErrorKind.INVALID, "fallocate", file.ino());
        }
        if (offset > Long.MAX_VALUE - length) {
            throw no(ErrorKind.FILE_TOO_LARGE, "fallocate", file.ino());
        }
        FileState s = state(file, "fallocate");
        refuseIfImmutable(s, "fallocate");
        boolean grows = mode == AllocateMode.RESERVE || mode == AllocateMode.RESERVE_KEEP_SIZE;
        if (!grows && s.flags.appendOnly()) {
            throw no(ErrorKind.NOT_PERMITTED, "fallocate", file.ino());
        }
        dropCapabilities(s);
        long end = offset + length;
        switch (mode) {
            case RESERVE -> {
                refuseIfFull(s, offset, length);
                extend(s, end);
                contents.reserved(s, offset, end, now());
            }
            case RESERVE_KEEP_SIZE -> {
                refuseIfFull(s, offset, length);
                contents.reserved(s, offset, end, now());
            }
            case PUNCH_HOLE -> contents.punch(s, offset, end, now());
            case ZERO_RANGE_KEEP_SIZE -> {
                refuseIfFull(s, offset, length);
                contents.punch(s, offset, end, now());
                contents.reserved(s, offset, end, now());
            }
            case ZERO_RANGE -> {
                refuseIfFull(s, offset, length);
                contents.punch(s, offset, end, now());
                extend(s, end);
                contents.reserved(s, offset, end, now());
            }
        }
        engine.changed();
    }

    /** Space is reserved when bytes are written; a request that cannot be met now is refused now. */
    private void refuseIfFull(FileState s, long offset, long length) {
        long missing = Math.max(0, Math.min(length, offset + length - s.heldNow()));
        volume.space().reserve(missing);
        volume.space().release(missing);
    }

    private void extend(FileState s, long end) {
        boolean longer;
        s.lock.lock();
        try {
            longer = end > s.size;
        } finally {
            s.lock.unlock();
        }
        if (longer) {
            contents.truncate(s, end, now());
        }
    }

    @Override
    public long copyRange(OpenFile from, long fromOffset, OpenFile to, long toOffset, long length) {
        if (fromOffset < 0 || toOffset < 0 || length < 0) {
            throw no(ErrorKind.INVALID, "copy_file_range", to.ino());
        }
        if (from instanceof OpenVirtual) {
            throw no(ErrorKind.INVALID, "copy_file_range", from.ino());
        }
        FileState source = state(from, "copy_file_range");
        FileState target = state(to, "copy_file_range");
        refuseIfImmutable(target, "copy_file_range");
        dropCapabilities(target);
        long n = contents.copyRange(source, fromOffset, target, toOffset, length, now());
        engine.changed();
        if (to.flags().sync()) {
            fsync(to, false);
        }
        return n;
    }

    @Override
    public long seek(OpenFile file, long offset, Seek what) {
        FileState s = state(file, "lseek");
        contents.flush(s);
        long size;
        boolean inline;
        s.lock.lock();
        try {
            size = s.size;
            inline = s.inline;
        } finally {
            s.lock.unlock();
        }
        return records.seek(s.ino, size, inline, offset, what);
    }

    // ---- directories ------------------------------------------------------------------------------------------------

    private record OpenDir(Ino ino, AccessTimes accessTimes) implements OpenDirectory {}

    @Override
    public OpenDirectory opendir(Ino ino) {
        return opendir(ino, AccessTimes.RELATIVE);
    }

    @Override
    public OpenDirectory opendir(Ino ino, AccessTimes rule) {
        if (!record(ino.value(), "opendir").isDirectory()) {
            throw no(ErrorKind.NOT_A_DIRECTORY, "opendir", ino);
        }
        return new OpenDir(ino, rule);
    }

    @Override
    public void readdir(OpenDirectory directory, long cookie, DirectorySink sink) {
        Ino ino = directory.ino();
        InodeRecord r = record(ino.value(), "readdir");
        records.readdir(ino, r, cookie, sink);
        switch (directory.accessTimes()) {
            case NEVER -> {}
            case RELATIVE -> touchAtime(ino.value(), r.atime(), r.mtime(), r.ctime());
            case ALWAYS -> setAtime(ino.value(), now());
        }
    }

    @Override
    public void releasedir(OpenDirectory directory) {
        // an open directory holds nothing
    }

    @Override
    public void fsyncdir(OpenDirectory directory) {
        engine.commitAsPromised();
    }

    @Override
    public SpaceInfo statfs() {
        SpaceAccount space = volume.space();
        long available = Math.max(0, space.availableBytes());
        return new SpaceInfo(
                Math.max(space.totalBytes(), available), available, available, map.files(), Allocated.UNIT);
    }

    // ---- extended attributes ----------------------------------------------------------------------------------------

    private static void checkXattr(FileName name, String operation) {
        Records.checkXattr(name, operation);
    }

    @Override
    public void setxattr(Caller caller, Ino ino, FileName name, byte[] value, XattrMode mode) {
        checkXattr(name, "setxattr");
        if (virtualFile(ino) != null || name.toString().equals(CID_XATTR)) {
            throw no(ErrorKind.NOT_PERMITTED, "setxattr", name);
        }
        if (value.length > MAX_XATTR_VALUE) {
            throw no(ErrorKind.TOO_BIG, "setxattr", name);
        }
        growing(() -> {
            if (PosixAcl.is(name)) {
                setAcl(ino, name, PosixAcl.decode(value), value);
            } else {
                setReserved(ino, name, value, mode);
            }
            return true;
        });
    }

    /** Sets mode and list together; a list that says no more than the mode bits is not kept. */
    private void setAcl(Ino ino, FileName name, PosixAcl acl, byte[] value) {
        if (value.length > MAX_ACL) {
            throw no(ErrorKind.NO_SPACE, "setxattr", name);
        }
        withLock(ino.value(), () -> {
            InodeRecord r = record(ino.value(), "setxattr");
            refuseIfFlagged(r, "setxattr", name);
            boolean isDefault = name.equals(PosixAcl.DEFAULT);
            if (isDefault && !r.isDirectory()) {
                throw no(ErrorKind.ACCESS_DENIED, "setxattr", name);
            }
            Transaction tx = begin();
            byte[] key = Keys.xattr(ino.value(), name.bytes());
            boolean kept = isDefault || !acl.minimal();
            if (kept) {
                tx.put(key, StoredValue.inMap(value));
            } else if (r.has(InodeRecord.FLAG_ACL)) {
                tx.delete(key);
            }
            r.flag(isDefault ? InodeRecord.FLAG_DEFAULT_ACL : InodeRecord.FLAG_ACL, kept);
            if (!isDefault) {
                r.mode = r.mode & ~0777 | acl.permissions();
                r.stampOwner(tx.dot, tx.slot);
            }
            changeTime(tx, ino.value(), r);
            commit(tx);
        });
    }

    private void setReserved(Ino ino, FileName name, byte[] value, XattrMode mode) {
        Lock refs = contents.refsInFlight.readLock();
        refs.lock();
        try {
            byte[] stored = storedValue(value);
            withLock(ino.value(), () -> {
                InodeRecord r = record(ino.value(), "setxattr");
                refuseIfFlagged(r, "setxattr", name);
                byte[] key = Keys.xattr(ino.value(), name.bytes());
                boolean exists = map.get(key) != null;
                if (exists && mode == XattrMode.CREATE) {
                    throw no(ErrorKind.EXISTS, "setxattr", name);
                }
                if (!exists && mode == XattrMode.REPLACE) {
                    throw no(ErrorKind.NO_DATA, "setxattr", name);
                }
                Transaction tx = begin().put(key, stored);
                changeTime(tx, ino.value(), r);
                commit(tx);
                FileState s = contents.peek(ino.value());
                if (s != null) {
                    s.noCapabilities = false;
                }
            });
        } finally {
            refs.unlock();
        }
    }

    private void changeTime(Transaction tx, long ino, InodeRecord r) {
        r.ctime(now());
        r.stampTimes(tx.dot, tx.slot);
        tx.put(Keys.inode(ino), r.encode());
    }

    @Override
    public byte[] getxattr(Ino ino, FileName name) {
        if (name.toString().equals(CID_XATTR)) {
            InodeRecord r = record(ino.value(), "getxattr");
            if (virtualFile(ino) != null || !r.isRegular()) {
                throw no(ErrorKind.NO_DATA, "getxattr", CID_XATTR);
            }
            return Records.cidText(contentBlocks(ino));
        }
        return records.xattr(ino, name);
    }

    @Override
    public List<FileName> listxattr(Ino ino) {
        return records.xattrs(ino);
    }

    @Override
    public void removexattr(Caller caller, Ino ino, FileName name) {
        checkXattr(name, "removexattr");
        withLock(ino.value(), () -> {
            InodeRecord r = record(ino.value(), "removexattr");
            refuseIfFlagged(r, "removexattr", name);
            byte[] key = Keys.xattr(ino.value(), name.bytes());
            if (map.get(key) == null) {
                if (PosixAcl.is(name)) {
                    return; // as ext4: there is none now
                }
                throw no(ErrorKind.NO_DATA, "removexattr", name);
            }
            if (PosixAcl.is(name)) {
                r.flag(name.equals(PosixAcl.DEFAULT) ? InodeRecord.FLAG_DEFAULT_ACL : InodeRecord.FLAG_ACL, false);
            }
            Transaction tx = begin().delete(key);
            changeTime(tx, ino.value(), r);
            commit(tx);
        });
    }

    // ---- the rest ---------------------------------------------------------------------------------------------------

    /**
     * The content id of a regular file: {@link ContentId} over its extents.
     *
     * @throws PpiofsException NOT_FOUND, INVALID for what is no regular file
     */
    public io.ppiofs.blockstore.Cid cid(Ino ino) {
        return ContentId.of(contentBlocks(ino));
    }

    /** The extents of a regular file in order, or its inline content, after flushing it. */
    public ContentId.Content contentBlocks(Ino ino) {
        FileState s = contents.pin(ino.value());
        try {
            contents.flush(s);
            s.lock.lock();
            try {
                return records.content(s.ino, s.size, s.inline);
            } finally {
                s.lock.unlock();
            }
        } finally {
            contents.unpin(s);
        }
    }

    @Override
    public void syncfs() {
        contents.flushAll();
        engine.commitAsPromised();
    }

    @Override
    public void syncHere() {
        contents.flushAll();
        engine.commitJournal();
    }

    /** Brings everything into the tree and saves the head. */
    public void checkpoint() {
        engine.checkpoint();
    }

    /**
     * Names every block that the last checkpoint, the changes since and pending writes need, some more than once. Excludes
     * collections and checks meanwhile; writers go on, what they write after the call began may be missing.
     *
     * @param live called on this thread; what it throws ends the visit
     */
    public void visitLive(java.util.function.Consumer<BlockRef> live) {
        engine.maintenance().lock();
        try {
            engine.quiesced(() -> {});
            engine.mark(live);
        } finally {
            engine.maintenance().unlock();
        }
    }

    /**
     * Hears of each checkpoint from now on, after its head was saved, on the checkpoint's thread and in order: must be
     * quick. What it throws is logged and shown in status; the checkpoint stands.
     */
    public void onCheckpoint(java.util.function.Consumer<CheckpointStore.Checkpoint> listener) {
        engine.onCheckpoint(listener);
    }

    public CoreStats stats() {
        return engine.stats(orphans.size());
    }

    /** For collection and checking. */
    public CoreEngine engine() {
        return engine;
    }

    @Override
    public void close() {
        engine.close();
    }
}
