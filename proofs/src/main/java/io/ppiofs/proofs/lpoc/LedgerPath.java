package io.ppiofs.proofs.lpoc;

import io.ppiofs.cbor.MalformedException;
import io.ppiofs.proofs.sdr.Sha256;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;

/**
 * What stands beside the way from a place of the ledger up to the root: 32 subtrees, most of them empty. Bytes: BE32 with a bit for
 * each level, the leaf's the lowest, whose subtree has units; then for each of those BE64(count) and hash.
 *
 * @param siblings from the leaf's up, {@link UnitLedger#DEPTH} of them
 */
public record LedgerPath(List<LedgerRoot> siblings) {
    /** Most bytes of a path. */
    public static final int MAX_BYTES = Integer.BYTES + UnitLedger.DEPTH * (Long.BYTES + Sha256.BYTES);

    private static final int ENTRY = Long.BYTES + Sha256.BYTES;

    public LedgerPath {
        siblings = List.copyOf(siblings);
        if (siblings.size() != UnitLedger.DEPTH) {
            throw new IllegalArgumentException(siblings.size() + " siblings");
        }
    }

    /**
     * The root of the ledger that has {@code place} at {@code number} and all else as this path says.
     *
     * @param number from 0 to {@link UnitLedger#MAX_NUMBER}
     */
    LedgerRoot root(long number, LedgerRoot place) {
        LedgerRoot node = place;
        for (int level = 0; level < siblings.size(); level++) {
            LedgerRoot sibling = siblings.get(level);
            node = isRight(number, level) ? LedgerRoot.pair(sibling, node) : LedgerRoot.pair(node, sibling);
        }
        return node;
    }

    /** How many units have lower numbers. */
    long rank(long number) {
        long before = 0;
        for (int level = 0; level < siblings.size(); level++) {
            if (isRight(number, level)) {
                before += siblings.get(level).count();
            }
        }
        return before;
    }

    private static boolean isRight(long number, int level) {
        return (number >>> level & 1) == 1;
    }

    public byte[] toBytes() {
        ByteBuffer out = ByteBuffer.allocate(MAX_BYTES).position(Integer.BYTES);
        int present = 0;
        for (int level = 0; level < siblings.size(); level++) {
            LedgerRoot sibling = siblings.get(level);
            if (sibling.count() > 0) {
                present |= 1 << level;
                out.putLong(sibling.count()).put(sibling.hash());
            }
        }
        out.putInt(0, present);
        return Arrays.copyOf(out.array(), out.position());
    }

    /** @throws MalformedException if the bytes are no path, in its one encoding */
    public static LedgerPath fromBytes(byte[] bytes) throws MalformedException {
        ByteBuffer in = ByteBuffer.wrap(bytes);
        int present = bytes.length < Integer.BYTES ? 0 : in.getInt();
        if (bytes.length != Integer.BYTES + Integer.bitCount(present) * ENTRY) {
            throw new MalformedException("a path of the ledger has " + bytes.length + " bytes");
        }
        LedgerRoot[] siblings = new LedgerRoot[UnitLedger.DEPTH];
        for (int level = 0; level < siblings.length; level++) {
            if ((present >>> level & 1) == 0) {
                siblings[level] = LedgerRoot.EMPTY;
                continue;
            }
            long count = in.getLong();
            byte[] hash = new byte[Sha256.BYTES];
            in.get(hash);
            if (count < 1 || count > 1L << level) {
                throw new MalformedException("a subtree of 2^" + level + " places with " + count + " units");
            }
            siblings[level] = new LedgerRoot(hash, count);
        }
        return new LedgerPath(List.of(siblings));
    }
}
