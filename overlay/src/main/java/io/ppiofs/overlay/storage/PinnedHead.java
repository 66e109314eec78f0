package io.ppiofs.overlay.storage;

import io.ppiofs.cbor.CborMap;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.network.RecordType;
import java.util.Arrays;

/**
 * A volume's head as operators keep it for a tenant: they know the sequence, the rest is the volume's affair. The highest
 * sequence is kept, and never one below it.
 *
 * @param volume the volume's id, 32 bytes, not to be changed
 * @param sequence grows with each head
 * @param head opaque, up to {@link #MAX_HEAD} bytes, not to be changed
 */
public record PinnedHead(PeerId tenant, byte[] volume, long sequence, byte[] head) {
    /** Bytes of a volume's id. */
    public static final int VOLUME = 32;

    /** Most bytes of the head: a signed record has 64 KiB in all. */
    public static final int MAX_HEAD = 63 * 1024;

    /** A pin and its signed bytes, not to be changed. */
    public record Signed(PinnedHead pin, byte[] envelope) {}

    private static final RecordType TYPE = new RecordType("storage-head", 1);

    public PinnedHead {
        if (volume.length != VOLUME || sequence < 0 || head.length > MAX_HEAD) {
            throw new IllegalArgumentException("no head: " + volume.length + ", " + sequence + ", " + head.length);
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
                        CborMap.builder().put(3, volume).put(4, sequence).put(5, head)));
    }

    /** @throws PpiofsException CORRUPT or UNSUPPORTED_FORMAT if it is none, or another key signed it */
    public static Signed open(byte[] envelope, NetworkId network) {
        return TYPE.open(envelope, network, record -> {
            record.fields().requireFields(5);
            PeerId tenant = RecordFields.tenant(record);
            PinnedHead pin = new PinnedHead(
                    tenant,
                    record.fields().bytes(3, VOLUME),
                    record.fields().uint(4, Long.MAX_VALUE),
                    record.fields().bytes(5, 0, MAX_HEAD));
            return new Signed(pin, record.envelope());
        });
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof PinnedHead x
                && tenant.equals(x.tenant)
                && sequence == x.sequence
                && Arrays.equals(volume, x.volume)
                && Arrays.equals(head, x.head);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(volume) * 31 + Long.hashCode(sequence);
    }
}
