package io.ppiofs.node.audit;

import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.placement.GroupId;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;

/**
 * One time that holders are asked about slots that are to be sealed. It ends when its time for waiting is over, whoever does not answer: who did not once is not
 * asked again in it, and the next pass begins where this one ended. Of one thread.
 */
final class SealPass {
    /** What may be waited for holders before the pass ends. The wait that exceeds it is the last one. */
    static final Duration BUDGET = Duration.ofSeconds(30);

    private final boolean now;
    private final Predicate<PeerId> concerned;
    private final BooleanSupplier stop;
    private final BooleanSupplier reading;
    private final Set<PeerId> silent = new HashSet<>();
    private final Set<GroupId> unreadable = new HashSet<>();
    private Duration waited = Duration.ZERO;
    private boolean over;

    /**
     * @param now whether those are asked, too, whose turn is later
     * @param concerned whom it is about
     * @param stop asked between slots and while an answer is waited for
     * @param reading asked instead while blocks are read; may rest
     */
    SealPass(boolean now, Predicate<PeerId> concerned, BooleanSupplier stop, BooleanSupplier reading) {
        this.now = now;
        this.concerned = concerned;
        this.stop = stop;
        this.reading = reading;
    }

    boolean isNow() {
        return now;
    }

    boolean isOver() {
        over = over || waited.compareTo(BUDGET) >= 0 || stop.getAsBoolean();
        return over;
    }

    /** Nobody is asked any more. */
    void end() {
        over = true;
    }

    boolean stops() {
        return stop.getAsBoolean();
    }

    boolean stopsReading() {
        return reading.getAsBoolean();
    }

    void waited(Duration time) {
        waited = waited.plus(time);
    }

    /** Whether a holder may be asked. */
    boolean mayAsk(PeerId holder) {
        return concerned.test(holder) && !silent.contains(holder);
    }

    boolean isConcerned(PeerId holder) {
        return concerned.test(holder);
    }

    void isSilent(PeerId holder) {
        silent.add(holder);
    }

    /** Whether it is of use to read a group's blocks. */
    boolean mayRead(GroupId group) {
        return !unreadable.contains(group);
    }

    void isUnreadable(GroupId group) {
        unreadable.add(group);
    }
}
