package io.ppiofs.overlay.audit;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.erasure.Scheme;
import io.ppiofs.cbor.CborDecoder;
import io.ppiofs.cbor.CborEncoder;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.placement.GroupId;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * What a verifier asks a holder: a challenge for one slot of a closed group. Deterministic CBOR map {1: 0, 2: tenant, 3: group, 4:
 * slot, 5: inventory digest, 6: epoch, 7: units, 8: form, 9: verifier key, 10: signature, 11: tag key}. Immutable as long as nobody
 * writes to the arrays, which are not copied.
 *
 * @param inventory of the group as the verifier knows it
 * @param epoch the verifier's; seconds since 1970
 * @param units how many are challenged, 1 to {@value #MAX_UNITS}
 * @param form the number of the tags' form
 * @param verifier {@value #VERIFIER} bytes
 * @param signature {@value #SIGNATURE} bytes
 * @param tagKey what the form needs to answer; may be empty
 */
public record AuditAsk(
        PeerId tenant,
        GroupId group,
        int slot,
        Cid inventory,
        long epoch,
        int units,
        int form,
        byte[] verifier,
        byte[] signature,
        byte[] tagKey) {
    /** Most units of one challenge: they are 8 KiB each. */
    public static final int MAX_UNITS = 4096;

    /** Most bytes of a tag key. */
    public static final int MAX_TAG_KEY = 16 << 10;

    private static final int VERIFIER = 48;
    private static final int SIGNATURE = 96;
    private static final int MAX_FORM = 255;

    public AuditAsk {
        if (slot < 0
                || slot >= Scheme.MAX_SLOTS
                || epoch < 0
                || units < 1
                || units > MAX_UNITS
                || form < 0
                || form > MAX_FORM
                || verifier.length != VERIFIER
                || signature.length != SIGNATURE
                || tagKey.length > MAX_TAG_KEY) {
            throw new IllegalArgumentException("no audit: slot " + slot + ", epoch " + epoch + ", " + units + " units");
        }
    }

    /** The same question, of another tag key. */
    public AuditAsk withTagKey(byte[] key) {
        return new AuditAsk(tenant, group, slot, inventory, epoch, units, form, verifier, signature, key);
    }

    /** The message. */
    public byte[] encode() {
        return CborEncoder.encode(CborMap.builder()
                .put(1, 0)
                .put(2, tenant.toBytes())
                .put(3, group.bytes())
                .put(4, slot)
                .put(5, inventory.digest())
                .put(6, epoch)
                .put(7, units)
                .put(8, form)
                .put(9, verifier)
                .put(10, signature)
                .put(11, tagKey)
                .build());
    }

    /** SHA-256 of the message: what an answer is for. */
    public byte[] digest() {
        return Cid.of(ByteBuffer.wrap(encode())).digest();
    }

    /** @throws PpiofsException INVALID; NOT_SUPPORTED for a question of a later version */
    public static AuditAsk decode(byte[] message) {
        try {
            CborMap fields = CborDecoder.decodeMap(message);
            if (fields.uint(1, Integer.MAX_VALUE) != 0) {
                throw new PpiofsException(
                        ErrorKind.NOT_SUPPORTED, "read", "audit", "this version does not know the question");
            }
            fields.requireFields(11);
            return new AuditAsk(
                    PeerId.fromBytes(fields.bytes(2, 1, PeerId.MAX_BYTES)),
                    GroupId.of(fields.bytes(3, GroupId.LENGTH)),
                    (int) fields.uint(4, Scheme.MAX_SLOTS - 1),
                    Cid.ofDigest(fields.bytes(5, Cid.DIGEST_LENGTH)),
                    fields.uint(6, Long.MAX_VALUE),
                    (int) fields.uint(7, MAX_UNITS),
                    (int) fields.uint(8, MAX_FORM),
                    fields.bytes(9, VERIFIER),
                    fields.bytes(10, SIGNATURE),
                    fields.bytes(11, 0, MAX_TAG_KEY));
        } catch (PpiofsException e) {
            throw e.kind() == ErrorKind.NOT_SUPPORTED ? e : malformed(e);
        } catch (MalformedException | IllegalArgumentException e) {
            throw malformed(e);
        }
    }

    private static PpiofsException malformed(Exception e) {
        return new PpiofsException(ErrorKind.INVALID, "read", "audit", String.valueOf(e.getMessage()), e);
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof AuditAsk other && Arrays.equals(encode(), other.encode());
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(encode());
    }
}
