package io.ppiofs.fs.fuse.kernel;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;

/**
 * The last requests of one worker with how they ended: the beginning of each message as it came, copied into memory that
 * is taken once. Words are made of it only when somebody reads the log ({@link AccessLog}). Thread-safe; one lock that
 * nobody else wants and one copy of at most {@link #KEPT} bytes per request.
 */
final class AccessRing {
    /** Bytes kept of a message: its header, its arguments and the beginning of its names. */
    static final int KEPT = 192;

    private static final int REQUESTS = 1024;

    private final byte[] messages = new byte[REQUESTS * KEPT];
    private final int[] lengths = new int[REQUESTS];
    private final long[] ends = new long[REQUESTS];
    private final long[] nanos = new long[REQUESTS];
    private final int[] errors = new int[REQUESTS];
    private final int[] answers = new int[REQUESTS];
    private long count;

    /**
     * One request.
     *
     * @param message its first bytes, in the machine's byte order
     * @param length of the whole message
     * @param end System.nanoTime() when it was answered
     * @param nanos how long that took
     * @param error an errno, 0 for success
     * @param answer bytes of the answer behind its header
     */
    record Entry(ByteBuffer message, int length, long end, long nanos, int error, int answer) {}

    /** @param message the request in hand, from index 0; position and limit are left alone */
    synchronized void add(ByteBuffer message, int length, long end, long took, int error, int answer) {
        int at = (int) (count++ % REQUESTS);
        message.get(0, messages, at * KEPT, Math.min(length, KEPT));
        lengths[at] = length;
        ends[at] = end;
        nanos[at] = took;
        errors[at] = error;
        answers[at] = answer;
    }

    synchronized void copyTo(List<Entry> all) {
        int known = (int) Math.min(count, REQUESTS);
        for (int i = 0; i < known; i++) {
            int from = i * KEPT;
            byte[] message = Arrays.copyOfRange(messages, from, from + Math.min(lengths[i], KEPT));
            all.add(new Entry(
                    ByteBuffer.wrap(message).order(ByteOrder.nativeOrder()),
                    lengths[i],
                    ends[i],
                    nanos[i],
                    errors[i],
                    answers[i]));
        }
    }
}
