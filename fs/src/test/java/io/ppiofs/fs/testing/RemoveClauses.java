package io.ppiofs.fs.testing;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** unlink(2), rmdir(2), and what sticky directories forbid. */
final class RemoveClauses extends Clauses {
    RemoveClauses(PosixSystem os) {
        super("remove", os);
    }

    @Override
    void run() {
        unlinking();
        unlinkedOpen();
        removingDirectories();
        permissions();
        sticky();
    }

    private void unlinking() {
        String d = dir(0755);
        int[] types = {0100644, 0010644, 0140644};
        for (int type : types) {
            String p = d + "/x";
            must("mknod", os.mknod(p, type, 0));
            Change c = across(d, () -> ok("unlink", os.unlink(p)));
            that("unlink changes mtime of the directory", c.mtime());
            that("unlink changes ctime of the directory", c.ctime());
            gives("unlink removes", os.lstatErrno(p), Errno.ENOENT);
        }
        String target = file(0644);
        String link = fresh();
        os.symlink(target, link);
        ok("unlink of a symlink", os.unlink(link));
        ok("leaves its target", os.lstatErrno(target));
        gives("unlink of a directory", os.unlink(d), Errno.EISDIR, Errno.EPERM);
        gives("unlink of .", os.unlink(d + "/."), Errno.EISDIR, Errno.EPERM, Errno.EINVAL);
    }

    private void unlinkedOpen() {
        String p = file(0644);
        int fd = os.open(p, PosixSystem.O_RDWR, 0);
        byte[] data = "still here".getBytes(StandardCharsets.UTF_8);
        must("write", os.write(fd, data));
        must("unlink", os.unlink(p));
        same("fstat of an unlinked file shows no links", 0, os.fstat(fd).nlink());
        that("an unlinked file is readable", Arrays.equals(data, os.pread(fd, 100, 0)));
        ok("an unlinked file is writable", os.pwrite(fd, data, 5000));
        same("and grows", 5000 + data.length, os.fstat(fd).size());
        ok("fchmod of an unlinked file", os.fchmod(fd, 0600));
        octal("works", 0600, os.fstat(fd).permissions());
        ok("fchown of an unlinked file", os.fchown(fd, 5, 6));
        same("works", 5, os.fstat(fd).uid());
        ok("ftruncate of an unlinked file", os.ftruncate(fd, 3));
        same("works", 3, os.fstat(fd).size());
        must("create", os.create(p, 0644));
        that(
                "a new file of the name is another",
                os.stat(p).ino() != os.fstat(fd).ino());
        os.close(fd);
    }

    private void removingDirectories() {
        String d = dir(0755);
        must("mkdir", os.mkdir(d + "/x", 0755));
        Change c = across(d, () -> ok("rmdir", os.rmdir(d + "/x")));
        that("rmdir changes mtime of the directory", c.mtime());
        that("rmdir changes ctime of the directory", c.ctime());
        gives("rmdir removes", os.lstatErrno(d + "/x"), Errno.ENOENT);
        must("mkdir", os.mkdir(d + "/y", 0755));
        for (int type : new int[] {0100644, 0010644, 0040755}) {
            String child = d + "/y/c";
            must("child", type == 0040755 ? os.mkdir(child, 0755) : os.mknod(child, type, 0));
            gives("rmdir of a full directory", os.rmdir(d + "/y"), Errno.ENOTEMPTY, Errno.EEXIST);
            must("child", type == 0040755 ? os.rmdir(child) : os.unlink(child));
        }
        gives("rmdir of .", os.rmdir(d + "/y/."), Errno.EINVAL);
        gives("rmdir of ..", os.rmdir(d + "/y/.."), Errno.ENOTEMPTY, Errno.EEXIST);
        gives("rmdir of a file", os.rmdir(file(0644)), Errno.ENOTDIR);
        String link = fresh();
        os.symlink(d, link);
        gives("rmdir of a symlink", os.rmdir(link), Errno.ENOTDIR);
        removedButOpen(d);
    }

    private void removedButOpen(String d) {
        String gone = d + "/gone";
        must("mkdir", os.mkdir(gone, 0755));
        int fd = os.open(gone, PosixSystem.O_RDONLY, 0);
        must("rmdir", os.rmdir(gone));
        that("fstat of a removed directory shows at most one link", os.fstat(fd).nlink() <= 1);
        gives("create in a removed directory", os.create("/proc/self/fd/" + fd + "/x", 0644), Errno.ENOENT);
        os.close(fd);
    }

    private void permissions() {
        String d = dir(0755, OTHER, OTHER);
        must("create", os.create(d + "/f", 0666));
        must("mkdir", os.mkdir(d + "/d", 0777));
        must("chown", os.lchown(d + "/f", NOBODY, NOBODY));
        must("chown", os.lchown(d + "/d", NOBODY, NOBODY));
        gives("unlink without write permission on the directory", as(NOBODY, () -> os.unlink(d + "/f")), Errno.EACCES);
        gives("rmdir without write permission on the directory", as(NOBODY, () -> os.rmdir(d + "/d")), Errno.EACCES);
        must("chmod", os.chmod(d, 0777));
        must("chown", os.lchown(d + "/f", OTHER, OTHER));
        must("chmod", os.chmod(d + "/f", 0));
        ok("unlink needs no permission on the file", as(NOBODY, () -> os.unlink(d + "/f")));
        ok("rmdir with permission", as(NOBODY, () -> os.rmdir(d + "/d")));
    }

    private void sticky() {
        for (int owner : new int[] {OTHER, NOBODY}) {
            for (int fileOwner : new int[] {OTHER, NOBODY}) {
                String d = dir(01777, owner, owner);
                boolean may = owner == NOBODY || fileOwner == NOBODY;
                Errno[] expected = may ? new Errno[] {Errno.OK} : new Errno[] {Errno.EPERM, Errno.EACCES};
                must("create", os.create(d + "/f", 0666));
                must("chown", os.lchown(d + "/f", fileOwner, fileOwner));
                must("mkdir", os.mkdir(d + "/d", 0777));
                must("chown", os.lchown(d + "/d", fileOwner, fileOwner));
                String which = "in a sticky directory of " + owner + " what belongs to " + fileOwner;
                gives("rename " + which, as(NOBODY, () -> os.rename(d + "/f", d + "/g")), expected);
                os.rename(d + "/g", d + "/f");
                must("create", as(NOBODY, () -> os.create(d + "/mine", 0666)));
                gives("rename over " + which, as(NOBODY, () -> os.rename(d + "/mine", d + "/f")), expected);
                if (may) {
                    must("create", os.create(d + "/f2", 0666));
                    must("chown", os.lchown(d + "/f2", fileOwner, fileOwner));
                }
                gives("unlink " + which, as(NOBODY, () -> os.unlink(d + (may ? "/f2" : "/f"))), expected);
                gives("rmdir " + which, as(NOBODY, () -> os.rmdir(d + "/d")), expected);
            }
        }
    }
}
