package io.ppiofs.proofs.merkle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.error.PpiofsException;
import io.ppiofs.proofs.sdr.Sha256;
import io.ppiofs.proofs.work.Workers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MerkleTreeTest {
    private final Workers workers = new Workers(3);

    @TempDir
    Path directory;

    @AfterEach
    void close() {
        workers.close();
    }

    private static LeafSource of(byte[] data, int leafBytes) {
        return (first, count, out) -> System.arraycopy(data, (int) first * leafBytes, out, 0, count * leafBytes);
    }

    private static byte[] random(int length) {
        byte[] bytes = new byte[length];
        new SplittableRandom(length).nextBytes(bytes);
        return bytes;
    }

    private MerkleTree build(NodeHash hash, byte[] data, int leafBytes, int discarded) {
        MerkleTree.Shape shape = new MerkleTree.Shape(hash, data.length / leafBytes, leafBytes, discarded);
        return MerkleTree.build(shape, of(data, leafBytes), workers, directory);
    }

    /** By recursion over the definition. */
    private static byte[] root(NodeHash hash, byte[] data, int leafBytes) {
        Sha256 sha256 = new Sha256();
        byte[] out = new byte[32];
        if (data.length == leafBytes) {
            hash.leaf(sha256, data, 0, leafBytes, out, 0);
            return out;
        }
        byte[] children = new byte[64];
        int half = data.length / 2;
        System.arraycopy(root(hash, Arrays.copyOf(data, half), leafBytes), 0, children, 0, 32);
        System.arraycopy(root(hash, Arrays.copyOfRange(data, half, 2 * half), leafBytes), 0, children, 32, 32);
        hash.pair(sha256, children, 0, out, 0);
        return out;
    }

    @Test
    void the_commitment_of_an_empty_2_KiB_sector_is_the_one_of_Filecoin() {
        assertThat(HexFormat.of()
                        .formatHex(
                                build(NodeHash.TRUNCATED, new byte[2048], 32, 3).root()))
                .isEqualTo("fc7e928296e516faade986b28f92d44a4f24b935485223376a799027bc18f833");
    }

    @ParameterizedTest
    @CsvSource({
        "TRUNCATED, 32, 64, 0",
        "TRUNCATED, 32, 4096, 5",
        "SEPARATED, 100, 256, 0",
        "SEPARATED, 64, 512, 9",
        "SEPARATED, 4096, 1024, 1",
        "SEPARATED, 64, 1, 0"
    })
    void every_leaf_leads_to_the_root_and_no_other_does(NodeHash hash, int leafBytes, int leaves, int discarded)
            throws IOException {
        byte[] data = random(leafBytes * leaves);
        MerkleTree tree = build(hash, data, leafBytes, discarded);
        MerklePath check = new MerklePath(hash);
        assertThat(tree.root()).isEqualTo(root(hash, data, leafBytes));
        for (int i = 0; i < leaves; i += 1 + leaves / 100) {
            byte[] path = tree.path(i, of(data, leafBytes));
            byte[] leaf = Arrays.copyOfRange(data, i * leafBytes, (i + 1) * leafBytes);
            assertThat(check.leads(leaf, i, leaves, path, tree.root())).isTrue();
            assertThat(check.leads(leaf, i ^ 1, leaves, path, tree.root())).isFalse();
            assertThat(check.leads(leaf, i, 2L * leaves, path, tree.root())).isFalse();
            leaf[i % leafBytes] ^= 4;
            assertThat(check.leads(leaf, i, leaves, path, tree.root())).isFalse();
        }
    }

    @Test
    void a_saved_tree_is_loaded_and_a_damaged_one_refused() throws IOException {
        byte[] data = random(1 << 16);
        MerkleTree tree = build(NodeHash.SEPARATED, data, 64, 2);
        Path file = directory.resolve("tree");
        tree.save(file);

        MerkleTree loaded = MerkleTree.load(file, tree.shape());
        assertThat(loaded.root()).isEqualTo(tree.root());
        assertThat(loaded.path(77, of(data, 64))).isEqualTo(tree.path(77, of(data, 64)));

        byte[] bytes = Files.readAllBytes(file);
        bytes[bytes.length / 3] ^= 1;
        Files.write(file, bytes);
        assertThatThrownBy(() -> MerkleTree.load(file, tree.shape())).isInstanceOf(PpiofsException.class);
    }
}
