package io.ppiofs.overlay.gossip;

import io.ppiofs.overlay.identity.PeerId;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What this host thinks of its peers (specification gossipsub 1.1, "The Score Function"): counters per peer and topic that
 * grow with events and decay with time. A score costs a walk over the peer's topics and is computed when asked for. All
 * methods on the host's scheduler.
 */
final class PeerScores {
    /** Deliveries that are remembered to judge later copies; under a flood the oldest are forgotten early. */
    private static final int MAX_DELIVERIES = 1 << 16;

    /** Peers that are away and not forgotten: who comes under ever new names must not take memory for ever. */
    private static final int MAX_AWAY = 10_000;

    private static final class TopicCounters {
        boolean inMesh;
        long graftedAt;
        long meshNanos;
        boolean deliveriesExpected;
        double firstDeliveries;
        double meshDeliveries;
        double meshFailures;
        double invalid;
    }

    private static final class PeerCounters {
        final Map<String, TopicCounters> topics = new HashMap<>(2);
        boolean connected = true;
        long forgetAt;
        double behaviour;

        @Nullable
        String address;
    }

    private enum Outcome {
        PENDING,
        VALID,
        INVALID,
        IGNORED
    }

    /** Who brought a message, as long as copies of it may still count. */
    private static final class Delivery {
        final String topic;
        final long firstSeen;
        final Set<PeerId> bringers = new HashSet<>(4);
        Outcome outcome = Outcome.PENDING;
        long decidedAt;

        Delivery(String topic, long firstSeen) {
            this.topic = topic;
            this.firstSeen = firstSeen;
        }
    }

    private final ScoreOptions options;
    private final long deliveryLifetime;
    private final Map<PeerId, PeerCounters> peers = new HashMap<>();
    private final Set<PeerId> away = new LinkedHashSet<>(); // longest first
    private final Map<String, Integer> peersOfAddress = new HashMap<>();
    private final Map<MessageId, Delivery> deliveries = new LinkedHashMap<>();

    PeerScores(ScoreOptions options, long deliveryLifetimeNanos) {
        this.options = options;
        this.deliveryLifetime = deliveryLifetimeNanos;
    }

    // --- peers

    /** @param address what colocation is counted by; null: exempt */
    void connected(PeerId peer, @Nullable String address) {
        PeerCounters counters = peers.computeIfAbsent(peer, key -> new PeerCounters());
        counters.connected = true;
        away.remove(peer);
        releaseAddress(counters);
        counters.address = address;
        if (address != null) {
            peersOfAddress.merge(address, 1, Integer::sum);
        }
    }

    /** A good score is forgotten with the connection, a bad one is kept. */
    void disconnected(PeerId peer, long now) {
        PeerCounters counters = peers.get(peer);
        if (counters == null) {
            return;
        }
        boolean good = score(peer) > 0;
        releaseAddress(counters);
        if (good) {
            peers.remove(peer);
            return;
        }
        for (Map.Entry<String, TopicCounters> entry : counters.topics.entrySet()) {
            leaveMesh(entry.getValue(), options.topic(entry.getKey()));
            entry.getValue().firstDeliveries = 0;
        }
        counters.connected = false;
        counters.forgetAt = now + options.retain().toNanos();
        away.add(peer);
        if (away.size() > MAX_AWAY) {
            forgetOldest();
        }
    }

    private void releaseAddress(PeerCounters counters) {
        if (counters.address != null) {
            peersOfAddress.computeIfPresent(counters.address, (key, count) -> count == 1 ? null : count - 1);
            counters.address = null;
        }
    }

    void grafted(PeerId peer, String topic, long now) {
        TopicCounters counters = counters(peer, topic);
        if (counters != null) {
            counters.inMesh = true;
            counters.graftedAt = now;
            counters.meshNanos = 0;
            counters.deliveriesExpected = false;
        }
    }

    void pruned(PeerId peer, String topic) {
        TopicCounters counters = counters(peer, topic);
        if (counters != null) {
            leaveMesh(counters, options.topic(topic));
        }
    }

    private static void leaveMesh(TopicCounters counters, TopicScoreOptions topic) {
        double deficit = topic.meshDeliveriesThreshold() - counters.meshDeliveries;
        if (counters.inMesh && counters.deliveriesExpected && deficit > 0) {
            counters.meshFailures += deficit * deficit;
        }
        counters.inMesh = false;
        counters.deliveriesExpected = false;
    }

    /** The peer has broken a rule of the protocol. */
    void misbehaved(PeerId peer, double count) {
        PeerCounters counters = peers.get(peer);
        if (counters != null) {
            counters.behaviour += count;
        }
    }

    // --- messages

    /** The first copy of a message has passed the checks of form and signature; its fate is not decided yet. */
    void received(MessageId id, String topic, PeerId from, long now) {
        Delivery delivery = new Delivery(topic, now);
        delivery.bringers.add(from);
        deliveries.put(id, delivery);
        if (deliveries.size() > MAX_DELIVERIES) {
            deliveries.remove(deliveries.keySet().iterator().next());
        }
    }

    /** Another copy. */
    void duplicate(MessageId id, PeerId from, long now) {
        Delivery delivery = deliveries.get(id);
        if (delivery == null || !delivery.bringers.add(from)) {
            return;
        }
        if (delivery.outcome == Outcome.VALID) {
            long window = options.topic(delivery.topic).meshDeliveriesWindow().toNanos();
            if (now - delivery.decidedAt <= window) {
                countMeshDelivery(from, delivery.topic);
            }
        } else if (delivery.outcome == Outcome.INVALID) {
            invalid(from, delivery.topic);
        }
    }

