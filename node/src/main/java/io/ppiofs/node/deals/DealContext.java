package io.ppiofs.node.deals;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.host.Host;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.network.Network;
import io.ppiofs.overlay.pod.PodClient;
import io.ppiofs.overlay.pod.PodLink;
import io.ppiofs.proofs.pod.PodNetwork;
import io.ppiofs.proofs.pod.PodTimes;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;

/** What all roles of a node have in common. Thread-safe. */
final class DealContext {
    /** For an answer that needs no work. */
    static final Duration PROMPT = Duration.ofSeconds(20);

    private static final long REACH_SECONDS = 30;

    final DealParty self;
    final PodNetwork network;
    final PodTimes times = PodTimes.USUAL;
    private final Host host;
    private final PodClient client;
    private final Function<PeerId, CompletableFuture<?>> reach;
    private final SecureRandom random = new SecureRandom();

    /** @param reach connects to a peer, wherever it is */
    DealContext(Host host, Network network, Function<PeerId, CompletableFuture<?>> reach) {
        this.self = new DealParty(host.key());
        this.network = new PodNetwork(network.id(), DealParty::signed);
        this.host = host;
        this.client = new PodClient(host, network);
        this.reach = reach;
    }

    long now() {
        return host.scheduler().wallMillis();
    }

    byte[] random(int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }

    /** Begins a conversation. @throws PpiofsException NOT_CONNECTED, NOT_SUPPORTED, INTERRUPTED */
    PodLink open(PeerId peer) {
        CompletableFuture<PodLink> opening = reach.apply(peer).thenCompose(connected -> client.open(peer));
        try {
            return opening.get(REACH_SECONDS, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            boolean unspoken = e.getCause() instanceof PpiofsException p && p.kind() == ErrorKind.NOT_SUPPORTED;
            throw new PpiofsException(
                    unspoken ? ErrorKind.NOT_SUPPORTED : ErrorKind.NOT_CONNECTED,
                    "deal with",
                    peer.toString(),
                    unspoken ? "it neither sells nor verifies" : "is not reached: " + e.getCause(),
                    e);
        } catch (TimeoutException e) {
            opening.whenComplete((link, failure) -> {
                if (link != null) {
                    link.reset(); // too late
                }
            });
            throw new PpiofsException(ErrorKind.NOT_CONNECTED, "deal with", peer.toString(), "is not reached", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new PpiofsException(ErrorKind.INTERRUPTED, "deal with", peer.toString(), "this node is closing", e);
        }
    }
}
