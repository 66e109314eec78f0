package io.ppiofs.fs.testing;

import io.ppiofs.fs.core.FileType;
import io.ppiofs.fs.testing.PosixSystem.Stat;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Random;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.ToIntFunction;

/**
 * What Linux has beside POSIX and its tools use: renameat2(2), O_TMPFILE, copy_file_range(2), SEEK_DATA, acl(5), set-ids
 * taken away by whoever changes the content, times of mapped pages.
 */
final class LinuxClauses extends Clauses {
    private static final int NOREPLACE = 1;
    private static final int EXCHANGE = 2;
    private static final int WHITEOUT = 4;
    private static final int O_TMPFILE = 020000000 | PosixSystem.O_DIRECTORY;
    private static final int SEEK_DATA = 3;
    private static final int SEEK_HOLE = 4;
    private static final String ACCESS = "system.posix_acl_access";
    private static final String DEFAULT = "system.posix_acl_default";
    private static final int USER_OBJ = 1;
    private static final int USER = 2;
    private static final int GROUP_OBJ = 4;
    private static final int MASK = 0x10;
    private static final int OTHERS = 0x20;
    private static final int IMMUTABLE = 0x10;
    private static final int APPEND_ONLY = 0x20;

    LinuxClauses(PosixSystem os) {
        super("linux", os);
    }

    @Override
    void run() {
        noReplace();
        exchange();
        whiteout();
        unnamedFiles();
        copies();
        sparseCopies();
        holes();
        accessLists();
        inheritedLists();
        malformedLists();
        setIds();
        linksOfWhatWasSetUid();
        mappedTimes();
        accessTimes();
        flags();
    }

    // ---- renameat2

    private void noReplace() {
        String a = file(0644);
        String b = file(0644);
        gives("RENAME_NOREPLACE onto a file", os.renameat2(a, b, NOREPLACE), Errno.EEXIST);
        gives("RENAME_NOREPLACE onto itself", os.renameat2(a, a, NOREPLACE), Errno.EEXIST);
        String c = fresh();
        long ino = os.stat(a).ino();
        ok("RENAME_NOREPLACE to a free name", os.renameat2(a, c, NOREPLACE));
        same("moves", ino, os.stat(c).ino());
        gives("takes the old name away", os.statErrno(a), Errno.ENOENT);
        gives("both flags", os.renameat2(b, c, NOREPLACE | EXCHANGE), Errno.EINVAL);
    }

    private void exchange() {
        String a = file(0644);
        String d = dir(0755);
        String parent = dir(0755);
        String inner = parent + "/inner";
        must("rename", os.rename(d, inner));
        long fileIno = os.stat(a).ino();
        long dirIno = os.stat(inner).ino();
        same("a parent counts its directories", 3, os.stat(parent).nlink());
        ok("RENAME_EXCHANGE of a file and a directory", os.renameat2(a, inner, EXCHANGE));
        same("the file is there", fileIno, os.stat(inner).ino());
        same("the directory is here", dirIno, os.stat(a).ino());
        same("and counts where it is", 2, os.stat(parent).nlink());
        gives("RENAME_EXCHANGE with nothing", os.renameat2(inner, fresh(), EXCHANGE), Errno.ENOENT);
        String above = dir(0755);
        must("mkdir", os.mkdir(above + "/below", 0755));
        gives(
                "RENAME_EXCHANGE of a directory and what is in it",
                os.renameat2(above, above + "/below", EXCHANGE),
                Errno.EINVAL);
        Change c = across(inner, () -> must("exchange", os.renameat2(inner, a, EXCHANGE)));
        that("RENAME_EXCHANGE changes ctime", os.stat(a).ctime() > c.before().ctime());
    }

