package io.ppiofs.overlay.placement;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What came into an open group since an earlier page, or since an {@link Inventory} that was told: a group that grows by one block costs its
 * holders one small block more, and not its whole inventory once more. Immutable.
 *
 * <p>Stored form, big-endian: {@code "PPIP"}, version 1, three zeros, entries before (4 bytes), digest of the CID of an inventory of the entries
 * before (32), digest of the CID of the block that tells of them (32), then the stored form of an inventory of the entries that came. A block
 * that begins as an inventory is the first page of all.
 *
 * @param before entries before this page's
 * @param prefix CID of the inventory of the entries before: who knows them sees that they are the same
 * @param previous the page, or the inventory, that ends with the entries before
 * @param entries those that came
 */
public record InventoryPage(int before, Cid prefix, Cid previous, Inventory entries) {
    private static final int MAGIC = 0x50504950;
    private static final int HEADER = 12 + 2 * Cid.DIGEST_LENGTH;

    public InventoryPage {
        if (before < 1
                || !entries.scheme().isCopies()
                || before + entries.entries().size() > Inventory.MAX_ENTRIES) {
            throw new IllegalArgumentException("no page: " + entries.entries().size() + " entries after " + before
                    + " of scheme " + entries.scheme());
        }
    }

    /** CID of the inventory of the first entries of {@code all}. */
    public static Cid prefix(Inventory all, int count) {
        Inventory first = new Inventory(all.scheme(), all.entries().subList(0, count));
        return Cid.of(ByteBuffer.wrap(first.encode()));
    }

    /** The stored form; its {@link Cid#of hash} is its name. */
    public byte[] encode() {
        byte[] came = entries.encode();
        ByteBuffer out = ByteBuffer.allocate(HEADER + came.length)
                .putInt(MAGIC)
                .putInt(1 << 24)
                .putInt(before);
        prefix.writeDigest(out);
        previous.writeDigest(out);
        return out.put(came).array();
    }

    /**
     * Reads a block that is a page or a whole inventory.
     *
     * @return empty if it is no page: {@link Inventory#decode} reads it then
     * @throws PpiofsException CORRUPT, UNSUPPORTED_FORMAT
     */
    public static Optional<InventoryPage> decode(byte[] bytes) {
        ByteBuffer in = ByteBuffer.wrap(bytes);
        if (bytes.length < HEADER || in.getInt() != MAGIC) {
            return Optional.empty();
        }
        int version = in.getInt();
        if (version != 1 << 24) {
            throw new PpiofsException(
                    ErrorKind.UNSUPPORTED_FORMAT,
                    "read",
                    "inventory page",
                    "it is of version " + (version >>> 24) + "; update ppiofs");
        }
        int before = in.getInt();
        Cid prefix = Cid.readDigest(in);
        Cid previous = Cid.readDigest(in);
        byte[] came = new byte[in.remaining()];
        in.get(came);
        try {
            return Optional.of(new InventoryPage(before, prefix, previous, Inventory.decode(came)));
        } catch (IllegalArgumentException e) {
            throw new PpiofsException(ErrorKind.CORRUPT, "read", "inventory page", "its numbers cannot be", e);
        }
    }

    /** The inventory of all entries up to this page's last. @param first those before */
    public Inventory after(List<Inventory.Entry> first) {
        if (first.size() != before) {
            throw new IllegalArgumentException(first.size() + " entries before instead of " + before);
        }
        List<Inventory.Entry> all = new ArrayList<>(first);
        all.addAll(entries.entries());
        return new Inventory(entries.scheme(), all);
    }
}
