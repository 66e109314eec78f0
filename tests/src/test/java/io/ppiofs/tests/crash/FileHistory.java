package io.ppiofs.tests.crash;

import io.ppiofs.tests.crash.Change.OfData;
import io.ppiofs.tests.crash.Change.Rewrite;
import io.ppiofs.tests.crash.Change.Truncate;
import io.ppiofs.tests.crash.Change.Write;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The changes to the bytes of one file, in order. After a crash the file must be as after some of them, none left out
 * between; the first one that is missing may have come half: writes reach a file system in pieces.
 */
final class FileHistory {
    /**
     * One truncation or one write, of step {@code step}.
     *
     * @param rewrite whether it is one of the two parts of a {@link Rewrite}
     */
    private record Part(int step, boolean truncation, int first, int count, int version, boolean rewrite) {}

    private final List<Part> parts = new ArrayList<>();

    void add(int step, OfData change, int version) {
        if (change instanceof Truncate truncate) {
            parts.add(new Part(step, true, 0, truncate.cells(), version, false));
        } else if (change instanceof Write write) {
            parts.add(new Part(step, false, write.first(), write.count(), version, false));
        } else if (change instanceof Rewrite rewrite) {
            parts.add(new Part(step, true, 0, 0, version, true));
            parts.add(new Part(step, false, 0, rewrite.count(), version, true));
        }
    }

    /**
     * Whether {@code found} is the file after some prefix of the parts that contains all of the steps before {@code
     * required}.
     *
     * @param settled rewrites before this step must show the old bytes or the new ones, nothing between
     */
    boolean explains(int[] found, int required, int settled) {
        int[] state = new int[0];
        for (int next = 0; next <= parts.size(); next++) {
            boolean enough = next == parts.size() || parts.get(next).step() >= required;
            boolean between = isBetween(next, settled);
            if (enough && !between && (Arrays.equals(state, found) || isHalf(state, next, found))) {
                return true;
            }
            if (next < parts.size()) {
                state = after(state, parts.get(next), parts.get(next).count());
            }
        }
        return false;
    }

    /** Whether {@code next} is the second part of a rewrite that had its time to be safe. */
    private boolean isBetween(int next, int settled) {
        return next < parts.size()
                && parts.get(next).rewrite()
                && !parts.get(next).truncation()
                && parts.get(next).step() < settled;
    }

    private boolean isHalf(int[] state, int next, int[] found) {
        if (next == parts.size() || parts.get(next).truncation()) {
            return false;
        }
        Part part = parts.get(next);
        int written = 0;
        while (written < part.count()
                && part.first() + written < found.length
                && found[part.first() + written] == part.version()) {
            written++;
        }
        return written > 0 && Arrays.equals(after(state, part, written), found);
    }

    private static int[] after(int[] state, Part part, int count) {
        if (part.truncation()) {
            return Arrays.copyOf(state, part.count());
        }
        int[] changed = Arrays.copyOf(state, Math.max(state.length, part.first() + count));
        Arrays.fill(changed, part.first(), part.first() + count, part.version());
        return changed;
    }

    /** For a message: runs of equal versions. */
    static String describe(int[] versions) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < versions.length && text.length() < 400; ) {
            int end = i;
            while (end < versions.length && versions[end] == versions[i]) {
                end++;
            }
            text.append(
                            versions[i] == Observed.TORN
                                    ? "TORN"
                                    : versions[i] == Observed.HOLE ? "zeros" : "v" + versions[i])
                    .append('×')
                    .append(end - i)
                    .append(' ');
            i = end;
        }
        return text.isEmpty() ? "empty" : text.toString();
    }

    @Override
    public String toString() {
        int from = Math.max(0, parts.size() - 12);
        StringBuilder text = new StringBuilder(from > 0 ? "… " : "");
        for (Part part : parts.subList(from, parts.size())) {
            text.append(part.truncation() ? "truncate(" + part.count() : "write(" + part.first() + "+" + part.count())
                    .append(",v")
                    .append(part.version())
                    .append(") ");
        }
        return text.toString();
    }
}
