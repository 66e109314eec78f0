package io.ppiofs.overlay.dht;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The validators of all namespaces, with the bounds that hold for each: keys of the form {@code /namespace/rest}. */
final class Validators {
    /** Stands for every namespace that has no validator of its own; cannot be a namespace itself, it has a slash. */
    static final String ANY = "/";

    private final Map<String, Validator> byNamespace;

    Validators(Map<String, Validator> byNamespace) {
        this.byNamespace = byNamespace;
    }

    private @Nullable Validator of(byte[] key) {
        if (key.length < 3 || key.length > DhtMessage.MAX_KEY || key[0] != '/') {
            return null;
        }
        for (int end = 1; end < key.length; end++) {
            if (key[end] == '/') {
                Validator validator = byNamespace.get(new String(key, 1, end - 1, UTF_8));
                return validator == null ? byNamespace.get(ANY) : validator;
            }
        }
        return null;
    }

    boolean knows(byte[] key) {
        return of(key) != null;
    }

    boolean isValid(byte[] key, byte[] value) {
        Validator validator = of(key);
        return validator != null && value.length <= DhtMessage.MAX_VALUE && validator.isValid(key, value);
    }

    /** The best of {@code values}, at least one, all valid. */
    byte[] best(byte[] key, List<byte[]> values) {
        Validator validator = of(key);
        if (validator == null) {
            throw new IllegalStateException("values of an unknown namespace are not valid");
        }
        List<byte[]> different = new ArrayList<>();
        for (byte[] value : values) {
            if (different.stream().noneMatch(other -> Arrays.equals(other, value))) {
                different.add(value);
            }
        }
        return different.size() == 1 ? different.get(0) : different.get(validator.select(key, different));
    }

    /** Whether {@code value} may take the place of {@code old}: the same, or better. */
    boolean isAtLeastAsGood(byte[] key, byte[] value, byte[] old) {
        return Arrays.equals(best(key, List.of(old, value)), value);
    }
}