    private void whiteout() {
        String parent = dir(0755);
        String a = parent + "/a";
        must("create", os.create(a, 0644));
        long ino = os.stat(a).ino();
        ok("RENAME_WHITEOUT to a free name", os.renameat2(a, parent + "/b", WHITEOUT));
        same("moves", ino, os.stat(parent + "/b").ino());
        Stat left = os.lstat(a);
        that("leaves a character device", left.type() == FileType.CHARACTER_DEVICE);
        same("of number 0:0", 0, left.rdev());
        octal("that nobody may open", 0, left.permissions());
        same("with one name", 1, left.nlink());
        gives(
                "RENAME_WHITEOUT with NOREPLACE onto it",
                os.renameat2(parent + "/b", a, WHITEOUT | NOREPLACE),
                Errno.EEXIST);
        gives("RENAME_WHITEOUT with EXCHANGE", os.renameat2(parent + "/b", a, WHITEOUT | EXCHANGE), Errno.EINVAL);
        ok("RENAME_WHITEOUT onto a whiteout", os.renameat2(parent + "/b", a, WHITEOUT));
        same("replaces it", ino, os.stat(a).ino());
        that("and leaves another", os.lstat(parent + "/b").type() == FileType.CHARACTER_DEVICE);
        must("mkdir", os.mkdir(parent + "/d", 0755));
        ok("RENAME_WHITEOUT of a directory", os.renameat2(parent + "/d", parent + "/e", WHITEOUT));
        same("whose parent has one directory", 3, os.stat(parent).nlink());
        ok("RENAME_WHITEOUT with NOREPLACE", os.renameat2(parent + "/e", parent + "/f", WHITEOUT | NOREPLACE));
        for (String gone : new String[] {"/a", "/b", "/d", "/e"}) {
            must("unlink", os.unlink(parent + gone));
        }
        must("rmdir", os.rmdir(parent + "/f"));
        ok("nothing else is left", os.rmdir(parent));
    }

    // ---- O_TMPFILE

    private void unnamedFiles() {
        String d = dir(0755);
        int fd = os.open(d, O_TMPFILE | PosixSystem.O_RDWR, 0640);
        that("O_TMPFILE", fd >= 0);
        if (fd < 0) {
            return;
        }
        Stat s = os.fstat(fd);
        same("has no name", 0, s.nlink());
        octal("has the mode", 0640, s.permissions());
        ok("is written", os.write(fd, new byte[] {1, 2, 3}));
        String name = d + "/named";
        ok("gets a name", os.linkOpen(fd, name));
        same("is one link now", 1, os.stat(name).nlink());
        same("is the same file", s.ino(), os.stat(name).ino());
        ok("gets another", os.linkOpen(fd, d + "/second"));
        same("is two links", 2, os.stat(name).nlink());
        ok("unlink", os.unlink(d + "/second"));
        ok("unlink of the last", os.unlink(name));
        gives("a removed file gets no name again", os.linkOpen(fd, name), Errno.ENOENT);
        that("is read all the same", Arrays.equals(new byte[] {1, 2, 3}, os.pread(fd, 10, 0)));
        os.close(fd);
        int exclusive = os.open(d, O_TMPFILE | PosixSystem.O_RDWR | PosixSystem.O_EXCL, 0600);
        gives("O_TMPFILE with O_EXCL gets no name", os.linkOpen(exclusive, name), Errno.ENOENT);
        os.close(exclusive);
        gives("O_TMPFILE in a file", os.tryOpen(file(0644), O_TMPFILE | PosixSystem.O_RDWR, 0600), Errno.ENOTDIR);
        gives(
                "O_TMPFILE without write permission",
                as(NOBODY, () -> os.tryOpen(d, O_TMPFILE | PosixSystem.O_RDWR, 0600)),
                Errno.EACCES);
        os.umask(027);
        int masked = os.open(d, O_TMPFILE | PosixSystem.O_RDWR, 0666);
        os.umask(0);
        octal("O_TMPFILE minds the umask", 0640, os.fstat(masked).permissions());
        os.close(masked);
        same("leaves the directory empty", 2, os.stat(d).nlink());
        ok("which can go", os.rmdir(d));
    }

    // ---- copy_file_range

    private static byte[] random(int n) {
        byte[] b = new byte[n];
        new Random(n).nextBytes(b);
        return b;
    }

    private int openWith(byte[] content) {
        int fd = os.open(file(0644), PosixSystem.O_RDWR, 0);
        for (int at = 0; at < content.length; at += 1 << 20) {
            byte[] part = Arrays.copyOfRange(content, at, Math.min(content.length, at + (1 << 20)));
            must("write", os.pwrite(fd, part, at));
        }
        return fd;
    }

    private byte[] all(int fd, int length) {
        ByteBuffer b = ByteBuffer.allocate(length);
        while (b.hasRemaining()) {
            byte[] part = os.pread(fd, Math.min(b.remaining(), 1 << 20), b.position());
            if (part.length == 0) {
                break;
            }
            b.put(part);
        }
        return Arrays.copyOf(b.array(), b.position());
    }

