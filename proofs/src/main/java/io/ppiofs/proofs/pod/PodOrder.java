package io.ppiofs.proofs.pod;

import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.proofs.sdr.Sha256;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What a user orders. Signed record {@code order}: 3: provider, 4: verifier, 5: nonce, 6: issued, 7: challenges, 8: the CIDs' digests one
 * behind the other. Immutable as long as nobody writes to the arrays, which are not copied.
 *
 * @param user who signed it
 * @param nonce {@value #NONCE} random bytes: no two orders are equal
 * @param issuedMillis since 1970
 * @param challenges leaves that the verifier draws for each side, 1 to {@value #MAX_CHALLENGES}
 * @param cids SHA-256 of each block, 1 to {@value #MAX_BLOCKS}
 * @param deal the name of the deal: the record's digest
 */
public record PodOrder(
        byte[] user,
        byte[] provider,
        byte[] verifier,
        byte[] nonce,
        long issuedMillis,
        int challenges,
        List<byte[]> cids,
        byte[] deal,
        byte[] encoded) {
    /** Most blocks of an order. */
    public static final int MAX_BLOCKS = 1024;

    /** Most challenges. */
    public static final int MAX_CHALLENGES = 512;

    /** Challenges if nobody says otherwise. */
    public static final int USUAL_CHALLENGES = 64;

    /** Bytes of a nonce. */
    public static final int NONCE = 16;

    /** Most bytes of the record. */
    public static final int MAX_BYTES = 40 << 10;

    private static final String LABEL = "order";

    /** Signs an order. */
    public static PodOrder sign(
            PodNetwork network,
            PodSigner user,
            byte[] provider,
            byte[] verifier,
            byte[] nonce,
            long nowMillis,
            int challenges,
            List<byte[]> cids) {
        if (cids.isEmpty() || cids.size() > MAX_BLOCKS || challenges < 1 || challenges > MAX_CHALLENGES) {
            throw new IllegalArgumentException(
                    "an order has 1 to " + MAX_BLOCKS + " blocks and 1 to " + MAX_CHALLENGES + " challenges");
        }
        ByteBuffer digests = ByteBuffer.allocate(cids.size() * Sha256.BYTES);
        cids.forEach(digests::put);
        byte[] encoded = PodRecord.seal(
                LABEL,
                network,
                user,
                CborMap.builder()
                        .put(3, provider)
                        .put(4, verifier)
                        .put(5, nonce)
                        .put(6, nowMillis)
                        .put(7, challenges)
                        .put(8, digests.array()));
        return open(network, encoded);
    }

    /** @throws io.ppiofs.error.PpiofsException CORRUPT */
    public static PodOrder open(PodNetwork network, byte[] encoded) {
        return PodRecord.open(LABEL, network, encoded, MAX_BYTES, record -> {
            CborMap fields = record.fields();
            fields.requireFields(8);
            byte[] digests = fields.bytes(8, Sha256.BYTES, MAX_BLOCKS * Sha256.BYTES);
            int challenges = (int) fields.uint(7, MAX_CHALLENGES);
            if (digests.length % Sha256.BYTES != 0 || challenges < 1) {
                throw new MalformedException("it orders nothing, or challenges nothing");
            }
            List<byte[]> cids = new ArrayList<>();
            for (int at = 0; at < digests.length; at += Sha256.BYTES) {
                cids.add(Arrays.copyOfRange(digests, at, at + Sha256.BYTES));
            }
            return new PodOrder(
                    record.signer(),
                    fields.bytes(3, 1, PodRecord.MAX_ID),
                    fields.bytes(4, 1, PodRecord.MAX_ID),
                    fields.bytes(5, NONCE),
                    fields.uint(6, Long.MAX_VALUE),
                    challenges,
                    List.copyOf(cids),
                    record.digest(),
                    encoded);
        });
    }
}
