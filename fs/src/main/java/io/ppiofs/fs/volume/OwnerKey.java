package io.ppiofs.fs.volume;

import io.ppiofs.network.NetworkId;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * The owner's Ed25519 key. Signs writer certificates, revocations and the volume's description, nothing else. Derived
 * from the root secret, so it exists only where a {@link Capability.ReadWrite} is. Immutable.
 */
public final class OwnerKey {
    private final SigningKey key;

    OwnerKey(SigningKey key) {
        this.key = key;
    }

    public Ed25519PublicKey publicKey() {
        return key.publicKey();
    }

    public VolumeId volumeId() {
        return VolumeId.ofOwner(key.publicKey());
    }

    /**
     * @param slot 0 … {@link WriterCertificate#MAX_SLOT}, never given to another key before
     * @param expires null: does not end
     */
    public WriterCertificate certify(NetworkId network, Ed25519PublicKey writer, int slot, @Nullable Instant expires) {
        return WriterCertificate.issue(key, network, writer, slot, expires);
    }

    /** @param lastSequence the writer's last head that counts, ≥ 0 */
    public WriterRevocation revoke(NetworkId network, Ed25519PublicKey writer, long lastSequence) {
        if (lastSequence < 0) {
            throw new IllegalArgumentException("sequence " + lastSequence);
        }
        return WriterRevocation.issue(key, network, writer, lastSequence);
    }

    SigningKey signingKey() {
        return key;
    }

    @Override
    public String toString() {
        return "OwnerKey[" + volumeId() + "]";
    }
}
