package io.ppiofs.fs.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;

/** read, write, truncate, fallocate, readdir. */
final class DataClauses extends Clauses {
    private static final byte[] HELLO = "hello".getBytes(StandardCharsets.UTF_8);
    private static final int SEEK_SET = 0;
    private static final int SEEK_END = 2;
    private static final int SEEK_DATA = 3;
    private static final int SEEK_HOLE = 4;

    DataClauses(PosixSystem os) {
        super("data", os);
    }

    @Override
    void run() {
        writing();
        appending();
        holes();
        truncating();
        truncateRefusals();
        seeking();
        allocating();
        listing();
    }

    private void writing() {
        String f = file(0644);
        int fd = os.open(f, PosixSystem.O_RDWR, 0);
        Change w = across(f, () -> ok("write", os.write(fd, HELLO)));
        same("write sets the size", 5, w.after().size());
        that("write changes mtime", w.mtime());
        that("write changes ctime", w.ctime());
        that("write leaves atime", !w.atime());
        Change none = across(f, () -> ok("write of nothing", os.write(fd, new byte[0])));
        that("write of nothing leaves mtime", !none.mtime());
        Change r = across(f, () -> that("read back", Arrays.equals(HELLO, os.pread(fd, 100, 0))));
        that("read leaves mtime", !r.mtime());
        that("read leaves ctime", !r.ctime());
        same("read at the end", 0, os.pread(fd, 10, 5).length);
        same("read behind the end", 0, os.pread(fd, 10, 50_000).length);
        os.close(fd);
        atime();
        String other = fresh();
        must("link", os.link(f, other));
        int again = os.open(other, PosixSystem.O_WRONLY, 0);
        must("write", os.pwrite(again, HELLO, 5));
        same(
                "a write through one name shows in the other's size",
                10,
                os.stat(f).size());
        same("and its mtime", os.stat(other).mtime(), os.stat(f).mtime());
        ok("fsync", os.fsync(again));
        os.close(again);
    }

    private void atime() {
        String f = file(0644);
        int fd = os.open(f, PosixSystem.O_RDWR, 0);
        must("write", os.write(fd, HELLO));
        os.close(fd);
        Change c = across(f, () -> {
            int in = os.open(f, PosixSystem.O_RDONLY, 0);
            os.pread(in, 5, 0);
            os.close(in);
        });
        that("the first read after a write changes atime", c.atime());
        String d = dir(0755);
        must("create", os.create(d + "/x", 0644));
        Change l = across(d, () -> names(d));
        that("the first listing after a change changes atime", l.atime());
    }

    private void appending() {
        String f = file(0644);
        int a = os.open(f, PosixSystem.O_WRONLY | PosixSystem.O_APPEND, 0);
        int b = os.open(f, PosixSystem.O_WRONLY | PosixSystem.O_APPEND, 0);
        must("write", os.write(a, HELLO));
        must("write", os.write(b, HELLO));
        must("write", os.write(a, HELLO));
        same("O_APPEND goes to the end, whoever wrote", 15, os.stat(f).size());
        must("truncate", os.truncate(f, 2));
        must("write", os.write(a, HELLO));
        same("also after truncate", 7, os.stat(f).size());
        os.close(a);
        os.close(b);
    }

    private void holes() {
        String f = file(0644);
        int fd = os.open(f, PosixSystem.O_RDWR, 0);
        must("write", os.pwrite(fd, HELLO, 1_000_000));
        same("a write behind the end extends", 1_000_005, os.fstat(fd).size());
        that("the gap is zeros", Arrays.equals(new byte[4096], os.pread(fd, 4096, 500_000)));
        that("a hole holds no blocks", os.fstat(fd).blocks() * 512 < 500_000);
        must("write", os.pwrite(fd, HELLO, 4_000_000_000L));
        same("beyond 4 GB", 4_000_000_005L, os.fstat(fd).size());
        that("reads back", Arrays.equals(HELLO, os.pread(fd, 10, 4_000_000_000L)));
        os.close(fd);
    }

    private void truncating() {
        String f = file(0644);
        int fd = os.open(f, PosixSystem.O_RDWR, 0);
        must("write", os.write(fd, new byte[] {1, 2, 3, 4, 5, 6, 7, 8}));
        Change c = across(f, () -> ok("truncate", os.truncate(f, 3)));
        same("truncate shortens", 3, c.after().size());
        that("truncate changes mtime", c.mtime());
        that("truncate changes ctime", c.ctime());
        must("truncate", os.truncate(f, 6));
        that(
                "what was cut off is zeros when it comes back",
                Arrays.equals(new byte[] {1, 2, 3, 0, 0, 0}, os.pread(fd, 10, 0)));
        Change byFd = across(f, () -> ok("ftruncate", os.ftruncate(fd, 100_000)));
        same("ftruncate extends", 100_000, byFd.after().size());
        that("ftruncate changes mtime", byFd.mtime());
        that("ftruncate changes ctime", byFd.ctime());
        that("with zeros", Arrays.equals(new byte[1000], os.pread(fd, 1000, 50_000)));
        ok("truncate far out", os.truncate(f, 1L << 40));
        same("1 TiB", 1L << 40, os.stat(f).size());
        ok("and back", os.truncate(f, 0));
        os.close(fd);
    }

