package io.ppiofs.fs.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.core.Attr;
import io.ppiofs.fs.core.Caller;
import io.ppiofs.fs.core.FileName;
import io.ppiofs.fs.core.FileSystemCore.AllocateMode;
import io.ppiofs.fs.core.FileSystemCore.Created;
import io.ppiofs.fs.core.FileSystemCore.Seek;
import io.ppiofs.fs.core.FileType;
import io.ppiofs.fs.core.Ino;
import io.ppiofs.fs.core.OpenFlags;
import io.ppiofs.fs.core.RenameMode;
import io.ppiofs.fs.core.SetAttr;
import io.ppiofs.fs.core.Timestamp;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

/** What a mount on libfuse 2.9 cannot reach; the rest is checked by {@link PosixConformance} through a mount. */
class ModelFileSystemTest {
    private static final OpenFlags READ_WRITE = OpenFlags.ofLinux(2);

    private long now = 1_000_000;
    private final ModelFileSystem fs = new ModelFileSystem(() -> new Timestamp(now++, 0), 1 << 20);

    private static FileName name(String s) {
        return FileName.of(s);
    }

    private Ino file(String n) {
        return fs.mknod(Caller.ROOT, Ino.ROOT, name(n), FileType.REGULAR.bits() | 0644, 0)
                .ino();
    }

    private Ino dir(Ino parent, String n) {
        return fs.mkdir(Caller.ROOT, parent, name(n), 0755).ino();
    }

