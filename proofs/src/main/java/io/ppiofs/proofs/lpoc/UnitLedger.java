package io.ppiofs.proofs.lpoc;

import io.ppiofs.proofs.sdr.Sha256;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The units of a peer, committed to: a binary tree of 2^32 places, the unit's number its place, in which every subtree has its
 * number of units beside its hash. So the root fixes how many there are, which is the r-th, and that no number is there twice.
 * Immutable and thread-safe; a change costs {@value #DEPTH} hashes and shares all other subtrees with the ledger before.
 */
public final class UnitLedger {
    /** Levels between a place and the root. */
    public static final int DEPTH = 32;
    /** Highest number of a unit. */
    public static final long MAX_NUMBER = (1L << DEPTH) - 1;

    /** Without a unit. */
    public static final UnitLedger EMPTY = new UnitLedger(null);

    private final @Nullable Subtree top;

    /** Only what has units. @param commR of a unit, at the lowest level; null above */
    private record Subtree(
            LedgerRoot root,
            @Nullable Subtree left,
            @Nullable Subtree right,
            byte @Nullable [] commR) {}

    private UnitLedger(@Nullable Subtree top) {
        this.top = top;
    }

    private static LedgerRoot root(@Nullable Subtree tree) {
        return tree == null ? LedgerRoot.EMPTY : tree.root();
    }

    public LedgerRoot root() {
        return root(top);
    }

    public long count() {
        return root().count();
    }

    private static void require(long number) {
        if (number < 0 || number > MAX_NUMBER) {
            throw new IllegalArgumentException("number is " + number);
        }
    }

    /** @param commR 32 bytes, copied @throws IllegalArgumentException if the number is there */
    public UnitLedger with(long number, byte[] commR) {
        if (commR.length != Sha256.BYTES || commitment(number) != null) {
            throw new IllegalArgumentException("unit " + number + " with " + commR.length + " bytes");
        }
        Subtree unit = new Subtree(LedgerRoot.unit(number, commR), null, null, commR.clone());
        return new UnitLedger(replaced(top, number, DEPTH, unit));
    }

    /** @throws IllegalArgumentException if the number is not there */
    public UnitLedger without(long number) {
        if (commitment(number) == null) {
            throw new IllegalArgumentException("there is no unit " + number);
        }
        return new UnitLedger(replaced(top, number, DEPTH, null));
    }

    private static @Nullable Subtree replaced(@Nullable Subtree tree, long number, int height, @Nullable Subtree unit) {
        if (height == 0) {
            return unit;
        }
        Subtree left = tree == null ? null : tree.left();
        Subtree right = tree == null ? null : tree.right();
        if ((number >>> height - 1 & 1) == 1) {
            right = replaced(right, number, height - 1, unit);
        } else {
            left = replaced(left, number, height - 1, unit);
        }
        return left == null && right == null
                ? null
                : new Subtree(LedgerRoot.pair(root(left), root(right)), left, right, null);
    }

    /** commR of a unit, not copied; null if there is none of that number. */
    public byte @Nullable [] commitment(long number) {
        require(number);
        Subtree at = top;
        for (int height = DEPTH - 1; at != null && height >= 0; height--) {
            at = (number >>> height & 1) == 1 ? at.right() : at.left();
        }
        return at == null ? null : at.commR();
    }

    /** The number of the unit before which there are {@code rank} others. */
    public long at(long rank) {
        if (rank < 0 || rank >= count()) {
            throw new IllegalArgumentException("rank is " + rank + " of " + count());
        }
        long number = 0;
        long left = rank;
        Subtree at = top;
        for (int height = DEPTH - 1; at != null && height >= 0; height--) {
            long lower = root(at.left()).count();
            boolean right = left >= lower;
            number = number << 1 | (right ? 1 : 0);
            left -= right ? lower : 0;
            at = right ? at.right() : at.left();
        }
        return number;
    }

    /** What is beside the way from a place, with a unit or without, to the root. */
    public LedgerPath path(long number) {
        require(number);
        LedgerRoot[] siblings = new LedgerRoot[DEPTH];
        Subtree at = top;
        for (int height = DEPTH - 1; height >= 0; height--) {
            boolean right = (number >>> height & 1) == 1;
            siblings[height] = at == null ? LedgerRoot.EMPTY : root(right ? at.left() : at.right());
            at = at == null ? null : right ? at.right() : at.left();
        }
        return new LedgerPath(List.of(siblings));
    }

    /** All numbers, ascending. */
    public List<Long> numbers() {
        List<Long> numbers = new ArrayList<>();
        collect(top, 0, DEPTH, numbers::add);
        return numbers;
    }

    private static void collect(@Nullable Subtree tree, long prefix, int height, LongConsumer into) {
        if (tree == null) {
            return;
        }
        if (height == 0) {
            into.accept(prefix);
            return;
        }
        collect(tree.left(), prefix << 1, height - 1, into);
        collect(tree.right(), prefix << 1 | 1, height - 1, into);
    }
}
