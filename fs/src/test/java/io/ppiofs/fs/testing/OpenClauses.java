package io.ppiofs.fs.testing;

/** open(2): access rights, flags. */
final class OpenClauses extends Clauses {
    private static final int[] ACCESS = {PosixSystem.O_RDONLY, PosixSystem.O_WRONLY, PosixSystem.O_RDWR};
    private static final int[] NEEDED = {4, 2, 6};

    OpenClauses(PosixSystem os) {
        super("open", os);
    }

    @Override
    void run() {
        matrix();
        flags();
        truncating();
        types();
    }

    /** Each access mode against each permission of owner, group and others. */
    private void matrix() {
        int[][] owners = {{NOBODY, OTHER, 6}, {OTHER, NOBODY, 3}, {OTHER, OTHER, 0}};
        for (int[] o : owners) {
            for (int bits = 0; bits < 8; bits++) {
                // The other classes have what this class lacks: they must not matter.
                int mode = 0777 & ~(7 << o[2]) | bits << o[2];
                String f = file(mode, o[0], o[1]);
                for (int a = 0; a < ACCESS.length; a++) {
                    int flags = ACCESS[a];
                    Errno expected = (bits & NEEDED[a]) == NEEDED[a] ? Errno.OK : Errno.EACCES;
                    gives(
                            "open for " + flags + " of mode " + Integer.toOctalString(mode) + " class " + o[2],
                            as(NOBODY, () -> os.tryOpen(f, flags, 0)),
                            expected);
                }
                gives(
                        "truncate of mode " + Integer.toOctalString(mode),
                        as(NOBODY, () -> os.truncate(f, 0)),
                        (bits & 2) != 0 ? Errno.OK : Errno.EACCES);
            }
        }
        String none = file(0);
        ok("root opens what nobody may", os.tryOpen(none, PosixSystem.O_RDWR, 0));
        String g = file(0060, OTHER, OTHER);
        int supplementary = os.as(NOBODY, NOBODY, new int[] {OTHER}, () -> os.tryOpen(g, PosixSystem.O_RDWR, 0));
        ok("open by a supplementary group", supplementary);
    }

    private void flags() {
        String f = file(0644);
        gives("O_CREAT|O_EXCL of a file", os.create(f, 0644), Errno.EEXIST);
        ok("O_CREAT of a file opens it", os.tryOpen(f, PosixSystem.O_CREAT | PosixSystem.O_RDWR, 0600));
        octal("O_CREAT of a file leaves its mode", 0644, os.stat(f).permissions());
        gives("O_DIRECTORY of a file", os.tryOpen(f, PosixSystem.O_DIRECTORY, 0), Errno.ENOTDIR);
        ok("O_DIRECTORY of a directory", os.tryOpen(dir(0755), PosixSystem.O_DIRECTORY, 0));
        String link = fresh();
        os.symlink(f, link);
        ok("a symlink is followed", os.tryOpen(link, PosixSystem.O_RDONLY, 0));
        gives("O_NOFOLLOW of a symlink", os.tryOpen(link, PosixSystem.O_NOFOLLOW, 0), Errno.ELOOP);
        gives("O_CREAT|O_EXCL of a symlink", os.create(link, 0644), Errno.EEXIST);
        String target = fresh();
        String dangling = fresh();
        os.symlink(target, dangling);
        ok("O_CREAT through a dangling symlink", os.tryOpen(dangling, PosixSystem.O_CREAT | PosixSystem.O_RDWR, 0644));
        ok("makes the target", os.statErrno(target));
        String d = dir(0555, OTHER, OTHER);
        gives(
                "O_CREAT without write permission on the directory",
                as(NOBODY, () -> os.tryOpen(d + "/x", PosixSystem.O_CREAT | PosixSystem.O_RDWR, 0644)),
                Errno.EACCES);
        int mode = 0;
        String readOnlyCreated = fresh();
        ok(
                "O_CREAT with mode 0 opens for writing",
                as(NOBODY, () -> os.tryOpen(readOnlyCreated, PosixSystem.O_CREAT | PosixSystem.O_RDWR, mode)));
        gives("and not again", as(NOBODY, () -> os.tryOpen(readOnlyCreated, PosixSystem.O_RDWR, 0)), Errno.EACCES);
    }

