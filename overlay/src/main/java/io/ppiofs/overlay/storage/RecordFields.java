package io.ppiofs.overlay.storage;

import io.ppiofs.blockstore.erasure.Scheme;
import io.ppiofs.cbor.Cbor;
import io.ppiofs.cbor.CborArray;
import io.ppiofs.cbor.CborBytes;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.CborText;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.network.RecordType;
import io.ppiofs.overlay.placement.GroupId;
import io.ppiofs.overlay.placement.SlotAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/** Fields that several records and messages of storage have in common. */
final class RecordFields {
    /** Ten years: longer grants and leases are renewed. */
    static final long MAX_SECONDS = 10L * 366 * 86_400;

    private RecordFields() {}

    static PeerId peer(CborMap fields, int field) throws MalformedException {
        return peer(fields.bytes(field, 1, PeerId.MAX_BYTES));
    }

    /** The tenant of a record, field 2, who must have signed it. */
    static PeerId tenant(RecordType.Signed record) throws MalformedException {
        PeerId tenant = peer(record.fields(), 2);
        if (!tenant.names(record.signer())) {
            throw new MalformedException("another key signed it");
        }
        return tenant;
    }

    /**
     * The envelope of a record of a tenant, who stands in field 2 and must sign it: what {@link #tenant} checks.
     *
     * @param fields the others
     */
    static byte[] sealByTenant(
            RecordType type, IdentityKey key, NetworkId network, PeerId tenant, CborMap.Builder fields) {
        if (!key.peerId().equals(tenant)) {
            throw new IllegalArgumentException("a record of a tenant is signed by its tenant");
        }
        return type.seal(key, network, fields.put(2, tenant.toBytes()));
    }

    private static PeerId peer(byte[] bytes) throws MalformedException {
        try {
            return PeerId.fromBytes(bytes);
        } catch (PpiofsException e) {
            throw new MalformedException("it names no peer");
        }
    }

    static CborArray peers(Collection<PeerId> peers) {
        List<Cbor> items = new ArrayList<>();
        peers.forEach(peer -> items.add(CborBytes.of(peer.toBytes())));
        return new CborArray(items);
    }

    static List<PeerId> peers(CborMap fields, int field, int max) throws MalformedException {
        List<PeerId> peers = new ArrayList<>();
        for (Cbor item : fields.array(field, max).items()) {
            if (!(item instanceof CborBytes bytes)) {
                throw new MalformedException("field " + field + " is no list of peers");
            }
            peers.add(peer(bytes.value()));
        }
        return peers;
    }

    static Duration lifetime(CborMap fields, int field) throws MalformedException {
        long seconds = fields.uint(field, MAX_SECONDS);
        if (seconds == 0) {
            throw new MalformedException("it has no lifetime");
        }
        return Duration.ofSeconds(seconds);
    }

    static boolean isLifetime(Duration lifetime) {
        return lifetime.toSeconds() >= 1 && lifetime.toSeconds() <= MAX_SECONDS;
    }

    static GroupId group(CborMap fields, int field) throws MalformedException {
        return GroupId.of(fields.bytes(field, GroupId.LENGTH));
    }

    static int slot(CborMap fields, int field) throws MalformedException {
        return (int) fields.uint(field, Scheme.MAX_SLOTS - 1);
    }

    static SlotAddress address(CborMap fields, int first) throws MalformedException {
        long generation = fields.uint(first + 2, Long.MAX_VALUE);
        if (generation == 0) {
            throw new MalformedException("it has no generation");
        }
        return new SlotAddress(group(fields, first), slot(fields, first + 1), generation);
    }

    static CborMap.Builder address(CborMap.Builder fields, int first, SlotAddress slot) {
        return fields.put(first, slot.group().bytes())
                .put(first + 1, slot.slot())
                .put(first + 2, slot.generation());
    }

    static List<byte[]> envelopes(CborMap fields, int field, int max, int maxBytes) throws MalformedException {
        List<byte[]> envelopes = new ArrayList<>();
        int left = maxBytes;
        for (Cbor item : fields.array(field, max).items()) {
            if (!(item instanceof CborBytes bytes) || bytes.length() > left) {
                throw new MalformedException(
                        "field " + field + " is no list of records of up to " + maxBytes + " bytes");
            }
            left -= bytes.length();
            envelopes.add(bytes.value());
        }
        return envelopes;
    }

    static CborArray envelopes(Collection<byte[]> envelopes) {
        List<Cbor> items = new ArrayList<>();
        envelopes.forEach(envelope -> items.add(CborBytes.of(envelope)));
        return new CborArray(items);
    }

    static CborArray texts(Collection<String> texts) {
        List<Cbor> items = new ArrayList<>();
        texts.forEach(text -> items.add(new CborText(text)));
        return new CborArray(items);
    }

    static List<String> texts(CborMap fields, int field, int max, int maxChars) throws MalformedException {
        List<String> texts = new ArrayList<>();
        for (Cbor item : fields.array(field, max).items()) {
            if (!(item instanceof CborText text) || text.value().length() > maxChars) {
                throw new MalformedException("field " + field + " is no list of short texts");
            }
            texts.add(text.value());
        }
        return texts;
    }
}
