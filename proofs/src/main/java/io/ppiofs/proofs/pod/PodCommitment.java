package io.ppiofs.proofs.pod;

import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.proofs.sdr.Sha256;
import java.nio.ByteBuffer;

/**
 * What a provider commits to before anything is challenged. Signed record {@code commitment}: 3: deal, 4: the blocks' lengths, 32 bits each,
 * big-endian, 5: root, 6: commitment to the key. Immutable as long as nobody writes to the arrays, which are not copied.
 *
 * @param provider who signed it
 * @param root of the tree over the encrypted leaves, 32 bytes
 * @param key {@code SHA-256("ppiofs pod key v1" || 0 || key)}
 * @param digest of the record
 */
public record PodCommitment(
        byte[] provider, byte[] deal, PodLayout layout, byte[] root, byte[] key, byte[] digest, byte[] encoded) {
    /** Most bytes of the record. */
    public static final int MAX_BYTES = 8 << 10;

    private static final String LABEL = "commitment";

    static PodCommitment sign(
            PodNetwork network, PodSigner provider, byte[] deal, PodLayout layout, byte[] root, byte[] key) {
        ByteBuffer lengths = ByteBuffer.allocate(layout.blocks() * Integer.BYTES);
        for (int i = 0; i < layout.blocks(); i++) {
            lengths.putInt(layout.length(i));
        }
        byte[] encoded = PodRecord.seal(
                LABEL,
                network,
                provider,
                CborMap.builder()
                        .put(3, deal)
                        .put(4, lengths.array())
                        .put(5, root)
                        .put(6, LeafCipher.commitment(key)));
        return open(network, encoded);
    }

    /** @throws io.ppiofs.error.PpiofsException CORRUPT */
    public static PodCommitment open(PodNetwork network, byte[] encoded) {
        return PodRecord.open(LABEL, network, encoded, MAX_BYTES, record -> {
            CborMap fields = record.fields();
            fields.requireFields(6);
            ByteBuffer bytes = ByteBuffer.wrap(fields.bytes(4, Integer.BYTES, PodOrder.MAX_BLOCKS * Integer.BYTES));
            if (bytes.remaining() % Integer.BYTES != 0) {
                throw new MalformedException("its lengths are cut off");
            }
            int[] lengths = new int[bytes.remaining() / Integer.BYTES];
            bytes.asIntBuffer().get(lengths);
            return new PodCommitment(
                    record.signer(),
                    fields.bytes(3, Sha256.BYTES),
                    new PodLayout(lengths),
                    fields.bytes(5, Sha256.BYTES),
                    fields.bytes(6, Sha256.BYTES),
                    record.digest(),
                    encoded);
        });
    }
}
