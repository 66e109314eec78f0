package io.ppiofs.fs.testing;

import io.ppiofs.fs.testing.PosixSystem.Stat;

/** utimensat(2). */
final class TimeClauses extends Clauses {
    private static final long GIGA = 1_000_000_000L;
    private static final long NOW = PosixSystem.UTIME_NOW;
    private static final long OMIT = PosixSystem.UTIME_OMIT;

    TimeClauses(PosixSystem os) {
        super("times", os);
    }

    @Override
    void run() {
        for (String p : new String[] {file(0644), dir(0755), fifo()}) {
            explicit(p);
            specials(p);
        }
        symlinks();
        rights();
        range();
    }

    private String fifo() {
        String p = fresh();
        must("mkfifo", os.mkfifo(p, 0644));
        return p;
    }

    private void explicit(String p) {
        Change c = across(
                p, () -> ok("utimensat", os.utimens(p, 1_000_000_001, 123_456_789, 1_100_000_002, 987_654_321, 0)));
        same(
                "atime to the nanosecond",
                1_000_000_001 * GIGA + 123_456_789,
                c.after().atime());
        same(
                "mtime to the nanosecond",
                1_100_000_002 * GIGA + 987_654_321,
                c.after().mtime());
        that("utimensat changes ctime", c.ctime());
        ok("utimensat again", os.utimens(p, 5, 0, 6, 0, 0));
        same("atime goes back", 5 * GIGA, os.stat(p).atime());
        same("mtime goes back", 6 * GIGA, os.stat(p).mtime());
    }

    private void specials(String p) {
        must("utimensat", os.utimens(p, 100, 1, 200, 2, 0));
        ok("UTIME_OMIT of atime", os.utimens(p, 0, OMIT, 300, 3, 0));
        same("leaves atime", 100 * GIGA + 1, os.stat(p).atime());
        same("sets mtime", 300 * GIGA + 3, os.stat(p).mtime());
        ok("UTIME_OMIT of mtime", os.utimens(p, 400, 4, 0, OMIT, 0));
        same("sets atime", 400 * GIGA + 4, os.stat(p).atime());
        same("leaves mtime", 300 * GIGA + 3, os.stat(p).mtime());
        Change none = across(p, () -> ok("UTIME_OMIT of both", os.utimens(p, 0, OMIT, 0, OMIT, 0)));
        that("leaves ctime", !none.ctime());
        same("leaves atime", 400 * GIGA + 4, none.after().atime());
        ok("UTIME_NOW of atime", os.utimens(p, 0, NOW, 0, OMIT, 0));
        Stat s = os.stat(p);
        that("sets atime to now", s.atime() > none.after().ctime());
        same("leaves mtime", 300 * GIGA + 3, s.mtime());
        ok("UTIME_NOW of mtime", os.utimens(p, 7, 0, 0, NOW, 0));
        s = os.stat(p);
        that("sets mtime to now", s.mtime() > none.after().ctime());
        same("sets atime", 7 * GIGA, s.atime());
        ok("UTIME_NOW of both", os.utimens(p, 0, NOW, 0, NOW, 0));
        s = os.stat(p);
        that(
                "sets both alike",
                s.atime() == s.mtime() && s.mtime() > none.after().ctime());
        gives("nanoseconds of a second", os.utimens(p, 0, GIGA, 0, 0, 0), Errno.EINVAL);
        gives("negative nanoseconds", os.utimens(p, 0, 0, 0, -1, 0), Errno.EINVAL);
    }

    private void symlinks() {
        String f = file(0644);
        String link = fresh();
        os.symlink(f, link);
        must("utimensat", os.utimens(f, 10, 0, 20, 0, 0));
        ok("AT_SYMLINK_NOFOLLOW", os.utimens(link, 30, 1, 40, 2, PosixSystem.AT_SYMLINK_NOFOLLOW));
        same("sets mtime of the link", 40 * GIGA + 2, os.lstat(link).mtime());
        same("leaves the target", 20 * GIGA, os.stat(f).mtime());
        ok("through the link", os.utimens(link, 50, 0, 60, 0, 0));
        same("sets the target", 60 * GIGA, os.stat(f).mtime());
        same("leaves the link", 40 * GIGA + 2, os.lstat(link).mtime());
    }

    private void rights() {
        String mine = file(0444, NOBODY, NOBODY);
        ok("explicit times by the owner", as(NOBODY, () -> os.utimens(mine, 1, 0, 2, 0, 0)));
        ok("now by the owner", as(NOBODY, () -> os.utimens(mine, 0, NOW, 0, NOW, 0)));
        String writable = file(0666, OTHER, OTHER);
        gives("explicit times by a writer", as(NOBODY, () -> os.utimens(writable, 1, 0, 2, 0, 0)), Errno.EPERM);
        ok("now by a writer", as(NOBODY, () -> os.utimens(writable, 0, NOW, 0, NOW, 0)));
        gives("now for one only by a writer", as(NOBODY, () -> os.utimens(writable, 0, NOW, 0, OMIT, 0)), Errno.EPERM);
        String readable = file(0644, OTHER, OTHER);
        gives("now by a reader", as(NOBODY, () -> os.utimens(readable, 0, NOW, 0, NOW, 0)), Errno.EACCES);
        gives("explicit times by a reader", as(NOBODY, () -> os.utimens(readable, 1, 0, 2, 0, 0)), Errno.EPERM);
        ok("nothing at all by a reader", as(NOBODY, () -> os.utimens(readable, 0, OMIT, 0, OMIT, 0)));
    }

    private void range() {
        String p = file(0644);
        long late = 0x1_0000_0000L; // 2106, behind 32 bits
        ok("a time behind 2106", os.utimens(p, late, 5, late + 1, 6, 0));
        same("is kept", (late + 1) * GIGA + 6, os.stat(p).mtime());
        ok("a time before 1970", os.utimens(p, -2, 0, -1, 500_000_000, 0));
        same("is kept", -2 * GIGA, os.stat(p).atime());
        same("with its nanoseconds", -GIGA + 500_000_000, os.stat(p).mtime());
    }
}
