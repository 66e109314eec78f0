package io.ppiofs.overlay.storage;

import io.ppiofs.cbor.Cbor;
import io.ppiofs.cbor.CborArray;
import io.ppiofs.cbor.CborBytes;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.CborText;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.autonat.Reachability;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.network.RecordType;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * What an operator says of itself, signed by itself: gossiped, and given to who asks. Of one operator the highest sequence
 * holds, for {@code lifetime} from receipt. It is a claim: placement weighs it, only leases and blocks prove it.
 *
 * @param sequence grows with each advert, also over restarts
 * @param capacity bytes lent in all; 0: it is leaving, see {@link #leaving}
 * @param free bytes of these that are not taken
 * @param domain failure domain: operators of one text fail together; empty if nothing is said
 * @param regions labels from wide to narrow, for example {@code eu}, {@code de}; at most 8
 * @param reachability whether others can dial it, as it has measured
 * @param open whether strangers are given space
 * @param addresses where it is reached, without {@code /p2p}; at most 16
 * @param lifetime whole seconds, up to a day
 */
public record StorageAdvert(
        PeerId operator,
        long sequence,
        long capacity,
        long free,
        String domain,
        List<String> regions,
        Reachability reachability,
        boolean open,
        List<Multiaddr> addresses,
        Duration lifetime) {
    /** Most characters of a failure domain or region label. */
    public static final int MAX_LABEL = 64;

    /** Most region labels. */
    public static final int MAX_REGIONS = 8;

    /** An advert and its signed bytes, not to be changed. */
    public record Signed(StorageAdvert advert, byte[] envelope) {}

    private static final RecordType TYPE = new RecordType("storage-advert", 1);
    private static final int MAX_ADDRESSES = 16;
    private static final int MAX_SECONDS = 86_400;

    public StorageAdvert {
        regions = List.copyOf(regions);
        addresses = List.copyOf(addresses);
        boolean fits = sequence >= 0
                && capacity >= 0
                && free >= 0
                && free <= capacity
                && domain.length() <= MAX_LABEL
                && regions.size() <= MAX_REGIONS
                && regions.stream().allMatch(r -> r.length() <= MAX_LABEL)
                && addresses.size() <= MAX_ADDRESSES
                && lifetime.toSeconds() >= 1
                && lifetime.toSeconds() <= MAX_SECONDS;
        if (!fits) {
            throw new IllegalArgumentException("no storage advert: " + capacity + ", " + free + ", " + regions);
        }
    }

    /**
     * Whether the operator wants to stop lending: it takes nothing new, and gives what it holds to others. It says so by lending
     * nothing, which every version of this record understands as "propose nothing to it".
     */
    public boolean leaving() {
        return capacity == 0;
    }

    /** @param key of the operator itself */
    public Signed sign(IdentityKey key, NetworkId network) {
        if (!key.peerId().equals(operator)) {
            throw new IllegalArgumentException("an advert is signed by its own peer");
        }
        List<Cbor> places = new ArrayList<>();
        addresses.forEach(address -> places.add(CborBytes.of(address.toBytes())));
        return new Signed(
                this,
                TYPE.seal(
                        key,
                        network,
                        CborMap.builder()
                                .put(2, operator.toBytes())
                                .put(3, sequence)
                                .put(4, capacity)
                                .put(5, free)
                                .put(6, new CborText(domain))
                                .put(7, RecordFields.texts(regions))
                                .put(8, reachability.ordinal())
                                .put(9, open ? 1 : 0)
                                .put(10, new CborArray(places))
                                .put(11, lifetime.toSeconds())));
    }

    /** @throws PpiofsException CORRUPT or UNSUPPORTED_FORMAT if it is none, or another peer signed it */
    public static Signed open(byte[] envelope, NetworkId network) {
        return TYPE.open(envelope, network, record -> {
            CborMap fields = record.fields();
            fields.requireFields(11);
            PeerId operator = RecordFields.peer(fields, 2);
            if (!operator.names(record.signer())) {
                throw new MalformedException("another peer signed it");
            }
            long capacity = fields.uint(4, Long.MAX_VALUE);
            StorageAdvert advert = new StorageAdvert(
                    operator,
                    fields.uint(3, Long.MAX_VALUE),
                    capacity,
                    fields.uint(5, capacity),
                    fields.text(6, MAX_LABEL),
                    RecordFields.texts(fields, 7, MAX_REGIONS, MAX_LABEL),
                    Reachability.values()[(int) fields.uint(8, Reachability.values().length - 1)],
                    fields.uint(9, 1) == 1,
                    addresses(fields.array(10, MAX_ADDRESSES)),
                    lifetime(fields.uint(11, MAX_SECONDS)));
            return new Signed(advert, record.envelope());
        });
    }

    private static Duration lifetime(long seconds) throws MalformedException {
        if (seconds == 0) {
            throw new MalformedException("it has no lifetime");
        }
        return Duration.ofSeconds(seconds);
    }

    private static List<Multiaddr> addresses(CborArray array) throws MalformedException {
        List<Multiaddr> addresses = new ArrayList<>();
        for (Cbor item : array.items()) {
            if (!(item instanceof CborBytes bytes) || bytes.length() > Multiaddr.MAX_BYTES) {
                throw new MalformedException("it has an address that is none");
            }
            Multiaddr.read(bytes.value()).ifPresent(addresses::add);
        }
        return addresses;
    }
}
