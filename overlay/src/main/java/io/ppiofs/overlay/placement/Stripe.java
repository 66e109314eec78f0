package io.ppiofs.overlay.placement;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.erasure.ReedSolomon;
import io.ppiofs.blockstore.erasure.Scheme;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One stripe of a coded group: k data blocks, then m parity blocks; entry {@code i} belongs to slot {@code i}. A place that no
 * block fills is an empty entry; it is known to be nothing, so a stripe with fewer than k blocks survives m failures like any
 * other. Immutable.
 */
public record Stripe(Scheme scheme, List<Inventory.Entry> entries) {
    public Stripe {
        entries = List.copyOf(entries);
        if (entries.size() != scheme.slots()) {
            throw new IllegalArgumentException("no stripe of " + scheme + ": " + entries.size() + " entries");
        }
    }

    /** A stripe and its parity blocks, of which nobody has anything yet. */
    public record Encoded(Stripe stripe, List<ByteBuffer> parity) {}

    /**
     * Deals a group's blocks to stripes: those of like length together, because parity is as long as the longest block of its
     * stripe; otherwise in their order. Each block once; equal input gives equal stripes.
     *
     * @return per stripe k entries, the last ones of the last stripe empty if the blocks do not fill it
     */
    public static List<List<Inventory.Entry>> deal(Collection<Inventory.Entry> blocks, Scheme scheme) {
        Map<Cid, Inventory.Entry> once = new LinkedHashMap<>();
        blocks.stream().filter(entry -> !entry.isEmpty()).forEach(entry -> once.putIfAbsent(entry.cid(), entry));
        List<Inventory.Entry> sorted = new ArrayList<>(once.values());
        sorted.sort(Comparator.comparingInt(Inventory.Entry::length).reversed());
        List<List<Inventory.Entry>> stripes = new ArrayList<>();
        for (int from = 0; from < sorted.size(); from += scheme.data()) {
            List<Inventory.Entry> data =
                    new ArrayList<>(sorted.subList(from, Math.min(sorted.size(), from + scheme.data())));
            data.addAll(Collections.nCopies(scheme.data() - data.size(), Inventory.empty()));
            stripes.add(data);
        }
        return stripes;
    }

    /**
     * Computes the parity.
     *
     * @param code of the scheme
     * @param data k entries
     * @param blocks their bytes; positions do not move
     */
    public static Encoded encode(
            ReedSolomon code, Scheme scheme, List<Inventory.Entry> data, Map<Cid, ByteBuffer> blocks) {
        List<ByteBuffer> inputs = new ArrayList<>();
        for (Inventory.Entry entry : data) {
            ByteBuffer block = entry.isEmpty() ? ByteBuffer.allocate(0) : blocks.get(entry.cid());
            if (block == null || block.remaining() != entry.length()) {
                throw new IllegalArgumentException("block " + entry.cid() + " is not as its entry says");
            }
            inputs.add(block.duplicate());
        }
        List<ByteBuffer> parity = code.encode(inputs);
        List<Inventory.Entry> all = new ArrayList<>(data);
        parity.forEach(block -> all.add(new Inventory.Entry(Cid.of(block.duplicate()), block.remaining())));
        return new Encoded(new Stripe(scheme, all), parity);
    }

    /** How many of its entries are here; an empty one counts. {@link Scheme#data} of them restore the others. */
    public int have(Map<Cid, ByteBuffer> found) {
        int have = 0;
        for (Inventory.Entry entry : entries) {
            have += entry.isEmpty() || found.containsKey(entry.cid()) ? 1 : 0;
        }
        return have;
    }

    /**
     * The block of a slot, restored from others.
     *
     * @param code of the scheme
     * @param found blocks by name, checked; that of the slot itself is not used
     * @return null if there are not enough of them, or what comes out is not what its name says
     */
    public @Nullable ByteBuffer restore(ReedSolomon code, int slot, Map<Cid, ByteBuffer> found) {
        List<@Nullable ByteBuffer> fragments = new ArrayList<>();
        int have = 0;
        for (int i = 0; i < entries.size(); i++) {
            Inventory.Entry entry = entries.get(i);
            ByteBuffer bytes = entry.isEmpty() ? ByteBuffer.allocate(0) : found.get(entry.cid());
            if (i == slot || bytes == null) {
                fragments.add(null);
            } else {
                fragments.add(bytes.duplicate());
                have++;
            }
        }
        if (have < scheme.data()) {
            return null;
        }
        Inventory.Entry wanted = entries.get(slot);
        ByteBuffer made = code.reconstruct(fragments, new int[] {slot}, new int[] {wanted.length()})
                .get(0);
        return Cid.of(made.duplicate()).equals(wanted.cid()) ? made : null;
    }
}
