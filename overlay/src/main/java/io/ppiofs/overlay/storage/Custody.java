package io.ppiofs.overlay.storage;

import io.ppiofs.cbor.CborMap;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.network.RecordType;

/**
 * A tenant lets a peer prolong its leases and do nothing else: a custodian, by whom what a volume has on operators lasts while the
 * volume's own machines are away. Such a machine prolongs them by the same right, given to itself. A right cannot be taken back; it ends.
 *
 * @param custodian who may; operators know it by its connection
 * @param untilMillis end, since 1970
 */
public record Custody(PeerId tenant, PeerId custodian, long untilMillis) {
    private static final RecordType TYPE = new RecordType("storage-custody", 1);

    /** A right and its signed bytes, not to be changed. */
    public record Signed(Custody custody, byte[] envelope) {}

    public Custody {
        if (untilMillis < 0) {
            throw new IllegalArgumentException("no end of a custody: " + untilMillis);
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
                        CborMap.builder().put(3, custodian.toBytes()).put(4, untilMillis)));
    }

    /** @throws PpiofsException CORRUPT or UNSUPPORTED_FORMAT if it is none, or another key signed it */
    public static Signed open(byte[] envelope, NetworkId network) {
        return TYPE.open(envelope, network, record -> {
            record.fields().requireFields(4);
            Custody custody = new Custody(
                    RecordFields.tenant(record),
                    RecordFields.peer(record.fields(), 3),
                    record.fields().uint(4, Long.MAX_VALUE));
            return new Signed(custody, record.envelope());
        });
    }
}