    private void truncateRefusals() {
        String f = file(0644);
        gives("truncate to a negative size", os.truncate(f, -1), Errno.EINVAL);
        gives("truncate of a directory", os.truncate(dir(0755), 0), Errno.EISDIR);
        String closed = file(0444, OTHER, OTHER);
        Change c = across(
                closed,
                () -> gives("truncate without permission", as(NOBODY, () -> os.truncate(closed, 0)), Errno.EACCES));
        that("leaves ctime", !c.ctime());
        int readOnly = os.open(f, PosixSystem.O_RDONLY, 0);
        gives("ftruncate of a read-only descriptor", os.ftruncate(readOnly, 0), Errno.EINVAL, Errno.EBADF);
        gives("write to a read-only descriptor", os.write(readOnly, HELLO), Errno.EBADF);
        os.close(readOnly);
        int writeOnly = os.open(f, PosixSystem.O_WRONLY, 0);
        gives("read from a write-only descriptor", os.readErrno(writeOnly), Errno.EBADF);
        gives("ftruncate to a negative size", os.ftruncate(writeOnly, -1), Errno.EINVAL);
        os.close(writeOnly);
    }

    private void seeking() {
        String f = file(0644);
        int fd = os.open(f, PosixSystem.O_RDWR, 0);
        must("write", os.write(fd, new byte[10_000]));
        same("SEEK_END", 10_000, os.lseek(fd, 0, SEEK_END));
        same("SEEK_SET", 5, os.lseek(fd, 5, SEEK_SET));
        same("a negative offset", -Errno.EINVAL.number(), os.lseek(fd, -1, SEEK_SET));
        same("SEEK_DATA in data", 100, os.lseek(fd, 100, SEEK_DATA));
        same("SEEK_HOLE finds the end", 10_000, os.lseek(fd, 0, SEEK_HOLE));
        same("SEEK_DATA behind the end", -Errno.ENXIO.number(), os.lseek(fd, 20_000, SEEK_DATA));
        os.close(fd);
    }

    private void allocating() {
        String f = file(0644);
        int fd = os.open(f, PosixSystem.O_RDWR, 0);
        byte[] ones = new byte[20_000];
        Arrays.fill(ones, (byte) 1);
        must("write", os.write(fd, ones));
        ok("fallocate", os.fallocate(fd, 0, 10_000, 30_000));
        same("fallocate extends", 40_000, os.fstat(fd).size());
        ok("fallocate(KEEP_SIZE)", os.fallocate(fd, 1, 40_000, 30_000));
        same("keeps the size", 40_000, os.fstat(fd).size());
        ok("fallocate(PUNCH_HOLE)", os.fallocate(fd, 3, 4096, 8192));
        that("punches zeros", Arrays.equals(new byte[8192], os.pread(fd, 8192, 4096)));
        that("and nothing before", os.pread(fd, 4096, 0)[4095] == 1);
        that("nor behind", os.pread(fd, 1, 4096 + 8192)[0] == 1);
        same("keeps the size", 40_000, os.fstat(fd).size());
        that("what was asked for counts in st_blocks", os.fstat(fd).blocks() * 512 >= 58_000);
        long before = os.fstat(fd).blocks();
        must("write", os.pwrite(fd, new byte[] {1, 2}, 65_535));
        same("and writing there adds nothing", before, os.fstat(fd).blocks());
        ok("ftruncate", os.ftruncate(fd, 10_000));
        that("a shorter file gives it back", os.fstat(fd).blocks() * 512 <= 16_384);
        gives("fallocate of nothing", os.fallocate(fd, 0, 0, 0), Errno.EINVAL);
        gives("fallocate from a negative offset", os.fallocate(fd, 0, -1, 10), Errno.EINVAL);
        os.close(fd);
        int readOnly = os.open(f, PosixSystem.O_RDONLY, 0);
        gives("fallocate of a read-only descriptor", os.fallocate(readOnly, 0, 0, 10), Errno.EBADF);
        os.close(readOnly);
    }

    private void listing() {
        String d = dir(0755);
        Set<String> expected = new HashSet<>();
        for (int i = 0; i < 500; i++) {
            String name = "entry-" + i + "-" + "x".repeat(i % 200);
            must("create", os.create(d + "/" + name, 0644));
            expected.add(name);
        }
        that("readdir lists each name once", expected.equals(names(d)));
        for (int i = 0; i < 500; i += 2) {
            String name = "entry-" + i + "-" + "x".repeat(i % 200);
            must("unlink", os.unlink(d + "/" + name));
            expected.remove(name);
        }
        that("readdir lists no removed name", expected.equals(names(d)));
        that("readdir while removing ends", removeWhileListing(d) == expected.size());
        that("and leaves nothing", names(d).isEmpty());
    }

    private static Set<String> names(String d) {
        Set<String> names = new HashSet<>();
        try (DirectoryStream<Path> s = Files.newDirectoryStream(Path.of(d))) {
            for (Path p : s) {
                if (!names.add(p.getFileName().toString())) {
                    throw new IllegalStateException("listed twice: " + p);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return names;
    }

    private static int removeWhileListing(String d) {
        int n = 0;
        try (DirectoryStream<Path> s = Files.newDirectoryStream(Path.of(d))) {
            for (Path p : s) {
                Files.delete(p);
                n++;
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return n;
    }
}
