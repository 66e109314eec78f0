package io.ppiofs.overlay.storage;

import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.network.RecordType;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.List;

/**
 * A tenant extends, begins or trims the journal of a volume that an operator keeps for it. Entries are opaque and numbered from
 * 1 without gaps. One stream is kept of a volume: a higher one takes the place of a lower one, which is never taken again.
 *
 * @param volume the volume's id, 32 bytes, not to be changed
 * @param stream grows with each beginning, whoever begins
 * @param trimmed entries up to this number are needed by nobody any more
 * @param first number of the first entry that comes with the order; without entries only a number above {@code trimmed}
 * @param digest {@link #digest} of the entries that come with the order, not to be changed
 */
public record JournalOrder(PeerId tenant, byte[] volume, long stream, long trimmed, long first, byte[] digest) {
    /** Most bytes of an entry. */
    public static final int MAX_ENTRY = 320 * 1024;

    /** Most bytes of all entries of an order. */
    public static final int MAX_ENTRIES_BYTES = 448 * 1024;

    /** Most entries of an order. */
    public static final int MAX_ENTRIES = 4_096;

    private static final int DIGEST = 32;
    private static final RecordType TYPE = new RecordType("storage-journal", 1);

    /** An order and its signed bytes, not to be changed. */
    public record Signed(JournalOrder order, byte[] envelope) {}

    public JournalOrder {
        if (volume.length != PinnedHead.VOLUME
                || digest.length != DIGEST
                || stream < 0
                || trimmed < 0
                || first <= trimmed) {
            throw new IllegalArgumentException("no journal order: " + stream + ", " + trimmed + ", " + first);
        }
    }

    /** An order for these entries. */
    public static JournalOrder of(
            PeerId tenant, byte[] volume, long stream, long trimmed, long first, List<byte[]> entries) {
        return new JournalOrder(tenant, volume, stream, trimmed, first, digest(entries));
    }

    /** SHA-256 of the entries, each behind its length (4 bytes). */
    static byte[] digest(List<byte[]> entries) {
        try {
            MessageDigest sha = MessageDigest.getInstance("SHA-256");
            for (byte[] entry : entries) {
                sha.update(ByteBuffer.allocate(4).putInt(0, entry.length));
                sha.update(entry);
            }
            return sha.digest();
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
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
                                .put(4, stream)
                                .put(5, trimmed)
                                .put(6, first)
                                .put(7, digest)));
    }

    /** @throws PpiofsException CORRUPT or UNSUPPORTED_FORMAT if it is none, or another key signed it */
    public static Signed open(byte[] envelope, NetworkId network) {
        return TYPE.open(envelope, network, record -> {
            CborMap fields = record.fields();
            fields.requireFields(7);
            PeerId tenant = RecordFields.tenant(record);
            long trimmed = fields.uint(5, Long.MAX_VALUE - 1);
            long first = fields.uint(6, Long.MAX_VALUE);
            if (first <= trimmed) {
                throw new MalformedException("its first entry is trimmed");
            }
            JournalOrder order = new JournalOrder(
                    tenant,
                    fields.bytes(3, PinnedHead.VOLUME),
                    fields.uint(4, Long.MAX_VALUE),
                    trimmed,
                    first,
                    fields.bytes(7, DIGEST));
            return new Signed(order, record.envelope());
        });
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof JournalOrder x
                && tenant.equals(x.tenant)
                && stream == x.stream
                && trimmed == x.trimmed
                && first == x.first
                && Arrays.equals(volume, x.volume)
                && Arrays.equals(digest, x.digest);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(digest) * 31 + Long.hashCode(stream);
    }
}
