package io.ppiofs.node;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.node.network.NetworkOrder;
import io.ppiofs.node.network.NetworkService;
import io.ppiofs.overlay.network.RevocationList;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/** A network of one other peer, "friend". */
final class FakeNetwork implements NetworkService {
    private final List<String> events;
    private final NetworkOrder order;

    FakeNetwork(List<String> events, NetworkOrder order) {
        this.events = events;
        this.order = order;
    }

    @Override
    public List<String> listenAddresses() {
        return order.listen().stream().map(a -> a + "/p2p/me").toList();
    }

    @Override
    public Map<String, Object> facts() {
        Map<String, Object> facts = new LinkedHashMap<>();
        facts.put("peerId", "me");
        facts.put("network", "public");
        facts.put("networkId", "id");
        facts.put("addresses", listenAddresses());
        facts.put("protocols", List.of("/ipfs/ping/1.0.0"));
        facts.put("connections", 1L);
        return facts;
    }

    @Override
    public List<Map<String, Object>> operatorFacts() {
        return List.of();
    }

    @Override
    public List<Map<String, Object>> peers() {
        Map<String, Object> connection =
                Map.of("direction", "outbound", "via", "tls/yamux", "address", "/ip4/1.2.3.4/tcp/5");
        return List.of(Map.of("peer", "friend", "agent", "fake", "connections", List.of(connection)));
    }

    @Override
    public CompletableFuture<Duration> ping(String peerOrAddress) {
        return peerOrAddress.equals("friend")
                ? CompletableFuture.completedFuture(Duration.ofNanos(1_234_000))
                : CompletableFuture.failedFuture(
                        new PpiofsException(ErrorKind.NOT_CONNECTED, "ping", peerOrAddress, "does not answer"));
    }

    @Override
    public CompletableFuture<Map<String, Object>> find(String peerOrKey) {
        return peerOrKey.equals("friend")
                ? CompletableFuture.completedFuture(Map.of("addresses", List.of("/ip4/1.2.3.4/tcp/5")))
                : CompletableFuture.failedFuture(
                        new PpiofsException(ErrorKind.NOT_FOUND, "find", peerOrKey, "nobody knows it"));
    }

    @Override
    public void revoked(RevocationList list) {
        events.add("revoked " + list.serials());
    }

    @Override
    public void close() {
        events.add("leave");
    }
}
