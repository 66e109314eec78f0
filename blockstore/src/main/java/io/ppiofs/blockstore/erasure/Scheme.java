package io.ppiofs.blockstore.erasure;

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

    /** Most parity per data fragment: beyond that a group's list of blocks would not fit into one block. */
    public static final int MAX_OVERHEAD = 6;

    /** Most characters of {@link #toString}. */
    public static final int MAX_TEXT = 5;

    /** Three copies. */
    public static final Scheme DEFAULT = copies(3);

    private static final Pattern CODE = Pattern.compile("([0-9]{1,2})\\+([0-9]{1,2})");
    private static final Pattern COPIES = Pattern.compile("[0-9]{1,2}");

    public Scheme {
        boolean fits = data == 1
                ? parity >= 0 && parity < MAX_COPIES
                : data > 1 && parity >= 1 && data + parity <= MAX_SLOTS && parity <= MAX_OVERHEAD * data;
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
                "give a number of copies from 1 to " + MAX_COPIES + ", or K+M with K from 2, M from 1 to "
                        + MAX_OVERHEAD + " times K, and together up to " + MAX_SLOTS);
    }

    public boolean isCopies() {
        return data == 1;
    }

    /**
     * How blocks are kept that do not stand in a stripe yet: as copies that survive as many failures as the code, but three at
     * least, and no more than {@link #MAX_COPIES}.
     */
    public Scheme whileOpen() {
        return isCopies() ? this : copies(Math.min(MAX_COPIES, Math.max(DEFAULT.slots(), parity + 1)));
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
