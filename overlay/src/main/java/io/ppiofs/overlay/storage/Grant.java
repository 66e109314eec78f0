package io.ppiofs.overlay.storage;

import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.network.RecordType;
import java.time.Duration;

/**
 * What an operator lends to a tenant, signed by the operator. Of several grants for one tenant the highest sequence holds,
 * and its bytes are the tenant's whole share at that operator.
 *
 * @param sequence grows with each grant of the operator for this tenant
 * @param bytes stored bytes of all the tenant's slots together
 * @param lifetime whole seconds, from issue for the operator and from receipt for the tenant: nobody's clock matters
 * @param kind why it was given
 */
public record Grant(PeerId tenant, PeerId operator, long sequence, long bytes, Duration lifetime, Kind kind) {
    /** The ordinal is the number on the wire: append only. */
    public enum Kind {
        /** The operator named the tenant. */
        ALLOW_LIST,
        /** The tenant showed an invitation. */
        INVITATION,
        /** The tenant's node stores for the operator. */
        RECIPROCITY,
        /** The operator lends to everybody, up to a cap. */
        OPEN
    }

    /** A grant and its signed bytes, not to be changed. */
    public record Signed(Grant grant, byte[] envelope) {}

    private static final RecordType TYPE = new RecordType("storage-grant", 1);

    public Grant {
        if (sequence < 0 || bytes < 0 || !RecordFields.isLifetime(lifetime)) {
            throw new IllegalArgumentException("no grant: " + sequence + ", " + bytes + " bytes, " + lifetime);
        }
    }

    /** @param key the operator's */
    public Signed sign(IdentityKey key, NetworkId network) {
        if (!key.peerId().equals(operator)) {
            throw new IllegalArgumentException("a grant is signed by its operator");
        }
        return new Signed(
                this,
                TYPE.seal(
                        key,
                        network,
                        CborMap.builder()
                                .put(2, tenant.toBytes())
                                .put(3, operator.toBytes())
                                .put(4, sequence)
                                .put(5, bytes)
                                .put(6, lifetime.toSeconds())
                                .put(7, kind.ordinal())));
    }

    /** @throws PpiofsException CORRUPT or UNSUPPORTED_FORMAT if it is none, or another peer signed it */
    public static Signed open(byte[] envelope, NetworkId network) {
        return TYPE.open(envelope, network, record -> {
            record.fields().requireFields(7);
            PeerId operator = RecordFields.peer(record.fields(), 3);
            if (!operator.names(record.signer())) {
                throw new MalformedException("another peer signed it");
            }
            Grant grant = new Grant(
                    RecordFields.peer(record.fields(), 2),
                    operator,
                    record.fields().uint(4, Long.MAX_VALUE),
                    record.fields().uint(5, Long.MAX_VALUE),
                    RecordFields.lifetime(record.fields(), 6),
                    Kind.values()[(int) record.fields().uint(7, Kind.values().length - 1)]);
            return new Signed(grant, record.envelope());
        });
    }
}
