package io.ppiofs.fs.testing;

import java.util.LinkedHashMap;
import java.util.Map;

/** What every call says about a path it cannot follow. */
final class PathClauses extends Clauses {
    /** One call that takes a path. */
    @FunctionalInterface
    private interface Call {
        int on(String path);
    }

    PathClauses(PosixSystem os) {
        super("path", os);
    }

    @Override
    void run() {
        Map<String, Call> making = making();
        Map<String, Call> using = using();
        making.forEach((n, c) -> prefix(n, c));
        using.forEach((n, c) -> prefix(n, c));
        making.forEach(this::longestName);
        making.forEach(this::exists);
        using.forEach((n, c) -> {
            gives(n + " of nothing", c.on(fresh()), Errno.ENOENT);
            gives(n + " of a name of 256 bytes", c.on(fresh() + "x".repeat(256)), Errno.ENAMETOOLONG);
        });
        String loop = fresh();
        os.symlink(loop, loop);
        following().forEach((n, c) -> gives(n + " of a symlink to itself", c.on(loop), Errno.ELOOP));
        following().forEach((n, c) -> {
            String dangling = fresh();
            os.symlink(fresh(), dangling);
            gives(n + " of a dangling symlink", c.on(dangling), Errno.ENOENT);
        });
        same("NAME_MAX", 255, os.nameMax(dir(0755)));
    }

    private Map<String, Call> making() {
        Map<String, Call> m = new LinkedHashMap<>();
        m.put("open(O_CREAT|O_EXCL)", p -> os.create(p, 0644));
        m.put("mkdir", p -> os.mkdir(p, 0755));
        m.put("mkfifo", p -> os.mkfifo(p, 0644));
        m.put("mknod", p -> os.mknod(p, 0100644, 0));
        m.put("symlink", p -> os.symlink("target", p));
        String file = fresh();
        m.put("link to", p -> {
            os.create(file, 0644);
            return os.link(file, p);
        });
        return m;
    }

    private Map<String, Call> using() {
        Map<String, Call> m = following();
        m.put("unlink", os::unlink);
        m.put("rmdir", os::rmdir);
        m.put("lchown", p -> os.lchown(p, 0, 0));
        m.put("lstat", os::lstatErrno);
        m.put("readlink", p -> os.readlink(p) == null ? os.lastErrno() : 0);
        m.put("link from", p -> os.link(p, fresh()));
        m.put("rename from", p -> os.rename(p, fresh()));
        m.put("utimensat(NOFOLLOW)", p -> os.utimens(p, 1, 0, 1, 0, PosixSystem.AT_SYMLINK_NOFOLLOW));
        return m;
    }

    private Map<String, Call> following() {
        Map<String, Call> m = new LinkedHashMap<>();
        m.put("open", p -> os.tryOpen(p, PosixSystem.O_RDONLY, 0));
        m.put("open(O_WRONLY)", p -> os.tryOpen(p, PosixSystem.O_WRONLY, 0));
        m.put("truncate", p -> os.truncate(p, 0));
        m.put("chmod", p -> os.chmod(p, 0644));
        m.put("chown", p -> os.chown(p, 0, 0));
        m.put("utimensat", p -> os.utimens(p, 1, 0, 1, 0, 0));
        m.put("stat", os::statErrno);
        m.put("getxattr", p -> os.getxattr(p, "user.a", 10) == null ? os.lastErrno() : 0);
        m.put("setxattr", p -> os.setxattr(p, "user.a", new byte[1], 0));
        return m;
    }

    private void prefix(String name, Call call) {
        String file = file(0644);
        gives(name + " below a file", call.on(file + "/x"), Errno.ENOTDIR);
        gives(name + " below nothing", call.on(fresh() + "/x"), Errno.ENOENT);
        gives(name + " of the empty path", call.on(""), Errno.ENOENT);
        String loop = fresh();
        os.symlink(loop, loop);
        gives(name + " below a symlink loop", call.on(loop + "/x"), Errno.ELOOP);
        gives(name + " below a name of 256 bytes", call.on("/" + "x".repeat(256) + "/x"), Errno.ENAMETOOLONG);
        gives(name + " of a path of 4096 bytes", call.on(fresh() + "/.".repeat(2048)), Errno.ENAMETOOLONG);
        String closed = dir(0600, OTHER, OTHER);
        gives(name + " without search permission", as(NOBODY, () -> call.on(closed + "/x")), Errno.EACCES);
    }

    private void longestName(String name, Call call) {
        String d = dir(0755);
        ok(name + " with a name of 255 bytes", call.on(d + "/" + "y".repeat(255)));
        gives(name + " with a name of 256 bytes", call.on(d + "/" + "y".repeat(256)), Errno.ENAMETOOLONG);
    }

    private void exists(String name, Call call) {
        gives(name + " over a file", call.on(file(0644)), Errno.EEXIST);
        gives(name + " over a directory", call.on(dir(0755)), Errno.EEXIST);
        String fifo = fresh();
        os.mkfifo(fifo, 0644);
        gives(name + " over a fifo", call.on(fifo), Errno.EEXIST);
        String link = fresh();
        os.symlink(fresh(), link);
        gives(name + " over a dangling symlink", call.on(link), Errno.EEXIST);
        gives(name + " over .", call.on(dir(0755) + "/."), Errno.EEXIST);
        gives(name + " over ..", call.on(dir(0755) + "/.."), Errno.EEXIST);
    }
}
