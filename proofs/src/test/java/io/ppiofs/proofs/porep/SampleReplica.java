package io.ppiofs.proofs.porep;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.ppiofs.proofs.fr32.Fr32;
import io.ppiofs.proofs.sdr.ApiVersion;
import io.ppiofs.proofs.sdr.ParentCache;
import io.ppiofs.proofs.sdr.SdrGraph;
import io.ppiofs.proofs.sdr.SealParameters;
import io.ppiofs.proofs.work.Workers;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;

/** Sealed sectors of random data in a directory. */
public final class SampleReplica implements AutoCloseable {
    public static final byte[] POREP_ID = new byte[32];

    private final Path directory;
    private final Workers workers = new Workers(2);
    private final Sealer sealer;

    public SampleReplica(Path directory, int nodes, SealParameters parameters) {
        this.directory = directory;
        ParentCache parents =
                ParentCache.open(directory.resolve("parents"), new SdrGraph(nodes, POREP_ID, ApiVersion.V1_2), workers);
        this.sealer = new Sealer(parents, parameters, workers, System::nanoTime);
    }

    public Sealer sealer() {
        return sealer;
    }

    /** Random payload, the same for the same seed. */
    public byte[] payload(long seed) {
        byte[] payload = new byte[(int) Fr32.unpaddedBytes(sealer.geometry().sectorBytes())];
        new SplittableRandom(seed).nextBytes(payload);
        return payload;
    }

    /** A directory with the payload and nothing else. */
    public ReplicaFiles filled(String name, byte[] payload) {
        try {
            ReplicaFiles files = new ReplicaFiles(Files.createDirectories(directory.resolve(name)));
            Files.write(files.unsealed(), payload);
            return files;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public static ReplicaIdentity identity(String peer, long sector, int copy) {
        return ReplicaIdentity.of(peer.getBytes(UTF_8), sector, copy, new byte[32], POREP_ID);
    }

    @Override
    public void close() {
        workers.close();
    }
}
