package io.ppiofs.node.network;

import io.ppiofs.node.storage.StorageOrder;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How a node shall take part in a network.
 *
 * @param listen multiaddrs to listen on; empty: only dials
 * @param bootstrap multiaddrs with {@code /p2p/…} of peers to begin with
 * @param network name or id of a network of the home; null: the public one
 * @param superPeer offer relay and discovery to others, keep more connections
 * @param store how much to lend to others; null: nothing
 * @param rendezvous multiaddrs with {@code /p2p/…} of peers of the public DHT through which members meet; empty: not at all
 */
public record NetworkOrder(
        List<String> listen,
        List<String> bootstrap,
        @Nullable String network,
        boolean superPeer,
        @Nullable StorageOrder store,
        List<String> rendezvous) {
    public NetworkOrder {
        rendezvous = List.copyOf(rendezvous);
        listen = List.copyOf(listen);
        bootstrap = List.copyOf(bootstrap);
    }

    /** Meets others without the public DHT. */
    public NetworkOrder(
            List<String> listen,
            List<String> bootstrap,
            @Nullable String network,
            boolean superPeer,
            @Nullable StorageOrder store) {
        this(listen, bootstrap, network, superPeer, store, List.of());
    }

    /** Lends nothing. */
    public NetworkOrder(List<String> listen, List<String> bootstrap, @Nullable String network, boolean superPeer) {
        this(listen, bootstrap, network, superPeer, null);
    }
}
