package io.ppiofs.overlay.placement;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How a group's blocks are kept: {@code data == 1}: {@code 1 + parity} whole copies; else a Reed–Solomon code in which any
 * {@code data} of the {@code data + parity} fragments of a stripe restore it. Copies are the code with one data fragment,
 * whose parity equals the data.
 *
 * @param data fragments that carry blocks, k
 * @param parity further fragments, m
 */
public record Scheme(int data, int parity) {
    /** Most slots of a group. */
    public static final int MAX_SLOTS = 64;

    /** Most whole copies. */
    public static final int MAX_COPIES = 10;

    /** Three copies. */
    public static final Scheme DEFAULT = copies(3);

    private static final Pattern CODE = Pattern.compile("([0-9]{1,2})\\+([0-9]{1,2})");
    private static final Pattern COPIES = Pattern.compile("[0-9]{1,2}");

    public Scheme {
        boolean fits =
                data == 1 ? parity >= 0 && parity < MAX_COPIES : data > 1 && parity >= 1 && data + parity <= MAX_SLOTS;
        if (!fits) {
            throw new IllegalArgumentException("no scheme: " + data + "+" + parity);
        }
    }

    /** @param copies from 1 to {@link #MAX_COPIES} */
    public static Scheme copies(int copies) {
        return new Scheme(1, copies - 1);
    }

    /** {@code 3} for copies, {@code 4+2} for a code. @throws PpiofsException INVALID with what would be right */
    public static Scheme parse(String text) {
        try {
            Matcher code = CODE.matcher(text);
            if (code.matches()) {
                int data = Integer.parseInt(code.group(1));
                if (data > 1) {
                    return new Scheme(data, Integer.parseInt(code.group(2)));
                }
            } else if (COPIES.matcher(text).matches()) {
                return copies(Integer.parseInt(text));
            }
        } catch (IllegalArgumentException e) {
            throw refused(text);
        }
        throw refused(text);
    }

    private static PpiofsException refused(String text) {
        return new PpiofsException(
                ErrorKind.INVALID,
                "read",
                "scheme " + text,
                "give a number of copies from 1 to " + MAX_COPIES + ", or K+M with K from 2 and K+M up to "
                        + MAX_SLOTS);
    }

    public boolean isCopies() {
        return data == 1;
    }

    public int slots() {
        return data + parity;
    }

    /** Slots that may be lost before data is lost. */
    public int tolerates() {
        return parity;
    }

    /** What {@link #parse} reads. */
    @Override
    public String toString() {
        return isCopies() ? Integer.toString(slots()) : data + "+" + parity;
    }
}
