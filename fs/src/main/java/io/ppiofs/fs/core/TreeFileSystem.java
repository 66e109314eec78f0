package io.ppiofs.fs.core;

import static io.ppiofs.fs.core.Records.no;

import io.ppiofs.blockstore.BlockRef;
import io.ppiofs.blockstore.Blocks;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.core.VirtualFiles.OpenVirtual;
import io.ppiofs.fs.core.VirtualFiles.VirtualFile;
import io.ppiofs.fs.tree.MerkleTree;
import io.ppiofs.fs.tree.NodeCache;
import io.ppiofs.fs.tree.SipHash;
import io.ppiofs.fs.tree.TreeContext;
import java.nio.ByteBuffer;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A volume as one root of its tree shows it: only to be read, without journal, locks or threads of its own. {@link
 * #advance} puts a newer root in the place of the old one between two calls.
 *
 * <p>Each call sees one root. Open files and directories read the newest root in which their inode stands: a change in
 * place shows at once, as on the writer's machine, and a file that was removed can be read to its last close, as it was
 * when this view last looked. An inode number that is gone and not open is NOT_FOUND. Numbers are never used again.
 *
 * <p>Every change is READ_ONLY, opening for writing too. A block that cannot be had is IO, never an absent file.
 */
public final class TreeFileSystem implements FileSystemCore {
    /** Another machine changes the volume: what is remembered may be this old. */
    private static final CacheLimit FOLLOWING = new CacheLimit(0.2, false);

    /** One root. Immutable. */
    private record View(MerkleTree tree, Records records, long files) {}

    /** An inode that is open: how often, and the newest view that showed it. */
    private static final class OpenInode {
        private int opens;
        private volatile View last;
        private final ReadSequence sequence = new ReadSequence();

        OpenInode(View last) {
            this.last = last;
        }
    }

    /** An inode's record and the view it is of. */
    private record Found(View view, InodeRecord record) {}

    private record OpenTreeFile(Ino ino, OpenFlags flags, AtomicBoolean released) implements OpenFile {}

    private record OpenDir(Ino ino) implements OpenDirectory {}

    private final String name;
    private final Blocks blocks;
    private final SipHash names;
    private final TreeContext context;
    private final VirtualFiles virtualFiles;
    private final Caller owner;
    private final Clock clock;
    private final Object advancing = new Object();
    private final Map<Long, OpenInode> opened = new ConcurrentHashMap<>();
    private volatile View view;
    private volatile boolean closed;

    private TreeFileSystem(
            String name,
            Blocks blocks,
            SipHash names,
            TreeContext context,
            VirtualFiles virtualFiles,
            Caller owner,
            Clock clock,
            @Nullable BlockRef root,
            long files) {
        this.name = name;
        this.blocks = blocks;
        this.names = names;
        this.context = context;
        this.virtualFiles = virtualFiles;
        this.owner = owner;
        this.clock = clock;
        this.view = viewOf(root, files);
    }

    /**
     * Opens a root; reads its node.
     *
     * @param volume the volume's name, for messages
     * @param blocks with the volume's block size
     * @param names hashes file names into directory entry keys
     * @param levels decides tree levels
     * @param root null: the empty volume, shown as an empty directory of {@link CoreOptions#owner}
     * @param files inodes under the root ({@link HeadCheckpoints#files})
     * @param virtualFiles files of the root directory that show live state, by name
     * @param options of which node cache and owner count
     * @throws PpiofsException CORRUPT, WRONG_KEY, IO
     */
    public static TreeFileSystem open(
            String volume,
            Blocks blocks,
            SipHash names,
            SipHash levels,
            @Nullable BlockRef root,
            long files,
            Map<FileName, Supplier<byte[]>> virtualFiles,
            CoreOptions options) {
        Blocks present = new PresentBlocks(blocks);
        return new TreeFileSystem(
                volume,
                present,
                names,
                new TreeContext(present, levels, new NodeCache(options.nodeCacheBytes())),
                new VirtualFiles(virtualFiles),
                options.owner(),
                Clock.systemUTC(),
                root,
                files);
    }

    private View viewOf(@Nullable BlockRef root, long files) {
        MerkleTree tree = MerkleTree.open(context, root);
        return new View(tree, new Records(new TreeEntries(tree), blocks, names), files);
    }

    // ---- following --------------------------------------------------------------------------------------------------

    /** Hears what two roots do not have in common; called on the thread of {@link #advance}. */
    public interface Changes {
        /** Attributes, extended attributes or content changed, or the inode came or went; once or more. */
        void inode(Ino ino);

        /** A name came, went, or means another inode now. */
        void name(Ino parent, FileName name);
    }

    /** The root that is shown; null: an empty volume. */
    public @Nullable BlockRef root() {
        return view.tree().root();
    }

    /** Inodes under the root, as the last head said. */
    public long files() {
        return view.files();
    }

    /**
     * Shows another root from now on. Reads the root node, nothing else, so a follower is there at once. If it cannot be
     * read, the old root stays.
     *
     * @throws PpiofsException CORRUPT, WRONG_KEY, IO
     */
    public void advance(@Nullable BlockRef newRoot, long files) {
        View next = viewOf(newRoot, files);
        synchronized (advancing) {
            view = next;
        }
    }

    /**
     * As {@link #advance(BlockRef, long)}, and tells afterwards what changed; that reads, of both trees, the nodes that
     * differ.
     *
     * @throws PpiofsException as above; if the comparison fails, the new root is shown all the same and the caller has to
     *     take everything as changed
     */
    public void advance(@Nullable BlockRef newRoot, long files, Changes changes) {
        View next = viewOf(newRoot, files);
        View before;
        synchronized (advancing) {
            before = view;
            view = next;
        }
        Reported reported = new Reported(changes);
        MerkleTree.diff(before.tree(), next.tree(), reported::entry);
    }

    /** Names every block under the root that is shown, some more than once; reads all index nodes and leaves. */
    public void visitLive(Consumer<BlockRef> live) {
        view.tree().walk(CoreEngine.everyRef(live));
    }

    /** Turns differing entries into inodes and names; entries of one inode in one range come in a row and count once. */
    private static final class Reported {
        private final Changes changes;
        private int lastTag;
        private long lastIno;

        Reported(Changes changes) {
            this.changes = changes;
        }

        void entry(byte[] key, byte @Nullable [] before, byte @Nullable [] after) {
            switch (key[0]) {
                case Keys.DIRENT -> names(new Ino(Keys.ino(key)), before, after);
                case Keys.INODE, Keys.EXTENT, Keys.INLINE -> inode(key[0], Keys.ino(key));
                default -> {
                    // counters and orphans show nowhere
                }
            }
        }

        private void names(Ino parent, byte @Nullable [] before, byte @Nullable [] after) {
            FileName old = before == null ? null : DirEntry.decode(before).name();
            FileName now = after == null ? null : DirEntry.decode(after).name();
            if (old != null) {
                changes.name(parent, old);
            }
            if (now != null && (old == null || !old.equals(now))) {
                changes.name(parent, now);
            }
        }

        private void inode(int tag, long ino) {
            if (tag != lastTag || ino != lastIno) {
                lastTag = tag;
                lastIno = ino;
                changes.inode(new Ino(ino));
            }
        }
    }

    private record TreeEntries(MerkleTree tree) implements Entries {
        @Override
        public byte @Nullable [] get(byte[] key) {
            return tree.get(key);
        }

        @Override
        public void scan(byte[] from, byte[] to, NamespaceMap.Visitor visitor) {
            NamespaceMap.scanTree(tree, from, to, visitor);
        }
    }

    // ---- finding ----------------------------------------------------------------------------------------------------

    private View view() {
        if (closed) {
            throw new PpiofsException(ErrorKind.NOT_CONNECTED, "read", name, "the volume is closed");
        }
        return view;
    }

    private Found found(long ino, String operation) {
        View now = view();
        InodeRecord r = now.records().find(ino);
        if (r == null && ino == Ino.ROOT.value()) {
            r = emptyRoot();
        }
        OpenInode o = opened.get(ino);
        if (r != null) {
            if (o != null) {
                o.last = now;
            }
            return new Found(now, r);
        }
        if (o == null) {
            throw no(ErrorKind.NOT_FOUND, operation, Long.toUnsignedString(ino));
        }
        View last = o.last;
        InodeRecord removed = last.records().record(ino, operation);
        removed.nlink = 0;
        return new Found(last, removed);
    }

    /** What a volume shows in which nothing was ever written. */
    private InodeRecord emptyRoot() {
        InodeRecord root = new InodeRecord();
        root.mode = FileType.DIRECTORY.bits() | 0755;
        root.uid = owner.uid();
        root.gid = owner.gid();
        root.nlink = 2;
        root.parent = Ino.ROOT.value();
        return root;
    }

    private InodeRecord directory(Ino ino, String operation) {
        InodeRecord r = found(ino.value(), operation).record();
        if (!r.isDirectory()) {
            throw no(ErrorKind.NOT_A_DIRECTORY, operation, ino);
        }
        return r;
    }

    @Override
    public Attr lookup(Ino parent, FileName child) {
        Records.check(child, "lookup");
        VirtualFile v = virtualFiles.find(parent, child);
        if (v != null) {
            return v.attr(now(), owner);
        }
        View now = view();
        Records.Slot slot = now.records().find(parent.value(), child);
        if (slot == null) {
            directory(parent, "lookup"); // a missing parent and a file as parent answer differently
            throw no(ErrorKind.NOT_FOUND, "lookup", child);
        }
        long ino = slot.entry().ino();
        return Records.attr(ino, now.records().record(ino, "lookup"));
    }

    @Override
    public Attr reference(Ino ino) {
        return getattr(ino);
    }

    @Override
    public Ino parent(Ino directory) {
        return new Ino(directory(directory, "lookup").parent);
    }

    @Override
    public void forget(Ino ino, long count) {
        // lookups hold nothing
    }

    @Override
    public Attr getattr(Ino ino) {
        VirtualFile v = virtualFiles.find(ino);
        return v != null
                ? v.attr(now(), owner)
                : Records.attr(ino.value(), found(ino.value(), "getattr").record());
    }

    private Timestamp now() {
        return Timestamp.of(clock.instant());
    }

    @Override
    public byte[] readlink(Ino ino) {
        return found(ino.value(), "readlink").view().records().symlink(ino.value());
    }

    // ---- files ------------------------------------------------------------------------------------------------------

    @Override
    public OpenFile open(Caller caller, Ino ino, OpenFlags flags) {
        if (flags.write() || flags.truncate()) {
            throw readOnly("open", ino);
        }
        VirtualFile v = virtualFiles.find(ino);
        if (v != null) {
            return new OpenVirtual(ino, flags, v.content().get());
        }
        Found f = regular(ino, "open");
        opened.compute(ino.value(), (k, o) -> {
            OpenInode inode = o == null ? new OpenInode(f.view()) : o;
            inode.opens++;
            return inode;
        });
        return new OpenTreeFile(ino, flags, new AtomicBoolean());
    }

    private Found regular(Ino ino, String operation) {
        Found f = found(ino.value(), operation);
        if (!f.record().isRegular()) {
            throw no(f.record().isDirectory() ? ErrorKind.IS_A_DIRECTORY : ErrorKind.INVALID, operation, ino);
        }
        return f;
    }

    @Override
    public int read(OpenFile file, long offset, ByteBuffer dst) {
        if (file instanceof OpenVirtual v) {
            return v.read(offset, dst);
        }
        if (offset < 0) {
            throw no(ErrorKind.INVALID, "read", file.ino());
        }
        long ino = file.ino().value();
        Found f = found(ino, "read");
        InodeRecord r = f.record();
        int n = (int) Math.max(0, Math.min(dst.remaining(), r.size - offset));
        if (n == 0) {
            return 0;
        }
        if (r.inline()) {
            FileContents.copyInline(f.view().records().inlineContent(ino), offset, n, dst);
        } else {
            OpenInode open = opened.get(ino);
            if (open != null) {
                open.sequence.follow(
                        blocks,
                        ino,
                        offset,
                        n,
                        r.size,
                        (from, to) -> f.view().records().extents(ino, from, to));
            }
            List<FileContents.FromBlock> reads = new ArrayList<>(2);
            long end = offset + n;
            List<Extent> extents = f.view().records().extents(ino, offset, end);
            FileContents.place(extents, offset, end, end, offset, dst, reads);
            FileContents.run(blocks, reads, dst);
        }
        dst.position(dst.position() + n);
        return n;
    }

    @Override
    public void release(OpenFile file) {
        if (file instanceof OpenTreeFile f && f.released().compareAndSet(false, true)) {
            opened.computeIfPresent(f.ino().value(), (k, o) -> --o.opens == 0 ? null : o);
        }
    }

    /** Inodes that are open. */
    public int openInodes() {
        return opened.size();
    }

    @Override
    public long seek(OpenFile file, long offset, Seek what) {
        if (file instanceof OpenVirtual) {
            throw no(ErrorKind.BAD_HANDLE, "lseek", file.ino());
        }
        Found f = found(file.ino().value(), "lseek");
        InodeRecord r = f.record();
        return f.view().records().seek(file.ino().value(), r.size, r.inline(), offset, what);
    }

    @Override
    public void flush(OpenFile file) {
        // nothing was written
    }

    @Override
    public boolean observesFlush() {
        return false;
    }

    @Override
    public void fsync(OpenFile file, boolean dataOnly) {
        // nothing was written
    }

    // ---- directories ------------------------------------------------------------------------------------------------

    @Override
    public OpenDirectory opendir(Ino ino) {
        directory(ino, "opendir");
        return new OpenDir(ino);
    }

    @Override
    public void readdir(OpenDirectory directory, long cookie, DirectorySink sink) {
        Found f = found(directory.ino().value(), "readdir");
        f.view().records().readdir(directory.ino(), f.record(), cookie, sink);
    }

    @Override
    public void releasedir(OpenDirectory directory) {
        // an open directory holds nothing
    }

    @Override
    public void fsyncdir(OpenDirectory directory) {
        // nothing was written
    }

    /** Nothing is free for who may not write, and what the volume takes on the peers is not known here: both are 0. */
    @Override
    public SpaceInfo statfs() {
        return new SpaceInfo(0, 0, 0, view().files(), Allocated.UNIT);
    }

    // ---- extended attributes ----------------------------------------------------------------------------------------

    @Override
    public byte[] getxattr(Ino ino, FileName attribute) {
        if (virtualFiles.find(ino) != null) {
            Records.checkXattr(attribute, "getxattr");
            throw no(ErrorKind.NO_DATA, "getxattr", attribute);
        }
        Found f = found(ino.value(), "getxattr");
        Records records = f.view().records();
        if (!attribute.toString().equals(Records.CID_XATTR)) {
            return records.xattr(ino, attribute);
        }
        InodeRecord r = f.record();
        if (!r.isRegular()) {
            throw no(ErrorKind.NO_DATA, "getxattr", attribute);
        }
        return Records.cidText(records.content(ino.value(), r.size, r.inline()));
    }

    @Override
    public List<FileName> listxattr(Ino ino) {
        return virtualFiles.find(ino) != null
                ? List.of()
                : found(ino.value(), "listxattr").view().records().xattrs(ino);
    }

    /** The extents of a regular file in order, or its inline content. */
    public ContentId.Content contentBlocks(Ino ino) {
        Found f = regular(ino, "cid");
        return f.view()
                .records()
                .content(ino.value(), f.record().size, f.record().inline());
    }

    @Override
    public CacheLimit cacheLimit() {
        return FOLLOWING;
    }

    @Override
    public void syncfs() {
        // nothing was written
    }

    @Override
    public void close() {
        closed = true;
    }

    // ---- changes ----------------------------------------------------------------------------------------------------

    private static PpiofsException readOnly(String operation, Object subject) {
        return no(ErrorKind.READ_ONLY, operation, subject);
    }

    @Override
    public Attr setattr(Caller caller, Ino ino, SetAttr change) {
        throw readOnly("setattr", ino);
    }

    @Override
    public Attr mknod(Caller caller, Ino parent, FileName child, int mode, int rdev) {
        throw readOnly("mknod", child);
    }

    @Override
    public Attr mkdir(Caller caller, Ino parent, FileName child, int mode) {
        throw readOnly("mkdir", child);
    }

    @Override
    public Attr symlink(Caller caller, Ino parent, FileName child, byte[] target) {
        throw readOnly("symlink", child);
    }

    @Override
    public Attr link(Caller caller, Ino ino, Ino newParent, FileName newName) {
        throw readOnly("link", newName);
    }

    @Override
    public void unlink(Caller caller, Ino parent, FileName child) {
        throw readOnly("unlink", child);
    }

    @Override
    public void rmdir(Caller caller, Ino parent, FileName child) {
        throw readOnly("rmdir", child);
    }

    @Override
    public void rename(Caller caller, Ino parent, FileName child, Ino newParent, FileName newName, RenameMode mode) {
        throw readOnly("rename", child);
    }

    @Override
    public Created create(Caller caller, Ino parent, FileName child, int mode, OpenFlags flags) {
        throw readOnly("create", child);
    }

    @Override
    public Created tmpfile(Caller caller, Ino directory, int mode, OpenFlags flags) {
        throw readOnly("tmpfile", directory);
    }

    @Override
    public long write(OpenFile file, long offset, ByteBuffer src, WriteMode mode) {
        throw readOnly("write", file.ino());
    }

    @Override
    public void fallocate(OpenFile file, AllocateMode mode, long offset, long length) {
        throw readOnly("fallocate", file.ino());
    }

    @Override
    public long copyRange(OpenFile from, long fromOffset, OpenFile to, long toOffset, long length) {
        throw readOnly("copy_file_range", to.ino());
    }

    @Override
    public void setxattr(Caller caller, Ino ino, FileName attribute, byte[] value, XattrMode mode) {
        throw readOnly("setxattr", attribute);
    }

    @Override
    public InodeFlags inodeFlags(Ino ino) {
        return virtualFiles.find(ino) != null
                ? InodeFlags.NONE
                : found(ino.value(), "ioctl").record().inodeFlags();
    }

    @Override
    public void inodeFlags(Caller caller, Ino ino, InodeFlags flags) {
        throw readOnly("ioctl", ino);
    }

    @Override
    public void removexattr(Caller caller, Ino ino, FileName attribute) {
        throw readOnly("removexattr", attribute);
    }
}
