package io.ppiofs.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HomeTest {
    private static final Path USER = Path.of("/home/ada");

    @TempDir
    Path directory;

    @Test
    void theOptionWinsOverTheEnvironmentAndThatOverTheDefault() {
        Map<String, String> both = Map.of("PPIOFS_HOME", "/env", "XDG_DATA_HOME", "/xdg");
        assertThat(Home.resolve(Path.of("/option"), both, USER).root()).isEqualTo(Path.of("/option"));
        assertThat(Home.resolve(null, both, USER).root()).isEqualTo(Path.of("/env"));
        assertThat(Home.resolve(null, Map.of("XDG_DATA_HOME", "/xdg"), USER).root())
                .isEqualTo(Path.of("/xdg/ppiofs"));
        assertThat(Home.resolve(null, Map.of(), USER).root()).isEqualTo(Path.of("/home/ada/.local/share/ppiofs"));
    }

    @Test
    void aRelativeXdgDirectoryIsIgnored() {
        assertThat(Home.resolve(null, Map.of("XDG_DATA_HOME", "data"), USER).root())
                .isEqualTo(Path.of("/home/ada/.local/share/ppiofs"));
    }

    @Test
    void itIsMadePrivate() throws IOException {
        Home home = new Home(directory.resolve("a/b"));
        home.create();
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(home.root())))
                .isEqualTo("rwx------");
        assertThat(home.logDirectory()).isDirectory();
    }

    @Test
    void aFileInItsPlaceIsOneSentence() throws IOException {
        Path file = Files.createFile(directory.resolve("file"));
        assertThatThrownBy(() -> new Home(file).create())
                .isInstanceOfSatisfying(
                        PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.NOT_A_DIRECTORY))
                .hasMessageContaining("--home");
    }

    @Test
    void theSocketOfALongPathIsShortAndTheSameEachTime() {
        Home deep = new Home(directory.resolve("x".repeat(120)));
        assertThat(deep.socket().toString().getBytes(StandardCharsets.UTF_8)).hasSizeLessThan(108);
        assertThat(deep.socket()).isEqualTo(new Home(deep.root()).socket());
        assertThat(deep.socket()).isNotEqualTo(new Home(directory.resolve("y".repeat(120))).socket());
        assertThat(new Home(Path.of("/short")).socket()).isEqualTo(Path.of("/short/node.sock"));
    }
}
