package io.ppiofs.overlay.transport;

/** How a byte stream is authenticated and encrypted. */
public enum Security {
    /** TLS 1.3 with mutual certificates that carry the peer's key (libp2p specification "tls"). */
    TLS("/tls/1.0.0", "tls"),
    /** Noise XX, X25519, ChaCha20-Poly1305, SHA-256 (libp2p specification "noise"). */
    NOISE("/noise", "noise");

    private final String protocol;
    private final String label;

    Security(String protocol, String label) {
        this.protocol = protocol;
        this.label = label;
    }

    /** The name in multistream-select. */
    public String protocol() {
        return protocol;
    }

    /** The name for people. */
    public String label() {
        return label;
    }
}
