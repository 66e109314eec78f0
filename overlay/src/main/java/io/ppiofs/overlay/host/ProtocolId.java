package io.ppiofs.overlay.host;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;

/** A protocol's name in multistream-select, {@code /ipfs/ping/1.0.0}: begins with a slash, at most 140 characters of printable ASCII. */
public record ProtocolId(String name) {
    /** Longest name that is offered or accepted. */
    public static final int MAX_LENGTH = 140;

    public ProtocolId {
        boolean printable = name.chars().allMatch(c -> c > 0x20 && c < 0x7f);
        if (!name.startsWith("/") || name.length() > MAX_LENGTH || !printable) {
            String shown = name.length() > 80 ? name.substring(0, 80) + "…" : name;
            throw new PpiofsException(
                    ErrorKind.INVALID, "name protocol", shown, "expected a printable name like /ipfs/ping/1.0.0");
        }
    }

    @Override
    public String toString() {
        return name;
    }
}
