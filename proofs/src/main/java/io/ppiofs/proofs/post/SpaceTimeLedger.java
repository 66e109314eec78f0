package io.ppiofs.proofs.post;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.proofs.verify.ReplicaStatement;
import io.ppiofs.proofs.verify.SpaceTimeChallenges;
import io.ppiofs.proofs.verify.SpaceTimeVerifier;
import io.ppiofs.proofs.verify.Verdict;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.LongFunction;

/**
 * A verifier's account of one prover's sectors. The caller counts the epochs and calls {@link #advanceTo} at least once per
 * window; what it says about an epoch in the past is refused. Not thread-safe.
 *
 * <p>A sector proves, or is faulty because a proof failed, was missing, or its owner said so; a faulty one proves again in the
 * first window after its owner declared it recovered in time. A declared fault is no missed proof.
 */
public final class SpaceTimeLedger {
    /** How a window ended for a sector. */
    public enum Outcome {
        PROVEN,
        /** Declared in time: nothing was expected. */
        DECLARED_FAULTY,
        /** No proof that holds was there when the window closed. */
        MISSED
    }

    /** What a sector is held for. */
    public enum Standing {
        PROVING,
        FAULTY,
        RECOVERING,
        REMOVED
    }

    private final ProvingSchedule schedule;
    private final byte[] peer;
    private final LongFunction<byte[]> randomness;
    private final SpaceTimeVerifier verifier = new SpaceTimeVerifier();
    private final SortedMap<Long, Account> accounts = new TreeMap<>();
    private final Set<Long> provenInWindow = new HashSet<>();
    private long epoch;

    private static final class Account {
        private final ReplicaStatement statement;
        private final long since;
        private final List<Outcome> outcomes = new ArrayList<>();
        private Standing standing = Standing.PROVING;
        private int faultyPeriods;
        /** The first window's opening for which the fault or the recovery counts. */
        private long declaredAt = -1;

        Account(ReplicaStatement statement, long since) {
            this.statement = statement;
            this.since = since;
        }
    }

    /**
     * @param peer the prover's binary peer id
     * @param randomness 32 bytes for an epoch, unpredictable before it
     * @param epoch at which the account begins
     */
    public SpaceTimeLedger(ProvingSchedule schedule, byte[] peer, LongFunction<byte[]> randomness, long epoch) {
        this.schedule = schedule;
        this.peer = peer.clone();
        this.randomness = randomness;
        this.epoch = epoch;
    }

    /** Adds a sector whose replication was proven. Its first window is the first that opens from now on. */
    public void add(long sector, ReplicaStatement statement) {
        if (accounts.putIfAbsent(sector, new Account(statement, epoch)) != null) {
            throw new IllegalArgumentException("sector " + sector + " is there already");
        }
    }

    public long epoch() {
        return epoch;
    }

    public Standing standing(long sector) {
        return account(sector).standing;
    }

    /** One outcome for each window of the sector that closed, the oldest first. */
    public List<Outcome> outcomes(long sector) {
        return List.copyOf(account(sector).outcomes);
    }

    private Account account(long sector) {
        Account account = accounts.get(sector);
        if (account == null) {
            throw PpiofsException.expected(ErrorKind.NOT_FOUND, "use sector", Long.toString(sector));
        }
        return account;
    }

    /** The seed of the window that is open, for the prover. */
    public byte[] windowSeed() {
        ProvingSchedule.Window window = schedule.windowAt(epoch);
        return SpaceTimeChallenges.windowSeed(
                randomness.apply(schedule.challengeEpoch(window)), peer, window.openEpoch());
    }

    /** The sectors that have to prove in the window that is open, and have not. */
    public SortedMap<Long, ReplicaStatement> due() {
        ProvingSchedule.Window window = schedule.windowAt(epoch);
        SortedMap<Long, ReplicaStatement> due = new TreeMap<>();
        accounts.forEach((sector, account) -> {
            if (isDue(sector, account, window) && !provenInWindow.contains(sector)) {
                due.put(sector, account.statement);
            }
        });
        return due;
    }

    private boolean isDue(long sector, Account account, ProvingSchedule.Window window) {
        if (!isIn(sector, account, window)) {
            return false;
        }
        return switch (account.standing) {
            case PROVING -> true;
            case RECOVERING -> schedule.isInTime(account.declaredAt, window);
            // a fault that was declared too late does not excuse from the window that was already near
            case FAULTY -> account.declaredAt >= 0 && !schedule.isInTime(account.declaredAt, window);
            case REMOVED -> false;
        };
    }

    private boolean isIn(long sector, Account account, ProvingSchedule.Window window) {
        return schedule.deadlineOf(sector) == window.index() && account.since <= window.openEpoch();
    }

    /**
     * Takes a proof for the open window.
     *
     * @return a verdict for each sector that was due; those that are accepted are proven
     */
    public Map<Long, Verdict> submit(byte[] proof) {
        Map<Long, Verdict> verdicts = verifier.verify(due(), windowSeed(), SpaceTimeChallenges.WINDOW, proof);
        verdicts.forEach((sector, verdict) -> {
            if (verdict.accepted()) {
                provenInWindow.add(sector);
            }
        });
        return verdicts;
    }

    /** The owner says that the sector cannot prove. Counts from the first window whose cutoff has not passed. */
    public void declareFault(long sector) {
        Account account = account(sector);
        if (account.standing == Standing.PROVING || account.standing == Standing.RECOVERING) {
            account.standing = Standing.FAULTY;
            account.declaredAt = epoch;
        }
    }

    /** The owner says that a faulty sector is whole again. */
    public void declareRecovery(long sector) {
        Account account = account(sector);
        if (account.standing == Standing.FAULTY) {
            account.standing = Standing.RECOVERING;
            account.declaredAt = epoch;
        }
    }

    /** Lets time pass and closes each window that ends on the way. */
    public void advanceTo(long next) {
        if (next < epoch) {
            throw new IllegalArgumentException("epoch " + next + " lies before " + epoch);
        }
        ProvingSchedule.Window window = schedule.windowAt(epoch);
        while (window.closeEpoch() <= next) {
            close(window);
            epoch = window.closeEpoch();
            window = schedule.windowAt(epoch);
        }
        epoch = next;
    }

    private void close(ProvingSchedule.Window window) {
        accounts.forEach((sector, account) -> {
            if (account.standing != Standing.REMOVED && isIn(sector, account, window)) {
                settle(account, provenInWindow.contains(sector), isDue(sector, account, window));
            }
        });
        provenInWindow.clear();
    }

    private void settle(Account account, boolean proven, boolean due) {
        if (proven) {
            account.outcomes.add(Outcome.PROVEN);
            // who declared a fault after its cutoff and proved all the same is faulty from the next window on
            if (account.standing != Standing.FAULTY) {
                account.standing = Standing.PROVING;
                account.faultyPeriods = 0;
            }
            return;
        }
        account.outcomes.add(due ? Outcome.MISSED : Outcome.DECLARED_FAULTY);
        if (due) {
            account.standing = Standing.FAULTY;
            account.declaredAt = -1;
        }
        account.faultyPeriods++;
        if (account.faultyPeriods >= schedule.removalPeriods()) {
            account.standing = Standing.REMOVED;
        }
    }
}
