package io.ppiofs.tests.tools;

import io.ppiofs.tests.harness.Command;
import io.ppiofs.tests.harness.NativeProgram;
import io.ppiofs.tests.harness.OnMount;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("quick")
class MappingsTest extends OnMount {
    @Test
    void shared_mappings_behave_as_posix_says_and_their_bytes_survive() {
        Path work = directory("maps");
        Command.of(NativeProgram.compile(scratch(), "mapcheck"), work).ok();
        assertSurvivesRemount(work);
    }
}
