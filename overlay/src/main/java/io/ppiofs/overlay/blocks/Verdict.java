package io.ppiofs.overlay.blocks;

/**
 * What became of one block of a put.
 *
 * @param outcome what a program needs to know
 * @param reason one sentence for people, at most {@link #MAX_REASON} characters; empty for {@link Outcome#STORED}
 */
public record Verdict(Outcome outcome, String reason) {
    /** The ordinal is the number on the wire: append only. */
    public enum Outcome {
        /** On the peer's disk, durably, or it was there before. */
        STORED,
        /** Not taken, and asking again will not help: no grant, no such slot, malformed. */
        REFUSED,
        /** The grant or the disk is full. */
        NO_SPACE,
        /** Not now; try again later. */
        BUSY,
        /** The bytes that arrived are not those that the CID names. */
        CORRUPT
    }

    /** Longest reason, in characters; longer ones are cut. */
    public static final int MAX_REASON = 200;

    /** Durably there. As an answer to {@link BlockHost#admit}: it is here already, no bytes are needed. */
    public static final Verdict STORED = new Verdict(Outcome.STORED, "");

    public Verdict {
        reason = reason.length() > MAX_REASON ? reason.substring(0, MAX_REASON) : reason;
    }

    public static Verdict refused(String reason) {
        return new Verdict(Outcome.REFUSED, reason);
    }

    public static Verdict noSpace(String reason) {
        return new Verdict(Outcome.NO_SPACE, reason);
    }

    public static Verdict busy(String reason) {
        return new Verdict(Outcome.BUSY, reason);
    }

    public static Verdict corrupt(String reason) {
        return new Verdict(Outcome.CORRUPT, reason);
    }

    public boolean isStored() {
        return outcome == Outcome.STORED;
    }
}
