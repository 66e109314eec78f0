package io.ppiofs.node.config;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A number of bytes as people write it: {@code 4096}, {@code 64KiB}, {@code 1.5 GiB}, {@code 10MB}. */
public record ByteSize(long bytes) {
    private static final Pattern FORM = Pattern.compile("([0-9]{1,15})(\\.[0-9]{1,3})?\\s*([KMGTkmgt]i?)?[Bb]?");

    public ByteSize {
        if (bytes < 0) {
            throw new IllegalArgumentException("a size is not negative");
        }
    }

    public static ByteSize ofMebibytes(long n) {
        return new ByteSize(n << 20);
    }

    /** @throws IllegalArgumentException if the text is no size */
    public static ByteSize parse(String text) {
        Matcher m = FORM.matcher(text.trim());
        if (!m.matches()) {
            throw new IllegalArgumentException("write a size like 64MiB");
        }
        String unit = m.group(3) == null ? "" : m.group(3).toUpperCase(Locale.ROOT);
        double factor =
                Math.pow(unit.endsWith("I") ? 1024 : 1000, unit.isEmpty() ? 0 : "KMGT".indexOf(unit.charAt(0)) + 1);
        double value = Double.parseDouble(m.group(1) + (m.group(2) == null ? "" : m.group(2))) * factor;
        if (value > (1L << 60)) {
            throw new IllegalArgumentException("at most 1024 PiB");
        }
        return new ByteSize(Math.round(value));
    }

    /** Binary units with three digits: {@code 1.25 GiB}. */
    public static String show(long bytes) {
        if (bytes < 1024) {
            return bytes + " B";
        }
        double value = bytes;
        int unit = -1;
        while (value >= 1023.5 && unit < 4) {
            value /= 1024;
            unit++;
        }
        int decimals = value < 10 ? 2 : value < 100 ? 1 : 0;
        return String.format(Locale.ROOT, "%." + decimals + "f %siB", value, "KMGTP".charAt(unit));
    }

    @Override
    public String toString() {
        return show(bytes);
    }
}
