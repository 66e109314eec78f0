package io.ppiofs.tests.tools;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.tests.harness.Command;
import io.ppiofs.tests.harness.DebianSource;
import io.ppiofs.tests.harness.OnMount;
import io.ppiofs.tests.harness.Tools;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class BuildFromSourceTest extends OnMount {
    @Test
    void a_debian_package_configures_builds_and_passes_its_own_tests() {
        Tools.require("gcc", "make", "tar", "bzip2", "gzip", "xz");
        Path archive = DebianSource.fetch(scratch(), "zlib");
        Path work = directory("build");
        Command.of("tar", "-xf", archive, "--strip-components=1").in(work).ok();
        Command.of("./configure").in(work).within(Duration.ofMinutes(3)).ok();
        Command.of("make", "-j2").in(work).within(Duration.ofMinutes(5)).ok();
        String tests = Command.of("make", "test")
                .in(work)
                .within(Duration.ofMinutes(5))
                .ok()
                .out();
        assertThat(tests).contains("zlib test OK");
        assertSurvivesRemount(work);
        assertThat(Command.of("make").in(work).ok().out())
                .as("make after a remount: times are kept to the nanosecond, so nothing is built again")
                .doesNotContain("gcc");
    }
}
