package io.ppiofs.node.audit;

import io.ppiofs.cbor.CborMap;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.network.RecordType;
import io.ppiofs.proofs.audit.VerifierKey;
import java.util.Arrays;

/**
 * A node audits a volume: a record {1: network, 2: peer id, 3: its key of challenges, 4: time, ms since 1970}, signed by the key that all verifiers of the
 * volume have. Immutable as long as nobody writes to the arrays, which are not copied.
 *
 * @param signer whose record it is; whether that is the volume's verifiers, only they know
 * @param key {@value VerifierKey#PUBLIC_BYTES} bytes
 */
public record VerifierClaim(PeerId signer, PeerId verifier, byte[] key, long millis) {
    private static final RecordType TYPE = new RecordType("audit-verifier", 1);

    /** Signs one. */
    public static byte[] sign(PeerId verifier, byte[] key, long millis, IdentityKey verifiers, NetworkId network) {
        return TYPE.seal(
                verifiers,
                network,
                CborMap.builder().put(2, verifier.toBytes()).put(3, key).put(4, millis));
    }

    /** @throws PpiofsException CORRUPT, UNSUPPORTED_FORMAT */
    public static VerifierClaim open(byte[] envelope, NetworkId network) {
        return TYPE.open(envelope, network, record -> {
            record.fields().requireFields(4);
            return new VerifierClaim(
                    PeerId.of(record.signer()),
                    PeerId.fromBytes(record.fields().bytes(2, 1, PeerId.MAX_BYTES)),
                    record.fields().bytes(3, VerifierKey.PUBLIC_BYTES),
                    record.fields().uint(4, Long.MAX_VALUE));
        });
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof VerifierClaim other
                && signer.equals(other.signer)
                && verifier.equals(other.verifier)
                && Arrays.equals(key, other.key)
                && millis == other.millis;
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(key) * 31 + Long.hashCode(millis);
    }
}
