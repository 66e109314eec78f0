package io.ppiofs.bench;

import io.ppiofs.proofs.merkle.MerkleTree;
import io.ppiofs.proofs.sdr.Sha256;
import io.ppiofs.proofs.verify.ReplicaGeometry;
import io.ppiofs.proofs.work.Workers;
import java.io.Closeable;
import java.nio.file.Path;
import java.util.SplittableRandom;

/** The tree over a replica in memory, and one bare digest over the same bytes. Not thread-safe. */
public final class SampleTrees implements Closeable {
    private final byte[] replica;
    private final ReplicaGeometry geometry;
    private final Workers workers;
    private final Sha256 sha256 = new Sha256();
    private final byte[] digest = new byte[Sha256.BYTES];

    /** @param bytes a power of two from 2 KiB */
    public SampleTrees(int bytes, int threads) {
        replica = new byte[bytes];
        new SplittableRandom(1).nextBytes(replica);
        geometry = new ReplicaGeometry(bytes / 32, 2);
        workers = new Workers(threads);
    }

    public Object replicaTree() {
        int leafBytes = geometry.replicaLeafBytes();
        return MerkleTree.build(
                geometry.replicaTree(),
                (first, count, out) -> System.arraycopy(replica, (int) first * leafBytes, out, 0, count * leafBytes),
                workers,
                Path.of("memory"));
    }

    public Object bareDigest() {
        sha256.digest(replica, 0, replica.length, digest, 0);
        return digest;
    }

    @Override
    public void close() {
        workers.close();
    }
}
