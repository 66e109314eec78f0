package io.ppiofs.overlay.portmap;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;

/** One way to ask a router. Blocks; not thread safe. */
interface PortMapper {
    /** What is forwarded. */
    enum Protocol {
        UDP,
        TCP
    }

    /** @param external where the router now takes connections for this node @param life until when, from now */
    record Mapping(InetSocketAddress external, Duration life) {}

    /** For people and logs. */
    String name();

    /**
     * Forwards a port of this machine, or renews that.
     *
     * @throws IOException if the router does not speak this, or refuses
     */
    Mapping map(Protocol protocol, int port, Duration life) throws IOException;

    /** Takes the forwarding back. */
    void unmap(Protocol protocol, int port) throws IOException;
}
