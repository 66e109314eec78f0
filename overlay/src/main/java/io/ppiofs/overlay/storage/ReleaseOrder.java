package io.ppiofs.overlay.storage;

import io.ppiofs.cbor.CborMap;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.network.RecordType;
import io.ppiofs.overlay.placement.SlotAddress;

/**
 * A tenant gives a leased slot back; the operator deletes it after its delay, unless a later {@link LeaseOrder} comes first.
 *
 * @param slot the generation is that of the table of which the slot is given up: a lease of a later one stays
 * @param sequence from the same row as that of the slot's lease orders
 */
public record ReleaseOrder(PeerId tenant, SlotAddress slot, long sequence) {
    /** An order and its signed bytes, not to be changed. */
    public record Signed(ReleaseOrder order, byte[] envelope) {}

    private static final RecordType TYPE = new RecordType("storage-release", 1);

    public ReleaseOrder {
        if (sequence < 0) {
            throw new IllegalArgumentException("no release: " + slot + ", " + sequence);
        }
    }

    /** @param key the tenant's */
    public Signed sign(IdentityKey key, NetworkId network) {
        CborMap.Builder fields = CborMap.builder().put(6, sequence);
        return new Signed(
                this, RecordFields.sealByTenant(TYPE, key, network, tenant, RecordFields.address(fields, 3, slot)));
    }

    /** @throws PpiofsException CORRUPT or UNSUPPORTED_FORMAT if it is none, or another key signed it */
    public static Signed open(byte[] envelope, NetworkId network) {
        return TYPE.open(envelope, network, record -> {
            record.fields().requireFields(6);
            PeerId tenant = RecordFields.tenant(record);
            ReleaseOrder order = new ReleaseOrder(
                    tenant,
                    RecordFields.address(record.fields(), 3),
                    record.fields().uint(6, Long.MAX_VALUE));
            return new Signed(order, record.envelope());
        });
    }
}