    private long copy(int from, long fromOffset, int to, long toOffset, long length) {
        long done = 0;
        while (done < length) {
            long n = os.copyRange(from, fromOffset + done, to, toOffset + done, length - done);
            if (n <= 0) {
                return n < 0 ? n : done;
            }
            done += n;
        }
        return done;
    }

    private void copies() {
        byte[] content = random(3_000_000);
        int from = openWith(content);
        int to = openWith(new byte[0]);
        same("copy_file_range of all", content.length, copy(from, 0, to, 0, content.length));
        that("is the same", Arrays.equals(content, all(to, content.length + 1)));
        byte[] expected = content.clone();
        System.arraycopy(content, 12_345, expected, 1_000_001, 700_000);
        same("copy_file_range between odd offsets", 700_000, copy(from, 12_345, to, 1_000_001, 700_000));
        that("lands where it belongs", Arrays.equals(expected, all(to, content.length + 1)));
        must("write", os.pwrite(to, new byte[5000], 4000));
        that("a write to the copy", Arrays.equals(new byte[5000], os.pread(to, 5000, 4000)));
        that("leaves the original", Arrays.equals(content, all(from, content.length + 1)));
        must("write", os.pwrite(from, new byte[9000], 2_000_000));
        Arrays.fill(expected, 4000, 9000, (byte) 0);
        that("a write to the original leaves the copy", Arrays.equals(expected, all(to, content.length + 1)));
        same("copy_file_range at the end", 0, copy(from, content.length, to, 0, 10));
        same("copy_file_range over the end", 100, copy(from, content.length - 100, to, 0, 5000));
        same("inside one file", 500_000, copy(to, 0, to, 2_500_000, 500_000));
        that("moves there", Arrays.equals(os.pread(to, 500_000, 0), os.pread(to, 500_000, 2_500_000)));
        int small = openWith(new byte[] {7, 8, 9});
        same("copy_file_range of little", 3, copy(small, 0, to, 1, 3));
        that("is the same", Arrays.equals(new byte[] {7, 8, 9}, os.pread(to, 3, 1)));
        os.close(small);
        os.close(from);
        os.close(to);
    }

    private void sparseCopies() {
        int from = openWith(new byte[0]);
        byte[] piece = random(200_000);
        must("write", os.pwrite(from, piece, 2_000_000));
        must("truncate", os.ftruncate(from, 4_000_000));
        byte[] junk = new byte[4_000_000];
        Arrays.fill(junk, (byte) 5);
        int to = openWith(junk);
        same("copy_file_range of a sparse file", 4_000_000, copy(from, 0, to, 0, 4_000_000));
        byte[] expected = new byte[4_000_000];
        System.arraycopy(piece, 0, expected, 2_000_000, piece.length);
        that("brings its holes, too", Arrays.equals(expected, all(to, 4_000_001)));
        os.close(from);
        os.close(to);
    }

    // ---- SEEK_DATA, SEEK_HOLE

    private void holes() {
        int fd = openWith(random(65_536));
        must("write", os.pwrite(fd, random(65_536), 4 << 20));
        must("truncate", os.ftruncate(fd, 8 << 20));
        same("SEEK_DATA in data", 10, os.lseek(fd, 10, SEEK_DATA));
        long hole = os.lseek(fd, 0, SEEK_HOLE);
        that("SEEK_HOLE finds one: " + hole, hole >= 65_536 && hole <= 4 << 20);
        long data = os.lseek(fd, 1 << 20, SEEK_DATA);
        that("SEEK_DATA finds some: " + data, data > 1 << 19 && data <= 4 << 20);
        same("SEEK_HOLE in a hole", 7 << 20, os.lseek(fd, 7 << 20, SEEK_HOLE));
        same("SEEK_DATA behind the last", -Errno.ENXIO.number(), os.lseek(fd, 7 << 20, SEEK_DATA));
        same("SEEK_DATA at the end", -Errno.ENXIO.number(), os.lseek(fd, 8 << 20, SEEK_DATA));
        same("SEEK_HOLE at the end", -Errno.ENXIO.number(), os.lseek(fd, 8 << 20, SEEK_HOLE));
        int last = (8 << 20) - 128;
        must("write", os.pwrite(fd, random(12), last));
        same("SEEK_HOLE in a block that has data", 8 << 20, os.lseek(fd, last, SEEK_HOLE));
        same("SEEK_DATA behind the bytes in it", last + 20, os.lseek(fd, last + 20, SEEK_DATA));
        os.close(fd);
    }

