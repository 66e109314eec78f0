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
import io.ppiofs.file.DurableFile;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Past neighbours on disk: a deterministic CBOR array {@code [1, [peer, seconds, millis, [address, …]], …]}. Blocking. */
public final class HistoryFile {
    private static final long VERSION = 1;
    private static final int MAX_BYTES = 1 << 20;
    private static final int MAX_ADDRESSES = 8;

    private HistoryFile() {}

    /** Replaces the file; a crash leaves the old or the new one. */
    public static void save(Path file, List<PastNeighbour> past) {
        List<Cbor> items = new ArrayList<>();
        items.add(new CborInt(VERSION));
        for (PastNeighbour one : past) {
            List<Cbor> addresses = new ArrayList<>();
            one.addresses().stream()
                    .limit(MAX_ADDRESSES)
                    .forEach(address -> addresses.add(CborBytes.of(address.toBytes())));
            items.add(new CborArray(List.of(
                    CborBytes.of(one.peer().toBytes()),
                    new CborInt(one.spent().toSeconds()),
                    new CborInt(one.lastMillis()),
                    new CborArray(addresses))));
        }
        DurableFile.replace(file, CborEncoder.encode(new CborArray(items)), "write past neighbours to");
    }

    /** What was saved; nothing if there is no file. Throws CORRUPT if it is something else. */
    public static List<PastNeighbour> load(Path file) {
        byte[] bytes = DurableFile.read(file, MAX_BYTES, "read past neighbours of");
        return bytes == null ? List.of() : decode(bytes, file.toString());
    }

    static List<PastNeighbour> decode(byte[] bytes, String name) {
        List<PastNeighbour> past = new ArrayList<>();
        try {
            if (!(CborDecoder.decode(bytes) instanceof CborArray whole)
                    || whole.items().isEmpty()
                    || !whole.items().get(0).equals(new CborInt(VERSION))) {
                throw new MalformedException("it is no list of neighbours of version " + VERSION);
            }
            for (Cbor item : whole.items().subList(1, whole.items().size())) {
                past.add(one(item));
            }
        } catch (MalformedException | PpiofsException e) {
            throw new PpiofsException(
                    ErrorKind.CORRUPT, "read past neighbours of", name, e.getMessage() + "; delete the file", e);
        }
        return past;
    }

    private static PastNeighbour one(Cbor item) throws MalformedException {
        if (item instanceof CborArray fields
                && fields.items().size() == 4
                && fields.items().get(0) instanceof CborBytes peer
                && fields.items().get(1) instanceof CborInt seconds
                && fields.items().get(2) instanceof CborInt millis
                && fields.items().get(3) instanceof CborArray encoded
                && seconds.value() >= 0
                && seconds.value() <= Integer.MAX_VALUE) {
            List<Multiaddr> addresses = new ArrayList<>();
            for (Cbor address : encoded.items()) {
                if (address instanceof CborBytes raw) {
                    Multiaddr.read(raw.value()).ifPresent(addresses::add);
                }
            }
            return new PastNeighbour(
                    PeerId.fromBytes(peer.value()), addresses, Duration.ofSeconds(seconds.value()), millis.value());
        }
        throw new MalformedException("an entry is no past neighbour");
    }
}
