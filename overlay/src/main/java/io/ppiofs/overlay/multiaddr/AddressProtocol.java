package io.ppiofs.overlay.multiaddr;

import org.jspecify.annotations.Nullable;

/** The protocols of a multiaddr that are understood, with code, name and value shape of the multicodec table. */
public enum AddressProtocol {
    IP4(4, "ip4", Shape.IP4),
    TCP(6, "tcp", Shape.PORT),
    IP6ZONE(42, "ip6zone", Shape.TEXT),
    IP6(41, "ip6", Shape.IP6),
    DNS(53, "dns", Shape.TEXT),
    DNS4(54, "dns4", Shape.TEXT),
    DNS6(55, "dns6", Shape.TEXT),
    DNSADDR(56, "dnsaddr", Shape.TEXT),
    UDP(273, "udp", Shape.PORT),
    WEBRTC_DIRECT(280, "webrtc-direct", Shape.NONE),
    WEBRTC(281, "webrtc", Shape.NONE),
    P2P_CIRCUIT(290, "p2p-circuit", Shape.NONE),
    P2P(421, "p2p", Shape.PEER),
    HTTPS(443, "https", Shape.NONE),
    TLS(448, "tls", Shape.NONE),
    SNI(449, "sni", Shape.TEXT),
    NOISE(454, "noise", Shape.NONE),
    QUIC(460, "quic", Shape.NONE),
    QUIC_V1(461, "quic-v1", Shape.NONE),
    WEBTRANSPORT(465, "webtransport", Shape.NONE),
    CERTHASH(466, "certhash", Shape.BYTES),
    WS(477, "ws", Shape.NONE),
    WSS(478, "wss", Shape.NONE),
    HTTP(480, "http", Shape.NONE),
    MEMORY(777, "memory", Shape.TEXT);

    enum Shape {
        NONE,
        IP4,
        IP6,
        PORT,
        PEER,
        TEXT,
        BYTES
    }

    private final int code;
    private final String label;
    private final Shape shape;

    AddressProtocol(int code, String label, Shape shape) {
        this.code = code;
        this.label = label;
        this.shape = shape;
    }

    /** The multicodec code. */
    public int code() {
        return code;
    }

    /** The name in the text form. */
    public String label() {
        return label;
    }

    Shape shape() {
        return shape;
    }

    static @Nullable AddressProtocol ofCode(int code) {
        for (AddressProtocol protocol : values()) {
            if (protocol.code == code) {
                return protocol;
            }
        }
        return null;
    }

    static @Nullable AddressProtocol ofLabel(String label) {
        if (label.equals("ipfs")) {
            return P2P; // the name before 2019
        }
        for (AddressProtocol protocol : values()) {
            if (protocol.label.equals(label)) {
                return protocol;
            }
        }
        return null;
    }
}
