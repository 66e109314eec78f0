package io.ppiofs.overlay.pod;

import io.ppiofs.overlay.host.ConnectionClass;
import io.ppiofs.overlay.host.Host;
import io.ppiofs.overlay.host.OpenOptions;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.network.Network;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** Begins conversations. Thread-safe. */
public final class PodClient {
    private final Host host;
    private final Network network;

    public PodClient(Host host, Network network) {
        this.host = host;
        this.network = network;
    }

    /**
     * Begins one.
     *
     * @return fails as {@link Host#open} does: NOT_SUPPORTED if the peer makes no deals
     */
    public CompletableFuture<PodLink> open(PeerId peer) {
        OpenOptions bulk = OpenOptions.DEFAULT.withClass(ConnectionClass.BULK);
        return host.open(peer, List.of(PodServer.id(network)), bulk).thenApply(stream -> {
            PodLink link = new PodLink(stream);
            link.begin(() -> {});
            return link;
        });
    }
}
