package io.ppiofs.overlay.storage;

import io.ppiofs.cbor.CborMap;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.network.RecordType;
import io.ppiofs.overlay.placement.SlotAddress;
import java.time.Duration;
import java.util.List;

/**
 * A tenant orders an operator to lease it one slot of a group, or to go on leasing it: the same order with a higher sequence
 * extends a lease and replaces what it says.
 *
 * @param slot of which group, and as of which generation
 * @param sequence grows with each order of the tenant for this slot; milliseconds since 1970 will do
 * @param uploaders peers that may put blocks into the slot; at most 16
 * @param maxBytes most stored bytes of the slot
 * @param lifetime whole seconds from receipt; see {@link #USUAL}
 */
public record LeaseOrder(
        PeerId tenant, SlotAddress slot, long sequence, List<PeerId> uploaders, long maxBytes, Duration lifetime) {
    /** How long leases usually run. The operator keeps the blocks up to 30 days longer where it has space. */
    public static final Duration USUAL = Duration.ofDays(90);

    /** Most peers that may put into one slot. */
    public static final int MAX_UPLOADERS = 16;

    /** An order and its signed bytes, not to be changed. */
    public record Signed(LeaseOrder order, byte[] envelope) {}

    private static final RecordType TYPE = new RecordType("storage-lease", 1);

    public LeaseOrder {
        uploaders = List.copyOf(uploaders);
        boolean fits = sequence >= 0
                && maxBytes >= 0
                && uploaders.size() <= MAX_UPLOADERS
                && RecordFields.isLifetime(lifetime);
        if (!fits) {
            throw new IllegalArgumentException("no lease: " + slot + ", " + maxBytes + " bytes, " + lifetime);
        }
    }

    /** @param key the tenant's */
    public Signed sign(IdentityKey key, NetworkId network) {
        CborMap.Builder fields = CborMap.builder()
                .put(6, sequence)
                .put(7, RecordFields.peers(uploaders))
                .put(8, maxBytes)
                .put(9, lifetime.toSeconds());
        return new Signed(
                this, RecordFields.sealByTenant(TYPE, key, network, tenant, RecordFields.address(fields, 3, slot)));
    }

    /** @throws PpiofsException CORRUPT or UNSUPPORTED_FORMAT if it is none, or another key signed it */
    public static Signed open(byte[] envelope, NetworkId network) {
        return TYPE.open(envelope, network, record -> {
            CborMap fields = record.fields();
            fields.requireFields(9);
            PeerId tenant = RecordFields.tenant(record);
            LeaseOrder order = new LeaseOrder(
                    tenant,
                    RecordFields.address(fields, 3),
                    fields.uint(6, Long.MAX_VALUE),
                    RecordFields.peers(fields, 7, MAX_UPLOADERS),
                    fields.uint(8, Long.MAX_VALUE),
                    RecordFields.lifetime(fields, 9));
            return new Signed(order, record.envelope());
        });
    }
}
