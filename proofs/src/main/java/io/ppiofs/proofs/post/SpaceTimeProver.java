package io.ppiofs.proofs.post;

import io.ppiofs.error.PpiofsException;
import io.ppiofs.file.DurableFile;
import io.ppiofs.proofs.merkle.LeafSource;
import io.ppiofs.proofs.merkle.MerkleTree;
import io.ppiofs.proofs.porep.ReplicaFiles;
import io.ppiofs.proofs.porep.ReplicaReader;
import io.ppiofs.proofs.porep.SealedReplica;
import io.ppiofs.proofs.verify.ReplicaGeometry;
import io.ppiofs.proofs.verify.SpaceTimeChallenges;
import io.ppiofs.proofs.verify.SpaceTimeProof;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.function.BiConsumer;

/** Answers window and winning challenges from replicas and their trees. Stateless and thread-safe. */
public final class SpaceTimeProver {
    /**
     * A sector that proves.
     *
     * @param files its replica and replica tree are read
     */
    public record ProvingSector(SealedReplica sealed, ReplicaFiles files) {}

    private final BiConsumer<Long, PpiofsException> unreadable;

    /** @param unreadable told of each sector that cannot be opened: declare it faulty */
    public SpaceTimeProver(BiConsumer<Long, PpiofsException> unreadable) {
        this.unreadable = unreadable;
    }

    /**
     * Opens all sectors that can be opened; one that cannot is left out and told of.
     *
     * @param sectors by number, at most {@link SpaceTimeProof#MAX_SECTORS}
     * @param seed see {@link SpaceTimeChallenges}
     * @param challenges leaves per sector
     */
    public byte[] prove(SortedMap<Long, ProvingSector> sectors, byte[] seed, int challenges) {
        if (sectors.size() > SpaceTimeProof.MAX_SECTORS) {
            throw new IllegalArgumentException(sectors.size() + " sectors, more than " + SpaceTimeProof.MAX_SECTORS);
        }
        List<SpaceTimeProof.SectorOpening> openings = new ArrayList<>();
        sectors.forEach((number, sector) -> {
            try {
                openings.add(open(number, sector, seed, challenges));
            } catch (PpiofsException e) {
                unreadable.accept(number, e);
            }
        });
        return new SpaceTimeProof(openings).toBytes();
    }

    private static SpaceTimeProof.SectorOpening open(long number, ProvingSector sector, byte[] seed, int count) {
        ReplicaGeometry geometry = sector.sealed().statement().geometry();
        MerkleTree tree = MerkleTree.load(sector.files().replicaTree(), geometry.replicaTree());
        long[] challenges = SpaceTimeChallenges.derive(seed, number, geometry.replicaLeaves(), count);
        ByteBuffer leaves = ByteBuffer.allocate(count * geometry.replicaLeafBytes());
        ByteBuffer paths = ByteBuffer.allocate(count * geometry.replicaDepth() * 32);
        byte[] leaf = new byte[geometry.replicaLeafBytes()];
        try (ReplicaReader replica = new ReplicaReader(sector.files().replica())) {
            LeafSource source = replica.replicaLeaves(geometry);
            for (long challenge : challenges) {
                source.read(challenge, 1, leaf);
                leaves.put(leaf);
                paths.put(tree.path(challenge, source));
            }
        } catch (IOException e) {
            throw DurableFile.failure("prove space-time", sector.files().replica(), e);
        }
        SealedReplica sealed = sector.sealed();
        return new SpaceTimeProof.SectorOpening(
                number, sealed.commC(), sealed.commRLast(), leaves.array(), paths.array());
    }
}
