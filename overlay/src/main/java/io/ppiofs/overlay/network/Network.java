package io.ppiofs.overlay.network;

import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.host.ProtocolId;

/**
 * All names that a network's id is part of, so that two networks never merge by accident. Immutable.
 *
 * @param genesis the founding record
 */
public record Network(Genesis genesis) {
    /** The network of {@link Genesis#PUBLIC}. */
    public static final Network PUBLIC = new Network(Genesis.PUBLIC);

    public NetworkId id() {
        return genesis.id();
    }

    /** {@code /ppiofs/ID/name/version}. */
    public ProtocolId protocol(String name, String version) {
        return new ProtocolId("/ppiofs/" + id() + "/" + name + "/" + version);
    }

    /** The DHT. */
    public ProtocolId kad() {
        return protocol("kad", "1.0.0");
    }

    /** Block exchange. */
    public ProtocolId blocks() {
        return protocol("blocks", "1.0.0");
    }

    /** Membership, see {@link MembershipExchange}. */
    public ProtocolId member() {
        return protocol("member", "1.0.0");
    }

    /** Peer exchange: peers tell each other of peers. */
    public ProtocolId exchange() {
        return protocol("exchange", "1.0.0");
    }

    /** The gossip topic {@code ppiofs/ID/name}. */
    public String topic(String name) {
        return "ppiofs/" + id() + "/" + name;
    }

    /** The topic on which revocation lists are distributed. */
    public String revocationTopic() {
        return topic("revocations");
    }

    /**
     * The service that mDNS asks for: {@code _ppiofs-XXXXXXXX._udp.local}, 15 characters, the longest that RFC 6763 section
     * 7 allows. Forty bits of the id tell the networks of one room apart; handshakes and protocol ids do the rest.
     */
    public String mdnsService() {
        return "_ppiofs-" + id().toString().substring(0, 8) + "._udp.local";
    }

    /** The signature domain of a record type in this network. */
    public String domain(RecordType type) {
        return type.domain(id());
    }
}