    private void truncating() {
        String f = file(0644);
        must("truncate", os.truncate(f, 1000));
        Change c = across(f, () -> ok("O_TRUNC", os.tryOpen(f, PosixSystem.O_WRONLY | PosixSystem.O_TRUNC, 0)));
        same("O_TRUNC empties", 0, c.after().size());
        that("O_TRUNC changes mtime", c.mtime());
        that("O_TRUNC changes ctime", c.ctime());
        same("O_TRUNC leaves the inode", c.before().ino(), c.after().ino());
        String other = file(0644, OTHER, OTHER);
        must("truncate", os.truncate(other, 10));
        gives(
                "O_TRUNC without permission",
                as(NOBODY, () -> os.tryOpen(other, PosixSystem.O_WRONLY | PosixSystem.O_TRUNC, 0)),
                Errno.EACCES);
        same("leaves the size", 10, os.stat(other).size());
        String set = file(04777, OTHER, OTHER);
        must("truncate", os.truncate(set, 10));
        must("chmod", os.chmod(set, 04777));
        ok("truncate by a user", as(NOBODY, () -> os.truncate(set, 5)));
        octal("truncate by a user clears set-uid", 0777, os.stat(set).permissions());
        must("chmod", os.chmod(set, 06777));
        ok("O_TRUNC by a user", as(NOBODY, () -> os.tryOpen(set, PosixSystem.O_WRONLY | PosixSystem.O_TRUNC, 0)));
        octal("O_TRUNC by a user clears set-uid and set-gid", 0777, os.stat(set).permissions());
        must("chmod", os.chmod(set, 06777));
        ok("O_TRUNC by root", os.tryOpen(set, PosixSystem.O_WRONLY | PosixSystem.O_TRUNC, 0));
        octal("leaves them", 06777, os.stat(set).permissions());
    }

    private void types() {
        String d = dir(0755);
        gives("O_WRONLY of a directory", os.tryOpen(d, PosixSystem.O_WRONLY, 0), Errno.EISDIR);
        gives("O_RDWR of a directory", os.tryOpen(d, PosixSystem.O_RDWR, 0), Errno.EISDIR);
        gives("O_TRUNC of a directory", os.tryOpen(d, PosixSystem.O_TRUNC | PosixSystem.O_WRONLY, 0), Errno.EISDIR);
        gives("O_CREAT of a directory", os.tryOpen(d, PosixSystem.O_CREAT | PosixSystem.O_RDWR, 0644), Errno.EISDIR);
        int fd = os.open(d, PosixSystem.O_RDONLY, 0);
        gives("read of a directory", os.readErrno(fd), Errno.EISDIR);
        os.close(fd);
        String fifo = fresh();
        os.mkfifo(fifo, 0644);
        gives(
                "O_WRONLY|O_NONBLOCK of a fifo nobody reads",
                os.tryOpen(fifo, PosixSystem.O_WRONLY | PosixSystem.O_NONBLOCK, 0),
                Errno.ENXIO);
        ok("O_RDONLY|O_NONBLOCK of a fifo", os.tryOpen(fifo, PosixSystem.O_NONBLOCK, 0));
        String socket = fresh();
        os.mknod(socket, 0140644, 0);
        gives("open of a socket", os.tryOpen(socket, PosixSystem.O_RDONLY, 0), Errno.ENXIO);
        String unreadable = dir(0300, NOBODY, NOBODY);
        gives(
                "open of a directory without read permission",
                as(NOBODY, () -> os.tryOpen(unreadable, PosixSystem.O_RDONLY, 0)),
                Errno.EACCES);
    }
}
