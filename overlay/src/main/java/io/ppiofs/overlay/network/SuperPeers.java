package io.ppiofs.overlay.network;

import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.gossip.Gossip;
import io.ppiofs.overlay.gossip.GossipMessage;
import io.ppiofs.overlay.gossip.Validator;
import io.ppiofs.overlay.host.AddressBook;
import io.ppiofs.overlay.host.Host;
import io.ppiofs.overlay.host.Scheduler;
import io.ppiofs.overlay.identity.PeerId;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Who the network's super peers are: adverts are gossiped on a topic of the network, the newest of each peer is kept until
 * its lifetime ends, its addresses go to the address book. A super peer publishes its own advert again and again. State is
 * kept on the host's scheduler; {@link #known} may be asked from any thread.
 */
public final class SuperPeers implements AutoCloseable {
    /** Adverts that are kept; beyond that, new peers are not taken. */
    public static final int MAX_KNOWN = 512;

    private static final Duration LIFETIME = Duration.ofHours(1);
    private static final Duration PERIOD = Duration.ofMinutes(5);
    private static final Duration UNTIL_SOMEBODY_HEARS = Duration.ofSeconds(5);

    private final Host host;
    private final Gossip gossip;
    private final Network network;
    private final Scheduler scheduler;
    private final String topic;
    private final Gossip.Subscription subscription;
    private final Map<PeerId, Known> known = new ConcurrentHashMap<>();
    private Scheduler.@Nullable Timer timer;
    private boolean closed;

    private record Known(SuperPeerAdvert advert, long untilNanos) {}

    public SuperPeers(Host host, Gossip gossip, Network network) {
        this.host = host;
        this.gossip = gossip;
        this.network = network;
        this.scheduler = host.scheduler();
        this.topic = network.topic("super-peers");
        gossip.validate(topic, this::judge);
        this.subscription = gossip.subscribe(topic, message -> {}); // the validator has taken it already
    }

    /** Publishes this node's advert now and every five minutes; until somebody hears it, every five seconds. */
    public void advertise(Set<SuperPeerAdvert.Service> services) {
        scheduler.execute(() -> publish(services));
    }

    private void publish(Set<SuperPeerAdvert.Service> services) {
        if (closed) {
            return;
        }
        SuperPeerAdvert advert = new SuperPeerAdvert(
                host.id(),
                scheduler.wallMillis(),
                services,
                host.addresses().stream().limit(16).toList(),
                LIFETIME);
        gossip.publish(topic, advert.seal(host.key(), network))
                .whenComplete((heard, failure) -> scheduler.execute(
                        () -> again(services, failure == null && heard > 0 ? PERIOD : UNTIL_SOMEBODY_HEARS)));
    }

    private void again(Set<SuperPeerAdvert.Service> services, Duration delay) {
        if (!closed) {
            timer = scheduler.schedule(delay, () -> publish(services));
        }
    }

    private CompletionStage<Validator.Verdict> judge(GossipMessage message) {
        return CompletableFuture.completedFuture(verdict(message));
    }

    private Validator.Verdict verdict(GossipMessage message) {
        SuperPeerAdvert advert;
        try {
            advert = SuperPeerAdvert.open(message.data(), network);
        } catch (PpiofsException noAdvert) {
            return Validator.Verdict.REJECT;
        }
        forgetExpired();
        Known before = known.get(advert.peer());
        boolean older = before != null && before.advert.sequence() >= advert.sequence();
        if (older || (before == null && known.size() >= MAX_KNOWN)) {
            return Validator.Verdict.IGNORE;
        }
        known.put(
                advert.peer(),
                new Known(advert, scheduler.nanoTime() + advert.lifetime().toNanos()));
        if (!advert.peer().equals(host.id())) {
            host.addressBook().addAddresses(advert.peer(), advert.addresses(), AddressBook.TOLD);
        }
        return Validator.Verdict.ACCEPT;
    }

    private void forgetExpired() {
        long now = scheduler.nanoTime();
        known.values().removeIf(k -> k.untilNanos - now < 0);
    }

    /** The super peers heard of, and what they do. */
    public Map<PeerId, SuperPeerAdvert> known() {
        long now = scheduler.nanoTime();
        Map<PeerId, SuperPeerAdvert> current = new LinkedHashMap<>();
        List.copyOf(known.values()).stream()
                .filter(k -> k.untilNanos - now > 0)
                .forEach(k -> current.put(k.advert.peer(), k.advert));
        return current;
    }

    @Override
    public void close() {
        subscription.close();
        scheduler.execute(() -> {
            closed = true;
            if (timer != null) {
                timer.cancel();
            }
        });
    }
}
