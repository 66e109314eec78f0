package io.ppiofs.fs.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.blockstore.BlockRef;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.core.FileSystemCore.AllocateMode;
import io.ppiofs.fs.core.FileSystemCore.Seek;
import io.ppiofs.fs.core.FileSystemCore.XattrMode;
import io.ppiofs.fs.tree.SipHash;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A root of the tree shows what the writer's core shows; newer roots take its place while files are open. */
class TreeFileSystemTest {
    /** Times of reading stand outside the tree, where a follower does not see them. */
    private static final OpenFlags READ = OpenFlags.ofLinux(0).by(AccessTimes.NEVER);

    private static final FileName STATS = FileName.of(".stats");

    @TempDir
    Path dir;

    private CoreFixture writer;

    @BeforeEach
    void open() {
        writer = new CoreFixture(
                dir,
                CoreOptions.defaults().withIntervals(java.time.Duration.ofHours(1), java.time.Duration.ofHours(1)));
    }

    @AfterEach
    void close() {
        writer.fs.close();
    }

    private TreeFileSystem follower() {
        CheckpointStore.Checkpoint at = writer.checkpoints.load();
        return TreeFileSystem.open(
                "test",
                writer.blocks,
                new SipHash(new byte[16]),
                new SipHash(new byte[] {1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}),
                at.root(),
                at.files(),
                Map.of(STATS, () -> "live".getBytes(StandardCharsets.US_ASCII)),
                CoreOptions.defaults());
    }

    private void advance(TreeFileSystem to) {
        writer.fs.checkpoint();
        CheckpointStore.Checkpoint at = writer.checkpoints.load();
        to.advance(at.root(), at.files());
    }

    // ---- sameness ---------------------------------------------------------------------------------------------------