    // ---- acl

    /** Entries as triples of tag, permissions and id. */
    private static byte[] acl(int... entries) {
        ByteBuffer b = ByteBuffer.allocate(4 + entries.length / 3 * 8).order(ByteOrder.LITTLE_ENDIAN);
        b.putInt(2);
        for (int i = 0; i < entries.length; i += 3) {
            b.putShort((short) entries[i]).putShort((short) entries[i + 1]).putInt(entries[i + 2]);
        }
        return b.array();
    }

    private static byte[] forNobody(int owner, int nobody, int group, int mask, int others) {
        return acl(USER_OBJ, owner, -1, USER, nobody, NOBODY, GROUP_OBJ, group, -1, MASK, mask, -1, OTHERS, others, -1);
    }

    private void accessLists() {
        String f = file(0640);
        gives("opening without the right", as(NOBODY, () -> os.tryOpen(f, PosixSystem.O_RDWR, 0)), Errno.EACCES);
        Change c = across(f, () -> ok("setting an ACL", os.setxattr(f, ACCESS, forNobody(6, 6, 4, 6, 0), 0)));
        that("changes ctime", c.ctime());
        octal("shows its mask as the group's bits", 0660, os.stat(f).permissions());
        ok("opening as a named user", as(NOBODY, () -> os.tryOpen(f, PosixSystem.O_RDWR, 0)));
        gives("opening as another", as(OTHER, () -> os.tryOpen(f, PosixSystem.O_RDONLY, 0)), Errno.EACCES);
        ok("chmod", os.chmod(f, 0640));
        that("sets the mask", Arrays.equals(forNobody(6, 6, 4, 4, 0), os.getxattr(f, ACCESS, 200)));
        gives("so writing is refused", as(NOBODY, () -> os.tryOpen(f, PosixSystem.O_RDWR, 0)), Errno.EACCES);
        ok("reading is not", as(NOBODY, () -> os.tryOpen(f, PosixSystem.O_RDONLY, 0)));
        ok("a list of three entries", os.setxattr(f, ACCESS, acl(USER_OBJ, 7, -1, GROUP_OBJ, 5, -1, OTHERS, 1, -1), 0));
        octal("is the mode", 0751, os.stat(f).permissions());
        that("and no list", os.getxattr(f, ACCESS, 200) == null && os.lastErrno() == Errno.ENODATA.number());
        ok("removing what is not there", os.removexattr(f, ACCESS));
        String others = file(0666, OTHER, OTHER);
        gives(
                "setting another's ACL",
                as(NOBODY, () -> os.setxattr(others, ACCESS, forNobody(6, 6, 4, 6, 0), 0)),
                Errno.EPERM);
        String grouped = file(02755, NOBODY, OTHER);
        int set = as(NOBODY, () -> os.setxattr(grouped, ACCESS, forNobody(7, 7, 5, 7, 5), 0));
        ok("setting an ACL outside the file's group", set);
        octal("takes set-gid away", 0775, os.stat(grouped).permissions());
    }

    private void inheritedLists() {
        String d = dir(0755);
        byte[] list = forNobody(7, 7, 5, 7, 0);
        ok("setting a default ACL", os.setxattr(d, DEFAULT, list, 0));
        octal("leaves the mode", 0755, os.stat(d).permissions());
        String f = d + "/f";
        os.umask(077);
        must("create", os.create(f, 0664));
        must("mkdir", os.mkdir(d + "/d", 0777));
        os.umask(0);
        that("a new file inherits", Arrays.equals(forNobody(6, 7, 5, 6, 0), os.getxattr(f, ACCESS, 200)));
        octal("instead of minding the umask", 0660, os.stat(f).permissions());
        that("but no default", os.getxattr(f, DEFAULT, 200) == null);
        ok("and its user may", as(NOBODY, () -> os.tryOpen(f, PosixSystem.O_RDWR, 0)));
        that("a new directory inherits the default", Arrays.equals(list, os.getxattr(d + "/d", DEFAULT, 200)));
        that("and the list", Arrays.equals(list, os.getxattr(d + "/d", ACCESS, 200)));
        must("symlink", os.symlink("x", d + "/l"));
        octal("a symlink does not", 0777, os.lstat(d + "/l").permissions());
        ok("removing the default", os.removexattr(d, DEFAULT));
        os.umask(022);
        must("create", os.create(d + "/g", 0666));
        os.umask(0);
        octal("the umask counts again", 0644, os.stat(d + "/g").permissions());
    }

