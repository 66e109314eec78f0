package io.ppiofs.fs.testing;

import io.ppiofs.fs.core.FileType;
import io.ppiofs.fs.testing.PosixSystem.Stat;

/** New files of every type: mode, owner, times, effect on the directory. */
final class CreateClauses extends Clauses {
    /** One way to make a file. */
    private record Maker(String name, FileType type, Make make) {}

    /** Makes a file with a mode at a path; 0 or errno. */
    @FunctionalInterface
    private interface Make {
        int at(String path, int mode);
    }

    CreateClauses(PosixSystem os) {
        super("create", os);
    }

    @Override
    void run() {
        Maker[] makers = {
            new Maker("open(O_CREAT)", FileType.REGULAR, os::create),
            new Maker("mkdir", FileType.DIRECTORY, os::mkdir),
            new Maker("mkfifo", FileType.FIFO, os::mkfifo),
            new Maker("mknod(S_IFREG)", FileType.REGULAR, (p, m) -> os.mknod(p, FileType.REGULAR.bits() | m, 0)),
            new Maker("mknod(S_IFSOCK)", FileType.SOCKET, (p, m) -> os.mknod(p, FileType.SOCKET.bits() | m, 0)),
        };
        for (Maker m : makers) {
            modes(m);
            owner(m);
            times(m);
            denied(m);
            setGidDirectory(m);
        }
        symlinks();
        links();
        devices();
        directories();
    }

    private void modes(Maker m) {
        for (int mode : new int[] {0, 0755, 0151, 0644, 0777}) {
            String p = fresh();
            ok(m.name() + " with mode " + Integer.toOctalString(mode), m.make().at(p, mode));
            octal(m.name() + " keeps the mode", mode, os.lstat(p).permissions());
            that(m.name() + " makes the type", os.lstat(p).type() == m.type());
        }
        for (int mask : new int[] {077, 070, 0501, 0777}) {
            String p = fresh();
            os.umask(mask);
            int result = m.make().at(p, 0777);
            os.umask(0);
            ok(m.name() + " under umask " + Integer.toOctalString(mask), result);
            octal(m.name() + " obeys umask", 0777 & ~mask, os.lstat(p).permissions());
        }
    }

    private void owner(Maker m) {
        String d = dir(0777);
        String p = d + "/x";
        ok(m.name() + " as another user", as(NOBODY, OTHER, () -> m.make().at(p, 0644)));
        same(m.name() + " takes the effective uid", NOBODY, os.lstat(p).uid());
        same(m.name() + " takes the effective gid", OTHER, os.lstat(p).gid());
    }

    private void times(Maker m) {
        String d = dir(0755);
        Change parent = across(d, () -> must(m.name(), m.make().at(d + "/x", 0644)));
        that(m.name() + " changes mtime of the directory", parent.mtime());
        that(m.name() + " changes ctime of the directory", parent.ctime());
        Stat s = os.lstat(d + "/x");
        long then = parent.before().ctime();
        that(m.name() + " sets atime", s.atime() > then);
        that(m.name() + " sets mtime", s.mtime() > then);
        that(m.name() + " sets ctime", s.ctime() > then);
        same(
                m.name() + " makes one link",
                m.type() == FileType.DIRECTORY ? os.lstat(d + "/x").nlink() : 1,
                s.nlink());
        Change failed = across(d, () -> m.make().at(d + "/x", 0644));
        that(m.name() + " that fails leaves mtime of the directory", !failed.mtime());
    }

    private void denied(Maker m) {
        String d = dir(0755, OTHER, OTHER);
        gives(m.name() + " without write permission", as(NOBODY, () -> m.make().at(d + "/x", 0644)), Errno.EACCES);
        String w = dir(0333, NOBODY, NOBODY);
        ok(m.name() + " needs no read permission", as(NOBODY, () -> m.make().at(w + "/x", 0644)));
        String g = dir(0070, OTHER, NOBODY);
        ok(m.name() + " by the group's right", as(NOBODY, () -> m.make().at(g + "/x", 0644)));
        String o = dir(0007, OTHER, OTHER);
        ok(m.name() + " by the right of others", as(NOBODY, () -> m.make().at(o + "/x", 0644)));
        String owned = dir(0077, NOBODY, NOBODY);
        gives(
                m.name() + " by the owner without right",
                as(NOBODY, () -> m.make().at(owned + "/x", 0644)),
                Errno.EACCES);
    }

    private void setGidDirectory(Maker m) {
        String d = dir(02777, OTHER, OTHER);
        must(m.name(), as(NOBODY, () -> m.make().at(d + "/x", 0644)));
        Stat s = os.lstat(d + "/x");
        same(m.name() + " in a set-gid directory takes its group", OTHER, s.gid());
        same(m.name() + " in a set-gid directory keeps the uid", NOBODY, s.uid());
        int inherited = m.type() == FileType.DIRECTORY ? 02644 : 0644;
        octal(m.name() + " in a set-gid directory", inherited, s.permissions());
    }

