package io.ppiofs.overlay.identity;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.util.Arrays;

/** Base58 in Bitcoin's alphabet, without checksum, as multibase "z" and legacy peer ids use it. Quadratic: short input. */
final class Base58 {
    private static final String ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

    private Base58() {}

    static String encode(byte[] bytes) {
        int zeros = leading(bytes);
        byte[] number = bytes.clone();
        StringBuilder text = new StringBuilder(bytes.length * 2);
        int start = zeros;
        while (start < number.length) {
            text.append(ALPHABET.charAt(divide(number, start, 256, 58)));
            if (number[start] == 0) {
                start++;
            }
        }
        text.append("1".repeat(zeros));
        return text.reverse().toString();
    }

    /** @param maxBytes longest result that is accepted */
    static byte[] decode(String text, int maxBytes) {
        if (text.isEmpty() || text.length() > maxBytes * 2) {
            throw malformed(text);
        }
        byte[] digits = new byte[text.length()];
        for (int i = 0; i < digits.length; i++) {
            int digit = ALPHABET.indexOf(text.charAt(i));
            if (digit < 0) {
                throw malformed(text);
            }
            digits[i] = (byte) digit;
        }
        int zeros = leading(digits);
        byte[] out = new byte[digits.length];
        int at = out.length;
        int start = zeros;
        while (start < digits.length) {
            out[--at] = (byte) divide(digits, start, 58, 256);
            while (start < digits.length && digits[start] == 0) {
                start++; // a division by 256 can take two digits away
            }
        }
        byte[] bytes = Arrays.copyOfRange(out, at - zeros, out.length);
        if (bytes.length > maxBytes) {
            throw malformed(text);
        }
        return bytes;
    }

    private static int leading(byte[] bytes) {
        int zeros = 0;
        while (zeros < bytes.length && bytes[zeros] == 0) {
            zeros++;
        }
        return zeros;
    }

    /** Divides the big-endian number in place and returns the remainder. */
    private static int divide(byte[] number, int start, int base, int divisor) {
        int remainder = 0;
        for (int i = start; i < number.length; i++) {
            int value = remainder * base + (number[i] & 0xff);
            number[i] = (byte) (value / divisor);
            remainder = value % divisor;
        }
        return remainder;
    }

    private static PpiofsException malformed(String text) {
        String shown = text.length() > 80 ? text.substring(0, 80) + "…" : text;
        return new PpiofsException(
                ErrorKind.INVALID, "parse base58", shown, "not a base58 text of the expected length");
    }
}
