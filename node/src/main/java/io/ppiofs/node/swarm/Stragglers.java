package io.ppiofs.node.swarm;

import io.ppiofs.overlay.identity.PeerId;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Which holders of a volume are left behind, and why: they take blocks so slowly that the others do not wait for them, or not at all, or
 * serve what they have so slowly that it is as good as not there. One map; thread-safe.
 *
 * <p>Being left behind costs a holder nothing but new groups. It loses a share only when it has not kept its promise for long: the slots
 * in which it lacks something, when for {@code replaceAfter} it has not taken one batch at {@link #PACE} ({@link #isOverdue}); all of its slots, when it has served slowly for so long
 * ({@link #isUseless}). So a slow line that keeps taking blocks keeps its slots, and a full disk those that are whole. Whoever gives no
 * further cause is given another chance after {@value #REST} times {@code replaceAfter}, twice as late each time.
 *
 * <p>Nothing of it is kept on disk: what a holder lacks is found out anew after a start, and how it takes that, too.
 */
final class Stragglers {
    /** Bytes a second at which a holder takes what it promised to take: 2 Mbit/s. */
    static final int PACE = 256 << 10;

    /** Sent at a time to a holder that is left behind. */
    static final int SLOW_BATCH = 1 << 20;

    /** Batches in a row of which a holder that answers takes nothing until it is left behind. */
    private static final int REFUSALS = 5;

    /** A check that is served slowly counts two, a prompt one takes one off; so many make a holder one that serves slowly. */
    private static final int DAWDLES = 6;

    private static final int REST = 4;
    private static final int MOST_DOUBLINGS = 6;

    /** Pause between attempts with a holder that fail, and between checks of one that serves slowly, at most. */
    private static final Duration LONGEST_PAUSE = Duration.ofMinutes(1);

    /** Why a holder is left behind. */
    enum Why {
        SLOW("takes blocks much more slowly than others"),
        STALLS("makes no progress with blocks that others have taken"),
        NO_SPACE("has no space"),
        REFUSES("takes no blocks"),
        SERVES_SLOWLY("serves what it has as slowly as if it had nothing");

        private final String text;

        Why(String text) {
            this.text = text;
        }

        @Override
        public String toString() {
            return text;
        }
    }

    /** What is held against one holder; times are of the clock. */
    private static final class Straggler {
        /** Null while it takes blocks as others do. */
        @Nullable
        Why why;

        /** Since when it has not taken a batch at a fair pace. */
        long since;

        int refusals;

        /** When it may be sent something next, and how long it was let alone last. */
        long nextTurn;

        Duration pause = Duration.ZERO;

        int dawdles;
        boolean servesSlowly;
        long servesSlowlySince;
        long nextCheck;

        /** When it last gave cause, and how often it has been left behind. */
        long lastCause;

        int offences;
    }

    private final DrainOptions options;
    private final LongSupplier clock;
    private final Map<PeerId, Straggler> stragglers = new HashMap<>();

    /** @param clock nanoseconds, as System.nanoTime */
    Stragglers(DrainOptions options, LongSupplier clock) {
        this.options = options;
        this.clock = clock;
    }

    // ---- what is heard ----------------------------------------------------------------------------------------------

    /** The holder did not take what it was sent. @return whether that is news */
    synchronized boolean leftBehind(PeerId peer, Why why) {
        Straggler one = stragglers.computeIfAbsent(peer, p -> new Straggler());
        rest(one);
        boolean news = one.why == null;
        if (news) {
            one.since = clock.getAsLong();
            one.nextTurn = one.since;
            one.offences++;
        }
        one.why = why;
        one.lastCause = clock.getAsLong();
        return news;
    }

    /** It answers, and took nothing of a batch. @return whether it is left behind now and was not before */
    synchronized boolean refused(PeerId peer) {
        Straggler one = stragglers.computeIfAbsent(peer, p -> new Straggler());
        return ++one.refusals >= REFUSALS && leftBehind(peer, Why.REFUSES);
    }

    /**
     * It has taken a whole batch. Who would have taken one of full size in the time that stragglers have is none any more; who keeps the
     * pace has kept its promise until now.
     */
    synchronized void took(PeerId peer, long bytes, Duration time) {
        Straggler one = stragglers.get(peer);
        if (one == null) {
            return;
        }
        one.refusals = 0;
        if (one.why == null) {
            return;
        }
        // what is small takes a round trip, which says nothing about a batch
        double judged = Math.max(SLOW_BATCH, bytes);
        double seconds = time.toNanos() / 1e9;
        if (seconds * options.batchBytes() / judged < options.grace().toNanos() / 1e9) {
            one.why = null;
        } else if (judged >= PACE * seconds) {
            one.since = clock.getAsLong();
        }
    }

    /** How long serving so many bytes may take. */
    Duration serving(long bytes) {
        return options.grace().multipliedBy(2).dividedBy(5).plusMillis(bytes * 1000 / PACE);
    }

    /** It was asked for something that it has. @return whether it serves slowly now and did not before */
    synchronized boolean served(PeerId peer, boolean prompt) {
        Straggler one = stragglers.get(peer);
        if (prompt && one == null) {
            return false;
        }
        if (one == null) {
            one = new Straggler();
            stragglers.put(peer, one);
        }
        rest(one);
        one.dawdles = Math.max(0, Math.min(DAWDLES, one.dawdles + (prompt ? -1 : 2)));
        if (!prompt) {
            one.lastCause = clock.getAsLong();
            one.nextCheck = clock.getAsLong() + LONGEST_PAUSE.toNanos();
        }
        if (one.servesSlowly) {
            one.servesSlowly = one.dawdles > 0;
        } else if (one.dawdles == DAWDLES) {
            one.servesSlowly = true;
            one.servesSlowlySince = clock.getAsLong();
            one.offences++;
            return true;
        }
        return false;
    }

    /** A holder was sent something for itself alone. @param busy whether new blocks wait, which others take */
    synchronized void hadTurn(PeerId peer, boolean took, boolean busy) {
        Straggler one = stragglers.get(peer);
        if (one != null) {
            Duration doubled = one.pause.isZero() ? options.grace() : one.pause.multipliedBy(2);
            one.pause = took ? Duration.ZERO : doubled.compareTo(LONGEST_PAUSE) < 0 ? doubled : LONGEST_PAUSE;
            Duration next = took && busy ? options.grace().multipliedBy(3) : one.pause;
            one.nextTurn = clock.getAsLong() + next.toNanos();
        }
    }

    // ---- what follows -----------------------------------------------------------------------------------------------

    /** Whether nobody waits for it: blocks are sent to it apart, when it is its {@linkplain #isItsTurn turn}. */
    synchronized boolean isBehind(PeerId peer) {
        Straggler one = rested(peer);
        return one != null && one.why != null;
    }

    synchronized boolean isItsTurn(PeerId peer) {
        Straggler one = rested(peer);
        return one == null || one.why == null || clock.getAsLong() - one.nextTurn >= 0;
    }

    /** Whether it is to be checked now: one that serves slowly is not asked again and again. */
    synchronized boolean mayBeChecked(PeerId peer) {
        Straggler one = rested(peer);
        return one == null || !one.servesSlowly || clock.getAsLong() - one.nextCheck >= 0;
    }

    /** Whether slots in which it lacks something should go to others. */
    synchronized boolean isOverdue(PeerId peer) {
        Straggler one = rested(peer);
        return one != null && one.why != null && isLongAgo(one.since);
    }

    /** Whether all of its slots should go to others. */
    synchronized boolean isUseless(PeerId peer) {
        Straggler one = rested(peer);
        return one != null && one.servesSlowly && isLongAgo(one.servesSlowlySince);
    }

    /** Who gets nothing new while there is somebody else. */
    Set<PeerId> avoided() {
        return those(one -> one.why != null || one.servesSlowly);
    }

    /** Who gets nothing new in any case: it would lose it at once. */
    Set<PeerId> lost() {
        return those(
                one -> one.why != null && isLongAgo(one.since) || one.servesSlowly && isLongAgo(one.servesSlowlySince));
    }

    private synchronized Set<PeerId> those(Predicate<Straggler> which) {
        Set<PeerId> those = new HashSet<>();
        stragglers.forEach((peer, one) -> {
            rest(one);
            if (which.test(one)) {
                those.add(peer);
            }
        });
        return those;
    }

    /** Why a holder is left behind; null if it is not. */
    synchronized @Nullable Why why(PeerId peer) {
        Straggler one = rested(peer);
        return one == null ? null : one.why == null && one.servesSlowly ? Why.SERVES_SLOWLY : one.why;
    }

    private boolean isLongAgo(long since) {
        return clock.getAsLong() - since >= options.replaceAfter().toNanos();
    }

    private @Nullable Straggler rested(PeerId peer) {
        Straggler one = stragglers.get(peer);
        if (one != null) {
            rest(one);
        }
        return one;
    }

    /** Who has given no cause for long may try again. */
    private void rest(Straggler one) {
        if (one.why == null && !one.servesSlowly) {
            return;
        }
        long rest = REST * options.replaceAfter().toNanos() << Math.min(MOST_DOUBLINGS, Math.max(0, one.offences - 1));
        if (clock.getAsLong() - one.lastCause >= rest) {
            one.why = null;
            one.refusals = 0;
            one.servesSlowly = false;
            one.dawdles = 0;
        }
    }
}
