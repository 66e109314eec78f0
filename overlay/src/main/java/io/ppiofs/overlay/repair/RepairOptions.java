package io.ppiofs.overlay.repair;

import java.time.Duration;

/**
 * When and how fast is repaired.
 *
 * @param probe how often each co-holder is probed
 * @param suspect silence after which a peer is {@link Liveness#SUSPECT}
 * @param down silence after which it is {@link Liveness#DOWN}
 * @param out silence after which it is {@link Liveness#OUT}
 * @param takeover how much later each next holder by rank begins, if the one before it has not
 * @param check how often a holder looks at what its own slots lack
 * @param bytesPerSecond most bytes that repair moves
 * @param batchBytes bytes that are in memory at once
 */
public record RepairOptions(
        Duration probe,
        Duration suspect,
        Duration down,
        Duration out,
        Duration takeover,
        Duration check,
        long bytesPerSecond,
        int batchBytes) {
    /** 30 s; 2 min, 15 min, 24 h; 5 min; 1 h; 50 MB/s; 8 MiB. */
    public static final RepairOptions DEFAULT = new RepairOptions(
            Duration.ofSeconds(30),
            Duration.ofMinutes(2),
            Duration.ofMinutes(15),
            Duration.ofHours(24),
            Duration.ofMinutes(5),
            Duration.ofHours(1),
            50_000_000,
            8 << 20);

    public RepairOptions {
        boolean fits = !probe.isNegative()
                && !probe.isZero()
                && suspect.compareTo(probe) >= 0
                && down.compareTo(suspect) >= 0
                && out.compareTo(down) >= 0
                && bytesPerSecond > 0
                && batchBytes > 0;
        if (!fits) {
            throw new IllegalArgumentException("times of repair that are out of order");
        }
    }

    /**
     * Silences in the proportions of the default for another {@link #out}: never longer than the default's, and probes often
     * enough to tell.
     *
     * @param out at least 10 s
     */
    public static RepairOptions outAfter(Duration out) {
        if (out.compareTo(Duration.ofSeconds(10)) < 0) {
            throw new IllegalArgumentException("repair after " + out.toSeconds() + " s is too soon; 10 s is the least");
        }
        Duration suspect = shorter(DEFAULT.suspect, out.dividedBy(4));
        return new RepairOptions(
                shorter(DEFAULT.probe, suspect.dividedBy(3)),
                suspect,
                shorter(DEFAULT.down, out.dividedBy(2)),
                out,
                shorter(DEFAULT.takeover, out.dividedBy(4)),
                shorter(DEFAULT.check, out.multipliedBy(2)),
                DEFAULT.bytesPerSecond,
                DEFAULT.batchBytes);
    }

    static Duration shorter(Duration a, Duration b) {
        return a.compareTo(b) < 0 ? a : b;
    }

    /** Other silences. */
    public RepairOptions withSilences(Duration newSuspect, Duration newDown, Duration newOut) {
        return new RepairOptions(probe, newSuspect, newDown, newOut, takeover, check, bytesPerSecond, batchBytes);
    }

    /** Other periods. */
    public RepairOptions withPeriods(Duration newProbe, Duration newTakeover, Duration newCheck) {
        return new RepairOptions(newProbe, suspect, down, out, newTakeover, newCheck, bytesPerSecond, batchBytes);
    }

    public RepairOptions withBytesPerSecond(long rate) {
        return new RepairOptions(probe, suspect, down, out, takeover, check, rate, batchBytes);
    }
}
