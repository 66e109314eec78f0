package io.ppiofs.fs.core;

import io.ppiofs.blockstore.BlockRef;
import io.ppiofs.blockstore.BlockStore;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.gc.MarkSet;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.tree.MerkleTree;
import io.ppiofs.fs.tree.TreeChecker;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Checks a volume: every reachable block is read from the store and compared with its CID, every tree node with the
 * tree's rules, every name with its inode and back, every link count with the names, every extent with its neighbours. It changes
 * nothing; the volume stays usable meanwhile (the check looks at the checkpoint that it makes first).
 */
public final class Fsck {
    /** Problems beyond this are counted, not listed. */
    private static final int MAX_LISTED = 1000;

    private static final int MAX_DEPTH = 4096;

    /** @param subject path of the file where one is known, else the block or inode */
    public record Problem(String subject, String sentence) {}

    public record Report(long files, long directories, long blocks, long bytes, long problems, List<Problem> listed) {
        public boolean clean() {
            return problems == 0;
        }
    }

    private final VolumeFileSystem fs;
    private final BlockStore store;
    private final LongConsumer progress;
    private final LookupCounts names = new LookupCounts();
    private final LookupCounts subdirectories = new LookupCounts();
    private final MarkSet seen = new MarkSet(1 << 12);
    private final List<Problem> listed = new ArrayList<>();
    private MerkleTree tree;
    private long problems;
    private long files;
    private long directories;
    private long blocks;
    private long bytes;
    private long extentIno = -1;
    private long extentEnd;
    private @Nullable InodeRecord extentRecord;

    /** @param progress hears the number of blocks checked so far */
    public Fsck(VolumeFileSystem fs, BlockStore store, LongConsumer progress) {
        this.fs = fs;
        this.store = store;
        this.progress = progress;
        this.tree = fs.engine().map().tree();
    }

    /** Runs the check once. */
    public Report run() {
        fs.engine().maintenance().lock();
        try {
            return check();
        } finally {
            fs.engine().maintenance().unlock();
        }
    }

    private Report check() {
        checkpoint();
        tree = fs.engine().map().tree();
        tree.verify(new TreeChecker() {
            @Override
            public boolean node(BlockRef ref, int height) {
                checkBlock(ref, () -> "namespace node " + ref.cid());
                return true;
            }

            @Override
            public boolean wantsEntries() {
                return true;
            }

            @Override
            public void entry(byte[] key, byte[] value) {
                checkEntry(key, value);
            }

            @Override
            public void problem(BlockRef node, int height, String sentence) {
                report("namespace node " + node.cid(), sentence);
            }
        });
        return new Report(files, directories, blocks, bytes, problems, List.copyOf(listed));
    }

    private void checkpoint() {
        try {
            fs.checkpoint();
        } catch (PpiofsException failed) {
            report("checkpoint", String.valueOf(failed.getMessage()));
        }
    }

    private void report(String subject, String sentence) {
        problems++;
        if (listed.size() < MAX_LISTED) {
            listed.add(new Problem(subject, sentence));
        }
    }

    private interface Subject {
        String path();
    }

    private void checkBlock(BlockRef ref, Subject subject) {
        if (!seen.add(ref.cid())) {
            return;
        }
        progress.accept(++blocks);
        Cid cid = ref.cid();
        try {
            ByteBuffer stored = store.get(List.of(cid)).get(0);
            if (stored == null) {
                report(subject.path(), "block " + cid + " is missing");
            } else {
                bytes += stored.remaining();
            }
        } catch (PpiofsException e) {
            report(subject.path(), "block " + cid + " is damaged: " + e.getMessage());
        }
    }

    private void checkEntry(byte[] key, byte[] value) {
        try {
            switch (key[0]) {
                case Keys.DIRENT -> checkDirent(key, value);
                case Keys.INODE -> checkInode(key, value);
                case Keys.EXTENT -> checkExtent(key, value);
                default -> {}
            }
        } catch (PpiofsException e) {
            String subject = key.length < 9 ? "a namespace key" : "inode " + Long.toUnsignedString(Keys.ino(key));
            report(subject, String.valueOf(e.getMessage()));
        }
    }

    private void checkDirent(byte[] key, byte[] value) {
        DirEntry e = DirEntry.decode(value);
        names.increment(e.ino());
        if (e.type() == FileType.DIRECTORY) {
            subdirectories.increment(Keys.ino(key));
        }
        byte[] target = tree.get(Keys.inode(e.ino()));
        if (target == null) {
            report(path(Keys.ino(key), e), "the name leads to no inode");
            return;
        }
        InodeRecord r = InodeRecord.decode(target);
        if (FileType.ofMode(r.mode) != e.type()) {
            report(path(Keys.ino(key), e), "the name and its inode differ in type");
        }
        if (!knows(r, e.ino(), key)) {
            report(path(Keys.ino(key), e), "its inode does not know this name");
        }
    }

