package io.ppiofs.overlay.placement;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.erasure.Scheme;
import io.ppiofs.cbor.Cbor;
import io.ppiofs.cbor.CborArray;
import io.ppiofs.cbor.CborBytes;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.CborSimple;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.identity.PublicKey;
import io.ppiofs.overlay.network.RecordType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Which peer has which slot of a group: signed by the tenant (the key under which a volume stores), or, one generation at
 * a time, by a peer that holds a slot of the generation before, which is what lets holders repair a group while the owner
 * is away. The highest generation wins; of two of one generation the tenant's,
 * else the one whose bytes come first, so that everybody keeps the same one.
 *
 * @param tenant the key under which the volume stores
 * @param generation from 1, grows by one with each table
 * @param state what may still happen to the group
 * @param holders one per slot; a peer may have several where there are fewer peers than slots
 * @param inventory of a closed group: the {@link Inventory}, itself a block that every holder has; null while open
 */
public record SlotTable(
        PeerId tenant,
        GroupId group,
        long generation,
        Scheme scheme,
        State state,
        List<PeerId> holders,
        @Nullable Cid inventory) {
    /** The ordinal is the number on the wire: append only. */
    public enum State {
        /** Blocks are still appended. One of a code is being filled from a group that stands: its writer alone tends it. */
        OPEN,
        /** The inventory is final. */
        CLOSED,
        /** Nothing of it is needed any more; holders may delete it after their delay. */
        RETIRED
    }

    /** A table, who signed it, and the signed bytes. */
    public record Signed(SlotTable table, PublicKey signer, byte[] envelope) {
        /** Whether the tenant's own key signed it. */
        public boolean byTenant() {
            return table.tenant.names(signer);
        }

        /** Whether this table replaces {@code other} of the same group. */
        public boolean replaces(Signed other) {
            if (table.generation != other.table.generation) {
                return table.generation > other.table.generation;
            }
            if (byTenant() != other.byTenant()) {
                return byTenant();
            }
            return Arrays.compareUnsigned(envelope, other.envelope) < 0;
        }
    }

    private static final RecordType TYPE = new RecordType("slot-table", 1);

    public SlotTable {
        holders = List.copyOf(holders);
        if (generation < 1 || holders.size() != scheme.slots() || (inventory == null) != (state == State.OPEN)) {
            throw new IllegalArgumentException(
                    "no slot table: generation " + generation + ", " + holders.size() + " holders, " + state);
        }
    }

    /** The slot of this group in this generation. */
    public SlotAddress slot(int slot) {
        return new SlotAddress(group, slot, generation);
    }

    /** The slots of a peer, ascending. */
    public List<Integer> slotsOf(PeerId peer) {
        List<Integer> slots = new ArrayList<>();
        for (int i = 0; i < holders.size(); i++) {
            if (holders.get(i).equals(peer)) {
                slots.add(i);
            }
        }
        return slots;
    }

    /** The next generation with these holders. */
    public SlotTable moved(List<PeerId> newHolders) {
        return new SlotTable(tenant, group, generation + 1, scheme, state, newHolders, inventory);
    }

    /** @param key the tenant's, or that of a holder of the generation before */
    public Signed sign(IdentityKey key, NetworkId network) {
        List<Cbor> peers = new ArrayList<>();
        holders.forEach(peer -> peers.add(CborBytes.of(peer.toBytes())));
        CborMap.Builder fields = CborMap.builder()
                .put(2, tenant.toBytes())
                .put(3, group.bytes())
                .put(4, generation)
                .put(5, scheme.data())
                .put(6, scheme.parity())
                .put(7, state.ordinal())
                .put(8, new CborArray(peers))
                .put(9, inventory == null ? CborSimple.NULL : CborBytes.of(inventory.digest()));
        return new Signed(this, key.publicKey(), TYPE.seal(key, network, fields));
    }

    /**
     * Opens a table that its tenant signed, or that follows {@code previous} by one generation and is signed by one of its
     * holders, who may change nothing but who holds what.
     *
     * @param previous the table known so far, null if none
     * @throws PpiofsException CORRUPT, UNSUPPORTED_FORMAT
     */
    public static Signed open(byte[] envelope, NetworkId network, @Nullable Signed previous) {
        return TYPE.open(envelope, network, record -> {
            SlotTable table = read(record.fields());
            Signed signed = new Signed(table, record.signer(), record.envelope());
            if (previous != null
                    && !(previous.table.tenant.equals(table.tenant) && previous.table.group.equals(table.group))) {
                throw new MalformedException("it is the table of another group");
            }
            if (!signed.byTenant() && !(previous != null && table.succeeds(previous.table, record.signer()))) {
                throw new MalformedException("neither the tenant nor a holder before it signed it");
            }
            return signed;
        });
    }

    /**
     * Opens a table whose signer's right somebody else vouches for: a signed head that names it, or this machine's own disk.
     *
     * @throws PpiofsException CORRUPT, UNSUPPORTED_FORMAT
     */
    public static Signed openVouched(byte[] envelope, NetworkId network) {
        return TYPE.open(
                envelope, network, record -> new Signed(read(record.fields()), record.signer(), record.envelope()));
    }

    /** Whether a holder's table takes the next step and no other. */
    private boolean succeeds(SlotTable before, PublicKey signer) {
        return before.generation + 1 == generation
                && before.holders.contains(PeerId.of(signer))
                && before.scheme.equals(scheme)
                && before.state == state
                && (before.inventory == null ? inventory == null : before.inventory.equals(inventory));
    }

    private static SlotTable read(CborMap fields) throws MalformedException {
        fields.requireFields(9);
        try {
            Scheme scheme = new Scheme((int) fields.uint(5, Scheme.MAX_SLOTS), (int) fields.uint(6, Scheme.MAX_SLOTS));
            State state = State.values()[(int) fields.uint(7, State.values().length - 1)];
            List<PeerId> holders = new ArrayList<>();
            for (Cbor item : fields.array(8, Scheme.MAX_SLOTS).items()) {
                if (!(item instanceof CborBytes bytes) || bytes.length() > PeerId.MAX_BYTES) {
                    throw new MalformedException("a holder is no peer id");
                }
                holders.add(PeerId.fromBytes(bytes.value()));
            }
            byte[] inventory = fields.bytesOrNull(9, Cid.DIGEST_LENGTH);
            return new SlotTable(
                    PeerId.fromBytes(fields.bytes(2, 1, PeerId.MAX_BYTES)),
                    GroupId.of(fields.bytes(3, GroupId.LENGTH)),
                    fields.uint(4, Long.MAX_VALUE),
                    scheme,
                    state,
                    holders,
                    inventory == null ? null : Cid.ofDigest(inventory));
        } catch (IllegalArgumentException | PpiofsException e) {
            throw new MalformedException(e.getMessage() == null ? "a field is out of range" : e.getMessage());
        }
    }
}
