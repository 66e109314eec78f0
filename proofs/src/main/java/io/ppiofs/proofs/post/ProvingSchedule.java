package io.ppiofs.proofs.post;

import java.time.Duration;

/**
 * When sectors have to prove. Time is counted in epochs from 0; a proving period is divided into deadlines of equal length,
 * and each sector belongs to one of them.
 *
 * @param epoch length of an epoch
 * @param periodEpochs epochs of a proving period, a multiple of {@code deadlines}
 * @param deadlines in a period
 * @param lookback epochs before a deadline opens at which its randomness is taken
 * @param faultCutoff epochs before a deadline opens after which faults and recoveries count for the next period only
 * @param removalPeriods after how many faulty periods in a row a sector is removed
 */
public record ProvingSchedule(
        Duration epoch, long periodEpochs, int deadlines, int lookback, int faultCutoff, int removalPeriods) {
    /** Filecoin's: epochs of 30 s, a period of a day, 48 deadlines of half an hour, removal after 42 days. */
    public static final ProvingSchedule DAILY = new ProvingSchedule(Duration.ofSeconds(30), 2880, 48, 20, 70, 42);

    public ProvingSchedule {
        if (deadlines < 1 || periodEpochs < deadlines || periodEpochs % deadlines != 0) {
            throw new IllegalArgumentException(periodEpochs + " epochs do not divide into " + deadlines + " deadlines");
        }
        if (lookback < 0 || faultCutoff < lookback || removalPeriods < 1 || epoch.isNegative() || epoch.isZero()) {
            throw new IllegalArgumentException("a schedule with lookback " + lookback + ", cutoff " + faultCutoff
                    + ", removal after " + removalPeriods + " periods, epochs of " + epoch);
        }
    }

    /**
     * A window in which the sectors of a deadline prove.
     *
     * @param period from 0
     * @param index of the deadline in the period
     * @param openEpoch first epoch in which a proof is taken
     * @param closeEpoch first epoch in which it is too late
     */
    public record Window(long period, int index, long openEpoch, long closeEpoch) {}

    public long deadlineEpochs() {
        return periodEpochs / deadlines;
    }

    /** The deadline of a sector: all have about the same number of them. */
    public int deadlineOf(long sector) {
        return (int) Long.remainderUnsigned(sector, deadlines);
    }

    public Window window(long period, int deadline) {
        long open = period * periodEpochs + deadline * deadlineEpochs();
        return new Window(period, deadline, open, open + deadlineEpochs());
    }

    /** The window that an epoch lies in. */
    public Window windowAt(long epochNumber) {
        long period = epochNumber / periodEpochs;
        return window(period, (int) (epochNumber % periodEpochs / deadlineEpochs()));
    }

    /** At which epoch a window's randomness is taken; negative before the first windows: then that of epoch 0. */
    public long challengeEpoch(Window window) {
        return Math.max(0, window.openEpoch() - lookback);
    }

    /** Whether a declaration at {@code epochNumber} still counts for that window. */
    public boolean isInTime(long epochNumber, Window window) {
        return epochNumber <= window.openEpoch() - faultCutoff;
    }
}
