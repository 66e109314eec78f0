package io.ppiofs.overlay.audit;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.erasure.Scheme;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.CborText;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.network.RecordType;
import io.ppiofs.overlay.placement.GroupId;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * A tenant wants the slot of a holder sealed: a signed record {1: network, 2: holder, 3: group, 4: slot, 5: digest of the inventory, 6:
 * parameters, 7: ticket, 8: verifier's key, 9: issued}. Whoever shows it may ask about the slot, which is nobody but tenant and holder. Immutable as
 * long as nobody writes to the arrays, which are not copied.
 *
 * @param tenant who signed it
 * @param holder whose peer id is in the replica
 * @param inventory of the closed group: which bytes are sealed
 * @param parameters name of the seal parameters
 * @param ticket {@value #TICKET} random bytes that the tenant drew, so that nobody seals before
 * @param verifier the key whose challenges are answered, {@value #VERIFIER} bytes
 * @param issued ms since 1970; of two orders for a slot the later one holds
 * @param envelope the signed bytes, not to be changed
 */
public record SealOrder(
        PeerId tenant,
        PeerId holder,
        GroupId group,
        int slot,
        Cid inventory,
        String parameters,
        byte[] ticket,
        byte[] verifier,
        long issued,
        byte[] envelope) {
    /** Most bytes of the signed record. */
    public static final int MAX_ENVELOPE = 1 << 10;

    private static final RecordType TYPE = new RecordType("storage-seal", 1);
    private static final int TICKET = 32;
    private static final int VERIFIER = 48;
    private static final int MAX_NAME = 32;

    /**
     * What is wanted.
     *
     * @param tenantKey signs
     */
    public static SealOrder sign(
            IdentityKey tenantKey,
            NetworkId network,
            PeerId holder,
            GroupId group,
            int slot,
            Cid inventory,
            String parameters,
            byte[] ticket,
            byte[] verifier,
            long issued) {
        byte[] envelope = TYPE.seal(
                tenantKey,
                network,
                CborMap.builder()
                        .put(2, holder.toBytes())
                        .put(3, group.bytes())
                        .put(4, slot)
                        .put(5, inventory.digest())
                        .put(6, new CborText(parameters))
                        .put(7, ticket)
                        .put(8, verifier)
                        .put(9, issued));
        return open(envelope, network);
    }

    /** @throws PpiofsException CORRUPT, UNSUPPORTED_FORMAT */
    public static SealOrder open(byte[] envelope, NetworkId network) {
        return TYPE.open(envelope, network, record -> {
            CborMap fields = record.fields();
            fields.requireFields(9);
            String parameters = fields.text(6, MAX_NAME);
            if (!parameters.matches("[a-z][a-z0-9-]*")) {
                throw new MalformedException("its parameters have no name");
            }
            return new SealOrder(
                    PeerId.of(record.signer()),
                    peer(fields.bytes(2, 1, PeerId.MAX_BYTES)),
                    GroupId.of(fields.bytes(3, GroupId.LENGTH)),
                    (int) fields.uint(4, Scheme.MAX_SLOTS - 1),
                    Cid.ofDigest(fields.bytes(5, Cid.DIGEST_LENGTH)),
                    parameters,
                    fields.bytes(7, TICKET),
                    fields.bytes(8, VERIFIER),
                    fields.uint(9, Long.MAX_VALUE),
                    record.envelope());
        });
    }

    private static PeerId peer(byte[] bytes) throws MalformedException {
        try {
            return PeerId.fromBytes(bytes);
        } catch (PpiofsException | IllegalArgumentException e) {
            throw new MalformedException("its holder is no peer id");
        }
    }

    /** SHA-256 of the signed bytes: what challenges and acceptances are about. */
    public byte[] digest() {
        return Cid.of(ByteBuffer.wrap(envelope)).digest();
    }

    /** Whether both want the same bytes sealed in the same way, and let the same verifier ask; ticket and time may differ. */
    public boolean wantsSameAs(SealOrder other) {
        return tenant.equals(other.tenant)
                && isOfSlot(other)
                && inventory.equals(other.inventory)
                && parameters.equals(other.parameters)
                && Arrays.equals(verifier, other.verifier);
    }

    /** Whether both are about the same slot at the same holder. */
    public boolean isOfSlot(SealOrder other) {
        return holder.equals(other.holder) && group.equals(other.group) && slot == other.slot;
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof SealOrder other && Arrays.equals(envelope, other.envelope);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(envelope);
    }

    @Override
    public String toString() {
        return group + "/" + slot + " of " + holder;
    }
}