    /** Whether an inode has a back-reference to a directory entry: in its record, or as a further name. */
    private boolean knows(InodeRecord r, long ino, byte[] direntKey) {
        long parent = Keys.ino(direntKey);
        long hash = Keys.direntHash(direntKey);
        int ordinal = Keys.direntOrdinal(direntKey);
        return (r.parent == parent && r.nameHash == hash && r.nameOrdinal == ordinal)
                || tree.get(Keys.link(ino, parent, hash, ordinal)) != null;
    }

    private void checkLink(byte[] key) {
        long ino = Keys.ino(key);
        byte[] entry = tree.get(Keys.dirent(Keys.linkParent(key), Keys.linkHash(key), Keys.linkOrdinal(key)));
        if (entry == null || DirEntry.decode(entry).ino() != ino) {
            report(path(ino), "a further name that it knows is not there");
        }
    }

    private void checkInode(byte[] key, byte[] value) {
        long ino = Keys.ino(key);
        if (Keys.sub(key) == Keys.INODE_RECORD) {
            checkRecord(ino, InodeRecord.decode(value));
        } else if (Keys.sub(key) == Keys.INODE_LINK) {
            checkLink(key);
        } else {
            CoreEngine.refsOf(key, value, ref -> checkBlock(ref, () -> path(ino)));
        }
    }

    private void checkRecord(long ino, InodeRecord r) {
        if (r.isDirectory()) {
            directories++;
            long expected = r.nlink == 0 ? 0 : 2 + subdirectories.get(ino);
            if (r.nlink != expected) {
                report(path(ino), "link count " + r.nlink + ", but " + expected + " by its subdirectories");
            }
            return;
        }
        files++;
        if (r.nlink != names.get(ino)) {
            report(path(ino), "link count " + r.nlink + ", but " + names.get(ino) + " names");
        }
        if (r.nlink == 0 && tree.get(Keys.orphan(ino)) == null) {
            report(path(ino), "no name leads to it and it is not marked as removed");
        }
        if (r.inline() && tree.get(Keys.inline(ino)) == null) {
            report(path(ino), "its content is missing");
        }
    }

    private void checkExtent(byte[] key, byte[] value) {
        long ino = Keys.ino(key);
        Extent e = Extent.decode(Keys.extentOffset(key), value);
        if (ino != extentIno) {
            extentIno = ino;
            extentEnd = 0;
            byte[] record = tree.get(Keys.inode(ino));
            extentRecord = record == null ? null : InodeRecord.decode(record);
            if (record == null) {
                report("inode " + Long.toUnsignedString(ino), "has content but no record");
            }
        }
        if (e.offset() < extentEnd) {
            report(path(ino), "extents overlap at " + e.offset());
        }
        if (extentRecord != null && e.end() > extentRecord.size) {
            report(path(ino), "an extent ends at " + e.end() + ", behind the size " + extentRecord.size);
        }
        if (e.blockOffset() + (long) e.length() > e.ref().length()) {
            report(path(ino), "an extent at " + e.offset() + " reaches beyond its block");
        }
        extentEnd = e.end();
        checkBlock(e.ref(), () -> path(ino));
    }

    /** The path by back-references, as far as they lead. */
    private String path(long ino) {
        StringBuilder path = new StringBuilder();
        long at = ino;
        for (int depth = 0; at != Ino.ROOT.value() && depth < MAX_DEPTH; depth++) {
            DirEntry e = entryOf(at);
            byte[] record = tree.get(Keys.inode(at));
            if (e == null || record == null) {
                return "inode " + Long.toUnsignedString(at) + path;
            }
            path.insert(0, "/" + e.name());
            at = InodeRecord.decode(record).parent;
        }
        return path.isEmpty() ? "/" : path.toString();
    }

    private String path(long parent, DirEntry e) {
        return parent == Ino.ROOT.value() ? "/" + e.name() : path(parent) + "/" + e.name();
    }

    private @Nullable DirEntry entryOf(long ino) {
        byte[] record = tree.get(Keys.inode(ino));
        if (record == null) {
            return null;
        }
        InodeRecord r = InodeRecord.decode(record);
        byte[] entry = tree.get(Keys.dirent(r.parent, r.nameHash, r.nameOrdinal));
        return entry == null ? null : DirEntry.decode(entry);
    }

    /** Turns a failed check into an exit: CORRUPT with the number of problems. */
    public static PpiofsException failure(Report report) {
        return new PpiofsException(
                ErrorKind.CORRUPT, "fsck", "volume", report.problems() + " problems; the list says where");
    }
}