    private void malformedLists() {
        String f = file(0644);
        gives("a default ACL of a file", os.setxattr(f, DEFAULT, forNobody(6, 6, 4, 6, 0), 0), Errno.EACCES);
        gives("an ACL without its mask", os.setxattr(f, ACCESS, noMask(), 0), Errno.EINVAL);
        gives("an ACL of another shape", os.setxattr(f, ACCESS, new byte[] {2, 0, 0, 0, 1}, 0), Errno.EINVAL);
        octal("leaves the mode", 0644, os.stat(f).permissions());
    }

    private static byte[] noMask() {
        return acl(USER_OBJ, 6, -1, USER, 6, NOBODY, GROUP_OBJ, 4, -1, OTHERS, 0, -1);
    }

    // ---- set-ids

    private void setIds() {
        String truncated = file(06777, NOBODY, NOBODY);
        ok("truncate by a user", as(OTHER, () -> os.truncate(truncated, 100)));
        octal("clears set-uid and set-gid", 0777, os.stat(truncated).permissions());
        String opened = file(06777, NOBODY, NOBODY);
        ok("O_TRUNC by a user", as(OTHER, () -> os.tryOpen(opened, PosixSystem.O_WRONLY | PosixSystem.O_TRUNC, 0)));
        octal("clears them", 0777, os.stat(opened).permissions());
        String reserved = file(06777, NOBODY, NOBODY);
        int fd = os.open(reserved, PosixSystem.O_RDWR, 0);
        ok("fallocate by a user", as(OTHER, () -> os.fallocate(fd, 0, 0, 4096)));
        octal("clears them", 0777, os.stat(reserved).permissions());
        os.close(fd);
        String locking = file(02767, NOBODY, NOBODY);
        ok("truncate in the file's group", as(OTHER, NOBODY, () -> os.truncate(locking, 100)));
        octal("leaves set-gid without execution", 02767, os.stat(locking).permissions());
        int member = os.as(OTHER, OTHER, new int[] {NOBODY}, () -> os.truncate(locking, 50));
        ok("truncate by a member of the file's group", member);
        octal("leaves it, too", 02767, os.stat(locking).permissions());
        ok("chown by root", os.chown(locking, NOBODY, NOBODY));
        octal("leaves it, too", 02767, os.stat(locking).permissions());
        ok("truncate outside the group", as(OTHER, () -> os.truncate(locking, 10)));
        octal("clears it", 0767, os.stat(locking).permissions());
    }

    /** fs.protected_hardlinks: nobody links another's set-uid file, and a kernel judges by the mode that it remembers. */
    private void linksOfWhatWasSetUid() {
        int both = PosixSystem.O_RDWR;
        linked("O_TRUNC", f -> os.tryOpen(f, both | PosixSystem.O_TRUNC, 0));
        linked("write", f -> {
            int fd = os.open(f, both, 0);
            int errno = os.write(fd, new byte[] {1});
            os.close(fd);
            return errno;
        });
        linked("fallocate", f -> {
            int fd = os.open(f, both, 0);
            int errno = os.fallocate(fd, 0, 0, 4096);
            os.close(fd);
            return errno;
        });
        linked("truncate", f -> os.truncate(f, 1));
    }

    private void linked(String how, ToIntFunction<String> change) {
        String directory = dir(0777);
        String f = directory + "/program";
        must("create", os.create(f, 0));
        must("chown", os.lchown(f, NOBODY, NOBODY));
        must("chmod", os.chmod(f, 04777));
        ok(how + " by the owner of a set-uid file", as(NOBODY, () -> change.applyAsInt(f)));
        ok("lets others link it", as(OTHER, () -> os.link(f, directory + "/link")));
    }

    // ---- mappings

