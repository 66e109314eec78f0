package io.ppiofs.overlay.identity;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.wire.IdentityWire;
import java.util.ArrayList;
import java.util.List;

/**
 * What a peer says of its own addresses (libp2p RFC 0003), valid only inside an {@link Envelope} signed by that peer. The
 * record with the highest sequence number wins.
 */
public record PeerRecord(PeerId peer, long sequence, List<Multiaddr> addresses) {
    /** Signature domain of RFC 0003. */
    public static final String DOMAIN = "libp2p-peer-record";

    /** Most addresses that are read from one record; the rest is ignored. */
    public static final int MAX_ADDRESSES = 64;

    private static final byte[] TYPE = {0x03, 0x01};

    public PeerRecord {
        addresses = List.copyOf(addresses);
    }

    public Envelope seal(IdentityKey key) {
        if (!key.peerId().equals(peer)) {
            throw new IllegalArgumentException("a peer record is signed by its own peer");
        }
        IdentityWire.PeerRecord.Builder wire = IdentityWire.PeerRecord.newBuilder()
                .setPeerId(ByteString.copyFrom(peer.toBytes()))
                .setSeq(sequence);
        for (Multiaddr address : addresses) {
            wire.addAddresses(IdentityWire.PeerRecord.AddressInfo.newBuilder()
                    .setMultiaddr(ByteString.copyFrom(address.toBytes())));
        }
        return Envelope.seal(key, DOMAIN, TYPE, wire.build().toByteArray());
    }

    /** @throws PpiofsException CORRUPT if the envelope or record is malformed or another peer signed it */
    public static PeerRecord open(byte[] envelope) {
        Envelope opened = Envelope.open(envelope, DOMAIN, TYPE);
        IdentityWire.PeerRecord wire;
        try {
            wire = IdentityWire.PeerRecord.parseFrom(opened.payload());
        } catch (InvalidProtocolBufferException e) {
            throw new PpiofsException(ErrorKind.CORRUPT, "open peer record", "of a peer", "not a protobuf PeerRecord");
        }
        PeerId peer = PeerId.fromBytes(wire.getPeerId().toByteArray());
        if (!peer.names(opened.signer())) {
            throw new PpiofsException(ErrorKind.CORRUPT, "open peer record", peer.toString(), "another peer signed it");
        }
        List<Multiaddr> addresses = new ArrayList<>();
        for (IdentityWire.PeerRecord.AddressInfo info : wire.getAddressesList()) {
            if (addresses.size() < MAX_ADDRESSES) {
                Multiaddr.read(info.getMultiaddr().toByteArray()).ifPresent(addresses::add);
            }
        }
        return new PeerRecord(peer, wire.getSeq(), addresses);
    }
}
