package io.ppiofs.node.audit;

import com.google.common.base.Suppliers;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.proofs.audit.VerifierKey;
import io.ppiofs.proofs.podr2.MacKey;
import io.ppiofs.proofs.podr2.TagKey;
import io.ppiofs.proofs.podr2.TagPublicKey;
import io.ppiofs.proofs.sdr.Sha256;
import java.nio.charset.StandardCharsets;
import java.util.function.Supplier;

/**
 * The keys of a volume's tagger and verifier, who is its owner: all derive from one secret of the write capability, so every home that
 * may write has the same ones and nobody who only stores has any. Thread-safe; made when first used.
 */
public final class AuditKeys {
    private final IdentityKey tenant;
    private final Supplier<MacKey> mac;
    private final Supplier<TagKey> tags;
    private final Supplier<TagPublicKey> publicTags;
    private final Supplier<VerifierKey> verifier;

    /**
     * @param secret 32 bytes, {@code Capability.ReadWrite.auditSecret()}
     * @param tenant the key under which the volume stores
     */
    public AuditKeys(byte[] secret, IdentityKey tenant) {
        this.tenant = tenant;
        this.mac = Suppliers.memoize(() -> MacKey.ofSecret(derive("mac", secret)));
        this.tags = Suppliers.memoize(() -> TagKey.ofSecret(derive("tags", secret)));
        this.publicTags = Suppliers.memoize(() -> tagKey().publicKey());
        this.verifier = Suppliers.memoize(() -> VerifierKey.ofSecret(derive("verifier", secret)));
    }

    private static byte[] derive(String name, byte[] secret) {
        return new Sha256()
                .update(("ppiofs audit key v1 " + name + " ").getBytes(StandardCharsets.US_ASCII))
                .update(secret)
                .digest();
    }

    IdentityKey tenant() {
        return tenant;
    }

    MacKey mac() {
        return mac.get();
    }

    TagKey tagKey() {
        return tags.get();
    }

    TagPublicKey publicTags() {
        return publicTags.get();
    }

    VerifierKey verifier() {
        return verifier.get();
    }
}
