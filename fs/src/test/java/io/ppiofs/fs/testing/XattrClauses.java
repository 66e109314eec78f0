package io.ppiofs.fs.testing;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Extended attributes of users, xattr(7). */
final class XattrClauses extends Clauses {
    private static final int CREATE = 1;
    private static final int REPLACE = 2;
    private static final byte[] VALUE = "value".getBytes(StandardCharsets.UTF_8);

    XattrClauses(PosixSystem os) {
        super("xattr", os);
    }

    @Override
    void run() {
        for (String p : new String[] {file(0644), dir(0755)}) {
            values(p);
            modes(p);
            times(p);
        }
        rights();
        shared();
    }

    private int get(String p, String name, int size) {
        return os.getxattr(p, name, size) == null ? os.lastErrno() : 0;
    }

    private void values(String p) {
        gives("getxattr of nothing", get(p, "user.none", 10), Errno.ENODATA);
        ok("setxattr", os.setxattr(p, "user.a", VALUE, 0));
        that("getxattr", Arrays.equals(VALUE, os.getxattr(p, "user.a", 100)));
        same("getxattr of the size", 5, os.xattrSize(p, "user.a"));
        gives("getxattr into too little", get(p, "user.a", 4), Errno.ERANGE);
        ok("setxattr of an empty value", os.setxattr(p, "user.empty", new byte[0], 0));
        same("is empty", 0, os.xattrSize(p, "user.empty"));
        ok("setxattr of binary", os.setxattr(p, "user.binary", new byte[] {0, -1, 7}, 0));
        that("keeps it", Arrays.equals(new byte[] {0, -1, 7}, os.getxattr(p, "user.binary", 9)));
        byte[] large = new byte[2000];
        Arrays.fill(large, (byte) 9);
        ok("setxattr of 2000 bytes", os.setxattr(p, "user.large", large, 0));
        that("keeps them", Arrays.equals(large, os.getxattr(p, "user.large", 4000)));
        that(
                "listxattr",
                Arrays.equals(new String[] {"user.a", "user.binary", "user.empty", "user.large"}, os.listxattr(p)));
        ok("removexattr", os.removexattr(p, "user.large"));
        gives("getxattr afterwards", get(p, "user.large", 4000), Errno.ENODATA);
        gives("removexattr of nothing", os.removexattr(p, "user.large"), Errno.ENODATA);
        gives("a name of 256 bytes", os.setxattr(p, "user." + "n".repeat(251), VALUE, 0), Errno.ERANGE);
        gives("a name without namespace", os.setxattr(p, "plain", VALUE, 0), Errno.EOPNOTSUPP);
    }

    private void modes(String p) {
        gives("XATTR_REPLACE of nothing", os.setxattr(p, "user.m", VALUE, REPLACE), Errno.ENODATA);
        ok("XATTR_CREATE", os.setxattr(p, "user.m", VALUE, CREATE));
        gives("XATTR_CREATE again", os.setxattr(p, "user.m", VALUE, CREATE), Errno.EEXIST);
        ok("XATTR_REPLACE", os.setxattr(p, "user.m", new byte[] {1}, REPLACE));
        same("replaces", 1, os.xattrSize(p, "user.m"));
    }

    private void times(String p) {
        Change set = across(p, () -> must("setxattr", os.setxattr(p, "user.t", VALUE, 0)));
        that("setxattr changes ctime", set.ctime());
        that("setxattr leaves mtime", !set.mtime());
        Change get = across(p, () -> os.getxattr(p, "user.t", 100));
        that("getxattr leaves ctime", !get.ctime());
        Change remove = across(p, () -> must("removexattr", os.removexattr(p, "user.t")));
        that("removexattr changes ctime", remove.ctime());
        that("removexattr leaves mtime", !remove.mtime());
    }

    private void rights() {
        String closed = file(0600, OTHER, OTHER);
        must("setxattr", os.setxattr(closed, "user.a", VALUE, 0));
        gives("getxattr without read permission", as(NOBODY, () -> get(closed, "user.a", 10)), Errno.EACCES);
        gives(
                "setxattr without write permission",
                as(NOBODY, () -> os.setxattr(closed, "user.a", VALUE, 0)),
                Errno.EACCES);
        String readable = file(0644, OTHER, OTHER);
        must("setxattr", os.setxattr(readable, "user.a", VALUE, 0));
        ok("getxattr with read permission", as(NOBODY, () -> get(readable, "user.a", 10)));
        String fifo = fresh();
        os.mkfifo(fifo, 0666);
        gives("user attributes of a fifo", os.setxattr(fifo, "user.a", VALUE, 0), Errno.EPERM);
    }

    private void shared() {
        String f = file(0644);
        String link = fresh();
        must("link", os.link(f, link));
        Change c = across(link, () -> must("setxattr", os.setxattr(f, "user.a", VALUE, 0)));
        that("setxattr through one name changes ctime through the other", c.ctime());
        that("and shows there", Arrays.equals(VALUE, os.getxattr(link, "user.a", 10)));
    }
}
