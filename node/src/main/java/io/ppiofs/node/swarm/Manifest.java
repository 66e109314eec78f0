package io.ppiofs.node.swarm;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.cbor.Cbor;
import io.ppiofs.cbor.CborArray;
import io.ppiofs.cbor.CborBytes;
import io.ppiofs.cbor.CborDecoder;
import io.ppiofs.cbor.CborEncoder;
import io.ppiofs.cbor.CborInt;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.blocks.BlockLimits;
import io.ppiofs.overlay.identity.Envelope;
import io.ppiofs.overlay.placement.SlotTable;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Where the blocks of a head are: per group its slot table and the inventory as of that head. Sealed under the verify key,
 * stored as a block, named by the head. Most closed groups stand in {@link Page pages}, blocks of their own, so that a head costs only the pages that have
 * changed. Immutable.
 *
 * <p>Plain form: deterministic CBOR map {1: version 2, 2: network, 3: [[table envelope, inventory digest, blocks] …], 4: [[digest of a page,
 * groups in it, length of the block] …], 5: table envelope of the group that keeps the pages}. A page is {1: version 1, 2: network, 3: as above}; what was published
 * before there were pages is one page alone. Where peers have the public tags of a group in it, its item is [table envelope, inventory digest, blocks, digest of the index of
 * tags], and the version is 4, of a page 3.
 *
 * @param places the newest group last
 * @param keeper of the group that keeps the pages, the inventories of open groups and this; null in a page
 */
record Manifest(NetworkId network, List<Place> places, List<Page> pages, SlotTable.@Nullable Signed keeper) {
    /** Most groups: 256 TiB of closed groups of 256 MiB. */
    private static final int MAX_PLACES = 1 << 20;

    private static final int MAX_PAGES = 1 << 15;
    private static final int PAGE = 1;
    private static final int PAGED = 2;

    /** So much more is the version of one with tags. */
    private static final int TAGGED = 2;

    /**
     * Some groups, in a block of their own: sealed like a manifest.
     *
     * @param groups how many
     * @param length of the block
     */
    record Page(Cid cid, int groups, int length) {}

    /**
     * @param inventory a block that every holder of the group has
     * @param blocks entries of that inventory
     * @param tags the block of its {@link io.ppiofs.node.audit.TagIndex}; null if peers have no tags of it
     */
    record Place(
            SlotTable.Signed table,
            Cid inventory,
            int blocks,
            @Nullable Cid tags) {
        Place(SlotTable.Signed table, Cid inventory, int blocks) {
            this(table, inventory, blocks, null);
        }

        private CborArray toCbor() {
            List<Cbor> items = new ArrayList<>(
                    List.of(CborBytes.of(table.envelope()), CborBytes.of(inventory.digest()), new CborInt(blocks)));
            if (tags != null) {
                items.add(CborBytes.of(tags.digest()));
            }
            return new CborArray(items);
        }
    }

    Manifest {
        places = List.copyOf(places);
        pages = List.copyOf(pages);
        if (keeper == null && !pages.isEmpty()) {
            throw new IllegalArgumentException("pages that nobody keeps");
        }
    }

    static Manifest page(NetworkId network, List<Place> places) {
        return new Manifest(network, places, List.of(), null);
    }

    byte[] encode() {
        List<Cbor> items = new ArrayList<>(places.size());
        places.forEach(place -> items.add(place.toCbor()));
        boolean tagged = places.stream().anyMatch(place -> place.tags() != null);
        CborMap.Builder fields = CborMap.builder()
                .put(1, (keeper == null ? PAGE : PAGED) + (tagged ? TAGGED : 0))
                .put(2, network.bytes())
                .put(3, new CborArray(items));
        if (keeper != null) {
            List<Cbor> named = new ArrayList<>(pages.size());
            pages.forEach(page -> named.add(new CborArray(List.of(
                    CborBytes.of(page.cid().digest()), new CborInt(page.groups()), new CborInt(page.length())))));
            fields.put(4, new CborArray(named)).put(5, keeper.envelope());
        }
        return CborEncoder.encode(fields.build());
    }

