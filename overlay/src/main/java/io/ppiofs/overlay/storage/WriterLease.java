package io.ppiofs.overlay.storage;

import io.ppiofs.cbor.CborMap;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.network.RecordType;
import java.time.Duration;
import java.util.Arrays;
import java.util.Objects;

/**
 * Says that a machine writes a volume, for so long. Operators that keep the volume give it to one machine at a time, so that two
 * that could write hear of each other before they make two branches. It is advice: nothing that is stored depends on it.
 *
 * @param volume the volume's id, 32 bytes, not to be changed
 * @param writer the node that writes
 * @param sequence grows with each order of the same writer
 * @param lifetime from when the operator hears it; zero gives it back
 */
public record WriterLease(PeerId tenant, byte[] volume, PeerId writer, long sequence, Duration lifetime) {
    /** The longest that an operator believes. */
    public static final Duration LONGEST = Duration.ofMinutes(10);

    private static final RecordType TYPE = new RecordType("storage-writer", 1);

    /** A lease and its signed bytes, not to be changed. */
    public record Signed(WriterLease lease, byte[] envelope) {}

    /**
     * Who writes the volume now, as an operator knows.
     *
     * @param left until the lease ends if nothing is heard
     * @param renewals how often the operator has heard of this writer without a gap: grows while it lives
     */
    public record Held(PeerId writer, Duration left, long renewals) {}

    public WriterLease {
        if (volume.length != PinnedHead.VOLUME
                || sequence < 0
                || lifetime.isNegative()
                || lifetime.compareTo(LONGEST) > 0) {
            throw new IllegalArgumentException("no writer's lease: " + sequence + ", " + lifetime);
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
                        CborMap.builder()
                                .put(3, volume)
                                .put(4, writer.toBytes())
                                .put(5, sequence)
                                .put(6, lifetime.toMillis())));
    }

    /** @throws io.ppiofs.error.PpiofsException CORRUPT or UNSUPPORTED_FORMAT if it is none, or another key signed it */
    public static Signed open(byte[] envelope, NetworkId network) {
        return TYPE.open(envelope, network, record -> {
            CborMap fields = record.fields();
            fields.requireFields(6);
            PeerId tenant = RecordFields.tenant(record);
            WriterLease lease = new WriterLease(
                    tenant,
                    fields.bytes(3, PinnedHead.VOLUME),
                    RecordFields.peer(fields, 4),
                    fields.uint(5, Long.MAX_VALUE),
                    Duration.ofMillis(fields.uint(6, LONGEST.toMillis())));
            return new Signed(lease, record.envelope());
        });
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof WriterLease x
                && tenant.equals(x.tenant)
                && writer.equals(x.writer)
                && sequence == x.sequence
                && lifetime.equals(x.lifetime)
                && Arrays.equals(volume, x.volume);
    }

    @Override
    public int hashCode() {
        return Objects.hash(writer, sequence);
    }
}
