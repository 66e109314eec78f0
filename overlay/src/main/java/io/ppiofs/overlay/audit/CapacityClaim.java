package io.ppiofs.overlay.audit;

import io.ppiofs.cbor.CborMap;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.network.RecordType;
import java.util.Arrays;

/**
 * A peer's word on its idle space, a signed record {1: network, 2: statement}: two of one sequence with different roots show to anybody
 * that it lied.
 *
 * @param peer who signed it
 * @param statement its bytes; what they say is not checked here
 * @param envelope the signed bytes, not to be changed
 */
public record CapacityClaim(PeerId peer, byte[] statement, byte[] envelope) {
    /** Most bytes of a statement. */
    public static final int MAX_STATEMENT = 512;
    /** Most bytes of an envelope. */
    public static final int MAX_ENVELOPE = 2048;

    private static final RecordType TYPE = new RecordType("capacity-claim", 1);

    public static CapacityClaim sign(byte[] statement, IdentityKey key, NetworkId network) {
        byte[] envelope = TYPE.seal(key, network, CborMap.builder().put(2, statement));
        return new CapacityClaim(key.peerId(), statement, envelope);
    }

    /** @throws PpiofsException CORRUPT, UNSUPPORTED_FORMAT */
    public static CapacityClaim open(byte[] envelope, NetworkId network) {
        return TYPE.open(envelope, network, record -> {
            record.fields().requireFields(2);
            return new CapacityClaim(
                    PeerId.of(record.signer()), record.fields().bytes(2, 1, MAX_STATEMENT), record.envelope());
        });
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof CapacityClaim other && Arrays.equals(envelope, other.envelope);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(envelope);
    }
}
