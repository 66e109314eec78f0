package io.ppiofs.tests.posix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import io.ppiofs.fs.testing.PosixConformance;
import io.ppiofs.tests.harness.Command;
import io.ppiofs.tests.harness.Ext4Image;
import io.ppiofs.tests.harness.Log;
import io.ppiofs.tests.harness.OnMount;
import io.ppiofs.tests.harness.PpiofsMount;
import io.ppiofs.tests.harness.Scratch;
import io.ppiofs.tests.harness.Targets;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("quick")
class PosixClausesTest extends OnMount {
    @Test
    void the_mount_keeps_every_clause_that_the_machines_own_file_system_keeps() throws IOException {
        compare(PosixConformance.run(scratch().directory("reference")), PosixConformance.run(fs().dir()), 300);
    }

    @Test
    void the_mount_keeps_the_clauses_of_linux_that_ext4_keeps() throws IOException {
        assumeFalse(Targets.foreign() || Targets.name().equals("jnr"), "libfuse 2.9 cannot do all of them");
        try (Scratch other = Scratch.open("PosixClausesLinux")) {
            Path ext4 = Ext4Image.mounted(other, 64).dir().resolve("reference");
            Command.of("mkdir", ext4).ok();
            compare(PosixConformance.runLinux(ext4), PosixConformance.runLinux(fs().dir()), 100);
        }
    }

    @Test
    void a_mount_through_libfuse_keeps_every_clause_of_posix() throws IOException {
        assumeFalse(Targets.foreign(), "only one of ours");
        try (Scratch other = Scratch.open("PosixClausesJnr")) {
            PpiofsMount jnr = PpiofsMount.fresh(other).options(PpiofsMount.OPTIONS + ",driver=jnr");
            jnr.mount();
            compare(PosixConformance.run(other.directory("reference")), PosixConformance.run(jnr.dir()), 300);
        }
    }

    @Test
    void two_mounts_of_a_volume_keep_every_clause_in_turn() throws IOException {
        assumeFalse(Targets.foreign() || Targets.name().equals("jnr"), "libfuse 2.9 tells no kernel of changes");
        PpiofsMount one = (PpiofsMount) fs();
        Path dir = one.dir().resolveSibling(one.dir().getFileName().toString().replace('m', 'n'));
        Files.createDirectory(dir);
        PpiofsMount two = new PpiofsMount(one.home(), "default", dir);
        try {
            two.mount();
            compare(
                    PosixConformance.run(scratch().directory("alone")),
                    PosixConformance.runAcross(one.dir(), dir, 4),
                    300);
        } finally {
            one.command().of("umount", dir).run();
        }
    }

    private static void compare(PosixConformance.Report reference, PosixConformance.Report mount, int least) {
        Log.say(mount.assertions() + " clauses, " + String.format("%.2f", mount.percent()) + " %; reference "
                + String.format("%.2f", reference.percent()) + " %");
        assertThat(mount.assertions()).isGreaterThan(least);
        List<String> broken = mount.failures().stream()
                .filter(failure -> !reference.failures().contains(failure))
                .toList();
        assertThat(broken).as("clauses that the reference keeps").isEmpty();
    }
}
