package io.ppiofs.fs.testing;

/** chmod(2) and chown(2). */
final class ModeClauses extends Clauses {
    ModeClauses(PosixSystem os) {
        super("mode", os);
    }

    @Override
    void run() {
        chmods();
        chmodRights();
        chowns();
        chownRights();
        setIds();
    }

    private void chmods() {
        for (int mode : new int[] {0, 0111, 0755, 01777, 02755, 04755, 06711, 07777}) {
            String f = file(0644);
            ok("chmod", os.chmod(f, mode));
            octal("chmod of a file", mode, os.stat(f).permissions());
            String d = dir(0755);
            ok("chmod", os.chmod(d, mode));
            octal("chmod of a directory", mode, os.stat(d).permissions());
        }
        String f = file(0644);
        Change c = across(f, () -> ok("chmod", os.chmod(f, 0600)));
        that("chmod changes ctime", c.ctime());
        that("chmod leaves mtime", !c.mtime());
        that("chmod leaves atime", !c.atime());
        String link = fresh();
        os.symlink(f, link);
        ok("chmod through a symlink", os.chmod(link, 0640));
        octal("changes the target", 0640, os.stat(f).permissions());
        int fd = os.open(f, PosixSystem.O_RDONLY, 0);
        Change byFd = across(f, () -> ok("fchmod", os.fchmod(fd, 0604)));
        octal("fchmod", 0604, byFd.after().permissions());
        that("fchmod changes ctime", byFd.ctime());
        os.close(fd);
        that("chmod keeps the type", os.stat(f).type() == io.ppiofs.fs.core.FileType.REGULAR);
    }

    private void chmodRights() {
        String mine = file(0644, NOBODY, NOBODY);
        String others = file(0666, OTHER, OTHER);
        ok("chmod by the owner", as(NOBODY, () -> os.chmod(mine, 0600)));
        Change c =
                across(others, () -> gives("chmod by another", as(NOBODY, () -> os.chmod(others, 0600)), Errno.EPERM));
        that("a refused chmod leaves ctime", !c.ctime());
        octal("a refused chmod leaves the mode", 0666, os.stat(others).permissions());
        String foreignGroup = file(0644, NOBODY, OTHER);
        ok("chmod of set-gid by the owner outside the group", as(NOBODY, () -> os.chmod(foreignGroup, 02755)));
        octal("does not set it", 0755, os.stat(foreignGroup).permissions());
        String ownGroup = file(0644, NOBODY, NOBODY);
        ok("chmod of set-gid by the owner in the group", as(NOBODY, () -> os.chmod(ownGroup, 02755)));
        octal("sets it", 02755, os.stat(ownGroup).permissions());
        gives("chmod by the group", as(OTHER, () -> os.chmod(foreignGroup, 0777)), Errno.EPERM);
    }

    private void chowns() {
        String f = file(0644);
        Change c = across(f, () -> ok("chown", os.chown(f, 123, 456)));
        same("chown sets the uid", 123, c.after().uid());
        same("chown sets the gid", 456, c.after().gid());
        that("chown changes ctime", c.ctime());
        that("chown leaves mtime", !c.mtime());
        ok("chown of the gid only", os.chown(f, -1, 7));
        same("leaves the uid", 123, os.stat(f).uid());
        same("sets the gid", 7, os.stat(f).gid());
        ok("chown of the uid only", os.chown(f, 8, -1));
        same("sets the uid", 8, os.stat(f).uid());
        same("leaves the gid", 7, os.stat(f).gid());
        ok("chown to large ids", os.chown(f, 0x7ffffffe, 0x7ffffffd));
        same("keeps 31 bits", 0x7ffffffe, os.stat(f).uid());
        String link = fresh();
        os.symlink(f, link);
        ok("chown through a symlink", os.chown(link, 55, 66));
        same("changes the target", 55, os.stat(f).uid());
        same("not the link", 0, os.lstat(link).uid());
        ok("lchown of a symlink", os.lchown(link, 77, 88));
        same("changes the link", 77, os.lstat(link).uid());
        same("not the target", 55, os.stat(f).uid());
        int fd = os.open(f, PosixSystem.O_RDONLY, 0);
        ok("fchown", os.fchown(fd, 9, 10));
        same("fchown", 10, os.fstat(fd).gid());
        os.close(fd);
        String d = dir(02755, 0, 0);
        ok("chown of a directory", os.chown(d, 1, 2));
        octal("keeps its set-gid", 02755, os.stat(d).permissions());
    }

    private void chownRights() {
        String f = file(0644, NOBODY, NOBODY);
        gives("chown to another by the owner", as(NOBODY, () -> os.chown(f, OTHER, -1)), Errno.EPERM);
        gives("chown to a foreign group", as(NOBODY, () -> os.chown(f, -1, OTHER)), Errno.EPERM);
        int member = os.as(NOBODY, NOBODY, new int[] {OTHER}, () -> os.chown(f, -1, OTHER));
        ok("chown to a group the owner is in", member);
        same("sets it", OTHER, os.stat(f).gid());
        int keeping = os.as(NOBODY, NOBODY, new int[] {OTHER}, () -> os.chown(f, NOBODY, NOBODY));
        ok("chown to himself with his group", keeping);
        gives("chown by another", as(OTHER, () -> os.chown(f, OTHER, OTHER)), Errno.EPERM);
        gives("chown of the group by another", as(OTHER, () -> os.chown(f, -1, OTHER)), Errno.EPERM);
    }

    private void setIds() {
        String f = file(06755, NOBODY, NOBODY);
        int result = os.as(NOBODY, NOBODY, new int[] {OTHER}, () -> os.chown(f, -1, OTHER));
        ok("chown by the owner", result);
        octal("clears set-uid and set-gid", 0755, os.stat(f).permissions());
        String byRoot = file(06755, NOBODY, NOBODY);
        must("chown", os.chown(byRoot, OTHER, OTHER));
        octal("chown by root clears them too", 0755, os.stat(byRoot).permissions());
        String written = file(06777, NOBODY, NOBODY);
        int fd = os.open(written, PosixSystem.O_WRONLY, 0);
        ok("write by a user", as(OTHER, () -> os.write(fd, new byte[] {1})));
        octal("clears set-uid and set-gid", 0777, os.stat(written).permissions());
        must("chmod", os.chmod(written, 06777));
        must("write", os.write(fd, new byte[] {1}));
        octal("write by root leaves them", 06777, os.stat(written).permissions());
        os.close(fd);
    }
}
