package io.ppiofs.tests.harness;

import java.security.SecureRandom;

/** Where random tests take their seed from: {@code -Dseed=N}, else a new one; it is printed either way. */
public final class Seeds {
    private Seeds() {}

    public static long next(String test) {
        Long given = Long.getLong("seed");
        // small enough to type
        long seed = given == null ? new SecureRandom().nextInt(Integer.MAX_VALUE) : given;
        Log.say(test + ": -Dseed=" + seed);
        return seed;
    }
}
