package io.ppiofs.overlay.audit;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.network.RecordType;
import java.util.Arrays;

/**
 * A tenant has checked the replication of a slot that it ordered to be sealed: a signed record {1: network, 2: digest of the order, 3: sector, 4: commD, 5: commR}.
 * From then on the holder needs no layers. The holder keeps it, so that another machine of the tenant need not have it sealed once more. Immutable as long as
 * nobody writes to the arrays, which are not copied.
 *
 * @param tenant who signed it
 * @param order digest of the order
 * @param sector its number at the holder
 * @param envelope the signed bytes, not to be changed
 */
public record SealAcceptance(PeerId tenant, byte[] order, long sector, byte[] commD, byte[] commR, byte[] envelope) {
    /** Most bytes of the signed record. */
    public static final int MAX_ENVELOPE = 512;

    private static final RecordType TYPE = new RecordType("storage-sealed", 1);

    public static SealAcceptance sign(
            IdentityKey tenantKey, NetworkId network, SealOrder order, long sector, byte[] commD, byte[] commR) {
        byte[] envelope = TYPE.seal(
                tenantKey,
                network,
                CborMap.builder()
                        .put(2, order.digest())
                        .put(3, sector)
                        .put(4, commD)
                        .put(5, commR));
        return open(envelope, network);
    }

    /** @throws PpiofsException CORRUPT, UNSUPPORTED_FORMAT */
    public static SealAcceptance open(byte[] envelope, NetworkId network) {
        return TYPE.open(envelope, network, record -> {
            CborMap fields = record.fields();
            fields.requireFields(5);
            return new SealAcceptance(
                    PeerId.of(record.signer()),
                    fields.bytes(2, Cid.DIGEST_LENGTH),
                    fields.uint(3, Long.MAX_VALUE),
                    fields.bytes(4, Cid.DIGEST_LENGTH),
                    fields.bytes(5, Cid.DIGEST_LENGTH),
                    record.envelope());
        });
    }

    /** Whether it is of this order, by who gave that. */
    public boolean isOf(SealOrder of) {
        return tenant.equals(of.tenant()) && Arrays.equals(order, of.digest());
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof SealAcceptance other && Arrays.equals(envelope, other.envelope);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(envelope);
    }
}
