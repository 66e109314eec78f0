package io.ppiofs.node.swarm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.erasure.Scheme;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.placement.Inventory;
import io.ppiofs.overlay.placement.InventoryPage;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What holders are told of a group that grows, and what readers make of it. */
@Tag("quick")
class OpenInventoryTest {
    private static final Scheme SCHEME = Scheme.copies(3);

    private final long seed = System.nanoTime();
    private final Random random = new Random(seed);
    private final Map<Cid, byte[]> blocks = new HashMap<>();
    private final List<Inventory.Entry> entries = new ArrayList<>();
    private OpenInventory pages = new OpenInventory();
    private int fetched;

    private void grow(int by) {
        for (int i = 0; i < by; i++) {
            byte[] content = new byte[16];
            random.nextBytes(content);
            entries.add(new Inventory.Entry(Cid.of(ByteBuffer.wrap(content)), 1 + random.nextInt(1 << 20)));
        }
    }

    private Inventory inventory() {
        return new Inventory(SCHEME, entries);
    }

    private Cid tell(boolean enough) {
        OpenInventory.Next next = pages.next(inventory());
        pages.told(next, enough);
        blocks.put(next.block().cid(), next.block().bytes().array());
        return next.block().cid();
    }

    private Inventory read(Cid cid, List<Inventory.Entry> known) {
        return OpenInventory.read(cid, known, name -> {
            fetched++;
            return blocks.get(name);
        });
    }

    @Test
    void whoever_knows_however_much_reads_the_same() {
        System.out.println("open inventory, seed " + seed);
        for (int step = 0; step < 400; step++) {
            grow(1 + (random.nextInt(4) == 0 ? random.nextInt(50) : 0));
            Cid told = tell(random.nextInt(20) != 0);
            assertThat(read(told, List.of())).isEqualTo(inventory());
            List<Inventory.Entry> known = new ArrayList<>(entries.subList(0, random.nextInt(entries.size() + 1)));
            if (!known.isEmpty() && random.nextInt(3) == 0) {
                known.remove(random.nextInt(known.size())); // then it knows something else
            }
            assertThat(read(told, known)).isEqualTo(inventory());
            if (random.nextInt(50) == 0) {
                pages = new OpenInventory(); // other holders
            }
        }
    }

    @Test
    void a_block_more_costs_little_and_a_follower_fetches_what_it_lacks() {
        grow(10_000);
        long whole = inventory().encode().length;
        var first = tell(true);
        assertThat(blocks.get(first)).hasSize((int) whole);
        long bytes = 0;
        for (int i = 0; i < 320; i++) {
            List<Inventory.Entry> known = List.copyOf(entries);
            grow(1);
            Cid told = tell(true);
            bytes += blocks.get(told).length;
            assertThat(pages.pages()).isLessThanOrEqualTo(12);
            fetched = 0;
            assertThat(read(told, known)).isEqualTo(inventory());
            assertThat(fetched).isLessThanOrEqualTo(8);
        }
        System.out.printf("320 times one block more: %,d bytes told, %,d as a whole each time%n", bytes, 320 * whole);
        assertThat(bytes).isLessThan(320 * whole / 20);
    }

    @Test
    void after_some_pages_or_where_too_few_have_one_the_whole_is_told() {
        grow(100);
        var unused = tell(true);
        int told = 0;
        OpenInventory.Next next;
        do {
            grow(1);
            next = pages.next(inventory());
            pages.told(next, true);
            told++;
        } while (!next.all());
        assertThat(told).isEqualTo(OpenInventory.MOST_PAGES_TOLD + 1);
        grow(1);
        OpenInventory.Next lost = pages.next(inventory());
        assertThat(lost.all()).isFalse();
        pages.told(lost, false);
        grow(1);
        assertThat(pages.next(inventory()).all()).isTrue();
    }

    @Test
    void pages_of_which_one_is_damaged_or_another_are_refused() {
        grow(50);
        tell(true);
        List<Cid> told = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            grow(6 - i);
            told.add(tell(true));
        }
        Cid last = told.get(told.size() - 1);
        InventoryPage page = InventoryPage.decode(blocks.get(last)).orElseThrow();
        // another group's inventory in the place of the page before
        List<Inventory.Entry> mine = List.copyOf(entries);
        entries.clear();
        grow(page.before());
        blocks.put(page.previous(), inventory().encode());
        assertThatThrownBy(() -> read(last, List.of()))
                .isInstanceOfSatisfying(
                        PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.CORRUPT));
        // who knows what is before does not ask for it
        assertThat(read(last, mine.subList(0, page.before())).entries()).isEqualTo(mine);
        // a page that leads to itself
        blocks.put(page.previous(), blocks.get(last));
        assertThatThrownBy(() -> read(last, List.of()))
                .isInstanceOfSatisfying(
                        PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.CORRUPT));
    }

    @Test
    void a_page_is_read_back_or_refused_whatever_is_changed_in_it() {
        grow(20);
        InventoryPage page = new InventoryPage(
                15,
                InventoryPage.prefix(inventory(), 15),
                Cid.of(ByteBuffer.wrap(new byte[] {1})),
                new Inventory(SCHEME, entries.subList(15, 20)));
        byte[] bytes = page.encode();
        assertThat(InventoryPage.decode(bytes)).contains(page);
        for (int i = 0; i < 2_000; i++) {
            byte[] changed = bytes.clone();
            changed[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
            try {
                InventoryPage.decode(changed).ifPresent(read -> assertThat(read).isNotEqualTo(page));
            } catch (PpiofsException e) {
                assertThat(e.kind()).isIn(ErrorKind.CORRUPT, ErrorKind.UNSUPPORTED_FORMAT);
            }
        }
    }
}
