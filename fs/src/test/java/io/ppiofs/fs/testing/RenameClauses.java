package io.ppiofs.fs.testing;

import io.ppiofs.fs.testing.PosixSystem.Stat;

/** rename(2). */
final class RenameClauses extends Clauses {
    RenameClauses(PosixSystem os) {
        super("rename", os);
    }

    @Override
    void run() {
        moves();
        replacing();
        directories();
        twoNames();
        permissions();
        special();
    }

    private String entry(String d, String name, int type) {
        String p = d + "/" + name;
        must("entry", (type & 0170000) == 0040000 ? os.mkdir(p, 0755) : os.mknod(p, type, 0));
        return p;
    }

    private void moves() {
        for (int type : new int[] {0100644, 0010644, 0140644, 0040755}) {
            String from = dir(0755);
            String to = dir(0755);
            String p = entry(from, "x", type);
            Stat s = os.lstat(p);
            Stat fromBefore = os.lstat(from);
            Change c = across(to, () -> ok("rename of " + Integer.toOctalString(type), os.rename(p, to + "/y")));
            gives("the old name is gone", os.lstatErrno(p), Errno.ENOENT);
            Stat after = os.lstat(to + "/y");
            same("the inode is the same", s.ino(), after.ino());
            octal("the mode is the same", s.mode(), after.mode());
            that("ctime of the renamed file changes", after.ctime() > s.ctime());
            that("mtime of the renamed file stays", after.mtime() == s.mtime());
            that("mtime of the new directory changes", c.mtime());
            that("ctime of the new directory changes", c.ctime());
            that("mtime of the old directory changes", os.lstat(from).mtime() > fromBefore.mtime());
            that("ctime of the old directory changes", os.lstat(from).ctime() > fromBefore.ctime());
        }
        String target = file(0644);
        String link = fresh();
        os.symlink(target, link);
        String moved = fresh();
        ok("rename of a symlink", os.rename(link, moved));
        that("moves the link itself", target.equals(os.readlink(moved)));
        String over = fresh();
        os.symlink(target, over);
        ok("rename over a symlink", os.rename(file(0600), over));
        octal("replaces the link itself", 0100600, os.lstat(over).mode());
    }

    private void replacing() {
        String a = file(0644);
        String b = file(0644);
        String second = fresh();
        must("link", os.link(b, second));
        Change c = across(second, () -> ok("rename over a file", os.rename(a, b)));
        same("the replaced file loses a link", 1, c.after().nlink());
        that("ctime of the replaced file changes", c.ctime());
        int fd = os.open(second, PosixSystem.O_RDWR, 0);
        ok("rename over an open file", os.rename(b, second));
        same("which then has no links", 0, os.fstat(fd).nlink());
        ok("and stays writable", os.write(fd, new byte[10]));
        os.close(fd);
        gives("rename of a file over a directory", os.rename(file(0644), dir(0755)), Errno.EISDIR);
        gives("rename of a directory over a file", os.rename(dir(0755), file(0644)), Errno.ENOTDIR);
        ok("rename of a directory over an empty one", os.rename(dir(0755), dir(0755)));
        String full = dir(0755);
        entry(full, "x", 0100644);
        gives("rename over a full directory", os.rename(dir(0755), full), Errno.ENOTEMPTY, Errno.EEXIST);
        ok("and leaves it", os.lstatErrno(full + "/x"));
        ok("rename of a full directory over an empty one", os.rename(full, dir(0755)));
    }

    private void directories() {
        String a = dir(0755);
        String b = dir(0755);
        long aLinks = os.lstat(a).nlink();
        long bLinks = os.lstat(b).nlink();
        String sub = entry(a, "sub", 0040755);
        must("rename", os.rename(sub, b + "/sub"));
        same(
                "the old parent loses the link of the subdirectory",
                aLinks,
                os.lstat(a).nlink());
        same("the new parent gets it", bLinks == 1 ? 1 : bLinks + 1, os.lstat(b).nlink());
        same(".. is the new parent", os.lstat(b).ino(), os.lstat(b + "/sub/..").ino());
        gives("rename into itself", os.rename(b, b + "/x"), Errno.EINVAL);
        gives("rename into its own child", os.rename(b, b + "/sub/x"), Errno.EINVAL);
        gives("rename over its own ancestor", os.rename(b + "/sub", b), Errno.ENOTEMPTY, Errno.EEXIST);
        gives("rename of .", os.rename(b + "/.", fresh()), Errno.EINVAL, Errno.EBUSY);
        gives("rename of ..", os.rename(b + "/..", fresh()), Errno.EINVAL, Errno.EBUSY);
        gives("rename to .", os.rename(a, b + "/."), Errno.EINVAL, Errno.EBUSY);
    }

    private void twoNames() {
        String p = file(0644);
        String q = fresh();
        must("link", os.link(p, q));
        ok("rename between two names of one file", os.rename(p, q));
        ok("does nothing to the first", os.lstatErrno(p));
        ok("nor to the second", os.lstatErrno(q));
        same("two links stay", 2, os.lstat(p).nlink());
        ok("rename to itself", os.rename(p, p));
    }

    private void permissions() {
        String closed = dir(0755, OTHER, OTHER);
        String open = dir(0777);
        must("create", os.create(closed + "/f", 0666));
        must("create", os.create(open + "/f", 0666));
        gives(
                "rename out of a closed directory",
                as(NOBODY, () -> os.rename(closed + "/f", open + "/g")),
                Errno.EACCES);
        gives("rename into a closed directory", as(NOBODY, () -> os.rename(open + "/f", closed + "/g")), Errno.EACCES);
        ok("rename needs no right on the file", as(NOBODY, () -> os.rename(open + "/f", open + "/g")));
        // Moving a directory elsewhere writes its "..".
        must("mkdir", os.mkdir(open + "/d", 0755));
        String elsewhere = dir(0777);
        gives(
                "move of a directory that the caller may not write",
                as(NOBODY, () -> os.rename(open + "/d", elsewhere + "/d")),
                Errno.EACCES);
        ok("rename of it in place", as(NOBODY, () -> os.rename(open + "/d", open + "/e")));
    }

    private void special() {
        gives("rename across filesystems", os.rename(file(0644), "/proc/x"), Errno.EXDEV, Errno.EACCES, Errno.EPERM);
        gives("rename to a name of 256 bytes", os.rename(file(0644), fresh() + "x".repeat(256)), Errno.ENAMETOOLONG);
        String longest = dir(0755) + "/" + "z".repeat(255);
        ok("rename to a name of 255 bytes", os.rename(file(0644), longest));
        gives("rename below a file", os.rename(file(0644), file(0644) + "/x"), Errno.ENOTDIR);
        gives("rename below nothing", os.rename(file(0644), fresh() + "/x"), Errno.ENOENT);
        gives(
                "rename of a file to a name with a slash",
                os.rename(file(0644), fresh() + "/"),
                Errno.ENOTDIR,
                Errno.ENOENT);
        ok("rename of a directory to a name with a slash", os.rename(dir(0755), fresh() + "/"));
    }
}
