package io.ppiofs.proofs.sdr;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.proofs.work.MappedFile;
import io.ppiofs.proofs.work.Workers;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Last label of the last of eleven layers, replica id 32 × 0x09: what Filecoin's reference implementation has. */
class SdrVectorTest {
    private static final int LAYERS = 11;

    @TempDir
    Path directory;

    @ParameterizedTest
    @CsvSource({
        "64, 0, V1_0, 04ba0f9a6ba9fad35e4806d183a281eab3c25afa9a1bd5e3378da6f1f4f46204",
        "64, 123, V1_1, cfef0db78bf3b3ab9f1169774d2e7a77bc9054499d954834b51ca7c788110206",
        "64, 123, V1_2, cfef0db78bf3b3ab9f1169774d2e7a77bc9054499d954834b51ca7c788110206",
        "128, 0, V1_0, 86daa8c4521e197e48c1fae6c9a1e85ab894a8883b9f23cebe531ddcd1004c23",
        "128, 123, V1_1, 6d67c468cf81ab2289c1c9c72fa8777a232de4c1323dc0c6bd552ccc187c770f",
        "128, 123, V1_2, 6d67c468cf81ab2289c1c9c72fa8777a232de4c1323dc0c6bd552ccc187c770f"
    })
    void the_last_label_is_that_of_the_reference(int nodes, int porepByte, ApiVersion version, String label) {
        byte[] porepId = filled(porepByte);
        SdrGraph graph = new SdrGraph(nodes, porepId, version);

        try (Workers workers = new Workers(2)) {
            ParentCache parents = ParentCache.open(directory, graph, workers);
            Labeller labeller = new Labeller(parents, filled(9));
            MappedFile previous = null;
            for (int layer = 1; layer <= LAYERS; layer++) {
                MappedFile current = MappedFile.create(directory.resolve("layer-" + layer), graph.bytes(), "label");
                labeller.label(layer, current, previous, done -> {});
                previous = current;
            }
            byte[] last = new byte[32];
            previous.buffer().get((nodes - 1) * 32, last);

            assertThat(HexFormat.of().formatHex(last)).isEqualTo(label);
        }
    }

    private static byte[] filled(int value) {
        byte[] bytes = new byte[32];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }
}
