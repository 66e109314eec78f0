package io.ppiofs.fs.volume;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How a volume's blocks are kept on peers: copies ({@code 3}) or Reed–Solomon ({@code 4+2}).
 *
 * @param data copies: 1; else data fragments of a stripe, 1–64
 * @param parity copies: one less than the copies; else parity fragments of a stripe, 1–64
 * @param coded whether it is Reed–Solomon
 */
public record PlacementScheme(int data, int parity, boolean coded) {
    /** Three copies. */
    public static final PlacementScheme DEFAULT = copies(3);

    public static final int MAX_COPIES = 10;
    public static final int MAX_FRAGMENTS = 64;

    /** Longest text, characters. */
    static final int MAX_TEXT = 8;

    private static final Pattern TEXT = Pattern.compile("([0-9]{1,2})(?:\\+([0-9]{1,2}))?");

    public PlacementScheme {
        boolean fits = coded
                ? data >= 1 && data <= MAX_FRAGMENTS && parity >= 1 && parity <= MAX_FRAGMENTS
                : data == 1 && parity >= 0 && parity < MAX_COPIES;
        if (!fits) {
            throw unusable(coded ? data + "+" + parity : String.valueOf(parity + 1));
        }
    }

    /** @param n 1–10; INVALID otherwise */
    public static PlacementScheme copies(int n) {
        return new PlacementScheme(1, n - 1, false);
    }

    /** @throws PpiofsException INVALID with one sentence */
    public static PlacementScheme parse(String text) {
        Matcher m = TEXT.matcher(text);
        if (!m.matches()) {
            throw unusable(text);
        }
        int first = Integer.parseInt(m.group(1));
        String second = m.group(2);
        return second == null ? copies(first) : new PlacementScheme(first, Integer.parseInt(second), true);
    }

    /** Peers that hold something of a group: copies, or fragments of a stripe. */
    public int slots() {
        return data + parity;
    }

    private static PpiofsException unusable(String text) {
        return new PpiofsException(
                ErrorKind.INVALID,
                "set scheme",
                "\"" + text + "\"",
                "use a number of copies from 1 to 10, or data+parity fragments such as 4+2, each from 1 to 64");
    }

    /** What {@link #parse} takes. */
    @Override
    public String toString() {
        return coded ? data + "+" + parity : String.valueOf(parity + 1);
    }
}
