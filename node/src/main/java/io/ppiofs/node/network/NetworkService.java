package io.ppiofs.node.network;

import io.ppiofs.node.capacity.CapacityChecks;
import io.ppiofs.node.deals.DealService;
import io.ppiofs.node.sectors.Sectors;
import io.ppiofs.node.storage.StorageService;
import io.ppiofs.node.swarm.Custodies;
import io.ppiofs.overlay.network.RevocationList;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * A running membership in a network. Thread-safe; futures fail with {@link io.ppiofs.error.PpiofsException}. Answers are
 * facts: ordered maps of texts, numbers, booleans and lists, which become JSON.
 */
public interface NetworkService extends AutoCloseable {
    /** Addresses that are listened on, with the real ports and {@code /p2p/…} at the end. */
    List<String> listenAddresses();

    /** Peer id, network, addresses, and the counters that the metrics show (numbers at the top level). */
    Map<String, @Nullable Object> facts();

    /** The connected peers: id, addresses, agent, protocols, connections. */
    List<Map<String, @Nullable Object>> peers();

    /** The peers that lend space, best first: what they say of themselves, and what this node has seen of them. */
    List<Map<String, @Nullable Object>> operatorFacts();

    /** Round trip to a peer, given by id or by an address that ends in {@code /p2p/…}. */
    CompletableFuture<Duration> ping(String peerOrAddress);

    /** What the DHT knows of a peer (addresses), a CID (providers) or a key (value). */
    CompletableFuture<Map<String, @Nullable Object>> find(String peerOrKey);

    /** Whose leases this node prolongs; null if it cannot. */
    default @Nullable Custodies custodies() {
        return null;
    }

    /** What this node lends to others; null if it lends nothing. */
    default @Nullable StorageService storage() {
        return null;
    }

    /** From now on hosted slots are sealed into these as their tenants order, if this node lends. Once. */
    default void seal(Sectors sectors) {}

    /** Challenges the idle space of peers; null if this network has no such protocol. */
    default @Nullable CapacityChecks capacity() {
        return null;
    }

    /** What this node buys, sells and verifies; null if this network makes no deals. */
    default @Nullable DealService deals() {
        return null;
    }

    /** Takes a newer list of revoked certificates: connections of the revoked end, others hear of it. */
    void revoked(RevocationList list);

    @Override
    void close();
}
