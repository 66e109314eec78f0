package io.ppiofs.proofs.sdr;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.proofs.work.Workers;
import java.io.IOException;
import java.nio.IntBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ParentCacheTest {
    /** Not a power of four times a half: the expander's permutation has to walk. */
    private static final int NODES = 3000;

    private final SdrGraph graph = new SdrGraph(NODES, new byte[32], ApiVersion.V1_2);
    private final Workers workers = new Workers(2);

    @TempDir
    Path directory;

    @AfterEach
    void close() {
        workers.close();
    }

    @Test
    void holds_the_parents_of_the_graph() {
        assertParents(ParentCache.open(directory, graph, workers));
    }

    @Test
    void each_base_parent_comes_before_its_child_and_the_expander_hits_each_node_eight_times() {
        int[] hits = new int[NODES];
        int[] parents = new int[SdrGraph.DEGREE];
        SdrGraph.Sampler sampler = graph.sampler();
        for (int node = 0; node < NODES; node++) {
            sampler.parents(node, parents, 0);
            for (int i = 0; i < SdrGraph.BASE_DEGREE; i++) {
                assertThat(parents[i]).isBetween(0, Math.max(0, node - 1));
            }
            for (int i = SdrGraph.BASE_DEGREE; i < SdrGraph.DEGREE; i++) {
                hits[parents[i]]++;
            }
        }
        assertThat(hits).containsOnly(SdrGraph.EXPANSION_DEGREE);
    }

    @Test
    void a_damaged_file_is_made_again() throws IOException {
        Path path = ParentCache.open(directory, graph, workers).path();
        byte[] good = Files.readAllBytes(path);
        byte[] bad = good.clone();
        bad[good.length / 2] ^= 1;
        Files.write(path, bad);

        assertParents(ParentCache.open(directory, graph, workers));
        assertThat(Files.readAllBytes(path)).isEqualTo(good);
        try (var files = Files.list(directory)) {
            assertThat(files).containsExactly(path);
        }
    }

    @Test
    void graphs_that_differ_have_files_that_differ() {
        SdrGraph older = new SdrGraph(NODES, new byte[32], ApiVersion.V1_0);
        assertThat(ParentCache.open(directory, graph, workers).path())
                .isNotEqualTo(ParentCache.open(directory, older, workers).path());
    }

    private void assertParents(ParentCache cache) {
        IntBuffer numbers = cache.parents();
        SdrGraph.Sampler sampler = graph.sampler();
        int[] expected = new int[SdrGraph.DEGREE];
        int[] read = new int[SdrGraph.DEGREE];
        for (int node = 0; node < NODES; node++) {
            sampler.parents(node, expected, 0);
            numbers.get(node * SdrGraph.DEGREE, read);
            assertThat(read).as("parents of %d", node).isEqualTo(expected);
        }
    }
}
