package io.ppiofs.proofs.sdr;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.util.List;

/**
 * A named choice of work and of proof size. The degrees (6 and 8) are those of Filecoin in every set.
 *
 * @param name what users and records call it
 * @param layers labels per node; the time to seal and to unseal grows with it
 * @param challenges nodes that an interactive proof of replication opens
 * @param nonInteractiveChallenges the same where the prover derives them himself and may try again
 */
public record SealParameters(String name, int layers, int challenges, int nonInteractiveChallenges) {
    /** Most layers of any set; decoders bound columns with it. */
    public static final int MAX_LAYERS = 32;
    /** Most challenges of any set. */
    public static final int MAX_CHALLENGES = 4096;

    /** For tests: everything is there and nothing is safe. */
    public static final SealParameters TEST = new SealParameters("test", 2, 8, 16);
    /** Two layers, as Filecoin has them for sectors up to 1 GiB. */
    public static final SealParameters FAST = new SealParameters("fast", 2, 176, 2253);
    /** Eleven layers, as Filecoin has them for sectors from 32 GiB on. */
    public static final SealParameters STRONG = new SealParameters("strong", 11, 176, 2253);

    private static final List<SealParameters> NAMED = List.of(TEST, FAST, STRONG);

    public SealParameters {
        require("layers", layers, MAX_LAYERS);
        require("challenges", challenges, MAX_CHALLENGES);
        require("nonInteractiveChallenges", nonInteractiveChallenges, MAX_CHALLENGES);
    }

    private static void require(String what, int value, int max) {
        if (value < 1 || value > max) {
            throw new IllegalArgumentException(what + " is " + value + ", not 1 to " + max);
        }
    }

    /** @throws PpiofsException INVALID if there is no set of that name */
    public static SealParameters named(String name) {
        return NAMED.stream()
                .filter(set -> set.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new PpiofsException(
                        ErrorKind.INVALID, "choose seal parameters", name, "there are only test, fast and strong"));
    }
}
