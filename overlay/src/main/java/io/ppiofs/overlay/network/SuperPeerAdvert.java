package io.ppiofs.overlay.network;

import io.ppiofs.cbor.Cbor;
import io.ppiofs.cbor.CborArray;
import io.ppiofs.cbor.CborBytes;
import io.ppiofs.cbor.CborInt;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * What a super peer says of itself, signed by itself; published in the DHT and told in peer exchange. The highest sequence
 * number of a peer wins. It lives for {@code lifetime} from when it was received first: nobody's clock matters.
 *
 * @param sequence grows with each advert of the peer, also over restarts
 * @param services what it does for others; may be none that this version knows
 * @param addresses where it is reached, without {@code /p2p}; at most 16
 * @param lifetime whole seconds, up to a day
 */
public record SuperPeerAdvert(
        PeerId peer, long sequence, Set<Service> services, List<Multiaddr> addresses, Duration lifetime) {
    /** The ordinal is the number on the wire: append only. */
    public enum Service {
        /** Circuit relay v2 with generous limits. */
        RELAY,
        /** Answers who is there: peer exchange, DHT server with a large table. */
        DISCOVERY,
        /** Keeps blocks under grants for the long term. */
        PERSISTENT_STORAGE
    }

    private static final RecordType TYPE = new RecordType("super-peer", 1);
    private static final int MAX_ADDRESSES = 16;
    private static final int MAX_ADDRESS = 1_024;
    private static final int MAX_SERVICES = 32;
    private static final int MAX_SECONDS = 86_400;

    public SuperPeerAdvert {
        services = services.isEmpty() ? Set.of() : Collections.unmodifiableSet(EnumSet.copyOf(services));
        addresses = List.copyOf(addresses);
        boolean fits = sequence >= 0
                && addresses.size() <= MAX_ADDRESSES
                && lifetime.toSeconds() >= 1
                && lifetime.toSeconds() <= MAX_SECONDS;
        if (!fits) {
            throw new IllegalArgumentException("no advert: " + sequence + ", " + addresses + ", " + lifetime);
        }
    }

    /** @param key of the peer itself */
    public byte[] seal(IdentityKey key, Network network) {
        if (!key.peerId().equals(peer)) {
            throw new IllegalArgumentException("an advert is signed by its own peer");
        }
        List<Cbor> numbers = new ArrayList<>();
        services.forEach(service -> numbers.add(new CborInt(service.ordinal())));
        List<Cbor> places = new ArrayList<>();
        addresses.forEach(address -> places.add(CborBytes.of(address.toBytes())));
        CborMap.Builder fields = CborMap.builder()
                .put(2, peer.toBytes())
                .put(3, sequence)
                .put(4, new CborArray(numbers))
                .put(5, new CborArray(places))
                .put(6, lifetime.toSeconds());
        return TYPE.seal(key, network.id(), fields);
    }

    /**
     * Services and kinds of address that this version does not know are passed over.
     *
     * @throws PpiofsException CORRUPT or UNSUPPORTED_FORMAT if it is none, or another peer signed it
     */
    public static SuperPeerAdvert open(byte[] envelope, Network network) {
        return TYPE.open(envelope, network.id(), record -> {
            CborMap fields = record.fields();
            fields.requireFields(6);
            PeerId peer = MembershipCertificate.peer(fields.bytes(2, 1, PeerId.MAX_BYTES));
            if (!peer.names(record.signer())) {
                throw new MalformedException("another peer signed it");
            }
            long sequence = fields.uint(3, Long.MAX_VALUE);
            Set<Service> services = services(fields.array(4, MAX_SERVICES));
            List<Multiaddr> addresses = addresses(fields.array(5, MAX_ADDRESSES));
            long seconds = fields.uint(6, MAX_SECONDS);
            if (seconds == 0) {
                throw new MalformedException("it has no lifetime");
            }
            return new SuperPeerAdvert(peer, sequence, services, addresses, Duration.ofSeconds(seconds));
        });
    }

    private static Set<Service> services(CborArray array) throws MalformedException {
        Set<Service> services = EnumSet.noneOf(Service.class);
        long previous = -1;
        for (Cbor item : array.items()) {
            if (!(item instanceof CborInt number) || number.value() <= previous) {
                throw new MalformedException("its services are not numbers in order");
            }
            previous = number.value();
            if (previous < Service.values().length) {
                services.add(Service.values()[(int) previous]);
            }
        }
        return services;
    }

    private static List<Multiaddr> addresses(CborArray array) throws MalformedException {
        List<Multiaddr> addresses = new ArrayList<>();
        for (Cbor item : array.items()) {
            if (!(item instanceof CborBytes bytes) || bytes.length() > MAX_ADDRESS) {
                throw new MalformedException("it has an address that is none");
            }
            Multiaddr.read(bytes.value()).ifPresent(addresses::add);
        }
        return addresses;
    }
}