    private void mappedTimes() {
        String f = file(0644);
        int fd = os.open(f, PosixSystem.O_RDWR, 0);
        must("write", os.write(fd, new byte[8192]));
        Change c = across(f, () -> must("mmap", os.storeMapped(fd, 100, (byte) 42)));
        that("a store into a mapping, synced, changes mtime", c.mtime());
        that("and ctime", c.ctime());
        same("and is read", 42, os.pread(fd, 1, 100)[0]);
        must("write", os.pwrite(fd, new byte[] {43}, 200));
        same("a write is seen in a mapping", 43, os.loadMapped(fd, 200));
        os.close(fd);
    }

    // ---- access times

    private void accessTimes() {
        String f = file(0644);
        int fd = os.open(f, PosixSystem.O_RDWR, 0);
        must("write", os.write(fd, new byte[10]));
        os.close(fd);
        Change quiet = across(f, () -> readByte(f, PosixSystem.O_NOATIME));
        that("reading with O_NOATIME leaves atime", !quiet.atime());
        Change read = across(f, () -> readByte(f, 0));
        that("reading without it does not", read.atime());
        gives(
                "O_NOATIME by somebody else",
                as(NOBODY, () -> os.tryOpen(f, PosixSystem.O_RDONLY | PosixSystem.O_NOATIME, 0)),
                Errno.EPERM);
    }

    private void readByte(String path, int flags) {
        int fd = os.open(path, PosixSystem.O_RDONLY | flags, 0);
        must("read", os.readErrno(fd));
        os.close(fd);
    }

    // ---- file flags

    private void flags() {
        int fd = os.open(file(0644), PosixSystem.O_RDWR, 0);
        ok("setting the flags that a file has", os.keepFlags(fd));
        os.close(fd);
        if (!mayFlag()) {
            return; // root without CAP_LINUX_IMMUTABLE, as in a container
        }
        flagged(IMMUTABLE, this::immutableFile);
        flagged(APPEND_ONLY, this::appendOnlyFile);
        flaggedDirectory(IMMUTABLE, this::immutableDirectory);
        flaggedDirectory(APPEND_ONLY, this::appendOnlyDirectory);
    }

