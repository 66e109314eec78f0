package io.ppiofs.tests.tools;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.tests.harness.Command;
import io.ppiofs.tests.harness.OnMount;
import io.ppiofs.tests.harness.Tools;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Programs that exist to break file systems. */
class LoadGeneratorsTest extends OnMount {
    /** Seconds for each stressor and for dbench. */
    private static final int SECONDS = Integer.getInteger("load.seconds", 1);

    /**
     * stress-ng's stressors that work in a directory of any file system. Of its class "filesystem" left out: acl (POSIX
     * ACLs are a later issue), chattr, file-ioctl, inode-flags, verity, fiemap (ioctls of ext4), apparmor, binderfs, fanotify,
     * ioprio, procfs, eventfd (touch no directory), handle (open_by_handle_at needs an exportable file system), dnotify,
     * inotify (the kernel's own, no file system's), lease (fcntl leases are refused by FUSE), dirmany and filename
     * (fill the directory until it is full), io (opens and syncs every mount of the machine: those of tests beside it then cannot be
     * unmounted).
     */
    private static final List<String> STRESSORS = List.of(
            "access",
            "chdir",
            "chmod",
            "chown",
            "copy-file",
            "dentry",
            "dir",
            "dirdeep",
            "dup",
            "fallocate",
            "fcntl",
            "flock",
            "fpunch",
            "fstat",
            "getdent",
            "hdd",
            "iomix",
            "link",
            "locka",
            "lockf",
            "lockofd",
            "mknod",
            "open",
            "rename",
            "symlink",
            "sync-file",
            "touch",
            "utime",
            "xattr");

    @Test
    void dbench_runs_its_whole_load_file() {
        Tools.require("dbench");
        Path work = directory("dbench");
        String out = Command.of("dbench", "-t", SECONDS * 5, "-D", work, 4)
                .within(Duration.ofMinutes(3))
                .ok()
                .out();
        assertThat(out).contains("Throughput").doesNotContainPattern("\\[[0-9]+\\].*failed");
        assertSurvivesRemount(work);
    }

    @ParameterizedTest(name = "fio finds its own check sums again after {0}")
    @ValueSource(strings = {"write", "randwrite", "rw", "randrw"})
    void fio_finds_its_own_check_sums_again(String pattern) {
        Tools.require("fio");
        Path work = directory("fio-" + pattern);
        boolean random = pattern.startsWith("rand");
        List<Object> job = List.of(
                "fio",
                "--name=job",
                "--directory=" + work,
                "--rw=" + pattern,
                "--bs=" + (random ? "4k-64k" : "512k"),
                "--size=" + (random ? "24m" : "96m"),
                "--numjobs=2",
                "--ioengine=" + (random ? "psync" : "sync"),
                "--verify=crc32c",
                "--verify_fatal=1",
                "--end_fsync=1",
                "--randseed=4711",
                "--group_reporting");
        Command.of(job).in(work).within(Duration.ofMinutes(3)).ok();
        assertSurvivesRemount(work);
    }

    @Test
    void fio_through_a_mapping_finds_its_own_check_sums_again() {
        Tools.require("fio");
        Path work = directory("fio-mmap");
        Command.of(
                        "fio",
                        "--name=job",
                        "--directory=" + work,
                        "--rw=randwrite",
                        "--bs=4k",
                        "--size=16m",
                        "--ioengine=mmap",
                        "--verify=crc32c",
                        "--verify_fatal=1",
                        "--fsync=1000")
                .in(work)
                .within(Duration.ofMinutes(3))
                .ok();
        assertSurvivesRemount(work);
    }

    @Test
    void stress_ng_verifies_all_it_does_with_files() {
        Tools.require("stress-ng");
        Path work = directory("stress");
        for (String stressor : STRESSORS) {
            Command.Result result = Command.of(
                            "stress-ng",
                            "--" + stressor,
                            2,
                            "--verify",
                            "--timeout",
                            SECONDS + "s",
                            "--temp-path",
                            work,
                            "--oomable",
                            // bounded: what a stressor writes must fit
                            "--hdd-bytes",
                            "32m",
                            "--fallocate-bytes",
                            "32m",
                            "--iomix-bytes",
                            "32m",
                            "--copy-file-bytes",
                            "128m",
                            "--sync-file-bytes",
                            "32m")
                    .in(work)
                    .within(Duration.ofMinutes(2))
                    .run();
            // 3: a stressor could not run here at all; none of the list may say so
            assertThat(result.exit()).as(stressor + ": " + result).isZero();
            assertThat(result.out() + result.err()).as(stressor).doesNotContain("fail:");
        }
        assertSurvivesRemount(work);
    }
}
