package io.ppiofs.proofs.sector;

import io.ppiofs.proofs.porep.ReplicationProver;
import io.ppiofs.proofs.porep.SealListener;
import io.ppiofs.proofs.sdr.SealParameters;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.SplittableRandom;

/** A process that drives sectors through their states for ever and says each state that it reached. Made to be killed. */
public final class SectorLife {
    static final int NODES = 1 << 13;
    static final int PAYLOAD = 200_000;
    private static final int SECTORS = 4;

    private SectorLife() {}

    static SectorOptions options() {
        return new SectorOptions(new byte[] {1, 2, 3}, new byte[32], 2);
    }

    static byte[] payload(long number) {
        byte[] payload = new byte[PAYLOAD];
        new SplittableRandom(number).nextBytes(payload);
        return payload;
    }

    static byte[] seed(long number) {
        byte[] seed = new byte[32];
        new SplittableRandom(number).nextBytes(seed);
        return seed;
    }

    public static void main(String[] arguments) {
        SplittableRandom random = new SplittableRandom(Long.parseLong(arguments[1]));
        try (SectorStore store = SectorStore.open(Path.of(arguments[0]), options())) {
            System.out.println("ready");
            while (true) {
                if (store.sectors().size() < SECTORS) {
                    said(store.create(NODES, SealParameters.TEST, 0, random.nextBoolean()));
                }
                SectorRecord record =
                        store.sectors().get(random.nextInt(store.sectors().size()));
                advance(store, record.number(), random.nextInt(4) == 0);
            }
        }
    }

    /** One step further; removes a proving sector if {@code end}. */
    static void advance(SectorStore store, long number, boolean end) {
        SectorRecord record = store.sector(number);
        switch (record.state()) {
            case OPEN -> {
                long has = size(store, number);
                if (has < PAYLOAD) {
                    int piece = (int) Math.min(70_000, PAYLOAD - has);
                    store.append(number, ByteBuffer.wrap(payload(number), (int) has, piece));
                } else {
                    said(store.fill(number));
                }
            }
            case FULL, SEALING -> said(store.seal(number, seed(number), SealListener.NONE));
            case SEALED -> {
                try (ReplicationProver prover = store.prover(number)) {
                    said(store.proven(number, seed(number), prover.prove(seed(number))));
                }
            }
            case PROVING -> {
                if (end) {
                    store.remove(number);
                    System.out.println(number + " " + SectorState.REMOVED);
                } else {
                    said(store.declareFault(number));
                }
            }
            case FAULTY -> {
                store.unseal(number, SealListener.NONE);
                said(store.declareRecovery(number));
            }
            case RECOVERING -> said(store.recovered(number));
            default -> throw new IllegalStateException(record.toString());
        }
    }

    static long size(SectorStore store, long number) {
        return store.read(number, 0, ByteBuffer.allocate(PAYLOAD));
    }

    private static void said(SectorRecord record) {
        System.out.println(record.number() + " " + record.state());
    }
}
