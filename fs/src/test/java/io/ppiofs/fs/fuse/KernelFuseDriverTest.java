package io.ppiofs.fs.fuse;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.fs.core.Caller;
import io.ppiofs.fs.core.Ino;
import io.ppiofs.fs.core.SetAttr;
import io.ppiofs.fs.fuse.kernel.KernelFuseDriver;
import io.ppiofs.fs.testing.PosixConformance;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;

/** The contract on our own implementation of the kernel's protocol, and what it can do beside. */
class KernelFuseDriverTest extends FuseDriverContractTest {
    @Override
    FuseDriver driver() {
        return new KernelFuseDriver();
    }

    @Test
    void conformsToLinux() throws Exception {
        mount("allow_other", "dev", "suid");
        model().setattr(Caller.ROOT, Ino.ROOT, new SetAttr(0755, null, null, null, null, null));
        Files.setPosixFilePermissions(work, PosixFilePermissions.fromString("rwxr-xr-x"));
        PosixConformance.Report report = PosixConformance.runLinux(mountPoint());
        assertThat(report.failures()).isEmpty();
        assertThat(report.assertions()).isGreaterThan(100);
    }

    @Test
    void conformsWithAWritebackCache() throws Exception {
        mount("allow_other", "dev", "suid", "writeback_cache");
        model().setattr(Caller.ROOT, Ino.ROOT, new SetAttr(0755, null, null, null, null, null));
        Files.setPosixFilePermissions(work, PosixFilePermissions.fromString("rwxr-xr-x"));
        assertThat(PosixConformance.run(mountPoint()).failures()).isEmpty();
    }

    @Test
    void asksForAnAbsentNameOnce() {
        mount();
        Path absent = mountPoint().resolve("absent");
        assertThat(Files.exists(absent)).isFalse();
        long before = tapped().count("lookup");
        for (int i = 0; i < 100; i++) {
            assertThat(Files.exists(absent)).isFalse();
        }
        assertThat(tapped().count("lookup")).isEqualTo(before);
    }

    @Test
    void readsAndWritesAMebibyteAtOnce() throws Exception {
        mount();
        Path f = mountPoint().resolve("f");
        Files.createFile(f);
        try (var c = java.nio.channels.FileChannel.open(f, java.nio.file.StandardOpenOption.WRITE)) {
            long before = tapped().count("write");
            c.write(java.nio.ByteBuffer.allocate(4 << 20));
            assertThat(tapped().count("write") - before).isLessThanOrEqualTo(5);
        }
    }
}