    private static boolean mayFlag() {
        try (java.util.stream.Stream<String> lines =
                java.nio.file.Files.lines(java.nio.file.Path.of("/proc/self/status"))) {
            return lines.filter(l -> l.startsWith("CapEff:"))
                    .allMatch(l -> (Long.parseUnsignedLong(l.substring(7).strip(), 16) >> 9 & 1) != 0);
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    /** Sets a flag on a file of three bytes with one name, and sees what both flags forbid. */
    private void flagged(int flag, BiConsumer<String, Integer> more) {
        String f = file(0666);
        int fd = os.open(f, PosixSystem.O_RDWR, 0);
        must("write", os.write(fd, new byte[] {1, 2, 3}));
        must("setxattr", os.setxattr(f, "trusted.before", new byte[] {1}, 0));
        gives("setting a flag as somebody else", as(NOBODY, () -> os.changeFlags(fd, flag, 0)), Errno.EPERM);
        Change set = across(f, () -> ok("setting a flag", os.changeFlags(fd, flag, 0)));
        that("changes ctime", set.ctime());
        that("and not mtime", !set.mtime());
        same("shows itself", flag, os.flags(fd) & (IMMUTABLE | APPEND_ONLY));
        Stat before = os.stat(f);
        gives("link", os.link(f, fresh()), Errno.EPERM);
        gives("unlink", os.unlink(f), Errno.EPERM);
        gives("rename", os.rename(f, fresh()), Errno.EPERM);
        gives("rename over it", os.rename(file(0644), f), Errno.EPERM);
        gives("exchange", os.renameat2(file(0644), f, EXCHANGE), Errno.EPERM);
        gives("chmod", os.chmod(f, 0600), Errno.EPERM);
        gives("chown", os.chown(f, NOBODY, NOBODY), Errno.EPERM);
        gives("truncate", os.truncate(f, 0), Errno.EPERM);
        gives("utimensat", os.utimens(f, 1, 1, 1, 1, 0), Errno.EPERM);
        gives("setxattr", os.setxattr(f, "trusted.after", new byte[] {1}, 0), Errno.EPERM);
        gives("removexattr", os.removexattr(f, "trusted.before"), Errno.EPERM);
        gives("setting an ACL", os.setxattr(f, ACCESS, forNobody(6, 6, 4, 6, 0), 0), Errno.EPERM);
        gives("open for writing", os.tryOpen(f, PosixSystem.O_RDWR, 0), Errno.EPERM);
        gives("O_TRUNC", os.tryOpen(f, PosixSystem.O_WRONLY | PosixSystem.O_TRUNC, 0), Errno.EPERM);
        gives("punching a hole", os.fallocate(fd, 3, 0, 4096), Errno.EPERM);
        ok("open for reading", os.tryOpen(f, PosixSystem.O_RDONLY, 0));
        same("nothing changes", before.ctime(), os.stat(f).ctime());
        more.accept(f, fd);
        ok("taking the flag off", os.changeFlags(fd, 0, flag));
        ok("lets it be opened", os.tryOpen(f, PosixSystem.O_RDWR, 0));
        ok("and go", os.unlink(f));
        os.close(fd);
    }

    private void immutableFile(String f, int fd) {
        gives(
                "O_APPEND to an immutable file",
                os.tryOpen(f, PosixSystem.O_WRONLY | PosixSystem.O_APPEND, 0),
                Errno.EPERM);
        gives("utimensat to now", os.utimens(f, 0, PosixSystem.UTIME_NOW, 0, PosixSystem.UTIME_NOW, 0), Errno.EPERM);
        gives("fallocate", os.fallocate(fd, 0, 0, 4096), Errno.EPERM);
        int source = openWith(new byte[] {7});
        same("copy_file_range", -Errno.EPERM.number(), os.copyRange(source, 0, fd, 0, 1));
        os.close(source);
        that("the content stays", Arrays.equals(new byte[] {1, 2, 3}, os.pread(fd, 10, 0)));
    }

    private void appendOnlyFile(String f, int fd) {
        gives("ftruncate", os.ftruncate(fd, 0), Errno.EPERM);
        ok("utimensat to now", os.utimens(f, 0, PosixSystem.UTIME_NOW, 0, PosixSystem.UTIME_NOW, 0));
        int end = os.open(f, PosixSystem.O_WRONLY | PosixSystem.O_APPEND, 0);
        that("O_APPEND to an append-only file", end >= 0);
        ok("a write to it", os.write(end, new byte[] {4}));
        os.close(end);
        that("is at the end", Arrays.equals(new byte[] {1, 2, 3, 4}, os.pread(fd, 10, 0)));
    }

    private void flaggedDirectory(int flag, Consumer<String> more) {
        String d = dir(0777);
        must("create", os.create(d + "/f", 0644));
        int fd = os.open(d, PosixSystem.O_RDONLY, 0);
        ok("setting a directory's flag", os.changeFlags(fd, flag, 0));
        gives("rmdir of it", os.rmdir(d), Errno.EPERM);
        gives("unlink in it", os.unlink(d + "/f"), Errno.EPERM);
        gives("rename out of it", os.rename(d + "/f", fresh()), Errno.EPERM);
        gives("rename over what is in it", os.rename(file(0644), d + "/f"), Errno.EPERM);
        gives("chmod of it", os.chmod(d, 0700), Errno.EPERM);
        ok("what is in it can be changed", os.truncate(d + "/f", 10));
        more.accept(d);
        ok("taking the flag off", os.changeFlags(fd, 0, flag));
        os.close(fd);
        ok("lets what is in it go", os.unlink(d + "/f"));
    }

    private void immutableDirectory(String d) {
        String n = d + "/new";
        gives("create in an immutable directory", os.create(n, 0644), Errno.EPERM);
        gives("mkdir", os.mkdir(n, 0755), Errno.EPERM);
        gives("symlink", os.symlink("x", n), Errno.EPERM);
        gives("link", os.link(file(0644), n), Errno.EPERM);
        gives("rename into it", os.rename(file(0644), n), Errno.EPERM);
        gives("O_TMPFILE", os.tryOpen(d, O_TMPFILE | PosixSystem.O_RDWR, 0600), Errno.EPERM);
    }

    private void appendOnlyDirectory(String d) {
        ok("create in an append-only directory", os.create(d + "/new", 0644));
        ok("rename into it", os.rename(file(0644), d + "/moved"));
    }
}
