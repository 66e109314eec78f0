package io.ppiofs.fs.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;

/** The conformance check itself, against filesystems that are right: a failure here is a wrong clause. */
class PosixConformanceTest {
    @Test
    void holdsOnTheMachinesOwnFilesystem() throws IOException {
        check(Path.of(System.getProperty("java.io.tmpdir")));
    }

    @Test
    void holdsOnTmpfs() throws IOException {
        Path shm = Path.of("/dev/shm");
        assumeTrue(Files.isDirectory(shm), "no tmpfs here");
        check(shm);
    }

    private static void check(Path where) throws IOException {
        assumeTrue("root".equals(System.getProperty("user.name")), "acts as several users");
        Path d = Files.createTempDirectory(where, "conformance");
        try {
            Files.setPosixFilePermissions(d, PosixFilePermissions.fromString("rwxr-xr-x"));
            PosixConformance.Report report = PosixConformance.run(d);
            assertThat(report.failures()).isEmpty();
            assertThat(report.assertions()).isGreaterThan(1000);
            PosixConformance.Report linux = PosixConformance.runLinux(d);
            assertThat(linux.failures()).isEmpty();
            assertThat(linux.assertions()).isGreaterThan(100);
        } finally {
            Files.delete(d);
        }
    }
}
