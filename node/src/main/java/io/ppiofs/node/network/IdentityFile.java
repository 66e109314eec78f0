package io.ppiofs.node.network;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.file.DurableFile;
import io.ppiofs.overlay.identity.IdentityKey;
import java.nio.file.Path;
import java.security.SecureRandom;

/** A secret key on disk: libp2p's protobuf PrivateKey, 68 bytes, mode 0600, never overwritten. */
public final class IdentityFile {
    /** Larger than any Ed25519 private key. */
    private static final int MAX_LENGTH = 1_024;

    private IdentityFile() {}

    /**
     * The key in {@code file}, made at the first call.
     *
     * @throws PpiofsException CORRUPT if the file is no key: it is left as it is; IO
     */
    public static IdentityKey loadOrCreate(Path file) {
        byte[] bytes = DurableFile.read(file, MAX_LENGTH, "read key");
        if (bytes != null) {
            return parse(file, bytes);
        }
        IdentityKey key = IdentityKey.generate(new SecureRandom());
        DurableFile.replace(file, key.toBytes(), "write key");
        return key;
    }

    static IdentityKey parse(Path file, byte[] bytes) {
        try {
            return IdentityKey.parse(bytes);
        } catch (PpiofsException e) {
            throw new PpiofsException(
                    ErrorKind.CORRUPT,
                    "identity",
                    file.toString(),
                    "is no private key; restore it from a copy, or remove it and the node becomes a new peer",
                    e);
        }
    }
}
