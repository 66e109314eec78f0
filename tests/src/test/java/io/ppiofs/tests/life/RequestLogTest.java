package io.ppiofs.tests.life;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.ppiofs.tests.harness.Command;
import io.ppiofs.tests.harness.OnMount;
import io.ppiofs.tests.harness.Targets;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("quick")
class RequestLogTest extends OnMount {
    @Test
    void the_root_shows_what_was_asked_to_its_owner_only_and_only_by_name() throws IOException {
        assumeTrue(Targets.name().equals("ppiofs"), "only the kernel driver keeps a log of requests");
        Path made = directory("seen by the log");
        Path absent = made.resolve("absent");
        Command.of("stat", absent).run();
        Command.of("chmod", "0710", made).ok();

        Path log = fs().dir().resolve(".accesslog");
        // a line is written when its request has been answered, perhaps a moment after the caller has gone on
        await().untilAsserted(() -> assertThat(Files.readString(log))
                .containsPattern("uid=0 gid=0 pid=\\d+ mkdir ino=1 mode=0\\d+ \"seen by the log\": ok 128 <0\\.\\d{6}>")
                .containsPattern("setattr ino=\\d+ mode=0\\d*710: ok")
                .contains("\"absent\""));
        assertThat(Command.of("ls", "-A", fs().dir()).ok().out()).doesNotContain(".accesslog");
        assertThat(Command.of("setpriv", "--reuid", "65534", "--clear-groups", "cat", log)
                        .run()
                        .exit())
                .isNotZero();
    }
}
