package io.ppiofs.overlay.dht;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.wire.KadWire;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A request or answer of the specification "kad-dht". Lists that are too long are cut, peers with a malformed id are left
 * out, addresses are decoded when somebody asks for them.
 *
 * @param key what the message is about; not copied
 * @param record the value asked for or brought, or null
 * @param closer peers near the key
 * @param providers peers that provide the key
 */
public record DhtMessage(Type type, byte[] key, @Nullable Value record, List<Peer> closer, List<Peer> providers) {
    /** Longest message that is read. What is sent stays below: the lists and values have bounds of their own. */
    public static final int MAX_BYTES = 128 * 1024;

    /** Longest key. */
    public static final int MAX_KEY = 256;

    /** Longest value. */
    public static final int MAX_VALUE = 32 * 1024;

    /** Most peers that are read from one list, and sent in one. */
    public static final int MAX_PEERS = 20;

    /** Most addresses of one peer that are read or sent. */
    public static final int MAX_ADDRESSES = 8;

    /** Longest address that is read or sent. */
    public static final int MAX_ADDRESS = 256;

    private static final DateTimeFormatter RFC3339 =
            DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSSSSSSSS'Z'").withZone(ZoneOffset.UTC);

    /** Types with their numbers on the wire. */
    public enum Type {
        PUT_VALUE,
        GET_VALUE,
        ADD_PROVIDER,
        GET_PROVIDERS,
        FIND_NODE,
        PING;

        private static final List<Type> BY_NUMBER = List.of(values());
    }

    /**
     * A value under its key; the arrays are not copied.
     *
     * @param receivedMillis when the sender got it, milliseconds since 1970; sent, never believed: 0 when read
     */
    public record Value(byte[] key, byte[] value, long receivedMillis) {}

    /** A peer as the wire has it; whether the sender is connected to it is neither sent nor read, nobody needs it. */
    public record Peer(PeerId id, List<ByteString> rawAddresses) {
        static Peer of(PeerId id, List<Multiaddr> addresses) {
            List<ByteString> raw = new ArrayList<>(Math.min(addresses.size(), MAX_ADDRESSES));
            for (Multiaddr address : addresses) {
                byte[] bytes = address.toBytes();
                if (raw.size() < MAX_ADDRESSES && bytes.length <= MAX_ADDRESS) {
                    raw.add(ByteString.copyFrom(bytes));
                }
            }
            return new Peer(id, raw);
        }

        /** The addresses that are well-formed, without {@code /p2p} at their end. */
        public List<Multiaddr> addresses() {
            List<Multiaddr> addresses = new ArrayList<>(rawAddresses.size());
            for (ByteString raw : rawAddresses) {
                Multiaddr.read(raw.toByteArray()).ifPresent(address -> addresses.add(address.withoutPeer()));
            }
            return addresses;
        }

        PeerInfo info() {
            return new PeerInfo(id, addresses());
        }
    }

    static DhtMessage request(Type type, byte[] key) {
        return new DhtMessage(type, key, null, List.of(), List.of());
    }

    static DhtMessage put(byte[] key, byte[] value, long receivedMillis) {
        return new DhtMessage(Type.PUT_VALUE, key, new Value(key, value, receivedMillis), List.of(), List.of());
    }

    /** @throws PpiofsException CORRUPT if it is no such message or a bound is passed */
    public static DhtMessage decode(byte[] bytes) {
        if (bytes.length > MAX_BYTES) {
            throw malformed(bytes.length + " bytes are more than " + MAX_BYTES);
        }
        KadWire.KadMessage wire;
        try {
            wire = KadWire.KadMessage.parseFrom(bytes);
        } catch (InvalidProtocolBufferException e) {
            throw malformed("not a protobuf message");
        }
        int type = wire.getType(); // absent means 0: proto3 senders leave PUT_VALUE out
        if (type < 0 || type >= Type.BY_NUMBER.size()) {
            throw malformed("unknown message type " + type);
        }
        if (wire.getKey().size() > MAX_KEY) {
            throw malformed("a key of " + wire.getKey().size() + " bytes is longer than " + MAX_KEY);
        }
        return new DhtMessage(
                Type.BY_NUMBER.get(type),
                wire.getKey().toByteArray(),
                wire.hasRecord() ? value(wire.getRecord()) : null,
                peers(wire.getCloserPeersList()),
                peers(wire.getProviderPeersList()));
    }

    private static Value value(KadWire.KadRecord wire) {
        if (wire.getKey().size() > MAX_KEY || wire.getValue().size() > MAX_VALUE) {
            throw malformed("a record with a key of " + wire.getKey().size() + " and a value of "
                    + wire.getValue().size() + " bytes is too long");
        }
        return new Value(wire.getKey().toByteArray(), wire.getValue().toByteArray(), 0);
    }

    private static List<Peer> peers(List<KadWire.KadPeer> wire) {
        List<Peer> peers = new ArrayList<>(Math.min(wire.size(), MAX_PEERS));
        for (KadWire.KadPeer one : wire) {
            if (peers.size() == MAX_PEERS) {
                break;
            }
            try {
                PeerId id = PeerId.fromBytes(one.getId().toByteArray());
                peers.add(new Peer(id, addresses(one.getAddrsList())));
            } catch (PpiofsException e) {
                continue; // an id of a kind that is not known: this peer cannot be reached, the others can
            }
        }
        return peers;
    }

    private static List<ByteString> addresses(List<ByteString> wire) {
        List<ByteString> addresses = new ArrayList<>(Math.min(wire.size(), MAX_ADDRESSES));
        for (ByteString address : wire) {
            if (addresses.size() < MAX_ADDRESSES && address.size() <= MAX_ADDRESS) {
                addresses.add(address);
            }
        }
        return addresses;
    }

    public byte[] encode() {
        KadWire.KadMessage.Builder wire = KadWire.KadMessage.newBuilder().setType(type.ordinal());
        if (key.length > 0) {
            wire.setKey(ByteString.copyFrom(key));
        }
        if (record != null) {
            wire.setRecord(KadWire.KadRecord.newBuilder()
                    .setKey(ByteString.copyFrom(record.key))
                    .setValue(ByteString.copyFrom(record.value))
                    .setTimeReceived(RFC3339.format(Instant.ofEpochMilli(record.receivedMillis))));
        }
        closer.forEach(peer -> wire.addCloserPeers(wire(peer)));
        providers.forEach(peer -> wire.addProviderPeers(wire(peer)));
        return wire.build().toByteArray();
    }

    private static KadWire.KadPeer wire(Peer peer) {
        return KadWire.KadPeer.newBuilder()
                .setId(ByteString.copyFrom(peer.id.toBytes()))
                .addAllAddrs(peer.rawAddresses)
                .build();
    }

    private static PpiofsException malformed(String detail) {
        return new PpiofsException(ErrorKind.CORRUPT, "read DHT message", "of a peer", detail);
    }
}
