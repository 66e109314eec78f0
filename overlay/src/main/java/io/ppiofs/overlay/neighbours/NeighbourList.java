package io.ppiofs.overlay.neighbours;

import io.ppiofs.cbor.Cbor;
import io.ppiofs.cbor.CborArray;
import io.ppiofs.cbor.CborBytes;
import io.ppiofs.cbor.CborDecoder;
import io.ppiofs.cbor.CborEncoder;
import io.ppiofs.cbor.CborInt;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import java.util.ArrayList;
import java.util.List;

/**
 * The answer of the protocol: {@code [[peer, round trip in µs, [address, …]], …]} in deterministic CBOR. The round trips are
 * the answering peer's; they only say which to try first.
 */
record NeighbourList(List<Entry> entries) {
    static final int MAX_BYTES = 16 * 1024;
    static final int MAX_ENTRIES = 16;
    private static final int MAX_ADDRESSES = 4;

    record Entry(PeerId peer, long micros, List<Multiaddr> addresses) {}

    byte[] encode() {
        List<Cbor> items = new ArrayList<>();
        for (Entry entry : entries) {
            List<Cbor> addresses = new ArrayList<>();
            entry.addresses.stream()
                    .limit(MAX_ADDRESSES)
                    .forEach(address -> addresses.add(CborBytes.of(address.toBytes())));
            items.add(new CborArray(
                    List.of(CborBytes.of(entry.peer.toBytes()), new CborInt(entry.micros), new CborArray(addresses))));
        }
        return CborEncoder.encode(new CborArray(items));
    }

    /** What is beyond the bounds is left out. Throws CORRUPT if it is no such list. */
    static NeighbourList decode(byte[] bytes) {
        List<Entry> entries = new ArrayList<>();
        try {
            if (!(CborDecoder.decode(bytes) instanceof CborArray whole)) {
                throw new MalformedException("it is no array");
            }
            for (Cbor item :
                    whole.items().subList(0, Math.min(MAX_ENTRIES, whole.items().size()))) {
                entries.add(entry(item));
            }
        } catch (MalformedException e) {
            throw new PpiofsException(
                    ErrorKind.CORRUPT, "read", "list of neighbours", String.valueOf(e.getMessage()), e);
        }
        return new NeighbourList(entries);
    }

    private static Entry entry(Cbor item) throws MalformedException {
        if (item instanceof CborArray fields
                && fields.items().size() == 3
                && fields.items().get(0) instanceof CborBytes peer
                && fields.items().get(1) instanceof CborInt micros
                && fields.items().get(2) instanceof CborArray encoded) {
            List<Multiaddr> addresses = new ArrayList<>();
            for (Cbor address : encoded.items()) {
                if (address instanceof CborBytes raw && addresses.size() < MAX_ADDRESSES) {
                    Multiaddr.read(raw.value()).ifPresent(addresses::add);
                }
            }
            return new Entry(PeerId.fromBytes(peer.value()), micros.value(), addresses);
        }
        throw new MalformedException("an entry is no neighbour");
    }
}
