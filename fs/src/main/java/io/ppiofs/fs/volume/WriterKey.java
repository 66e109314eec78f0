package io.ppiofs.fs.volume;

import java.security.SecureRandom;

/** The Ed25519 key with which one machine signs its heads. Made there and never leaves it. Immutable. */
public final class WriterKey {
    private final SigningKey key;

    private WriterKey(SigningKey key) {
        this.key = key;
    }

    public static WriterKey generate(SecureRandom random) {
        return ofSeed(Secret.random(random));
    }

    static WriterKey ofSeed(Secret seed) {
        return new WriterKey(new SigningKey(seed));
    }

    public Ed25519PublicKey publicKey() {
        return key.publicKey();
    }

    Secret seed() {
        return key.seed();
    }

    SigningKey signingKey() {
        return key;
    }

    @Override
    public String toString() {
        return "WriterKey[" + publicKey() + "]";
    }
}