    @Test
    void showsExactlyWhatTheWriterShows() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        RandomTree tree = new RandomTree(writer.fs, random);
        TreeFileSystem follower = null;
        for (int round = 0; round < 4; round++) {
            tree.change(250);
            if (follower == null) {
                writer.fs.checkpoint();
                follower = follower();
            } else {
                advance(follower);
            }
            new Comparison("seed " + seed + ", round " + round, writer.fs, follower, random).directory(Ino.ROOT);
            assertThat(follower.statfs().files()).isEqualTo(writer.fs.statfs().files());
            assertThat(follower.statfs().blockSize())
                    .isEqualTo(writer.fs.statfs().blockSize())
                    .isEqualTo(4096);
        }
    }

    /** Changes at random, keeping to what is there. */
    private static final class RandomTree {
        private final VolumeFileSystem fs;
        private final Random random;
        private final List<Ino> directories = new ArrayList<>(List.of(Ino.ROOT));
        private final List<Ino> files = new ArrayList<>();
        private final List<Object[]> names = new ArrayList<>();
        private int next;

        RandomTree(VolumeFileSystem fs, Random random) {
            this.fs = fs;
            this.random = random;
        }

        void change(int times) {
            for (int i = 0; i < times; i++) {
                one();
            }
        }

        private Ino someDirectory() {
            return directories.get(random.nextInt(directories.size()));
        }

        private FileName newName() {
            return FileName.of("n" + next++ + "x".repeat(random.nextInt(40)));
        }

        private void one() {
            Ino parent = someDirectory();
            FileName name = newName();
            switch (files.isEmpty() ? random.nextInt(3) : random.nextInt(11)) {
                case 0 ->
                    directories.add(fs.mkdir(Caller.ROOT, parent, name, 0700 | random.nextInt(64))
                            .ino());
                case 1 ->
                    fs.symlink(
                            Caller.ROOT,
                            parent,
                            name,
                            ("t".repeat(1 + random.nextInt(2000))).getBytes(StandardCharsets.US_ASCII));
                case 2, 3 -> {
                    FileSystemCore.Created c = fs.create(Caller.ROOT, parent, name, 0644, OpenFlags.ofLinux(2));
                    files.add(c.attr().ino());
                    names.add(new Object[] {parent, name, c.attr().ino()});
                    write(c.file());
                    fs.release(c.file());
                }
                case 4, 5 -> {
                    OpenFile f = fs.open(Caller.ROOT, someFile(), OpenFlags.ofLinux(2));
                    write(f);
                    fs.release(f);
                }
                case 6 ->
                    fs.setattr(
                            Caller.ROOT,
                            someFile(),
                            new SetAttr(random.nextInt(512), 5, 6, (long) random.nextInt(200_000), null, null));
                case 7 ->
                    fs.setxattr(
                            Caller.ROOT,
                            someFile(),
                            FileName.of("user.a" + random.nextInt(4)),
                            new byte[random.nextInt(1200)],
                            XattrMode.SET);
                case 8 -> fs.link(Caller.ROOT, someFile(), parent, name);
                case 9 -> fs.mknod(Caller.ROOT, parent, name, FileType.FIFO.bits() | 0600, 0);
                default -> remove();
            }
        }

        private Ino someFile() {
            return files.get(random.nextInt(files.size()));
        }

        private void write(OpenFile f) {
            byte[] bytes = new byte[1 + random.nextInt(random.nextBoolean() ? 2000 : 150_000)];
            random.nextBytes(bytes);
            fs.write(f, random.nextInt(4) == 0 ? random.nextInt(3_000_000) : 0, ByteBuffer.wrap(bytes));
        }

        private void remove() {
            Object[] n = names.remove(random.nextInt(names.size()));
            fs.unlink(Caller.ROOT, (Ino) n[0], (FileName) n[1]);
            files.remove(n[2]); // another name may keep it; the writer forgets it all the same
            if (files.isEmpty()) {
                FileSystemCore.Created c = fs.create(Caller.ROOT, Ino.ROOT, newName(), 0644, OpenFlags.ofLinux(2));
                files.add(c.attr().ino());
                fs.release(c.file());
            }
            if (names.isEmpty()) {
                FileName name = newName();
                FileSystemCore.Created c = fs.create(Caller.ROOT, Ino.ROOT, name, 0644, OpenFlags.ofLinux(2));
                names.add(new Object[] {Ino.ROOT, name, c.attr().ino()});
                files.add(c.attr().ino());
                fs.release(c.file());
            }
        }
    }

    /** Walks two cores side by side. */
    private record Comparison(String what, FileSystemCore a, FileSystemCore b, Random random) {
        void directory(Ino ino) {
            List<String> left = list(a, ino, Integer.MAX_VALUE);
            assertThat(list(b, ino, 1 + random.nextInt(5))).as(what).isEqualTo(left);
            assertThat(b.parent(ino)).isEqualTo(a.parent(ino));
            List<FileName> names = new ArrayList<>();
            entries(a, ino, 0, Integer.MAX_VALUE, (n, i, t, c) -> names.add(n));
            for (FileName n : names) {
                if (!n.toString().equals(".") && !n.toString().equals("..")) {
                    Attr at = a.lookup(ino, n);
                    assertThat(b.lookup(ino, n)).as(what).isEqualTo(at);
                    assertThat(b.getattr(at.ino())).isEqualTo(at);
                    inode(at);
                }
            }
        }

        private void inode(Attr at) {
            List<FileName> attributes = a.listxattr(at.ino());
            assertThat(b.listxattr(at.ino())).isEqualTo(attributes);
            for (FileName n : attributes) {
                assertThat(b.getxattr(at.ino(), n)).isEqualTo(a.getxattr(at.ino(), n));
            }
            switch (at.type()) {
                case DIRECTORY -> directory(at.ino());
                case SYMLINK -> assertThat(b.readlink(at.ino())).isEqualTo(a.readlinkNoAtime(at.ino()));
                case REGULAR -> file(at);
                default -> assertThat(at.size()).isZero();
            }
        }

        private void file(Attr at) {
            FileName cid = FileName.of("user.ppiofs.cid");
            assertThat(b.getxattr(at.ino(), cid)).isEqualTo(a.getxattr(at.ino(), cid));
            OpenFile x = a.open(Caller.ROOT, at.ino(), READ);
            OpenFile y = b.open(Caller.ROOT, at.ino(), READ);
            try {
                int size = (int) at.size();
                assertThat(Arrays.equals(bytes(a, x, 0, size), bytes(b, y, 0, size)))
                        .as(what)
                        .isTrue();
                int from = random.nextInt(size + 10);
                int n = random.nextInt(70_000);
                assertThat(Arrays.equals(bytes(a, x, from, n), bytes(b, y, from, n)))
                        .as(what)
                        .isTrue();
                for (Seek s : Seek.values()) {
                    assertThat(seek(b, y, from, s)).as(what).isEqualTo(seek(a, x, from, s));
                }
            } finally {
                a.release(x);
                b.release(y);
            }
        }

        private static long seek(FileSystemCore core, OpenFile f, long from, Seek what) {
            try {
                return core.seek(f, from, what);
            } catch (PpiofsException e) {
                assertThat(e.kind()).isEqualTo(ErrorKind.NO_SUCH_DEVICE);
                return -1;
            }
        }

        /** All entries with cookies, read in pieces of {@code atOnce}. */
        private static List<String> list(FileSystemCore core, Ino ino, int atOnce) {
            List<String> all = new ArrayList<>();
            long[] cookie = {0};
            int before;
            do {
                before = all.size();
                entries(core, ino, cookie[0], atOnce, (n, i, t, c) -> {
                    cookie[0] = c;
                    return all.add(n + " " + i + " " + t + " " + c);
                });
            } while (all.size() > before);
            return all;
        }

        private static void entries(FileSystemCore core, Ino ino, long cookie, int most, DirectorySink sink) {
            int[] left = {most};
            OpenDirectory d = core.opendir(ino, AccessTimes.NEVER);
            core.readdir(d, cookie, (n, i, t, c) -> left[0]-- > 0 && sink.add(n, i, t, c));
            core.releasedir(d);
        }
    }

    private static byte[] bytes(FileSystemCore core, OpenFile f, long offset, int n) {
        ByteBuffer out = ByteBuffer.allocate(n);
        core.read(f, offset, out);
        return Arrays.copyOf(out.array(), out.position());
    }

    // ---- advancing --------------------------------------------------------------------------------------------------

    private byte[] put(String name, int fill, int length) {
        byte[] content = new byte[length];
        Arrays.fill(content, (byte) fill);
        FileName n = FileName.of(name);
        OpenFile f = writer.fs
                .create(Caller.ROOT, Ino.ROOT, n, 0644, OpenFlags.ofLinux(2))
                .file();
        writer.write(f, 0, content);
        writer.fs.release(f);
        return content;
    }

    @Test
    void anOpenFileShowsChangesInPlaceAndOutlivesItsRemoval() {
        put("changed", 1, 100_000);
        byte[] removed = put("removed", 2, 100_000);
        writer.fs.checkpoint();
        TreeFileSystem follower = follower();
        Ino changedIno = follower.lookup(Ino.ROOT, FileName.of("changed")).ino();
        Ino removedIno = follower.lookup(Ino.ROOT, FileName.of("removed")).ino();
        OpenFile a = follower.open(Caller.ROOT, changedIno, READ);
        OpenFile b = follower.open(Caller.ROOT, removedIno, READ);

        OpenFile w = writer.open("changed");
        writer.write(w, 0, new byte[] {9, 9, 9});
        writer.fs.release(w);
        writer.fs.unlink(Caller.ROOT, Ino.ROOT, FileName.of("removed"));
        writer.fs.forget(removedIno, 99);
        writer.fs.engine().awaitBackground();
        advance(follower);

        assertThat(bytes(follower, a, 0, 4)).containsExactly(9, 9, 9, 1);
        assertThat(bytes(follower, b, 0, 200_000)).isEqualTo(removed);
        assertThat(follower.getattr(removedIno).nlink()).isZero();
        fails(ErrorKind.NOT_FOUND, () -> follower.lookup(Ino.ROOT, FileName.of("removed")));
        follower.release(b);
        follower.release(b);
        fails(ErrorKind.NOT_FOUND, () -> follower.getattr(removedIno));
        fails(ErrorKind.NOT_FOUND, () -> follower.open(Caller.ROOT, removedIno, READ));
        follower.release(a);
        assertThat(follower.openInodes()).isZero();
    }

    @Test
    void advancingTellsWhatChanged() {
        put("same", 1, 10_000);
        put("content", 2, 10_000);
        put("gone", 3, 10_000);
        put("renamed", 4, 10);
        Ino sub =
                writer.fs.mkdir(Caller.ROOT, Ino.ROOT, FileName.of("sub"), 0755).ino();
        writer.fs.checkpoint();
        TreeFileSystem follower = follower();
        Ino same = writer.lookup("same").ino();
        Ino content = writer.lookup("content").ino();
        Ino gone = writer.lookup("gone").ino();
        OpenFile w = writer.open("content");
        writer.write(w, 5000, new byte[] {7});
        writer.fs.release(w);
        writer.fs.unlink(Caller.ROOT, Ino.ROOT, FileName.of("gone"));
        writer.fs.rename(Caller.ROOT, Ino.ROOT, FileName.of("renamed"), sub, FileName.of("moved"), RenameMode.REPLACE);
        writer.fs.forget(gone, 99);
        writer.fs.engine().awaitBackground();
        writer.fs.checkpoint();

        Set<Ino> inodes = new HashSet<>();
        Set<String> names = new HashSet<>();
        CheckpointStore.Checkpoint at = writer.checkpoints.load();
        follower.advance(at.root(), at.files(), new TreeFileSystem.Changes() {
            @Override
            public void inode(Ino ino) {
                inodes.add(ino);
            }

            @Override
            public void name(Ino parent, FileName name) {
                names.add(parent + "/" + name);
            }
        });
        assertThat(inodes)
                .contains(Ino.ROOT, sub, content, gone)
                .contains(writer.lookup("sub/moved").ino())
                .doesNotContain(same);
        assertThat(names).containsExactlyInAnyOrder("1/gone", "1/renamed", sub + "/moved");
        assertThat(follower.root()).isEqualTo(at.root());
    }

    @Test
    void readersNeverSeeAMixtureWhileRootsAdvance() throws Exception {
        int length = 20_000;
        put("f", 0, length);
        writer.fs.checkpoint();
        TreeFileSystem follower = follower();
        OpenFile f = follower.open(
                Caller.ROOT, follower.lookup(Ino.ROOT, FileName.of("f")).ino(), READ);
        AtomicBoolean stop = new AtomicBoolean();
        ExecutorService readers = Executors.newFixedThreadPool(2);
        try {
            List<Future<Integer>> done = new ArrayList<>();
            for (int i = 0; i < 2; i++) {
                done.add(readers.submit(() -> {
                    int reads = 0;
                    int last = 0;
                    while (!stop.get() || reads == 0) {
                        byte[] got = bytes(follower, f, 0, length);
                        byte[] whole = new byte[length];
                        Arrays.fill(whole, got[0]);
                        assertThat(Arrays.equals(got, whole)).isTrue();
                        assertThat((int) got[0]).isGreaterThanOrEqualTo(last);
                        last = got[0];
                        reads++;
                    }
                    return reads;
                }));
            }
            OpenFile w = writer.open("f");
            for (int round = 1; round <= 40; round++) {
                byte[] next = new byte[length];
                Arrays.fill(next, (byte) round);
                writer.write(w, 0, next);
                advance(follower);
            }
            writer.fs.release(w);
            stop.set(true);
            for (Future<Integer> reads : done) {
                assertThat(reads.get(60, TimeUnit.SECONDS)).isPositive();
            }
            assertThat(bytes(follower, f, 0, 1)).containsExactly(40);
        } finally {
            stop.set(true);
            readers.shutdownNow();
            assertThat(readers.awaitTermination(60, TimeUnit.SECONDS)).isTrue();
        }
    }

    @Test
    void aRootThatCannotBeReadLeavesTheOldOne() {
        byte[] content = put("f", 1, 10);
        writer.fs.checkpoint();
        TreeFileSystem follower = follower();
        BlockRef before = follower.root();
        BlockRef missing = new BlockRef(
                io.ppiofs.blockstore.Cid.of(ByteBuffer.wrap(new byte[] {1, 2, 3})),
                before.key(),
                before.length(),
                0,
                0);
        fails(ErrorKind.IO, () -> follower.advance(missing, 1));
        assertThat(follower.root()).isEqualTo(before);
        OpenFile f = follower.open(
                Caller.ROOT, follower.lookup(Ino.ROOT, FileName.of("f")).ino(), READ);
        assertThat(bytes(follower, f, 0, 10)).isEqualTo(content);
    }

    // ---- the rest ---------------------------------------------------------------------------------------------------

    @Test
    void everyChangeIsRefused() {
        put("f", 1, 10);
        writer.fs.checkpoint();
        TreeFileSystem fs = follower();
        Ino ino = fs.lookup(Ino.ROOT, FileName.of("f")).ino();
        OpenFile f = fs.open(Caller.ROOT, ino, READ);
        FileName n = FileName.of("n");
        Caller c = Caller.ROOT;
        OpenFlags write = OpenFlags.ofLinux(2);
        List<ThrowingCallable> changes = List.of(
                () -> fs.open(c, ino, write),
                () -> fs.open(c, ino, OpenFlags.ofLinux(0x200)),
                () -> fs.create(c, Ino.ROOT, n, 0644, write),
                () -> fs.tmpfile(c, Ino.ROOT, 0644, write),
                () -> fs.mkdir(c, Ino.ROOT, n, 0755),
                () -> fs.mknod(c, Ino.ROOT, n, FileType.FIFO.bits(), 0),
                () -> fs.symlink(c, Ino.ROOT, n, new byte[] {1}),
                () -> fs.link(c, ino, Ino.ROOT, n),
                () -> fs.unlink(c, Ino.ROOT, FileName.of("f")),
                () -> fs.rmdir(c, Ino.ROOT, n),
                () -> fs.rename(c, Ino.ROOT, FileName.of("f"), Ino.ROOT, n, RenameMode.REPLACE),
                () -> fs.setattr(c, ino, new SetAttr(0600, null, null, null, null, null)),
                () -> fs.setxattr(c, ino, FileName.of("user.a"), new byte[1], XattrMode.SET),
                () -> fs.removexattr(c, ino, FileName.of("user.a")),
                () -> fs.write(f, 0, ByteBuffer.allocate(1)),
                () -> fs.fallocate(f, AllocateMode.RESERVE, 0, 1),
                () -> fs.copyRange(f, 0, f, 5, 1));
        changes.forEach(change -> fails(ErrorKind.READ_ONLY, change));
        assertThat(fs.cacheLimit().keepPages()).isFalse();
    }

    @Test
    void anEmptyVolumeIsAnEmptyDirectory() {
        TreeFileSystem fs = TreeFileSystem.open(
                "test",
                writer.blocks,
                new SipHash(new byte[16]),
                new SipHash(new byte[16]),
                null,
                0,
                Map.of(),
                CoreOptions.defaults());
        assertThat(fs.getattr(Ino.ROOT).type()).isEqualTo(FileType.DIRECTORY);
        assertThat(Comparison.list(fs, Ino.ROOT, 9)).hasSize(2);
        fails(ErrorKind.NOT_FOUND, () -> fs.lookup(Ino.ROOT, FileName.of("x")));
        fs.close();
        fails(ErrorKind.NOT_CONNECTED, () -> fs.getattr(Ino.ROOT));
    }

    @Test
    void virtualFilesAndAclsAreThere() {
        Ino d = writer.fs.mkdir(Caller.ROOT, Ino.ROOT, FileName.of("d"), 0750).ino();
        byte[] acl = aclWithUser();
        writer.fs.setxattr(Caller.ROOT, d, PosixAcl.ACCESS, acl, XattrMode.SET);
        writer.fs.checkpoint();
        TreeFileSystem fs = follower();
        assertThat(fs.getxattr(d, PosixAcl.ACCESS)).isEqualTo(writer.fs.getxattr(d, PosixAcl.ACCESS));
        assertThat(fs.getattr(d)).isEqualTo(writer.fs.getattr(d));
        Attr stats = fs.lookup(Ino.ROOT, STATS);
        assertThat(stats.size()).isEqualTo(4);
        OpenFile f = fs.open(Caller.ROOT, stats.ino(), READ);
        assertThat(new String(bytes(fs, f, 0, 9), StandardCharsets.US_ASCII)).isEqualTo("live");
        fs.release(f);
    }

    /** Version 2; user::rwx, user:7:r--, group::r-x, mask::r-x, other::---. */
    private static byte[] aclWithUser() {
        ByteBuffer b = ByteBuffer.allocate(4 + 5 * 8).order(java.nio.ByteOrder.LITTLE_ENDIAN);
        b.putInt(2);
        int[][] entries = {{1, 7, -1}, {2, 4, 7}, {4, 5, -1}, {16, 5, -1}, {32, 0, -1}};
        for (int[] e : entries) {
            b.putShort((short) e[0]).putShort((short) e[1]).putInt(e[2]);
        }
        return b.array();
    }

    @Test
    void aMissingBlockIsAFailureAndNoMissingFile() {
        put("f", 1, 100_000);
        writer.fs.checkpoint();
        CheckpointStore.Checkpoint at = writer.checkpoints.load();
        BlockRef root = at.root();
        assertThat(root).isNotNull();
        TreeFileSystem fs = TreeFileSystem.open(
                "test",
                new OnlyNodes(writer.blocks),
                new SipHash(new byte[16]),
                new SipHash(new byte[] {1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}),
                root,
                at.files(),
                Map.of(),
                CoreOptions.defaults());
        OpenFile f = fs.open(Caller.ROOT, fs.lookup(Ino.ROOT, FileName.of("f")).ino(), READ);
        fails(ErrorKind.IO, () -> fs.read(f, 0, ByteBuffer.allocate(10)));
    }

    @Test
    void liveBlocksOfWriterAndFollowerAreTheSameAfterACheckpoint() {
        RandomTree tree = new RandomTree(writer.fs, new Random(7));
        tree.change(300);
        Set<CheckpointStore.Checkpoint> heard = ConcurrentHashMap.newKeySet(); // the clock may add a checkpoint
        writer.fs.onCheckpoint(c -> {
            throw new IllegalStateException("a listener's defect, meant to be logged");
        });
        writer.fs.onCheckpoint(heard::add);
        writer.fs.checkpoint();
        assertThat(heard).contains(writer.checkpoints.load());
        Set<BlockRef> here = new HashSet<>();
        writer.fs.visitLive(here::add);
        Set<BlockRef> there = new HashSet<>();
        follower().visitLive(there::add);
        assertThat(there).isEqualTo(here).hasSizeGreaterThan(10);
        put("pending", 5, 3_000_000);
        Set<BlockRef> more = new HashSet<>();
        writer.fs.visitLive(more::add);
        assertThat(more).containsAll(here);
        writer.fs.checkpoint();
        assertThat(heard).contains(writer.checkpoints.load());
    }

    private record OnlyNodes(io.ppiofs.blockstore.Blocks all) implements io.ppiofs.blockstore.Blocks {
        @Override
        public BlockRef write(io.ppiofs.blockstore.BlockType type, ByteBuffer plaintext) {
            throw new IllegalStateException("only read");
        }

        @Override
        public void read(io.ppiofs.blockstore.BlockType type, BlockRef ref, int offset, ByteBuffer dst) {
            if (type == io.ppiofs.blockstore.BlockType.DATA) {
                throw new PpiofsException(
                        ErrorKind.MISSING_BLOCK, "read", ref.cid().toString(), "no peer has it");
            }
            all.read(type, ref, offset, dst);
        }

        @Override
        public void sync() {
            throw new IllegalStateException("only read");
        }

        @Override
        public int blockSize() {
            return all.blockSize();
        }

        @Override
        public long storedLength(BlockRef ref) {
            return all.storedLength(ref);
        }

        @Override
        public long worstCaseCost(int plaintextLength) {
            return all.worstCaseCost(plaintextLength);
        }
    }

    private static void fails(@Nullable ErrorKind kind, ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(kind));
    }
}
