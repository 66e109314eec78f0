package io.ppiofs.overlay.storage;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.dht.Dht;
import io.ppiofs.overlay.gossip.Gossip;
import io.ppiofs.overlay.gossip.GossipMessage;
import io.ppiofs.overlay.gossip.Validator;
import io.ppiofs.overlay.host.AddressBook;
import io.ppiofs.overlay.host.Host;
import io.ppiofs.overlay.host.HostListener;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.host.Scheduler;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.network.Network;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Who lends space: the newest advert of each operator, from gossip, from connected peers that speak the storage protocol, and
 * from the DHT, where operators stand as providers of one key of the network. Keeps for each how well it has served lately.
 * An operator uses it to make itself known, too. Safe for any thread.
 */
public final class StorageDirectory implements HostListener, AutoCloseable {
    /** Operators that are kept; beyond that, new ones are not taken. */
    public static final int MAX_KNOWN = 2_048;

    private static final Logger LOG = LoggerFactory.getLogger(StorageDirectory.class);
    private static final Duration PERIOD = Duration.ofMinutes(5);
    private static final Duration UNTIL_SOMEBODY_HEARS = Duration.ofSeconds(2);
    private static final int ASKED_AT_ONCE = 32;

    /** How much one observation moves a score. */
    private static final double STEP = 0.2;

    /** What is left of the score of an operator that was caught: six things well done make up for it. */
    private static final double CAUGHT = 0.25;

    /**
     * An operator that is known.
     *
     * @param score from 0 (fails always) to 1 (has not failed lately); what is new begins at 0.8
     */
    public record Operator(StorageAdvert advert, double score) {
        public PeerId peer() {
            return advert.operator();
        }
    }

    private record Known(StorageAdvert.Signed signed, long untilNanos) {}

    private final Host host;
    private final Network network;
    private final StorageClient client;
    private final @Nullable Gossip gossip;
    private final @Nullable Dht dht;
    private final Scheduler scheduler;
    private final String topic;
    private final Gossip.@Nullable Subscription subscription;
    private final Map<PeerId, Known> known = new ConcurrentHashMap<>();
    private final Map<PeerId, Double> scores = new ConcurrentHashMap<>();
    private Scheduler.@Nullable Timer timer;
    private @Nullable Supplier<StorageAdvert.Signed> own;
    private volatile boolean closed;

    /** @param gossip and {@code dht}: null where there is none */
    public StorageDirectory(Host host, StorageClient client, @Nullable Gossip gossip, @Nullable Dht dht) {
        this.host = host;
        this.network = client.network();
        this.client = client;
        this.gossip = gossip;
        this.dht = dht;
        this.scheduler = host.scheduler();
        this.topic = network.topic("storage");
        if (gossip == null) {
            this.subscription = null;
        } else {
            gossip.validate(topic, message -> CompletableFuture.completedFuture(judge(message)));
            this.subscription = gossip.subscribe(topic, message -> {}); // the validator has taken it already
        }
        host.addListener(this);
    }

    /** The key under which all operators of a network stand as providers in its DHT. */
    public static Cid providerKey(Network network) {
        return Cid.of(ByteBuffer.wrap(("ppiofs storage " + network.id()).getBytes(StandardCharsets.UTF_8)));
    }

    // ------------------------------------------------------------------------------------------ what is known

    /** All operators with an advert that has not expired, best score first. */
    public List<Operator> operators() {
        long now = scheduler.nanoTime();
        List<Operator> current = new ArrayList<>();
        known.values().forEach(k -> {
            if (k.untilNanos - now > 0) {
                StorageAdvert advert = k.signed.advert();
                current.add(new Operator(advert, score(advert.operator())));
            }
        });
        current.sort(Comparator.comparingDouble(Operator::score).reversed().thenComparing(Operator::peer));
        return current;
    }

    public Optional<StorageAdvert> advert(PeerId operator) {
        Known k = known.get(operator);
        return k == null || k.untilNanos - scheduler.nanoTime() <= 0
                ? Optional.empty()
                : Optional.of(k.signed.advert());
    }

    /** Whether a peer has said that it is leaving, see {@link StorageAdvert#leaving}. */
    public boolean isLeaving(PeerId operator) {
        return advert(operator).filter(StorageAdvert::leaving).isPresent();
    }

    /** See {@link Operator#score}. */
    public double score(PeerId operator) {
        return scores.getOrDefault(operator, 0.8);
    }

    /** The operator did what was asked. */
    public void served(PeerId operator) {
        scores.merge(operator, 0.8 + 0.2 * STEP, (old, first) -> old + (1 - old) * STEP);
    }

    /** The operator failed: no answer, or wrong bytes. */
    public void failed(PeerId operator) {
        lower(operator, 1 - STEP);
    }

    /** The operator was caught without what it says it has. */
    public void caught(PeerId operator) {
        lower(operator, CAUGHT);
    }

    private void lower(PeerId operator, double factor) {
        if (scores.size() < MAX_KNOWN || scores.containsKey(operator)) {
            scores.merge(operator, 0.8 * factor, (old, first) -> old * factor);
        }
    }

    // -------------------------------------------------------------------------------------------- finding out

