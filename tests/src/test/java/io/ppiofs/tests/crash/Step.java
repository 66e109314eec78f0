package io.ppiofs.tests.crash;

/**
 * A change, and when it happened: after {@code start} and before {@code end} of the monotonic clock.
 *
 * @param version number of the step in its worker plus one; written into every cell
 * @param end {@link #NEVER} if the crash came before the answer: then it happened, or not
 * @param ino inode number of what was created, 0 if unknown
 */
record Step(Change change, int version, long start, long end, long ino) {
    static final long NEVER = Long.MAX_VALUE;

    boolean completed() {
        return end != NEVER;
    }

    boolean endedBefore(long moment) {
        return end < moment;
    }
}