    /** Who has brought the message so far: there is no point in sending it there. */
    Set<PeerId> bringers(MessageId id) {
        Delivery delivery = deliveries.get(id);
        return delivery == null ? Set.of() : delivery.bringers;
    }

    void accepted(MessageId id, PeerId from, long now) {
        Delivery delivery = deliveries.get(id);
        if (delivery == null) {
            return;
        }
        delivery.outcome = Outcome.VALID;
        delivery.decidedAt = now;
        TopicCounters first = counters(from, delivery.topic);
        if (first != null) {
            double cap = options.topic(delivery.topic).firstDeliveriesCap();
            first.firstDeliveries = Math.min(cap, first.firstDeliveries + 1);
        }
        delivery.bringers.forEach(peer -> countMeshDelivery(peer, delivery.topic));
    }

    void rejected(MessageId id) {
        Delivery delivery = deliveries.get(id);
        if (delivery != null) {
            delivery.outcome = Outcome.INVALID;
            delivery.bringers.forEach(peer -> invalid(peer, delivery.topic));
        }
    }

    void ignored(MessageId id) {
        Delivery delivery = deliveries.get(id);
        if (delivery != null) {
            delivery.outcome = Outcome.IGNORED;
        }
    }

    /** The peer has sent what is no valid message of the topic. */
    void invalid(PeerId peer, String topic) {
        TopicCounters counters = counters(peer, topic);
        if (counters != null) {
            counters.invalid++;
        }
    }

    private void countMeshDelivery(PeerId peer, String topic) {
        TopicCounters counters = counters(peer, topic);
        if (counters != null && counters.inMesh) {
            double cap = options.topic(topic).meshDeliveriesCap();
            counters.meshDeliveries = Math.min(cap, counters.meshDeliveries + 1);
        }
    }

    /** Null for a peer that is not known; only topics that this host has joined come here, so the map is bounded. */
    private @Nullable TopicCounters counters(PeerId peer, String topic) {
        PeerCounters counters = peers.get(peer);
        return counters == null ? null : counters.topics.computeIfAbsent(topic, key -> new TopicCounters());
    }

    // --- time

    /** One decay interval has passed. */
    void decay(long now) {
        while (!away.isEmpty() && isForgotten(away.iterator().next(), now)) {
            forgetOldest();
        }
        for (PeerCounters counters : peers.values()) {
            if (counters.connected) { // a bad score does not decay while the peer is away
                counters.topics.forEach((topic, of) -> decay(of, options.topic(topic), now));
                counters.behaviour = decayed(counters.behaviour, options.behaviourDecay());
            }
        }
        Iterator<Delivery> oldest = deliveries.values().iterator();
        while (oldest.hasNext() && now - oldest.next().firstSeen > deliveryLifetime) {
            oldest.remove();
        }
    }

    private boolean isForgotten(PeerId peer, long now) {
        PeerCounters counters = peers.get(peer);
        return counters == null || now - counters.forgetAt >= 0;
    }

    private void forgetOldest() {
        PeerId oldest = away.iterator().next();
        away.remove(oldest);
        peers.remove(oldest);
    }

    private void decay(TopicCounters counters, TopicScoreOptions topic, long now) {
        counters.firstDeliveries = decayed(counters.firstDeliveries, topic.firstDeliveriesDecay());
        counters.meshDeliveries = decayed(counters.meshDeliveries, topic.meshDeliveriesDecay());
        counters.meshFailures = decayed(counters.meshFailures, topic.meshFailureDecay());
        counters.invalid = decayed(counters.invalid, topic.invalidDecay());
        if (counters.inMesh) {
            counters.meshNanos = now - counters.graftedAt;
            counters.deliveriesExpected =
                    counters.meshNanos > topic.meshDeliveriesActivation().toNanos();
        }
    }

    private double decayed(double value, double factor) {
        double next = value * factor;
        return next < options.decayToZero() ? 0 : next;
    }

    // --- the score

    /** 0 for a peer that nothing is known of. */
    double score(PeerId peer) {
        PeerCounters counters = peers.get(peer);
        if (counters == null) {
            return 0;
        }
        double topics = 0;
        for (Map.Entry<String, TopicCounters> entry : counters.topics.entrySet()) {
            topics += score(entry.getValue(), options.topic(entry.getKey()));
        }
        if (options.topicCap() > 0) {
            topics = Math.min(topics, options.topicCap());
        }
        double p5 = options.application().applyAsDouble(peer) * options.applicationWeight();
        double p7 = options.behaviourWeight() * square(counters.behaviour - options.behaviourThreshold());
        return topics + p5 + colocation(counters.address) + p7;
    }

    private double colocation(@Nullable String address) {
        if (address == null) {
            return 0;
        }
        int surplus = peersOfAddress.getOrDefault(address, 0) - options.colocationThreshold();
        return options.colocationWeight() * square(surplus);
    }

    private static double score(TopicCounters counters, TopicScoreOptions topic) {
        double sum = topic.firstDeliveriesWeight() * counters.firstDeliveries;
        if (counters.inMesh) {
            double quanta =
                    (double) counters.meshNanos / topic.timeInMeshQuantum().toNanos();
            sum += topic.timeInMeshWeight() * Math.min(quanta, topic.timeInMeshCap());
        }
        if (counters.deliveriesExpected) {
            sum += topic.meshDeliveriesWeight() * square(topic.meshDeliveriesThreshold() - counters.meshDeliveries);
        }
        sum += topic.meshFailureWeight() * counters.meshFailures;
        sum += topic.invalidWeight() * counters.invalid * counters.invalid;
        return sum * topic.topicWeight();
    }

    /** The square of what is above zero. */
    private static double square(double surplus) {
        return surplus > 0 ? surplus * surplus : 0;
    }
}
