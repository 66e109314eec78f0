package io.ppiofs.tests.harness;

import java.time.LocalTime;
import java.time.temporal.ChronoUnit;

/** One line for whoever watches a long test. Not through the product's logging, which is silent when it likes. */
public final class Log {
    private Log() {}

    public static void say(String line) {
        System.err.println(LocalTime.now().truncatedTo(ChronoUnit.SECONDS) + " " + line);
    }
}
