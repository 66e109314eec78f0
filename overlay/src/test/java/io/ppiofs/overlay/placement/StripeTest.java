package io.ppiofs.overlay.placement;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.erasure.ReedSolomon;
import io.ppiofs.blockstore.erasure.Scheme;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Stripes against a map of blocks. */
@Tag("quick")
class StripeTest {
    private final long seed = System.nanoTime();
    private final Random random = new Random(seed);
    private final Map<Cid, ByteBuffer> model = new LinkedHashMap<>();

    private List<Inventory.Entry> write(int count, int longest) {
        List<Inventory.Entry> entries = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            byte[] bytes = new byte[1 + random.nextInt(longest)];
            random.nextBytes(bytes);
            ByteBuffer block = ByteBuffer.wrap(bytes);
            Cid cid = Cid.of(block.duplicate());
            model.put(cid, block);
            entries.add(new Inventory.Entry(cid, bytes.length));
        }
        return entries;
    }

    private Scheme anyCode() {
        int data = 2 + random.nextInt(9);
        return new Scheme(data, 1 + random.nextInt(Math.min(6, Scheme.MAX_OVERHEAD * data)));
    }

    private static ReedSolomon code(Scheme scheme) {
        return ReedSolomon.cauchy(scheme.data(), scheme.parity());
    }

    @Test
    void every_block_is_in_one_stripe_and_parity_costs_little_more_than_its_share() {
        for (int round = 0; round < 50; round++) {
            Scheme scheme = anyCode();
            List<Inventory.Entry> blocks = write(random.nextInt(60), 1 << 12);
            List<Inventory.Entry> twice = new ArrayList<>(blocks);
            twice.addAll(blocks.subList(0, blocks.size() / 2));
            twice.add(Inventory.empty());
            List<List<Inventory.Entry>> stripes = Stripe.deal(twice, scheme);
            List<Inventory.Entry> dealt = new ArrayList<>();
            stripes.forEach(stripe -> {
                assertThat(stripe).hasSize(scheme.data());
                stripe.stream().filter(e -> !e.isEmpty()).forEach(dealt::add);
            });
            assertThat(dealt).as("seed %d", seed).containsExactlyInAnyOrderElementsOf(blocks);
            long data = blocks.stream().mapToLong(Inventory.Entry::length).sum();
            long parity =
                    stripes.stream().mapToLong(stripe -> stripe.get(0).length()).sum();
            int longest =
                    blocks.stream().mapToInt(Inventory.Entry::length).max().orElse(0);
            assertThat(parity)
                    .as("parity of one slot, %s, seed %d", scheme, seed)
                    .isLessThanOrEqualTo(data / scheme.data() + longest);
        }
    }

    @Test
    void any_k_of_a_stripe_restore_every_other_and_fewer_restore_none() {
        for (int round = 0; round < 50; round++) {
            Scheme scheme = anyCode();
            List<Inventory.Entry> blocks = write(1 + random.nextInt(2 * scheme.data()), 3_000);
            for (List<Inventory.Entry> data : Stripe.deal(blocks, scheme)) {
                Stripe.Encoded encoded = Stripe.encode(code(scheme), scheme, data, model);
                check(scheme, encoded);
            }
        }
    }

    private void check(Scheme scheme, Stripe.Encoded encoded) {
        Stripe stripe = encoded.stripe();
        Map<Cid, ByteBuffer> all = new HashMap<>();
        for (int slot = 0; slot < scheme.slots(); slot++) {
            Inventory.Entry entry = stripe.entries().get(slot);
            ByteBuffer bytes = slot < scheme.data()
                    ? model.get(entry.cid())
                    : encoded.parity().get(slot - scheme.data());
            if (!entry.isEmpty()) {
                assertThat(Cid.of(bytes.duplicate())).isEqualTo(entry.cid());
                all.put(entry.cid(), bytes);
            }
        }
        List<Cid> order = new ArrayList<>(all.keySet());
        Collections.shuffle(order, random);
        Map<Cid, ByteBuffer> left = new HashMap<>(all);
        order.subList(0, scheme.parity()).forEach(left::remove);
        assertThat(stripe.have(left)).as("seed %d", seed).isEqualTo(scheme.data());
        for (int slot = 0; slot < scheme.slots(); slot++) {
            Inventory.Entry entry = stripe.entries().get(slot);
            if (!entry.isEmpty() && !left.containsKey(entry.cid())) {
                assertThat(stripe.restore(code(scheme), slot, left))
                        .as("slot %d of %s, seed %d", slot, scheme, seed)
                        .isEqualTo(all.get(entry.cid()));
            }
        }
        if (order.size() > scheme.parity()) {
            left.remove(order.get(scheme.parity()));
            int slot =
                    stripe.entries().stream().map(Inventory.Entry::cid).toList().indexOf(order.get(0));
            assertThat(stripe.restore(code(scheme), slot, left)).isNull();
        }
    }

    @Test
    void what_a_liar_gave_is_not_passed_on() {
        Scheme scheme = Scheme.parse("3+2");
        List<Inventory.Entry> data = write(3, 100);
        Stripe.Encoded encoded = Stripe.encode(code(scheme), scheme, data, model);
        Map<Cid, ByteBuffer> found = new HashMap<>(model);
        found.put(data.get(1).cid(), ByteBuffer.allocate(data.get(1).length()));
        found.put(encoded.stripe().entries().get(3).cid(), encoded.parity().get(0));
        assertThat(encoded.stripe().restore(code(scheme), 0, found)).isNull();
    }

    /** As docs/formats.md says: "PPIV", version, k, m, 0, count; per entry digest and length; a place without a block is zeros. */
    @Test
    void the_inventory_of_stripes_is_stored_as_documented() throws Exception {
        Scheme scheme = Scheme.parse("3+2");
        List<Inventory.Entry> blocks = new ArrayList<>();
        for (String text : List.of("stripe", "of", "four", "blocks!")) {
            ByteBuffer block = ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII));
            Cid cid = Cid.of(block.duplicate());
            model.put(cid, block);
            blocks.add(new Inventory.Entry(cid, block.remaining()));
        }
        List<Inventory.Entry> entries = new ArrayList<>();
        for (List<Inventory.Entry> data : Stripe.deal(blocks, scheme)) {
            entries.addAll(
                    Stripe.encode(code(scheme), scheme, data, model).stripe().entries());
        }
        byte[] encoded = new Inventory(scheme, entries).encode();
        String golden;
        try (var in = StripeTest.class.getResourceAsStream("inventory-3+2.hex")) {
            golden = new String(in.readAllBytes(), StandardCharsets.US_ASCII).replaceAll("\\s", "");
        }
        assertThat(HexFormat.of().formatHex(encoded)).isEqualTo(golden);
    }
}
