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
import io.ppiofs.overlay.identity.Envelope;
import io.ppiofs.overlay.placement.SlotTable;
import java.util.ArrayList;
import java.util.List;

/**
 * Where the blocks of a head are: per group its slot table and the inventory as of that head. Sealed under the verify key,
 * stored as a block, named by the head.
 *
 * <p>Plain form: deterministic CBOR map {1: version 1, 2: network, 3: [[table envelope, inventory digest, blocks] …]}.
 */
record Manifest(NetworkId network, List<Place> places) {
    /** Most groups: 256 TiB of closed groups of 256 MiB. */
    private static final int MAX_PLACES = 1 << 20;

    private static final int VERSION = 1;

    /**
     * @param inventory a block that every holder of the group has
     * @param blocks entries of that inventory
     */
    record Place(SlotTable.Signed table, Cid inventory, int blocks) {}

    Manifest {
        places = List.copyOf(places);
    }

    byte[] encode() {
        List<Cbor> items = new ArrayList<>(places.size());
        for (Place place : places) {
            items.add(new CborArray(List.of(
                    CborBytes.of(place.table().envelope()),
                    CborBytes.of(place.inventory().digest()),
                    new CborInt(place.blocks()))));
        }
        return CborEncoder.encode(CborMap.builder()
                .put(1, VERSION)
                .put(2, network.bytes())
                .put(3, new CborArray(items))
                .build());
    }

    /**
     * The head's signature vouches for the tables.
     *
     * @throws PpiofsException CORRUPT, UNSUPPORTED_FORMAT
     */
    static Manifest decode(byte[] bytes, NetworkId network) {
        try {
            CborMap fields = CborDecoder.decodeMap(bytes);
            long version = fields.uint(1, Long.MAX_VALUE);
            if (version != VERSION) {
                throw new PpiofsException(
                        ErrorKind.UNSUPPORTED_FORMAT,
                        "read",
                        "manifest",
                        "it is of version " + version + "; update ppiofs");
            }
            fields.requireFields(3);
            if (!NetworkId.of(fields.bytes(2, NetworkId.LENGTH)).equals(network)) {
                throw new MalformedException("it is of another network");
            }
            List<Place> places = new ArrayList<>();
            for (Cbor item : fields.array(3, MAX_PLACES).items()) {
                places.add(place(item, network));
            }
            return new Manifest(network, places);
        } catch (MalformedException e) {
            throw new PpiofsException(ErrorKind.CORRUPT, "read", "manifest", String.valueOf(e.getMessage()), e);
        }
    }

    private static Place place(Cbor item, NetworkId network) throws MalformedException {
        if (item instanceof CborArray array
                && array.items().size() == 3
                && array.items().get(0) instanceof CborBytes table
                && table.length() <= Envelope.MAX_ENCODED
                && array.items().get(1) instanceof CborBytes inventory
                && inventory.length() == Cid.DIGEST_LENGTH
                && array.items().get(2) instanceof CborInt blocks
                && blocks.value() >= 0
                && blocks.value() <= Integer.MAX_VALUE) {
            return new Place(SlotTable.openVouched(table.value(), network), Cid.ofDigest(inventory.value()), (int)
                    blocks.value());
        }
        throw new MalformedException("a group of it is none");
    }
}
