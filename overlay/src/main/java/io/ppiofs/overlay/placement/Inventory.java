package io.ppiofs.overlay.placement;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.erasure.Scheme;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * The blocks of a group in write order, in clear. With copies every slot holds every entry. With a code the entries come
 * stripe by stripe, {@link Scheme#slots()} to a stripe: entry {@code i} belongs to stripe {@code i / slots} and slot
 * {@code i % slots}, first the data blocks, then the parity; a place that no block fills is an {@link Entry#isEmpty empty}
 * entry. Immutable.
 *
 * <p>Stored form, big-endian: {@code "PPIV"}, version 1, data, parity, 0, count (4 bytes), then per entry the digest of the
 * CID (32) and the length of the stored block (4). It is a block itself, named by the hash of these bytes.
 */
public record Inventory(Scheme scheme, List<Entry> entries) {
    /** Most entries, parity included. */
    public static final int MAX_ENTRIES = 1 << 17;

    private static final int MAGIC = 0x50504956;
    private static final int HEADER = 12;
    private static final int ENTRY = Cid.DIGEST_LENGTH + 4;
    private static final Cid NOTHING = Cid.ofDigest(new byte[Cid.DIGEST_LENGTH]);

    /** Bytes of the largest inventory. */
    public static final int MAX_LENGTH = HEADER + MAX_ENTRIES * ENTRY;

    /** @param length bytes of the stored block, 0 for an empty place */
    public record Entry(Cid cid, int length) {
        static final Entry EMPTY = new Entry(NOTHING, 0);

        public boolean isEmpty() {
            return length == 0;
        }
    }

    public Inventory {
        entries = List.copyOf(entries);
        if (entries.size() > MAX_ENTRIES || (!scheme.isCopies() && entries.size() % scheme.slots() != 0)) {
            throw new IllegalArgumentException("no inventory: " + entries.size() + " entries of scheme " + scheme);
        }
    }

    /** An entry that fills the place of no block. */
    public static Entry empty() {
        return Entry.EMPTY;
    }

    /** What a slot must hold, in order. */
    public List<Entry> ofSlot(int slot) {
        if (scheme.isCopies()) {
            return entries;
        }
        List<Entry> mine = new ArrayList<>();
        for (int i = slot; i < entries.size(); i += scheme.slots()) {
            if (!entries.get(i).isEmpty()) {
                mine.add(entries.get(i));
            }
        }
        return mine;
    }

    /** Stripes of a coded group; 0 with copies. */
    public int stripes() {
        return scheme.isCopies() ? 0 : entries.size() / scheme.slots();
    }

    /** @param number from 0, below {@link #stripes} */
    public Stripe stripe(int number) {
        int slots = scheme.slots();
        return new Stripe(scheme, entries.subList(number * slots, (number + 1) * slots));
    }

    /** Stored bytes of all entries. */
    public long bytes() {
        return entries.stream().mapToLong(Entry::length).sum();
    }

    /** The stored form; its {@link Cid#of hash} is what the slot table names. */
    public byte[] encode() {
        ByteBuffer out = ByteBuffer.allocate(HEADER + entries.size() * ENTRY)
                .putInt(MAGIC)
                .put((byte) 1)
                .put((byte) scheme.data())
                .put((byte) scheme.parity())
                .put((byte) 0)
                .putInt(entries.size());
        for (Entry entry : entries) {
            entry.cid().writeDigest(out);
            out.putInt(entry.length());
        }
        return out.array();
    }

    /** @throws PpiofsException CORRUPT, UNSUPPORTED_FORMAT */
    public static Inventory decode(byte[] bytes) {
        ByteBuffer in = ByteBuffer.wrap(bytes);
        if (bytes.length < HEADER || in.getInt() != MAGIC) {
            throw refused("it does not begin as one");
        }
        int version = in.get();
        if (version != 1) {
            throw new PpiofsException(
                    ErrorKind.UNSUPPORTED_FORMAT,
                    "read",
                    "inventory",
                    "it is of version " + version + "; update ppiofs");
        }
        int data = in.get();
        int parity = in.get();
        int reserved = in.get();
        int count = in.getInt();
        if (reserved != 0 || count < 0 || count > MAX_ENTRIES || in.remaining() != (long) count * ENTRY) {
            throw refused("its length is wrong");
        }
        List<Entry> entries = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            Cid cid = Cid.readDigest(in);
            int length = in.getInt();
            if (length < 0 || (length == 0) != cid.equals(NOTHING)) {
                throw refused("entry " + i + " has a length that cannot be");
            }
            entries.add(length == 0 ? Entry.EMPTY : new Entry(cid, length));
        }
        try {
            return new Inventory(new Scheme(data, parity), entries);
        } catch (IllegalArgumentException e) {
            throw refused("its scheme cannot be");
        }
    }

    private static PpiofsException refused(String detail) {
        return new PpiofsException(ErrorKind.CORRUPT, "read", "inventory", detail);
    }
}
