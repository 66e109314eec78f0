package io.ppiofs.overlay.storage;

import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.placement.GroupId;
import java.util.List;

/**
 * The terms of a leased slot as the operator's book has them.
 *
 * @param generation of the newest order or table that named it
 * @param sequence of the newest order
 * @param untilMillis end, by the operator's clock since 1970
 * @param deleteAtMillis when its blocks go, 0: not ordered
 * @param ordered whether the tenant ordered the deletion; else a table moved the slot elsewhere
 * @param mandated whether a holder leased it under the tenant's mandate, and no table has named it since
 */
record Lease(
        Key key,
        long generation,
        long sequence,
        List<PeerId> uploaders,
        long maxBytes,
        long untilMillis,
        long deleteAtMillis,
        boolean ordered,
        boolean mandated) {
    /** Whose slot of which group. */
    record Key(PeerId tenant, GroupId group, int slot) {
        String text() {
            return tenant + "/" + group + "/" + slot;
        }
    }

    Lease {
        uploaders = List.copyOf(uploaders);
    }

    Lease ending(long deleteAt, boolean byTenant) {
        return new Lease(key, generation, sequence, uploaders, maxBytes, untilMillis, deleteAt, byTenant, mandated);
    }

    /** Named by a table of this generation. */
    Lease named(long newGeneration, long until) {
        return new Lease(
                key,
                Math.max(generation, newGeneration),
                sequence,
                uploaders,
                maxBytes,
                Math.max(untilMillis, until),
                ordered ? deleteAtMillis : 0,
                ordered,
                false);
    }

    Lease prolonged(long until) {
        return new Lease(key, generation, sequence, uploaders, maxBytes, until, deleteAtMillis, ordered, mandated);
    }

    CborMap encode() {
        return CborMap.builder()
                .put(1, key.tenant().toBytes())
                .put(2, key.group().bytes())
                .put(3, key.slot())
                .put(4, generation)
                .put(5, sequence)
                .put(6, RecordFields.peers(uploaders))
                .put(7, maxBytes)
                .put(8, untilMillis)
                .put(9, deleteAtMillis)
                .put(10, (ordered ? 1 : 0) + (mandated ? 2 : 0))
                .build();
    }

    static Lease decode(CborMap fields) throws MalformedException {
        long flags = fields.uint(10, 3);
        return new Lease(
                new Key(RecordFields.peer(fields, 1), RecordFields.group(fields, 2), RecordFields.slot(fields, 3)),
                fields.uint(4, Long.MAX_VALUE),
                fields.uint(5, Long.MAX_VALUE),
                RecordFields.peers(fields, 6, LeaseOrder.MAX_UPLOADERS),
                fields.uint(7, Long.MAX_VALUE),
                fields.uint(8, Long.MAX_VALUE),
                fields.uint(9, Long.MAX_VALUE),
                (flags & 1) != 0,
                (flags & 2) != 0);
    }
}
