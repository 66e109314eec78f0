package io.ppiofs.overlay.host;

import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/** One node of the network, as protocols see it. Safe for any thread; see the package for the thread rules. */
public interface Host {
    /** The node's key. */
    IdentityKey key();

    default PeerId id() {
        return key().peerId();
    }

    Scheduler scheduler();

    AddressBook addressBook();

    /** Addresses under which others may reach this host, without {@code /p2p}: listening, observed, mapped and relayed ones. */
    List<Multiaddr> addresses();

    /** Serves {@code protocol}; replaces an earlier handler. */
    void handle(ProtocolId protocol, HandlerOptions options, StreamHandler handler);

    default void handle(ProtocolId protocol, StreamHandler handler) {
        handle(protocol, HandlerOptions.DEFAULT, handler);
    }

    void unhandle(ProtocolId protocol);

    /** The protocols that are served now. */
    Set<ProtocolId> protocols();

    /**
     * The connection to {@code peer} of this class, dialled if there is none, under the addresses that the address book
     * knows. Fails with NOT_FOUND if there are no addresses, NOT_CONNECTED if none answers, ACCESS_DENIED if the peer is
     * refused, BUSY while dialling it is backed off.
     */
    CompletableFuture<Connection> connect(PeerId peer, OpenOptions options);

    default CompletableFuture<Connection> connect(PeerId peer) {
        return connect(peer, OpenOptions.DEFAULT);
    }

    /** A stream of the first of {@code protocols} that the peer speaks; errors as {@link #connect} and {@link Connection#open}. */
    CompletableFuture<Stream> open(PeerId peer, List<ProtocolId> protocols, OpenOptions options);

    default CompletableFuture<Stream> open(PeerId peer, ProtocolId protocol) {
        return open(peer, List.of(protocol), OpenOptions.DEFAULT);
    }

    /** Open connections, of all classes. */
    List<Connection> connections();

    /** Open connections to this peer. */
    List<Connection> connections(PeerId peer);

    /** Peers with at least one open connection. */
    Set<PeerId> connectedPeers();

    default boolean isConnected(PeerId peer) {
        return !connections(peer).isEmpty();
    }

    /** Ends all connections to the peer. */
    CompletableFuture<Void> disconnect(PeerId peer);

    /**
     * How much this peer's connections are worth to the one who tags, when some must go: the sum of a peer's tags decides.
     * 0 takes the tag off.
     */
    void tag(PeerId peer, String tag, int value);

    /** Adds a listener; it hears of what comes later. */
    void addListener(HostListener listener);

    void removeListener(HostListener listener);
}
