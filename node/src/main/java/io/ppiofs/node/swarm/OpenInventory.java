package io.ppiofs.node.swarm;

import io.ppiofs.blockstore.BlockStore.StoredBlock;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.placement.Inventory;
import io.ppiofs.overlay.placement.InventoryPage;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The inventory of a group that grows, as its holders are told of it: whole at first, then in pages of what came. A page takes in those before
 * it that are not larger, so that a group of n entries has about log n pages and each entry is told about log n times; after {@link
 * #MOST_PAGES_TOLD} pages it is whole again, for holders that have lost something meanwhile. Belongs to the publisher's thread.
 */
final class OpenInventory {
    /** Pages told until the inventory is told as a whole again. */
    static final int MOST_PAGES_TOLD = 32;

    /** Pages of one inventory: more than a writer makes. */
    private static final int MOST_PAGES = 40;

    /** @param from of the first entry in it */
    private record Told(int from, int to, Cid cid) {}

    private final List<Told> told = new ArrayList<>();
    private int since;

    /** A block to be told. @param all it is the whole inventory */
    record Next(StoredBlock block, boolean all, int from, int to) {}

    /**
     * What is to be told of a group now.
     *
     * @param inventory of more entries than were told, if any were, and beginning with those
     */
    Next next(Inventory inventory) {
        int to = inventory.entries().size();
        int keep = told.size();
        int from = keep == 0 ? 0 : told.get(keep - 1).to();
        while (keep > 0 && told.get(keep - 1).to() - told.get(keep - 1).from() <= to - from) {
            keep--;
            from = told.get(keep).from();
        }
        if (keep == 0 || since >= MOST_PAGES_TOLD || !inventory.scheme().isCopies()) {
            return new Next(SwarmReader.asBlock(inventory.encode()), true, 0, to);
        }
        InventoryPage page = new InventoryPage(
                from,
                InventoryPage.prefix(inventory, from),
                told.get(keep - 1).cid(),
                new Inventory(inventory.scheme(), inventory.entries().subList(from, to)));
        return new Next(SwarmReader.asBlock(page.encode()), false, from, to);
    }

    /** The holders have it. @param enough whether enough of them do; else it is told as a whole the next time */
    void told(Next next, boolean enough) {
        told.removeIf(page -> page.from() >= next.from());
        since = next.all() ? 0 : since + 1;
        told.add(new Told(next.from(), next.to(), next.block().cid()));
        if (!enough) {
            told.clear();
        }
    }

    /**
     * An inventory that was told: those pages are fetched that tell more than is known.
     *
     * @param cid of the newest page, or of a whole inventory
     * @param known entries that are known of the group; nothing depends on whether they are right
     * @param fetch a block by its name, checked
     * @throws PpiofsException CORRUPT, UNSUPPORTED_FORMAT, and what {@code fetch} throws
     */
    static Inventory read(Cid cid, List<Inventory.Entry> known, Function<Cid, byte[]> fetch) {
        ArrayDeque<InventoryPage> pages = new ArrayDeque<>();
        Inventory whole = null;
        Cid next = cid;
        while (whole == null) {
            byte[] block = fetch.apply(next);
            InventoryPage page = InventoryPage.decode(block).orElse(null);
            if (page == null) {
                whole = Inventory.decode(block);
            } else {
                InventoryPage later = pages.peek();
                if (pages.size() >= MOST_PAGES || later != null && page.before() >= later.before()) {
                    throw corrupt(cid, "its pages lead nowhere");
                }
                pages.push(page);
                next = page.previous();
                whole = ofKnown(page, known);
            }
        }
        for (InventoryPage page : pages) {
            if (!page.prefix().equals(Cid.of(ByteBuffer.wrap(whole.encode())))) {
                throw corrupt(cid, "its pages do not fit together");
            }
            whole = page.after(whole.entries());
        }
        return whole;
    }

    /** What is before the page, if it is known. */
    private static @Nullable Inventory ofKnown(InventoryPage page, List<Inventory.Entry> known) {
        if (page.before() > known.size()) {
            return null;
        }
        Inventory first = new Inventory(page.entries().scheme(), known.subList(0, page.before()));
        return page.prefix().equals(Cid.of(ByteBuffer.wrap(first.encode()))) ? first : null;
    }

    private static PpiofsException corrupt(Cid cid, String detail) {
        return new PpiofsException(ErrorKind.CORRUPT, "read", "inventory " + cid, detail);
    }

    /** Names of the pages of which it consists now. */
    List<Cid> cids() {
        return told.stream().map(Told::cid).toList();
    }

    /** Pages of which it consists now. */
    int pages() {
        return told.size();
    }
}
