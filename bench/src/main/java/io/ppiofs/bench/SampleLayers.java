package io.ppiofs.bench;

import io.ppiofs.proofs.sdr.ApiVersion;
import io.ppiofs.proofs.sdr.Labeller;
import io.ppiofs.proofs.sdr.ParentCache;
import io.ppiofs.proofs.sdr.SdrGraph;
import io.ppiofs.proofs.sdr.Sha256;
import io.ppiofs.proofs.work.MappedFile;
import io.ppiofs.proofs.work.Workers;
import java.io.Closeable;
import java.io.IOException;

/** Two layers of a sector, and the bare digests that they are held against. Not thread-safe. */
public final class SampleLayers implements Closeable {
    /** What the published rates of labelling digest per node. */
    public static final int PREIMAGE = 1228;

    private final ScratchDirectory directory;
    private final Labeller labeller;
    private final MappedFile first;
    private final MappedFile second;
    private final int nodes;
    private final Sha256 sha256 = new Sha256();
    private final byte[] preimage = new byte[PREIMAGE];

    /** @param nodes 32 bytes each */
    public SampleLayers(int nodes) throws IOException {
        this.nodes = nodes;
        this.directory = ScratchDirectory.create();
        SdrGraph graph = new SdrGraph(nodes, new byte[SdrGraph.POREP_ID_BYTES], ApiVersion.V1_2);
        try (Workers workers = new Workers(Runtime.getRuntime().availableProcessors())) {
            ParentCache parents = ParentCache.open(directory.path(), graph, workers);
            labeller = new Labeller(parents, new byte[Sha256.BYTES]);
        }
        first = MappedFile.create(directory.path().resolve("layer-1"), graph.bytes(), "benchmark");
        second = MappedFile.create(directory.path().resolve("layer-2"), graph.bytes(), "benchmark");
        labelFirst();
    }

    /** The layer whose nodes have six parents. */
    public Object labelFirst() {
        labeller.label(1, first, null, done -> {});
        return first;
    }

    /** The layer whose nodes have fourteen. */
    public Object labelSecond() {
        labeller.label(2, second, first, done -> {});
        return second;
    }

    /** As many digests as the layer has nodes, each of the one before it, as labels are. */
    public Object bareDigests() {
        for (int i = 0; i < nodes; i++) {
            sha256.digest(preimage, 0, PREIMAGE, preimage, 0);
        }
        return preimage;
    }

    @Override
    public void close() throws IOException {
        directory.close();
    }
}
