package io.ppiofs.tests.tools;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.tests.harness.OnMount;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class ManySmallFilesTest extends OnMount {
    private static final int FILES = Integer.getInteger("many.files", 30_000);
    private static final int FOLDERS = 4;

    @Test
    void many_files_are_created_listed_read_and_deleted_while_being_listed() throws IOException {
        Path work = directory("many");
        for (int folder = 0; folder < FOLDERS; folder++) {
            Files.createDirectory(work.resolve("d" + folder));
        }
        for (int i = 0; i < FILES; i++) {
            Files.write(file(work, i), content(i));
        }
        assertListed(work);
        fs().remount();
        assertListed(work);
        for (int i = 0; i < FILES; i++) {
            assertThat(Files.readAllBytes(file(work, i))).as("file %s", i).isEqualTo(content(i));
        }
        for (int folder = 0; folder < FOLDERS; folder++) {
            deleteWhileListing(work.resolve("d" + folder));
        }
        assertSurvivesRemount(work);
    }

    private static void assertListed(Path work) throws IOException {
        Set<String> seen = new HashSet<>();
        for (int folder = 0; folder < FOLDERS; folder++) {
            try (DirectoryStream<Path> stream = Files.newDirectoryStream(work.resolve("d" + folder))) {
                for (Path entry : stream) {
                    assertThat(seen.add(work.relativize(entry).toString()))
                            .as("%s is listed once", entry)
                            .isTrue();
                }
            }
        }
        assertThat(seen).hasSize(FILES);
        for (int i = 0; i < FILES; i++) {
            assertThat(seen.contains(work.relativize(file(work, i)).toString()))
                    .as("file %s is listed", i)
                    .isTrue();
        }
    }

    /** What is deleted behind the reader may not make an entry appear twice or be left out. */
    private static void deleteWhileListing(Path folder) throws IOException {
        Set<String> seen = new HashSet<>();
        try (DirectoryStream<Path> stream = Files.newDirectoryStream(folder)) {
            for (Path entry : stream) {
                assertThat(seen.add(entry.getFileName().toString()))
                        .as("%s is listed once", entry)
                        .isTrue();
                Files.delete(entry);
            }
        }
        assertThat(seen).hasSize(FILES / FOLDERS);
        assertThat(folder).isEmptyDirectory();
        Files.delete(folder);
    }

    private static Path file(Path work, int i) {
        return work.resolve("d" + i % FOLDERS + "/file-" + i);
    }

    private static byte[] content(int i) {
        return ("content of " + i + " " + "x".repeat(i % 200)).getBytes(StandardCharsets.UTF_8);
    }
}
