package io.ppiofs.fs.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.core.FileSystemCore.WriteMode;
import io.ppiofs.fs.core.FileSystemCore.XattrMode;
import io.ppiofs.fs.testing.ModelFileSystem;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NamespaceTest {
    @TempDir
    Path directory;

    /** One file system of the pair, driven by paths so that inode numbers may differ. */
    private record Side(FileSystemCore fs) {
        Attr walk(List<String> path) {
            Attr at = fs.getattr(Ino.ROOT);
            for (String name : path) {
                at = fs.lookup(at.ino(), FileName.of(name));
            }
            return at;
        }

        Ino dir(List<String> path) {
            return walk(path).ino();
        }

        String stat(Attr a) {
            long size = a.type() == FileType.DIRECTORY ? 0 : a.size();
            return a.type() + " " + Integer.toOctalString(a.mode()) + " " + a.nlink() + " " + a.uid() + ":" + a.gid()
                    + " " + size + " " + a.rdev();
        }

        String content(Ino ino, long size) {
            OpenFile f = fs.open(Caller.ROOT, ino, OpenFlags.ofLinux(0));
            ByteBuffer b = ByteBuffer.allocate((int) size);
            fs.read(f, 0, b);
            fs.release(f);
            return java.util.Arrays.hashCode(b.array()) + "/" + b.position();
        }

        /** Everything below a directory: path to what it is. */
        Map<String, String> tree() {
            Map<String, String> all = new TreeMap<>();
            collect("", Ino.ROOT, all);
            return all;
        }

        private void collect(String path, Ino ino, Map<String, String> all) {
            Map<String, Ino> children = new HashMap<>();
            OpenDirectory d = fs.opendir(ino);
            fs.readdir(d, 0, (name, child, type, cookie) -> {
                if (!name.toString().equals(".") && !name.toString().equals("..")) {
                    assertThat(children.put(name.toString(), child))
                            .as("listed once")
                            .isNull();
                }
                return true;
            });
            fs.releasedir(d);
            children.forEach((name, child) -> {
                Attr a = fs.getattr(child);
                String what = stat(a);
                if (a.type() == FileType.REGULAR) {
                    what += " " + content(child, a.size());
                } else if (a.type() == FileType.SYMLINK) {
                    what += " -> " + new String(fs.readlink(child), java.nio.charset.StandardCharsets.UTF_8);
                }
                List<String> xattrs = new ArrayList<>();
                for (FileName x : fs.listxattr(child)) {
                    xattrs.add(x + "=" + java.util.Arrays.hashCode(fs.getxattr(child, x)));
                }
                xattrs.sort(null);
                all.put(path + "/" + name, what + " " + xattrs);
                if (a.type() == FileType.DIRECTORY) {
                    collect(path + "/" + name, child, all);
                }
            });
        }
    }

    private static String outcome(Side side, Function<Side, String> op) {
        try {
            return op.apply(side);
        } catch (PpiofsException e) {
            return "errno " + e.kind().errno();
        }
    }

    /** Owner, perhaps somebody else, group, mask, others; sometimes nonsense. */
    private static byte[] acl(Random random) {
        int[] tags = random.nextBoolean() ? new int[] {1, 2, 4, 0x10, 0x20} : new int[] {1, 4, 0x20};
        ByteBuffer b = ByteBuffer.allocate(4 + 8 * tags.length).order(java.nio.ByteOrder.LITTLE_ENDIAN);
        b.putInt(2);
        for (int tag : tags) {
            b.putShort((short) tag).putShort((short) random.nextInt(random.nextInt(10) == 0 ? 9 : 8));
            b.putInt(tag == 2 ? 5 : -1);
        }
        return b.array();
    }

    /** Owner, {@code users} others, group, mask, others. */
    private static byte[] aclOf(int users) {
        ByteBuffer b = ByteBuffer.allocate(4 + 8 * (users + 4)).order(java.nio.ByteOrder.LITTLE_ENDIAN);
        b.putInt(2).putShort((short) 1).putShort((short) 7).putInt(-1);
        for (int i = 0; i < users; i++) {
            b.putShort((short) 2).putShort((short) 5).putInt(1000 + i);
        }
        for (int tag : new int[] {4, 0x10, 0x20}) {
            b.putShort((short) tag).putShort((short) 5).putInt(-1);
        }
        return b.array();
    }

    @Test
    void anInodeThatIsGoneIsNotFoundAndNoMissingBlock() {
        CoreFixture core = new CoreFixture(directory);
        try {
            assertThatThrownBy(() -> core.fs.open(Caller.ROOT, new Ino(12_345), OpenFlags.ofLinux(2)))
                    .isInstanceOfSatisfying(
                            PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.NOT_FOUND));
        } finally {
            core.fs.close();
        }
    }

    @Test
    void anInodeKnowsWhenItWasMade() {
        CoreFixture core = new CoreFixture(directory);
        Timestamp before = core.fs.getattr(Ino.ROOT).btime();
        OpenFile f = core.create("f");
        core.fs.release(f);
        Timestamp born = core.lookup("f").btime();
        assertThat(born).isNotNull().isGreaterThanOrEqualTo(before);
        core.fs.setattr(
                Caller.ROOT,
                core.lookup("f").ino(),
                new SetAttr(0600, null, null, null, new Timestamp(5, 5), new Timestamp(6, 6), null));
        core.reopen();
        assertThat(core.lookup("f").btime()).isEqualTo(born);
        assertThat(core.fs.getattr(Ino.ROOT).btime()).isEqualTo(before);
        core.fs.close();
    }

    @Test
    void anAclOfFiveHundredEntriesIsInheritedAndFollowsTheModeAndALongerOneIsRefused(@TempDir Path directory) {
        CoreFixture core = new CoreFixture(directory);
        byte[] longest = aclOf(496);
        assertThatThrownBy(() -> core.fs.setxattr(Caller.ROOT, Ino.ROOT, PosixAcl.DEFAULT, aclOf(497), XattrMode.SET))
                .isInstanceOfSatisfying(
                        PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.NO_SPACE));
        core.fs.setxattr(Caller.ROOT, Ino.ROOT, PosixAcl.DEFAULT, longest, XattrMode.SET);
        OpenFile file = core.create("a");
        core.fs.release(file);
        core.fs.setattr(Caller.ROOT, file.ino(), new SetAttr(0750, null, null, null, null, null));
        byte[] expected = longest.clone();
        expected[longest.length - 6] = 0; // chmod took it from the others
        core.reopen();
        assertThat(core.fs.getxattr(Ino.ROOT, PosixAcl.DEFAULT)).isEqualTo(longest);
        assertThat(core.fs.getxattr(core.lookup("a").ino(), PosixAcl.ACCESS)).isEqualTo(expected);
        core.fs.close();
    }

    private static Function<Side, String> operation(Random random) {
        List<String> names = List.of("a", "b", "c", "d");
        List<String> dir = new ArrayList<>();
        for (int depth = random.nextInt(3); depth > 0; depth--) {
            dir.add(names.get(random.nextInt(names.size())));
        }
        List<String> dir2 = new ArrayList<>();
        for (int depth = random.nextInt(3); depth > 0; depth--) {
            dir2.add(names.get(random.nextInt(names.size())));
        }
        FileName name = FileName.of(names.get(random.nextInt(names.size())));
        FileName name2 = FileName.of(names.get(random.nextInt(names.size())));
        Caller caller = new Caller(random.nextInt(3), random.nextInt(3), 1, random.nextInt(0100), List.of());
        int mode = random.nextInt(010000);
        int n = random.nextInt(6000);
        byte[] bytes = new byte[n];
        random.nextBytes(bytes);
        int offset = random.nextInt(9000);
        switch (random.nextInt(20)) {
            case 0, 1 -> {
                return s -> s.stat(s.fs.mkdir(caller, s.dir(dir), name, mode));
            }
            case 2, 3 -> {
                return s -> {
                    FileSystemCore.Created c = s.fs.create(caller, s.dir(dir), name, mode, OpenFlags.ofLinux(2));
                    s.fs.write(c.file(), offset, ByteBuffer.wrap(bytes));
                    s.fs.release(c.file());
                    return s.stat(s.fs.getattr(c.attr().ino()));
                };
            }
            case 4 -> {
                return s -> {
                    s.fs.unlink(caller, s.dir(dir), name);
                    return "gone";
                };
            }
            case 5 -> {
                return s -> {
                    s.fs.rmdir(caller, s.dir(dir), name);
                    return "gone";
                };
            }
            case 6, 7, 8 -> {
                RenameMode how = RenameMode.values()[random.nextInt(10) < 7 ? 0 : 1 + random.nextInt(4)];
                return s -> {
                    s.fs.rename(caller, s.dir(dir), name, s.dir(dir2), name2, how);
                    return "moved";
                };
            }
            case 9 -> {
                return s -> {
                    List<String> path = new ArrayList<>(dir2);
                    path.add(name2.toString());
                    return s.stat(s.fs.link(caller, s.walk(path).ino(), s.dir(dir), name));
                };
            }
            case 10 -> {
                byte[] target = new byte[1 + random.nextInt(900)];
                java.util.Arrays.fill(target, (byte) 'x');
                return s -> s.stat(s.fs.symlink(caller, s.dir(dir), name, target));
            }
            case 11 -> {
                return s -> s.stat(s.fs.mknod(caller, s.dir(dir), name, FileType.FIFO.bits() | mode, 0));
            }
            case 12 -> {
                SetAttr change = new SetAttr(
                        random.nextBoolean() ? mode : null,
                        random.nextBoolean() ? random.nextInt(5) : null,
                        random.nextBoolean() ? random.nextInt(5) : null,
                        null,
                        null,
                        null);
                return s -> {
                    List<String> path = new ArrayList<>(dir);
                    path.add(name.toString());
                    return s.stat(s.fs.setattr(caller, s.walk(path).ino(), change));
                };
            }
            case 13 -> {
                FileName x = FileName.of("user." + names.get(random.nextInt(names.size())));
                XattrMode how = XattrMode.values()[random.nextInt(3)];
                return s -> {
                    List<String> path = new ArrayList<>(dir);
                    path.add(name.toString());
                    s.fs.setxattr(caller, s.walk(path).ino(), x, bytes, how);
                    return "set";
                };
            }
            case 14 -> {
                FileName x = FileName.of("user." + names.get(random.nextInt(names.size())));
                return s -> {
                    List<String> path = new ArrayList<>(dir);
                    path.add(name.toString());
                    s.fs.removexattr(caller, s.walk(path).ino(), x);
                    return "removed";
                };
            }
            case 15 -> {
                boolean named = random.nextBoolean();
                return s -> {
                    FileSystemCore.Created c = s.fs.tmpfile(caller, s.dir(dir), mode, OpenFlags.ofLinux(2));
                    s.fs.write(c.file(), offset, ByteBuffer.wrap(bytes));
                    Attr a = s.fs.getattr(c.attr().ino());
                    try {
                        return s.stat(named ? s.fs.link(caller, a.ino(), s.dir(dir2), name2) : a);
                    } finally {
                        s.fs.release(c.file());
                    }
                };
            }
            case 16 -> {
                FileName which = random.nextBoolean() ? PosixAcl.ACCESS : PosixAcl.DEFAULT;
                byte[] acl = acl(random);
                return s -> {
                    List<String> path = new ArrayList<>(dir);
                    path.add(name.toString());
                    s.fs.setxattr(caller, s.walk(path).ino(), which, acl, XattrMode.SET);
                    return "set";
                };
            }
            case 17 -> {
                FileName which = random.nextBoolean() ? PosixAcl.ACCESS : PosixAcl.DEFAULT;
                return s -> {
                    List<String> path = new ArrayList<>(dir);
                    path.add(name.toString());
                    s.fs.removexattr(caller, s.walk(path).ino(), which);
                    return "removed";
                };
            }
            case 18 -> {
                return s -> {
                    List<String> path = new ArrayList<>(dir);
                    path.add(name.toString());
                    List<String> path2 = new ArrayList<>(dir2);
                    path2.add(name2.toString());
                    Attr from = s.walk(path);
                    Attr to = s.walk(path2);
                    if (from.type() != FileType.REGULAR
                            || to.type() != FileType.REGULAR
                            || from.ino().equals(to.ino())) {
                        return "nothing to copy";
                    }
                    OpenFile source = s.fs.open(caller, from.ino(), OpenFlags.ofLinux(0));
                    OpenFile target = s.fs.open(caller, to.ino(), OpenFlags.ofLinux(1));
                    try {
                        return s.fs.copyRange(source, offset / 2, target, offset, n) + " copied";
                    } finally {
                        s.fs.release(source);
                        s.fs.release(target);
                    }
                };
            }
            default -> {
                return s -> {
                    List<String> path = new ArrayList<>(dir);
                    path.add(name.toString());
                    Attr a = s.walk(path);
                    return s.stat(
                            s.fs.setattr(caller, a.ino(), new SetAttr(null, null, null, (long) offset, null, null)));
                };
            }
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void randomOperationsMatchTheModel(long seed) {
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        CoreFixture core = new CoreFixture(directory);
        try {
            Side model = new Side(new ModelFileSystem());
            for (int step = 0; step < 2500; step++) {
                Function<Side, String> op = operation(random);
                String expected = outcome(model, op);
                String actual = outcome(new Side(core.fs), op);
                assertThat(actual).as("seed " + seed + " step " + step).isEqualTo(expected);
                int event = random.nextInt(300);
                if (event == 0) {
                    core.reopen();
                } else if (event == 1) {
                    core.fs.syncfs();
                    core.powerCut();
                } else if (event == 2) {
                    core.fs.checkpoint();
                }
                if (step % 250 == 0) {
                    assertThat(new Side(core.fs).tree())
                            .as("seed " + seed + " step " + step)
                            .isEqualTo(model.tree());
                }
            }
            core.reopen();
            assertThat(new Side(core.fs).tree()).isEqualTo(model.tree());
        } finally {
            core.fs.close();
        }
    }

    /** Paths, types and modes; content and sizes follow another promise. */
    private static String names(VolumeFileSystem fs) {
        StringBuilder all = new StringBuilder();
        new Side(fs).tree().forEach((path, what) -> {
            String[] words = what.split(" ", 3);
            all.append(path)
                    .append(' ')
                    .append(words[0])
                    .append(' ')
                    .append(words[1])
                    .append('\n');
        });
        return all.toString();
    }

    @ParameterizedTest
    @ValueSource(longs = {11, 12, 13, 14, 15, 16})
    void afterAPowerCutAPrefixOfTheOperationsIsThereWithEverythingBeforeTheLastFsync(long seed) {
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        CoreFixture core = new CoreFixture(directory);
        try {
            for (int round = 0; round < 12; round++) {
                List<String> history = new ArrayList<>(List.of(names(core.fs)));
                int synced = 0;
                for (int step = random.nextInt(60); step >= 0; step--) {
                    outcome(new Side(core.fs), operation(random));
                    history.add(names(core.fs));
                    int event = random.nextInt(20);
                    if (event == 0) {
                        core.fs.fsyncdir(core.fs.opendir(Ino.ROOT));
                        synced = history.size() - 1;
                    } else if (event == 1) {
                        core.fs.syncfs();
                        synced = history.size() - 1;
                    } else if (event == 2) {
                        core.fs.checkpoint();
                        synced = history.size() - 1;
                    }
                }
                if (random.nextBoolean()) {
                    core.powerCut();
                } else {
                    core.kill();
                }
                assertThat(history.subList(synced, history.size()))
                        .as("seed " + seed + " round " + round)
                        .contains(names(core.fs));
            }
        } finally {
            core.fs.close();
        }
    }

    @Test
    void theRootOfANewVolumeBelongsToWhoMadeItAndStaysHis() {
        CoreFixture fixture = new CoreFixture(directory, CoreOptions.defaults().withOwner(new Caller(1234, 5678, 1)));
        fixture.reopen();
        Attr root = fixture.fs.getattr(Ino.ROOT);
        assertThat(root.uid()).isEqualTo(1234);
        assertThat(root.gid()).isEqualTo(5678);
        fixture.fs.close();
    }

    @Test
    void aFileKnowsItsNames() {
        CoreFixture core = new CoreFixture(directory);
        try {
            Ino f = core.create("a").ino();
            Ino d = core.fs.mkdir(Caller.ROOT, Ino.ROOT, FileName.of("d"), 0755).ino();
            assertThat(core.fs.names(f, 9)).containsExactly(name(Ino.ROOT, "a"));
            assertThat(core.fs.names(d, 9)).containsExactly(name(Ino.ROOT, "d"));
            assertThat(core.fs.names(Ino.ROOT, 9)).isEmpty();
            core.fs.link(Caller.ROOT, f, d, FileName.of("b"));
            core.fs.link(Caller.ROOT, f, d, FileName.of("c"));
            core.fs.checkpoint();
            assertThat(core.fs.names(f, 9)).containsExactlyInAnyOrder(name(Ino.ROOT, "a"), name(d, "b"), name(d, "c"));
            assertThat(core.fs.names(f, 2)).hasSize(2);
            core.fs.unlink(Caller.ROOT, Ino.ROOT, FileName.of("a"));
            core.fs.rename(Caller.ROOT, d, FileName.of("b"), Ino.ROOT, FileName.of("e"), RenameMode.REPLACE);
            assertThat(core.fs.names(f, 9)).containsExactlyInAnyOrder(name(Ino.ROOT, "e"), name(d, "c"));
            core.fs.unlink(Caller.ROOT, Ino.ROOT, FileName.of("e"));
            core.fs.unlink(Caller.ROOT, d, FileName.of("c"));
            assertThat(core.fs.names(f, 9)).isEmpty();
        } finally {
            core.fs.close();
        }
    }

    private static FileSystemCore.Name name(Ino parent, String name) {
        return new FileSystemCore.Name(parent, FileName.of(name));
    }

    @Test
    void anOpenFileWithoutANameLivesUntilItIsReleased() {
        CoreFixture core = new CoreFixture(directory);
        try {
            OpenFile f = core.create("a");
            core.write(f, 0, new byte[] {1, 2, 3});
            core.fs.unlink(Caller.ROOT, Ino.ROOT, FileName.of("a"));
            core.fs.forget(f.ino(), 1);
            assertThat(core.fs.getattr(f.ino()).nlink()).isZero();
            core.fs.checkpoint();
            assertThat(core.read(f, 0, 10)).containsExactly(1, 2, 3);
            core.fs.release(f);
            org.awaitility.Awaitility.await()
                    .until(() -> core.fs.stats().files() == 1 && core.fs.stats().openFiles() == 0);
        } finally {
            core.fs.close();
        }
    }

    @Test
    void aFileMadeWithoutANameMayGetOneAndGoesWithACrashOtherwise() {
        CoreFixture core = new CoreFixture(directory);
        try {
            FileSystemCore.Created named = core.fs.tmpfile(Caller.ROOT, Ino.ROOT, 0600, OpenFlags.ofLinux(2));
            FileSystemCore.Created lost = core.fs.tmpfile(Caller.ROOT, Ino.ROOT, 0600, OpenFlags.ofLinux(2));
            core.write(named.file(), 0, new byte[] {1, 2, 3});
            core.write(lost.file(), 0, new byte[300_000]);
            core.fs.link(Caller.ROOT, named.attr().ino(), Ino.ROOT, FileName.of("a"));
            core.fs.syncfs();
            core.powerCut();
            assertThat(core.readAll("a")).containsExactly(1, 2, 3);
            assertThat(core.fs.stats().files()).isEqualTo(2);
        } finally {
            core.fs.close();
        }
    }

    @Test
    void anInodeWithoutANameIsFoundByItsNumberOnlyWhileItIsOpen() {
        CoreFixture core = new CoreFixture(directory);
        try {
            OpenFile f = core.create("a");
            core.fs.unlink(Caller.ROOT, Ino.ROOT, FileName.of("a"));
            assertThat(core.fs.reference(f.ino()).nlink()).isZero();
            core.fs.release(f);
            assertThatThrownBy(() -> core.fs.reference(f.ino()))
                    .isInstanceOfSatisfying(
                            PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.NOT_FOUND));
            core.fs.forget(f.ino(), 2); // of create and of the reference that was given
            org.awaitility.Awaitility.await().until(() -> core.fs.stats().files() == 1);
        } finally {
            core.fs.close();
        }
    }

    @Test
    void labelsComeWithTheInodeInOneTransaction() {
        CoreFixture core = new CoreFixture(directory);
        try {
            FileName label = FileName.of("security.selinux");
            byte[] context = new byte[SecurityLabel.MAX_VALUE];
            new Random(7).nextBytes(context);
            Caller caller = new Caller(5, 6, 0, 0, List.of(new SecurityLabel(label, context)));
            Map<String, Ino> made = new TreeMap<>();
            made.put(
                    "f",
                    core.fs.mknod(caller, Ino.ROOT, FileName.of("f"), 0644, 0).ino());
            made.put(
                    "d", core.fs.mkdir(caller, Ino.ROOT, FileName.of("d"), 0755).ino());
            made.put(
                    "l",
                    core.fs
                            .symlink(caller, Ino.ROOT, FileName.of("l"), new byte[] {'x'})
                            .ino());
            made.put(
                    "c",
                    core.fs
                            .create(caller, Ino.ROOT, FileName.of("c"), 0644, OpenFlags.ofLinux(2))
                            .attr()
                            .ino());
            OpenFile unnamed = core.fs
                    .tmpfile(caller, Ino.ROOT, 0644, OpenFlags.ofLinux(2))
                    .file();
            core.fs.link(caller, unnamed.ino(), Ino.ROOT, FileName.of("t"));
            made.put("t", unnamed.ino());
            core.fs.fsync(unnamed, false);
            core.powerCut();
            made.forEach((name, ino) -> {
                assertThat(core.lookup(name).ino()).isEqualTo(ino);
                assertThat(core.fs.getxattr(ino, label)).as(name).isEqualTo(context);
            });
            core.reopen();
            made.forEach((name, ino) ->
                    assertThat(core.fs.getxattr(ino, label)).as(name).isEqualTo(context));
        } finally {
            core.fs.close();
        }
    }

    @Test
    void flagsLastAndAreRootsToChange() {
        CoreFixture core = new CoreFixture(directory);
        try {
            OpenFile f = core.create("a");
            core.write(f, 0, new byte[] {1, 2, 3});
            InodeFlags both = new InodeFlags(true, true);
            Caller other = new Caller(1000, 1000, 0);
            assertThat(core.fs.inodeFlags(f.ino())).isEqualTo(InodeFlags.NONE);
            core.fs.inodeFlags(other, f.ino(), InodeFlags.NONE); // no change
            refused(() -> core.fs.inodeFlags(other, f.ino(), both));
            core.fs.inodeFlags(Caller.ROOT, f.ino(), both);
            refused(() -> core.write(f, 0, new byte[] {4}));
            refused(() -> core.fs.write(f, 0, ByteBuffer.allocate(1), WriteMode.APPENDED));
            assertThat(core.fs.write(f, 3, ByteBuffer.wrap(new byte[] {4}), WriteMode.WRITTEN_BACK))
                    .isEqualTo(3);
            core.fs.syncfs();
            core.powerCut();
            assertThat(core.fs.inodeFlags(f.ino())).as("replayed").isEqualTo(both);
            core.reopen();
            assertThat(core.fs.inodeFlags(f.ino())).as("in the tree").isEqualTo(both);
            assertThat(core.readAll("a")).containsExactly(1, 2, 3, 4);
            refused(() -> core.fs.unlink(Caller.ROOT, Ino.ROOT, FileName.of("a")));
            core.fs.inodeFlags(Caller.ROOT, f.ino(), InodeFlags.NONE);
            core.fs.unlink(Caller.ROOT, Ino.ROOT, FileName.of("a"));
        } finally {
            core.fs.close();
        }
    }

    private static void refused(org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.NOT_PERMITTED));
    }

    @Test
    void anOrphanLeftByACrashIsReapedAtTheNextStart() {
        CoreFixture core = new CoreFixture(directory);
        try {
            OpenFile f = core.create("a");
            core.write(f, 0, new byte[200_000]);
            core.fs.fsync(f, false);
            core.fs.unlink(Caller.ROOT, Ino.ROOT, FileName.of("a"));
            core.fs.syncfs();
            core.powerCut();
            assertThat(core.fs.stats().files()).isEqualTo(1);
        } finally {
            core.fs.close();
        }
    }

    @Test
    void anotherProcessGoesOnWithWhatHasNoName() {
        CoreFixture core = new CoreFixture(directory);
        try {
            Map<String, Ino> inos = new HashMap<>();
            for (String name : List.of("open", "known", "dropped")) {
                OpenFile f = core.create(name);
                core.write(f, 0, new byte[] {1, 2, 3});
                core.fs.unlink(Caller.ROOT, Ino.ROOT, FileName.of(name));
                inos.put(name, f.ino());
            }
            Ino unnamed = core.fs
                    .tmpfile(Caller.ROOT, Ino.ROOT, 0644, OpenFlags.ofLinux(2))
                    .file()
                    .ino();
            List<Ino> all = core.fs.unnamed();
            assertThat(all).containsExactly(unnamed);

            core.resume();
            core.fs.known(inos.get("known"), 2);
            core.fs.known(unnamed, 1);
            OpenFile open = core.fs.open(Caller.ROOT, inos.get("open"), OpenFlags.ofLinux(2));
            core.fs.resumed(all);
            assertThat(core.read(open, 0, 9)).containsExactly(1, 2, 3);
            assertThat(core.fs.getattr(inos.get("known")).size()).isEqualTo(3);
            assertThatThrownBy(() -> core.fs.getattr(inos.get("dropped"))).isInstanceOf(PpiofsException.class);
            assertThatThrownBy(() -> core.fs.link(Caller.ROOT, inos.get("open"), Ino.ROOT, FileName.of("no")))
                    .isInstanceOf(PpiofsException.class);
            core.fs.link(Caller.ROOT, unnamed, Ino.ROOT, FileName.of("named"));

            core.fs.forget(inos.get("known"), 2);
            core.fs.release(open);
            core.reopen(); // waits for what is done in the background
            assertThat(core.fs.stats().files()).as("root and the named one").isEqualTo(2);
        } finally {
            core.fs.close();
        }
    }

    @Test
    void cookiesStayTrueWhileOthersRemoveEntries() {
        CoreFixture core = new CoreFixture(directory);
        try {
            for (int i = 0; i < 500; i++) {
                core.fs.release(core.create("f" + i));
            }
            List<String> seen = new ArrayList<>();
            long[] cookie = {0};
            OpenDirectory d = core.fs.opendir(Ino.ROOT);
            boolean[] more = {true};
            for (int round = 0; more[0]; round++) {
                int[] taken = {0};
                more[0] = false;
                core.fs.readdir(d, cookie[0], (name, ino, type, next) -> {
                    if (taken[0] == 7) {
                        more[0] = true;
                        return false;
                    }
                    taken[0]++;
                    cookie[0] = next;
                    seen.add(name.toString());
                    return true;
                });
                if (round % 5 == 0) {
                    for (String gone : seen.subList(Math.max(0, seen.size() - 3), seen.size())) {
                        if (gone.startsWith("f")) {
                            core.fs.unlink(Caller.ROOT, Ino.ROOT, FileName.of(gone));
                        }
                    }
                    core.fs.checkpoint();
                }
            }
            assertThat(seen).doesNotHaveDuplicates().hasSize(502);
        } finally {
            core.fs.close();
        }
    }
}
