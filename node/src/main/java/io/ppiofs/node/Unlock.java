package io.ppiofs.node;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * What opens the secrets of a volume. {@link #toString} does not show the passphrase.
 *
 * @param passphrase null if none was given
 * @param keyFile absolute; null if none was given
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
public record Unlock(char @Nullable [] passphrase, @Nullable Path keyFile) {
    /** Nothing: the volume is unprotected. */
    public static final Unlock NONE = new Unlock(null, null);

    public boolean isNone() {
        return passphrase == null && keyFile == null;
    }

    @Override
    public String toString() {
        return "Unlock[" + (passphrase != null ? "passphrase" : keyFile != null ? keyFile : "none") + "]";
    }
}
