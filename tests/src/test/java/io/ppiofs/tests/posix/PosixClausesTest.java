package io.ppiofs.tests.posix;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.fs.testing.PosixConformance;
import io.ppiofs.tests.harness.Log;
import io.ppiofs.tests.harness.OnMount;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("quick")
class PosixClausesTest extends OnMount {
    @Test
    void the_mount_keeps_every_clause_that_the_machines_own_file_system_keeps() throws IOException {
        PosixConformance.Report reference = PosixConformance.run(scratch().directory("reference"));
        PosixConformance.Report mount = PosixConformance.run(fs().dir());
        Log.say(mount.assertions() + " clauses, " + String.format("%.2f", mount.percent()) + " %; reference "
                + String.format("%.2f", reference.percent()) + " %");
        assertThat(mount.assertions()).isGreaterThan(300);
        List<String> broken = mount.failures().stream()
                .filter(failure -> !reference.failures().contains(failure))
                .toList();
        assertThat(broken).as("clauses that the reference keeps").isEmpty();
    }
}