    private void symlinks() {
        String d = dir(0777);
        String p = d + "/x";
        Change parent = across(d, () -> must("symlink", as(NOBODY, () -> os.symlink("some/target", p))));
        that("symlink changes mtime of the directory", parent.mtime());
        that("symlink changes ctime of the directory", parent.ctime());
        that("symlink holds its target", "some/target".equals(os.readlink(p)));
        same("size of a symlink is the target's length", 11, os.lstat(p).size());
        that("lstat does not follow", os.lstat(p).type() == FileType.SYMLINK);
        same("owner of a symlink", NOBODY, os.lstat(p).uid());
        String longest = "t".repeat(4095);
        gives("symlink with an empty target", os.symlink("", fresh()), Errno.ENOENT);
        gives("symlink with a target of 4096 bytes", os.symlink(longest + "t", fresh()), Errno.ENAMETOOLONG);
        String target = "u".repeat(1000);
        String q = fresh();
        ok("symlink with a target of 1000 bytes", os.symlink(target, q));
        that("long target", target.equals(os.readlink(q)));
        gives("readlink of a file", os.readlink(file(0644)) == null ? os.lastErrno() : 0, Errno.EINVAL);
        gives("readlink of a directory", os.readlink(d) == null ? os.lastErrno() : 0, Errno.EINVAL);
        String closed = dir(0755, OTHER, OTHER);
        gives("symlink without permission", as(NOBODY, () -> os.symlink("x", closed + "/x")), Errno.EACCES);
    }

    private void links() {
        String d = dir(0755);
        for (FileType type : new FileType[] {FileType.REGULAR, FileType.FIFO, FileType.SOCKET}) {
            String p = fresh();
            must("mknod", os.mknod(p, type.bits() | 0644, 0));
            linkOf(type.name(), p, d + "/" + type);
        }
        String symlink = fresh();
        must("symlink", os.symlink("nowhere", symlink));
        linkOf("symlink", symlink, d + "/symlink");
        gives("link to a directory", os.link(d, fresh()), Errno.EPERM);
        String closed = dir(0755, OTHER, OTHER);
        String mine = file(0644, NOBODY, NOBODY);
        gives("link into a directory without permission", as(NOBODY, () -> os.link(mine, closed + "/x")), Errno.EACCES);
        gives("link across filesystems", os.link("/proc/version", fresh()), Errno.EXDEV);
    }

    private void linkOf(String what, String p, String second) {
        String d = second.substring(0, second.lastIndexOf('/'));
        Stat parentBefore = os.lstat(d);
        Change c = across(p, () -> ok("link of " + what, os.link(p, second)));
        same("link of " + what + " makes two", 2, c.after().nlink());
        same(
                "link of " + what + " is the same inode",
                c.after().ino(),
                os.lstat(second).ino());
        same("the other name shows two links", 2, os.lstat(second).nlink());
        that("link changes ctime of " + what, c.ctime());
        that("link leaves mtime of " + what, !c.mtime());
        that("link changes mtime of the directory", os.lstat(d).mtime() > parentBefore.mtime());
        that("link changes ctime of the directory", os.lstat(d).ctime() > parentBefore.ctime());
        Change again = across(p, () -> gives("link over a name", os.link(p, second), Errno.EEXIST));
        that("link that fails leaves ctime", !again.ctime());
        must("chown", os.lchown(second, 12, 34));
        same(
                "chown through one name shows through the other: uid",
                12,
                os.lstat(p).uid());
        same(
                "chown through one name shows through the other: gid",
                34,
                os.lstat(p).gid());
        Change removed = across(p, () -> ok("unlink of the second name", os.unlink(second)));
        same("unlink of one name leaves one", 1, removed.after().nlink());
        that("unlink of one name changes ctime through the other", removed.ctime());
        gives("the removed name", os.lstatErrno(second), Errno.ENOENT);
    }

    private void devices() {
        for (FileType type : new FileType[] {FileType.CHARACTER_DEVICE, FileType.BLOCK_DEVICE}) {
            long device = 0x12_03405L; // major 0x34, minor 0x12005 in the kernel's encoding
            String p = fresh();
            ok("mknod of a " + type, os.mknod(p, type.bits() | 0600, device));
            same("device number of a " + type, device, os.lstat(p).rdev());
            that("type of a " + type, os.lstat(p).type() == type);
            gives(
                    "mknod of a " + type + " by a user",
                    as(NOBODY, () -> os.mknod(fresh(), type.bits() | 0600, device)),
                    Errno.EPERM);
        }
    }

    private void directories() {
        String d = dir(0755);
        long before = os.lstat(d).nlink();
        must("mkdir", os.mkdir(d + "/sub", 0755));
        // Filesystems that count subdirectories say 2 and one more for each; others say 1.
        long expected = before == 1 ? 1 : before + 1;
        same("mkdir counts in the parent", expected, os.lstat(d).nlink());
        must("rmdir", os.rmdir(d + "/sub"));
        same("rmdir counts in the parent", before, os.lstat(d).nlink());
        same("the parent of a subdirectory", os.lstat(d).ino(), parentOfNew(d));
    }

    private long parentOfNew(String d) {
        must("mkdir", os.mkdir(d + "/sub", 0755));
        return os.lstat(d + "/sub/..").ino();
    }
}
