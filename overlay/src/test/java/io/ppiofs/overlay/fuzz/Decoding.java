package io.ppiofs.overlay.fuzz;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Runs a decoder on bytes of a peer. */
public final class Decoding {
    /** What a peer's bytes may cause; anything else is our defect. */
    private static final Set<ErrorKind> REFUSALS = EnumSet.of(
            ErrorKind.CORRUPT,
            ErrorKind.INVALID,
            ErrorKind.TOO_BIG,
            ErrorKind.RANGE,
            ErrorKind.NOT_SUPPORTED,
            ErrorKind.UNSUPPORTED_FORMAT,
            ErrorKind.ACCESS_DENIED,
            ErrorKind.NOT_PERMITTED);

    private Decoding() {}

    /** The decoded value, or empty if it is null or was refused as it may be. */
    public static <T> Optional<T> of(Supplier<? extends @Nullable T> decoder) {
        try {
            return Optional.ofNullable(decoder.get());
        } catch (PpiofsException e) {
            if (!REFUSALS.contains(e.kind())) {
                throw e;
            }
            return Optional.empty();
        }
    }
}
