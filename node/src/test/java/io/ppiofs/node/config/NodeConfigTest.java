package io.ppiofs.node.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.io.IOException;
import java.lang.reflect.Field;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class NodeConfigTest {
    @TempDir
    Path directory;

    private NodeConfig read(String text) throws IOException {
        return NodeConfig.read(Files.writeString(directory.resolve("config.toml"), text));
    }

    @Test
    void noFileMeansDefaults() {
        NodeConfig config = NodeConfig.read(directory.resolve("none.toml"));
        assertThat(config.get(NodeConfig.LOG_LEVEL)).isEqualTo("info");
        assertThat(config.get(NodeConfig.LOG_FILE_SIZE)).isEqualTo(ByteSize.ofMebibytes(16));
        assertThat(config.get(NodeConfig.METRICS_ENABLED)).isTrue();
    }

    @Test
    void tablesAndDottedKeysAreTheSame() throws IOException {
        NodeConfig config = read("mount.threads = 7\n[log]\nlevel = \"Debug\"\nfile-size = \"2MiB\"\n");
        assertThat(config.get(NodeConfig.MOUNT_THREADS)).isEqualTo(7);
        assertThat(config.get(NodeConfig.LOG_LEVEL)).isEqualTo("debug");
        assertThat(config.get(NodeConfig.LOG_FILE_SIZE)).isEqualTo(ByteSize.ofMebibytes(2));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "colour = 1",
                "[log]\nlevel = \"loud\"",
                "metrics.port = 70000",
                "metrics.port = \"http\"",
                "metrics.enabled = \"yes\"",
                "log.file-size = \"1 byte\"",
                "log.file-size = \"1KiB\"",
                "log.level = [\"info\"]",
                "this is not toml",
                "[log",
            })
    void whatCannotBeUsedIsOneSentenceThatNamesTheFile(String text) {
        assertThatThrownBy(() -> read(text))
                .isInstanceOfSatisfying(
                        PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.CONFIG))
                .hasMessageContaining("config.toml")
                .hasMessageNotContaining("\n");
    }

    @Test
    void aDirectoryInItsPlaceIsOneSentence() throws IOException {
        Path place = Files.createDirectory(directory.resolve("config.toml"));
        assertThatThrownBy(() -> NodeConfig.read(place))
                .isInstanceOfSatisfying(
                        PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.CONFIG));
    }

    @Test
    void everyKeyIsListedOnce() throws IllegalAccessException {
        List<Object> keys = new ArrayList<>();
        for (Field field : NodeConfig.class.getDeclaredFields()) {
            if (field.getType() == ConfigKey.class) {
                keys.add(field.get(null));
            }
        }
        assertThat(keys).isNotEmpty();
        assertThat(NodeConfig.KEYS)
                .containsExactlyInAnyOrderElementsOf(keys.stream()
                        .<ConfigKey<?>>map(key -> (ConfigKey<?>) key)
                        .toList());
        assertThat(NodeConfig.KEYS).extracting(ConfigKey::name).doesNotHaveDuplicates();
    }

    @ParameterizedTest
    @CsvSource({"4096,4096", "64KiB,65536", "1.5 GiB,1610612736", "10MB,10000000", "2k,2000", "3Gi,3221225472", "7B,7"})
    void sizesAreReadWithUnits(String text, long bytes) {
        assertThat(ByteSize.parse(text).bytes()).isEqualTo(bytes);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "-1", "MiB", "1 XiB", "99999999999999TiB", "1.2.3M"})
    void whatIsNoSizeIsRefused(String text) {
        assertThatThrownBy(() -> ByteSize.parse(text)).isInstanceOf(IllegalArgumentException.class);
    }

    @ParameterizedTest
    @CsvSource({"0,0 B", "1023,1023 B", "1024,1.00 KiB", "10240,10.0 KiB", "1048576,1.00 MiB", "838860800,800 MiB"})
    void sizesAreShownWithThreeDigits(long bytes, String text) {
        assertThat(ByteSize.show(bytes)).isEqualTo(text);
    }
}
