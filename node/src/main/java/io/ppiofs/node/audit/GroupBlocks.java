package io.ppiofs.node.audit;

import io.ppiofs.blockstore.BlockStore;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.erasure.ReedSolomon;
import io.ppiofs.blockstore.erasure.Scheme;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.placement.Inventory;
import io.ppiofs.overlay.placement.Stripe;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** The blocks of a closed group one after another, in the order of the inventory, each hashed before; parity is computed. */
final class GroupBlocks {
    /** Bytes of blocks that are read at a time. */
    private static final int BATCH = 8 << 20;

    private static final ByteBuffer EMPTY = ByteBuffer.allocate(0).asReadOnlyBuffer();

    private GroupBlocks() {}

    /** Gets blocks. */
    @FunctionalInterface
    interface Reader {
        /** @param entry its number in the inventory; empty places are passed over */
        void next(int entry, ByteBuffer block);
    }

    /**
     * Reads them all.
     *
     * @param blocks where they are
     * @param stop asked now and then
     * @return false if a block is not there or damaged, or it was stopped: what the reader got is not all
     */
    static boolean read(AuditedGroup group, BlockStore blocks, BooleanSupplier stop, Reader reader) {
        return group.table().scheme().isCopies()
                ? copies(group, blocks, stop, reader)
                : stripes(group, blocks, stop, reader);
    }

    private static boolean copies(AuditedGroup group, BlockStore blocks, BooleanSupplier stop, Reader reader) {
        List<Inventory.Entry> entries = group.inventory().entries();
        for (int from = 0; from < entries.size(); ) {
            int first = from;
            List<Inventory.Entry> batch = new ArrayList<>();
            long bytes = 0;
            while (from < entries.size() && bytes < BATCH) {
                bytes += entries.get(from).length();
                batch.add(entries.get(from++));
            }
            Map<Cid, ByteBuffer> found = stop.getAsBoolean() ? null : found(blocks, batch);
            if (found == null) {
                return false;
            }
            for (int i = 0; i < batch.size(); i++) {
                reader.next(first + i, found.getOrDefault(batch.get(i).cid(), EMPTY));
            }
        }
        return true;
    }

    private static boolean stripes(AuditedGroup group, BlockStore blocks, BooleanSupplier stop, Reader reader) {
        Scheme scheme = group.table().scheme();
        ReedSolomon code = ReedSolomon.cauchy(scheme.data(), scheme.parity());
        for (int i = 0; i < group.inventory().stripes(); i++) {
            Stripe stripe = group.inventory().stripe(i);
            List<Inventory.Entry> data = stripe.entries().subList(0, scheme.data());
            Map<Cid, ByteBuffer> found = stop.getAsBoolean() ? null : found(blocks, data);
            if (found == null) {
                return false;
            }
            Stripe.Encoded encoded = Stripe.encode(code, scheme, data, found);
            if (!encoded.stripe().equals(stripe)) {
                return false; // the parity is not what the inventory names: nobody is accused by that
            }
            for (int at = 0; at < scheme.slots(); at++) {
                Inventory.Entry entry = stripe.entries().get(at);
                if (!entry.isEmpty()) {
                    reader.next(
                            i * scheme.slots() + at,
                            at < scheme.data()
                                    ? found.getOrDefault(entry.cid(), EMPTY)
                                    : encoded.parity().get(at - scheme.data()));
                }
            }
        }
        return true;
    }

    /** All of these, each as its name says; null if one is not. */
    private static @Nullable Map<Cid, ByteBuffer> found(BlockStore blocks, List<Inventory.Entry> entries) {
        List<Cid> cids = entries.stream()
                .filter(entry -> !entry.isEmpty())
                .map(Inventory.Entry::cid)
                .toList();
        Map<Cid, ByteBuffer> found = new HashMap<>();
        try {
            List<@Nullable ByteBuffer> bytes = blocks.get(cids);
            for (int i = 0; i < cids.size(); i++) {
                ByteBuffer block = bytes.get(i);
                if (block == null || !Cid.of(block.duplicate()).equals(cids.get(i))) {
                    return null;
                }
                found.put(cids.get(i), block);
            }
        } catch (PpiofsException e) {
            if (e.kind() == ErrorKind.CORRUPT
                    || e.kind() == ErrorKind.NOT_FOUND
                    || e.kind() == ErrorKind.NOT_CONNECTED) {
                return null;
            }
            throw e;
        }
        for (Inventory.Entry entry : entries) {
            ByteBuffer block = found.get(entry.cid());
            if (!entry.isEmpty() && (block == null || block.remaining() != entry.length())) {
                return null;
            }
        }
        return found;
    }
}
