package io.ppiofs.node.audit;

import com.google.common.base.Suppliers;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.proofs.audit.VerifierKey;
import io.ppiofs.proofs.podr2.MacKey;
import io.ppiofs.proofs.podr2.TagKey;
import io.ppiofs.proofs.podr2.TagPublicKey;
import io.ppiofs.proofs.sdr.Sha256;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The keys with which a volume is audited. Its owner is tagger and verifier: all his keys derive from one secret of the write capability, so every home
 * that may write has the same ones and nobody who only stores has any. A verifier by the verify capability has a key for challenges of its
 * own, and learns the public half of the tagger's. Thread-safe; made when first used.
 */
public final class AuditKeys {
    private final @Nullable Tagger tagger;
    private final Supplier<VerifierKey> verifier;
    private final Supplier<byte[]> turns;

    /** Null until a verifier has learnt it. */
    private volatile @Nullable TagPublicKey publicTags;

    private record Tagger(IdentityKey tenant, Supplier<MacKey> mac, Supplier<TagKey> tags) {}

    /**
     * @param secret 32 bytes, {@code Capability.ReadWrite.auditSecret()}
     * @param tenant the key under which the volume stores
     */
    public AuditKeys(byte[] secret, IdentityKey tenant) {
        this.tagger = new Tagger(
                tenant,
                Suppliers.memoize(() -> MacKey.ofSecret(derive("mac", secret))),
                Suppliers.memoize(() -> TagKey.ofSecret(derive("tags", secret))));
        this.verifier = verifier(secret);
        this.turns = () -> derive("turns", secret);
    }

    private AuditKeys(Supplier<VerifierKey> verifier, Supplier<byte[]> turns) {
        this.tagger = null;
        this.verifier = verifier;
        this.turns = turns;
    }

    private static Supplier<VerifierKey> verifier(byte[] secret) {
        return Suppliers.memoize(() -> VerifierKey.ofSecret(derive("verifier", secret)));
    }

    /**
     * Those of somebody who may only verify.
     *
     * @param secret 32 bytes that nobody else has
     */
    public static AuditKeys ofVerifier(byte[] secret) {
        return new AuditKeys(verifier(secret), () -> derive("turns", secret));
    }

    /** From which a verifier's own turns follow; see {@link VerifierDraw#isTurn}. */
    public byte[] turns() {
        return turns.get();
    }

    private static byte[] derive(String name, byte[] secret) {
        return new Sha256()
                .update(("ppiofs audit key v1 " + name + " ").getBytes(StandardCharsets.US_ASCII))
                .update(secret)
                .digest();
    }

    /** Whether tags are made with these. */
    boolean canTag() {
        return tagger != null;
    }

    private Tagger tagger() {
        Tagger mine = tagger;
        if (mine == null) {
            throw new IllegalStateException("a verifier has no keys of the tagger");
        }
        return mine;
    }

    IdentityKey tenant() {
        return tagger().tenant();
    }

    MacKey mac() {
        return tagger().mac().get();
    }

    TagKey tagKey() {
        return tagger().tags().get();
    }

    /** Whether there is a public half of the tagger's key. */
    boolean knowsTagger() {
        return canTag() || publicTags != null;
    }

    TagPublicKey publicTags() {
        TagPublicKey known = publicTags;
        if (known == null) {
            known = tagKey().publicKey();
            publicTags = known;
        }
        return known;
    }

    /**
     * Hears which key a volume's owner vouches for.
     *
     * @return whether it is the tagger's: a volume has one
     * @throws io.ppiofs.error.PpiofsException CORRUPT if it is no key
     */
    boolean isTaggers(byte[] key) {
        synchronized (this) {
            if (publicTags == null && !canTag()) {
                publicTags = TagPublicKey.fromBytes(key);
            }
        }
        return Arrays.equals(publicTags().toBytes(), key);
    }

    /** The public half of the key of challenges, {@value VerifierKey#PUBLIC_BYTES} bytes. */
    public byte[] verifierKey() {
        return verifier().publicKey();
    }

    VerifierKey verifier() {
        return verifier.get();
    }
}
