package io.ppiofs.fs.journal;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files that version 1 wrote must be readable for ever. Their salts are random, so only reading can be compared. */
class JournalGoldenTest {
    @TempDir
    private Path temp;

    @Test
    void filesOfVersionOneAreReplayed() throws Exception {
        JournalFixture fixture = new JournalFixture(temp);
        copy("first-v1.hex", 1);
        copy("second-v1.hex", 4);
        try (Journal journal = fixture.open(0)) {
            assertThat(fixture.replayed).containsExactly("one", "two", "", "four");
            assertThat(journal.replayReport()).isEqualTo(new ReplayReport(4, 4, 0, 0));
        }
    }

    private void copy(String name, long firstLsn) throws IOException {
        try (InputStream in = JournalGoldenTest.class.getResourceAsStream(name)) {
            assertThat(in).as(name).isNotNull();
            String hex = new String(in.readAllBytes(), StandardCharsets.US_ASCII).replaceAll("\\s", "");
            Files.write(
                    temp.resolve(JournalFormat.fileName(firstLsn)),
                    HexFormat.of().parseHex(hex));
        }
    }
}