    /** Takes an advert, from wherever; false if a newer one is known or there is no room. */
    public boolean take(StorageAdvert.Signed signed) {
        StorageAdvert advert = signed.advert();
        long now = scheduler.nanoTime();
        known.values().removeIf(k -> k.untilNanos - now < 0);
        boolean[] taken = new boolean[1];
        known.compute(advert.operator(), (peer, before) -> {
            boolean newer = before == null
                    ? known.size() < MAX_KNOWN
                    : before.signed.advert().sequence() < advert.sequence();
            if (!newer) {
                return before;
            }
            taken[0] = true;
            return new Known(signed, now + advert.lifetime().toNanos());
        });
        if (taken[0] && !advert.operator().equals(host.id())) {
            host.addressBook().addAddresses(advert.operator(), advert.addresses(), AddressBook.TOLD);
        }
        return taken[0];
    }

    private Validator.Verdict judge(GossipMessage message) {
        try {
            return take(StorageAdvert.open(message.data(), network.id()))
                    ? Validator.Verdict.ACCEPT
                    : Validator.Verdict.IGNORE;
        } catch (PpiofsException noAdvert) {
            return Validator.Verdict.REJECT;
        }
    }

    @Override
    public void onIdentified(PeerId peer, Set<ProtocolId> protocols) {
        if (protocols.contains(client.protocol()) && !closed) {
            var unused = ask(peer);
        }
    }

    /**
     * Asks connected operators and those that the DHT names for their adverts.
     *
     * @return how many operators are known then; never fails
     */
    public CompletableFuture<Integer> refresh() {
        Set<PeerId> connected = new LinkedHashSet<>();
        for (PeerId peer : host.connectedPeers()) {
            if (host.addressBook().protocols(peer).contains(client.protocol())) {
                connected.add(peer);
            }
        }
        return providers()
                .thenCompose(found -> {
                    connected.addAll(found);
                    connected.remove(host.id());
                    return askAll(connected);
                })
                .thenApply(done -> operators().size());
    }

    private CompletableFuture<List<PeerId>> providers() {
        if (dht == null) {
            return CompletableFuture.completedFuture(List.of());
        }
        return dht.findProviders(providerKey(network), ASKED_AT_ONCE)
                .thenApply(found -> {
                    List<PeerId> peers = new ArrayList<>();
                    found.forEach(info -> {
                        host.addressBook().addAddresses(info.id(), info.addresses(), AddressBook.TOLD);
                        peers.add(info.id());
                    });
                    return peers;
                })
                .exceptionally(failure -> {
                    LOG.debug("operators in the DHT: {}", failure.toString());
                    return List.of();
                });
    }

    private CompletableFuture<Void> askAll(Set<PeerId> peers) {
        CompletableFuture<?>[] asked =
                peers.stream().limit(ASKED_AT_ONCE).map(this::ask).toArray(CompletableFuture<?>[]::new);
        return CompletableFuture.allOf(asked);
    }

    /** Asks one peer; never fails. */
    private CompletableFuture<Boolean> ask(PeerId peer) {
        return client.advert(peer).thenApply(this::take).exceptionally(failure -> {
            LOG.debug("the advert of {}: {}", peer, failure.toString());
            return false;
        });
    }

    // --------------------------------------------------------------------------------------- being an operator

    /**
     * Makes this node known as an operator: gossips its advert now and every five minutes (until somebody hears it, every two
     * seconds), and stands in the DHT.
     *
     * @param advert makes the advert of the moment, signed by this host's key; called on the scheduler
     */
    public void advertise(Supplier<StorageAdvert.Signed> advert) {
        scheduler.execute(() -> {
            own = advert;
            publish(advert);
        });
        if (dht != null) {
            dht.provide(providerKey(network)).whenComplete((told, failure) -> {
                if (failure != null) {
                    LOG.debug("standing in the DHT as an operator: {}", failure.toString());
                }
            });
        }
    }

    /** What this node's advert says has changed: others hear it now. Nothing before {@link #advertise}. */
    public void announce() {
        scheduler.execute(() -> {
            Supplier<StorageAdvert.Signed> advert = own;
            if (advert != null) {
                if (timer != null) {
                    timer.cancel();
                }
                publish(advert);
            }
        });
    }

    private void publish(Supplier<StorageAdvert.Signed> advert) {
        if (closed || gossip == null) {
            return;
        }
        StorageAdvert.Signed now = advert.get();
        if (!now.advert().operator().equals(host.id())) {
            throw new PpiofsException(ErrorKind.INTERNAL, "advertise", topic, "the advert is of another peer");
        }
        gossip.publish(topic, now.envelope())
                .whenComplete((heard, failure) -> scheduler.execute(
                        () -> again(advert, failure == null && heard > 0 ? PERIOD : UNTIL_SOMEBODY_HEARS)));
    }

    private void again(Supplier<StorageAdvert.Signed> advert, Duration delay) {
        if (!closed) {
            if (timer != null) {
                timer.cancel(); // of a publication that another has overtaken
            }
            timer = scheduler.schedule(delay, () -> publish(advert));
        }
    }

    @Override
    public void close() {
        closed = true;
        host.removeListener(this);
        if (subscription != null) {
            subscription.close();
        }
        scheduler.execute(() -> {
            if (timer != null) {
                timer.cancel();
            }
        });
    }
}
