package io.ppiofs.overlay.storage;

import io.ppiofs.cbor.CborBytes;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.CborSimple;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.network.RecordType;
import org.jspecify.annotations.Nullable;

/**
 * A tenant asks one operator for space; signed by the tenant, which proves that it has the key.
 *
 * @param bytes wanted; the grant may be for less
 * @param token of a {@link GrantInvitation}, 16 bytes, or null
 */
record GrantRequest(PeerId tenant, PeerId operator, long bytes, byte @Nullable [] token) {
    private static final RecordType TYPE = new RecordType("storage-grant-request", 1);

    byte[] seal(IdentityKey key, NetworkId network) {
        return TYPE.seal(
                key,
                network,
                CborMap.builder()
                        .put(2, tenant.toBytes())
                        .put(3, operator.toBytes())
                        .put(4, bytes)
                        .put(5, token == null ? CborSimple.NULL : CborBytes.of(token)));
    }

    /** @throws PpiofsException CORRUPT or UNSUPPORTED_FORMAT if it is none, or another key signed it */
    static GrantRequest open(byte[] envelope, NetworkId network) {
        return TYPE.open(envelope, network, record -> {
            record.fields().requireFields(5);
            PeerId tenant = RecordFields.tenant(record);
            return new GrantRequest(
                    tenant,
                    RecordFields.peer(record.fields(), 3),
                    record.fields().uint(4, Long.MAX_VALUE),
                    record.fields().bytesOrNull(5, GrantInvitation.TOKEN));
        });
    }
}
