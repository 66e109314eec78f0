package io.ppiofs.overlay.storage;

import io.ppiofs.cbor.CborMap;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.network.RecordType;
import java.time.Duration;

/**
 * A tenant lets the holders of its groups lease replacement slots in its name while it is away. It goes from hand to hand and
 * is good only together with a slot table that names who shows it as a holder. The highest sequence holds; one with no bytes
 * ends the right.
 *
 * @param sequence grows with each mandate of the tenant
 * @param maxBytes most stored bytes of a replacement slot
 * @param lifetime whole seconds, from first receipt; also that of the leases under it
 */
public record RepairMandate(PeerId tenant, long sequence, long maxBytes, Duration lifetime) {
    /** A mandate and its signed bytes, not to be changed. */
    public record Signed(RepairMandate mandate, byte[] envelope) {}

    private static final RecordType TYPE = new RecordType("storage-repair-mandate", 1);

    public RepairMandate {
        if (sequence < 0 || maxBytes < 0 || !RecordFields.isLifetime(lifetime)) {
            throw new IllegalArgumentException("no mandate: " + sequence + ", " + maxBytes + " bytes, " + lifetime);
        }
    }

    /** @param key the tenant's */
    public Signed sign(IdentityKey key, NetworkId network) {
        return new Signed(
                this,
                RecordFields.sealByTenant(
                        TYPE,
                        key,
                        network,
                        tenant,
                        CborMap.builder().put(3, sequence).put(4, maxBytes).put(5, lifetime.toSeconds())));
    }

    /** @throws PpiofsException CORRUPT or UNSUPPORTED_FORMAT if it is none, or another key signed it */
    public static Signed open(byte[] envelope, NetworkId network) {
        return TYPE.open(envelope, network, record -> {
            record.fields().requireFields(5);
            PeerId tenant = RecordFields.tenant(record);
            RepairMandate mandate = new RepairMandate(
                    tenant,
                    record.fields().uint(3, Long.MAX_VALUE),
                    record.fields().uint(4, Long.MAX_VALUE),
                    RecordFields.lifetime(record.fields(), 5));
            return new Signed(mandate, record.envelope());
        });
    }
}
