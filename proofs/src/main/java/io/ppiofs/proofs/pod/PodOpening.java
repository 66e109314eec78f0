package io.ppiofs.proofs.pod;

import io.ppiofs.cbor.CborDecoder;
import io.ppiofs.cbor.CborEncoder;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.proofs.merkle.MerklePath;
import io.ppiofs.proofs.merkle.NodeHash;
import io.ppiofs.proofs.sdr.Sha256;
import io.ppiofs.proofs.verify.Verdict;
import java.util.Arrays;

/**
 * An encrypted leaf and its path, and where a transition is to be judged the leaf behind it. Deterministic CBOR {1: number, 2: leaf, 3:
 * path, 4: the next leaf, 5: its path}, 4 and 5 empty without one. Immutable as long as nobody writes to the arrays.
 *
 * @param index number of the leaf
 * @param leaf {@value PodLayout#LEAF} bytes
 * @param path siblings from the leaf up, 32 bytes each
 * @param next the leaf behind it, or empty
 */
public record PodOpening(int index, byte[] leaf, byte[] path, byte[] next, byte[] nextPath) {
    /** Most bytes of an encoded one. */
    public static final int MAX_BYTES = 10 << 10;

    private static final int MAX_PATH = 18 * Sha256.BYTES;
    private static final byte[] NONE = {};

    /** One leaf. */
    static PodOpening of(int index, byte[] leaf, byte[] path) {
        return new PodOpening(index, leaf, path, NONE, NONE);
    }

    public byte[] encode() {
        return CborEncoder.encode(CborMap.builder()
                .put(1, index)
                .put(2, leaf)
                .put(3, path)
                .put(4, next)
                .put(5, nextPath)
                .build());
    }

    /** @throws PpiofsException CORRUPT */
    public static PodOpening decode(byte[] encoded) {
        try {
            if (encoded.length > MAX_BYTES) {
                throw new MalformedException(encoded.length + " bytes are more than " + MAX_BYTES);
            }
            CborMap fields = CborDecoder.decodeMap(encoded);
            fields.requireFields(5);
            byte[] next = fields.bytes(4, 0, PodLayout.LEAF);
            if (next.length % PodLayout.LEAF != 0) {
                throw new MalformedException("its second leaf is cut off");
            }
            return new PodOpening(
                    (int) fields.uint(1, PodLayout.MAX_LEAVES - 1),
                    fields.bytes(2, PodLayout.LEAF),
                    fields.bytes(3, 0, MAX_PATH),
                    next,
                    fields.bytes(5, 0, MAX_PATH));
        } catch (MalformedException e) {
            throw new PpiofsException(ErrorKind.CORRUPT, "read", "opening", String.valueOf(e.getMessage()), e);
        }
    }

    /** Whether the leaf is the committed one of its number. */
    public boolean isCommitted(PodCommitment commitment) {
        return leads(commitment, index, leaf, path);
    }

    private static boolean leads(PodCommitment commitment, int index, byte[] leaf, byte[] path) {
        PodLayout layout = commitment.layout();
        return index < layout.leaves()
                && new MerklePath(NodeHash.SEPARATED).leads(leaf, index, layout.treeLeaves(), path, commitment.root());
    }

    /** Whether it has what {@link #judge} needs, all of it committed. */
    public boolean isComplete(PodCommitment commitment) {
        if (!isCommitted(commitment)) {
            return false;
        }
        return commitment.layout().isLast(index)
                ? next.length == 0 && nextPath.length == 0
                : next.length == PodLayout.LEAF && leads(commitment, index + 1, next, nextPath);
    }

    /**
     * Whether the leaf decrypts to a link of the chain that ends in its block's CID: it begins with SHA-256's first state if it is its
     * block's first, leads to the next leaf's state, or to the CID if it is the last. If that holds for all leaves, all blocks have
     * their CIDs; so of a block that has not, one leaf at least fails.
     *
     * @param key the committed one
     * @throws PpiofsException CORRUPT unless it {@linkplain #isComplete is complete} and the key is the committed one
     */
    public Verdict judge(PodOrder order, PodCommitment commitment, byte[] key) {
        if (!isComplete(commitment) || !LeafCipher.isCommitted(key, commitment.key())) {
            throw new PpiofsException(
                    ErrorKind.CORRUPT, "judge", "leaf " + index, "it, its path or the key is not what was committed");
        }
        PodLayout layout = commitment.layout();
        LeafCipher cipher = new LeafCipher(key);
        byte[] plain = new byte[PodLayout.LEAF];
        cipher.apply(index, leaf, 0, plain, 0);
        if (layout.isFirst(index)
                && !Arrays.equals(plain, 0, Sha256Chain.STATE, Sha256Chain.start(), 0, Sha256Chain.STATE)) {
            return Verdict.reject("leaf " + index + " does not begin its block");
        }
        Sha256Chain chain = new Sha256Chain();
        if (layout.isLast(index)) {
            int block = layout.blockOf(index);
            byte[] digest =
                    chain.finish(plain, 0, plain, Sha256Chain.STATE, layout.dataOf(index), layout.length(block));
            return Arrays.equals(digest, order.cids().get(block))
                    ? Verdict.accept()
                    : Verdict.reject("block " + block + " does not end in its content id");
        }
        byte[] state = new byte[Sha256Chain.STATE];
        chain.advance(plain, 0, plain, Sha256Chain.STATE, PodLayout.DATA, state, 0);
        byte[] after = new byte[PodLayout.LEAF];
        cipher.apply(index + 1, next, 0, after, 0);
        return Arrays.equals(state, 0, Sha256Chain.STATE, after, 0, Sha256Chain.STATE)
                ? Verdict.accept()
                : Verdict.reject("leaf " + index + " does not lead to the next");
    }
}