    /**
     * The head's signature vouches for the tables, also of its pages.
     *
     * @throws PpiofsException CORRUPT, UNSUPPORTED_FORMAT
     */
    static Manifest decode(byte[] bytes, NetworkId network) {
        try {
            CborMap fields = CborDecoder.decodeMap(bytes);
            long version = fields.version("manifest", PAGE, PAGED + TAGGED);
            boolean tagged = version > PAGED;
            boolean isPage = version == PAGE || version == PAGE + TAGGED;
            fields.requireFields(isPage ? 3 : 5);
            if (!NetworkId.of(fields.bytes(2, NetworkId.LENGTH)).equals(network)) {
                throw new MalformedException("it is of another network");
            }
            List<Place> places = new ArrayList<>();
            for (Cbor item : fields.array(3, MAX_PLACES).items()) {
                places.add(place(item, network, tagged));
            }
            if (tagged && places.stream().allMatch(place -> place.tags() == null)) {
                throw new MalformedException("none of its groups has the tags that its version speaks of");
            }
            if (isPage) {
                return page(network, places);
            }
            List<Page> pages = new ArrayList<>();
            long groups = places.size();
            for (Cbor item : fields.array(4, MAX_PAGES).items()) {
                Page page = page(item);
                groups += page.groups();
                pages.add(page);
            }
            if (groups > MAX_PLACES) {
                throw new MalformedException("it has " + groups + " groups");
            }
            SlotTable.Signed keeper = SlotTable.openVouched(fields.bytes(5, 1, Envelope.MAX_ENCODED), network);
            if (!keeper.table().group().isForManifests()) {
                throw new MalformedException("the group that keeps it is one of blocks");
            }
            return new Manifest(network, places, pages, keeper);
        } catch (MalformedException e) {
            throw corrupt(String.valueOf(e.getMessage()), e);
        }
    }

    /**
     * A page that a manifest names.
     *
     * @throws PpiofsException CORRUPT, UNSUPPORTED_FORMAT
     */
    static Manifest decodePage(byte[] bytes, NetworkId network, Page named) {
        Manifest page = decode(bytes, network);
        if (page.keeper() != null || page.places().size() != named.groups()) {
            throw corrupt("a page of it is another one", null);
        }
        return page;
    }

    private static Cid tags(Cbor item) throws MalformedException {
        if (item instanceof CborBytes cid && cid.length() == Cid.DIGEST_LENGTH) {
            return Cid.ofDigest(cid.value());
        }
        throw new MalformedException("the tags of a group of it are none");
    }

    private static PpiofsException corrupt(String why, @Nullable Throwable cause) {
        return new PpiofsException(ErrorKind.CORRUPT, "read", "manifest", why, cause);
    }

    private static Page page(Cbor item) throws MalformedException {
        if (item instanceof CborArray array
                && array.items().size() == 3
                && array.items().get(0) instanceof CborBytes cid
                && cid.length() == Cid.DIGEST_LENGTH
                && array.items().get(1) instanceof CborInt groups
                && groups.value() > 0
                && groups.value() <= MAX_PLACES
                && array.items().get(2) instanceof CborInt length
                && length.value() > 0
                && length.value() <= BlockLimits.MAX_BLOCK) {
            return new Page(Cid.ofDigest(cid.value()), (int) groups.value(), (int) length.value());
        }
        throw new MalformedException("a page of it is none");
    }

    private static Place place(Cbor item, NetworkId network, boolean tagged) throws MalformedException {
        if (item instanceof CborArray array
                && (array.items().size() == 3 || tagged && array.items().size() == 4)
                && array.items().get(0) instanceof CborBytes table
                && table.length() <= Envelope.MAX_ENCODED
                && array.items().get(1) instanceof CborBytes inventory
                && inventory.length() == Cid.DIGEST_LENGTH
                && array.items().get(2) instanceof CborInt blocks
                && blocks.value() >= 0
                && blocks.value() <= Integer.MAX_VALUE) {
            return new Place(
                    SlotTable.openVouched(table.value(), network),
                    Cid.ofDigest(inventory.value()),
                    (int) blocks.value(),
                    array.items().size() == 3 ? null : tags(array.items().get(3)));
        }
        throw new MalformedException("a group of it is none");
    }
}