    private static void fails(ErrorKind kind, ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(kind));
    }

    @Test
    void exchangesNames() {
        Ino a = file("a");
        Ino d = dir(Ino.ROOT, "d");
        Ino sub = dir(d, "sub");
        fs.rename(Caller.ROOT, Ino.ROOT, name("a"), d, name("sub"), RenameMode.EXCHANGE);
        assertThat(fs.lookup(Ino.ROOT, name("a")).ino()).isEqualTo(sub);
        assertThat(fs.lookup(d, name("sub")).ino()).isEqualTo(a);
        assertThat(fs.getattr(d).nlink()).isEqualTo(2);
        assertThat(fs.getattr(Ino.ROOT).nlink()).isEqualTo(4);
        fails(ErrorKind.NOT_FOUND, () -> fs.rename(Caller.ROOT, d, name("sub"), d, name("none"), RenameMode.EXCHANGE));
        fails(ErrorKind.INVALID, () -> {
            Ino inner = dir(d, "inner");
            dir(inner, "x");
            fs.rename(Caller.ROOT, inner, name("x"), Ino.ROOT, name("d"), RenameMode.EXCHANGE);
        });
    }

    @Test
    void refusesToReplaceWhenAsked() {
        file("a");
        file("b");
        fails(
                ErrorKind.EXISTS,
                () -> fs.rename(Caller.ROOT, Ino.ROOT, name("a"), Ino.ROOT, name("b"), RenameMode.NO_REPLACE));
        fs.rename(Caller.ROOT, Ino.ROOT, name("a"), Ino.ROOT, name("c"), RenameMode.NO_REPLACE);
        fails(ErrorKind.NOT_FOUND, () -> fs.lookup(Ino.ROOT, name("a")));
    }

    @Test
    void limitsLinks() {
        Ino a = file("a");
        for (int i = 1; i < ModelFileSystem.MAX_LINKS; i++) {
            fs.link(Caller.ROOT, a, Ino.ROOT, name("l" + i));
        }
        fails(ErrorKind.TOO_MANY_LINKS, () -> fs.link(Caller.ROOT, a, Ino.ROOT, name("more")));
        assertThat(fs.getattr(a).nlink()).isEqualTo(ModelFileSystem.MAX_LINKS);
    }

    @Test
    void keepsAnInodeWhileItIsKnownOrOpen() {
        Created c = fs.create(Caller.ROOT, Ino.ROOT, name("a"), 0600, READ_WRITE);
        Ino a = c.attr().ino();
        fs.lookup(Ino.ROOT, name("a"));
        fs.unlink(Caller.ROOT, Ino.ROOT, name("a"));
        assertThat(fs.getattr(a).nlink()).isZero();
        fs.forget(a, 2);
        assertThat(fs.getattr(a).nlink()).isZero();
        fs.release(c.file());
        fails(ErrorKind.NOT_FOUND, () -> fs.getattr(a));
        assertThat(fs.inodeCount()).isEqualTo(1);
    }

    @Test
    void countsSpace() {
        Created c = fs.create(Caller.ROOT, Ino.ROOT, name("a"), 0600, READ_WRITE);
        fs.write(c.file(), 0, ByteBuffer.allocate(1 << 20));
        assertThat(fs.statfs().availableBytes()).isZero();
        fails(ErrorKind.NO_SPACE, () -> fs.write(c.file(), 1 << 20, ByteBuffer.allocate(1)));
        fs.write(c.file(), 5, ByteBuffer.allocate(100));
        fs.fallocate(c.file(), AllocateMode.PUNCH_HOLE, 0, 8192);
        assertThat(fs.statfs().availableBytes()).isEqualTo(8192);
        fs.release(c.file());
        fs.unlink(Caller.ROOT, Ino.ROOT, name("a"));
        fs.forget(c.attr().ino(), 1);
        assertThat(fs.statfs().availableBytes()).isEqualTo(1 << 20);
    }

    @Test
    void findsDataAndHoles() {
        Created c = fs.create(Caller.ROOT, Ino.ROOT, name("a"), 0600, READ_WRITE);
        fs.write(c.file(), 10_000, ByteBuffer.allocate(10));
        fs.write(c.file(), 20_000, ByteBuffer.allocate(10));
        assertThat(fs.seek(c.file(), 0, Seek.DATA)).isEqualTo(8192);
        assertThat(fs.seek(c.file(), 9000, Seek.DATA)).isEqualTo(9000);
        assertThat(fs.seek(c.file(), 9000, Seek.HOLE)).isEqualTo(12_288);
        assertThat(fs.seek(c.file(), 19_000, Seek.HOLE)).isEqualTo(20_010);
        fails(ErrorKind.NO_SUCH_DEVICE, () -> fs.seek(c.file(), 20_010, Seek.DATA));
        fs.setattr(Caller.ROOT, c.attr().ino(), new SetAttr(null, null, null, 50_000L, null, null));
        fails(ErrorKind.NO_SUCH_DEVICE, () -> fs.seek(c.file(), 30_000, Seek.DATA));
    }

    @Test
    void goesOnListingBehindACookie() {
        for (int i = 0; i < 10; i++) {
            file("f" + i);
        }
        var d = fs.opendir(Ino.ROOT);
        List<String> seen = new ArrayList<>();
        long[] cookie = {0};
        for (int round = 0; round < 20; round++) {
            int[] room = {3};
            fs.readdir(d, cookie[0], (n, i, t, next) -> {
                if (room[0]-- == 0) {
                    return false;
                }
                seen.add(n.toString());
                cookie[0] = next;
                return true;
            });
        }
        assertThat(seen).containsExactly(".", "..", "f0", "f1", "f2", "f3", "f4", "f5", "f6", "f7", "f8", "f9");
        fs.releasedir(d);
    }

    @Test
    void appendsWhereTheEndIs() {
        Created c = fs.create(Caller.ROOT, Ino.ROOT, name("a"), 0600, OpenFlags.ofLinux(0x401));
        fs.write(c.file(), 0, ByteBuffer.allocate(3));
        fs.write(c.file(), 0, ByteBuffer.allocate(4));
        Attr a = fs.getattr(c.attr().ino());
        assertThat(a.size()).isEqualTo(7);
        assertThat(a.mtime()).isEqualTo(a.ctime());
    }

    @Test
    void isNotConnectedAfterClose() {
        fs.close();
        fails(ErrorKind.NOT_CONNECTED, () -> fs.getattr(Ino.ROOT));
    }
}
