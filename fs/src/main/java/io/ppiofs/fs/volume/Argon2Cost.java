package io.ppiofs.fs.volume;

import io.ppiofs.cbor.MalformedException;
import org.bouncycastle.crypto.generators.Argon2BytesGenerator;
import org.bouncycastle.crypto.params.Argon2Parameters;

/**
 * What a guess of a passphrase costs (Argon2id, version 1.3).
 *
 * @param memoryKib KiB, 8 × lanes … 512 MiB
 * @param passes 1 … 16
 * @param lanes 1 … 16
 */
public record Argon2Cost(int memoryKib, int passes, int lanes) {
    /** The second recommended option of RFC 9106: 64 MiB, 3 passes, 4 lanes. */
    public static final Argon2Cost RECOMMENDED = new Argon2Cost(64 * 1024, 3, 4);

    private static final int MAX_MEMORY_KIB = 512 * 1024;

    public Argon2Cost {
        if (!isWithinBounds(memoryKib, passes, lanes)) {
            throw new IllegalArgumentException(
                    "Argon2 with " + memoryKib + " KiB, " + passes + " passes, " + lanes + " lanes");
        }
    }

    /** Checks what a file claims before memory is taken for it. */
    static Argon2Cost ofFile(long memoryKib, long passes, long lanes) throws MalformedException {
        if (!isWithinBounds(memoryKib, passes, lanes)) {
            throw new MalformedException("its Argon2 parameters are out of bounds");
        }
        return new Argon2Cost((int) memoryKib, (int) passes, (int) lanes);
    }

    byte[] derive(byte[] passphrase, byte[] salt) {
        Argon2BytesGenerator argon2 = new Argon2BytesGenerator();
        argon2.init(new Argon2Parameters.Builder(Argon2Parameters.ARGON2_id)
                .withVersion(Argon2Parameters.ARGON2_VERSION_13)
                .withMemoryAsKB(memoryKib)
                .withIterations(passes)
                .withParallelism(lanes)
                .withSalt(salt)
                .build());
        byte[] key = new byte[Secret.LENGTH];
        argon2.generateBytes(passphrase, key);
        return key;
    }

    private static boolean isWithinBounds(long memoryKib, long passes, long lanes) {
        return lanes >= 1
                && lanes <= 16
                && passes >= 1
                && passes <= 16
                && memoryKib >= 8 * lanes
                && memoryKib <= MAX_MEMORY_KIB;
    }
}
