package io.ppiofs.overlay.gossip;

import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.host.AddressBook;
import io.ppiofs.overlay.host.Host;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.identity.PeerRecord;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * For each topic that we have joined the few peers that send every message in full both ways, and for each topic that we
 * only publish to the peers that get it ("fanout"). Kept at the wanted size by GRAFT and PRUNE, with back-off and referrals
 * (specification gossipsub 1.0 and 1.1). On the host's scheduler.
 */
final class Mesh {
    private static final int OPPORTUNISTIC_HEARTBEATS = 60;
    private static final int OPPORTUNISTIC_GRAFTS = 2;
    private static final int MAX_BACKOFFS = 10_000;
    private static final int MAX_REFERRED_DIALS = 8;
    private static final long MAX_BACKOFF_SECONDS = 3_600;

    /** A GRAFT this soon after the PRUNE is no misunderstanding. */
    private static final Duration FLOOD = Duration.ofSeconds(10);

    private static final String TAG = "gossip-mesh";
    private static final int TAG_VALUE = 20;

    private static final class Fanout {
        final Set<PeerLink> peers = new LinkedHashSet<>();
        long lastUsed;
    }

    private final Host host;
    private final GossipOptions options;
    private final Roster roster;
    private final SignedRecords records;
    private final GossipCounters counters;
    private final Map<String, Set<PeerLink>> meshes = new LinkedHashMap<>();
    private final Map<String, Fanout> fanouts = new LinkedHashMap<>();
    private final Map<String, Map<PeerId, Long>> backoffs = new LinkedHashMap<>();
    private final Map<PeerLink, Rpc> outgoing = new LinkedHashMap<>();
    private int referredDials;

    Mesh(Host host, GossipOptions options, Roster roster, SignedRecords records, GossipCounters counters) {
        this.host = host;
        this.options = options;
        this.roster = roster;
        this.records = records;
        this.counters = counters;
    }

    // --- our topics

    boolean isJoined(String topic) {
        return meshes.containsKey(topic);
    }

    Set<String> topics() {
        return Collections.unmodifiableSet(meshes.keySet());
    }

    /** Peers in the mesh of a topic that we have joined. */
    Set<PeerLink> peers(String topic) {
        return Collections.unmodifiableSet(meshes.getOrDefault(topic, Set.of()));
    }

    /** Peers of a topic that we publish to without having joined; chosen now if there are none. */
    Set<PeerLink> fanout(String topic, long now) {
        Fanout fanout = fanouts.computeIfAbsent(topic, key -> new Fanout());
        fanout.lastUsed = now;
        fill(topic, fanout);
        return Collections.unmodifiableSet(fanout.peers);
    }

    private void fill(String topic, Fanout fanout) {
        int missing = options.degree() - fanout.peers.size();
        if (missing > 0) {
            double least = options.score().publishThreshold();
            fanout.peers.addAll(
                    roster.pick(topic, missing, link -> !fanout.peers.contains(link) && roster.score(link) >= least));
        }
    }

    /** As {@link #fanout}, without choosing. */
    Set<PeerLink> fanoutPeers(String topic) {
        Fanout fanout = fanouts.get(topic);
        return fanout == null ? Set.of() : Collections.unmodifiableSet(fanout.peers);
    }

    /** Topics that we publish to without having joined. */
    Set<String> fanoutTopics() {
        return Collections.unmodifiableSet(fanouts.keySet());
    }

    void join(String topic) {
        if (meshes.putIfAbsent(topic, new LinkedHashSet<>()) != null) {
            return;
        }
        Fanout known = fanouts.remove(topic);
        if (known != null) {
            known.peers.stream()
                    .filter(link -> mayGraft(topic, link))
                    .limit(options.degree())
                    .toList()
                    .forEach(link -> graft(topic, link));
        }
        graftMissing(topic);
        flush();
    }

    void leave(String topic) {
        Set<PeerLink> mesh = meshes.remove(topic);
        if (mesh == null) {
            return;
        }
        for (PeerLink link : mesh) {
            roster.scores().pruned(link.peer(), topic);
            backOff(topic, link.peer(), options.leaveBackoff());
            long seconds = options.leaveBackoff().toSeconds();
            control(link)
                    .prune
                    .add(new Rpc.Prune(topic, List.of(), link.protocol().hasBackoff() ? seconds : 0));
            untag(link);
        }
        flush();
    }

    // --- what peers say

    /** The peer has given up a topic. */
    void unsubscribed(PeerLink link, String topic) {
        drop(topic, link);
        Fanout fanout = fanouts.get(topic);
        if (fanout != null) {
            fanout.peers.remove(link);
        }
    }

    /** The peer has gone. */
    void remove(PeerLink link) {
        meshes.keySet().forEach(topic -> drop(topic, link));
        fanouts.values().forEach(fanout -> fanout.peers.remove(link));
        outgoing.remove(link);
    }

    private boolean drop(String topic, PeerLink link) {
        Set<PeerLink> mesh = meshes.get(topic);
        if (mesh == null || !mesh.remove(link)) {
            return false;
        }
        roster.scores().pruned(link.peer(), topic);
        counters.prunes.increment();
        untag(link);
        return true;
    }

    /** GRAFTs for topics that we have not joined get no answer: answers would be a way to make us work. */
    void grafted(PeerLink link, List<String> topics) {
        for (String topic : topics) {
            Set<PeerLink> mesh = meshes.get(topic);
            if (mesh != null && !mesh.contains(link)) {
                consider(topic, mesh, link);
            }
        }
        flush();
    }

    private void consider(String topic, Set<PeerLink> mesh, PeerLink link) {
        long now = host.scheduler().nanoTime();
        Long until = backoffs.getOrDefault(topic, Map.of()).get(link.peer());
        if (roster.isDirect(link)) {
            refuse(topic, link, false);
        } else if (until != null && now - until < 0) {
            boolean flood = until - now > options.pruneBackoff().minus(FLOOD).toNanos();
            roster.scores().misbehaved(link.peer(), flood ? 2 : 1);
            refuse(topic, link, false);
        } else if (roster.score(link) < 0) {
            refuse(topic, link, false);
        } else if (mesh.size() >= options.degreeHigh() && !link.dialled()) {
            refuse(topic, link, true);
        } else {
            add(topic, link);
            roster.subscribed(link, topic); // who grafts has the topic, though its word of it may still be on the way
        }
    }

    private void refuse(String topic, PeerLink link, boolean refer) {
        backOff(topic, link.peer(), options.pruneBackoff());
        control(link).prune.add(prune(topic, link, refer));
    }

    void pruned(PeerLink link, List<Rpc.Prune> prunes) {
        for (Rpc.Prune prune : prunes) {
            if (!meshes.containsKey(prune.topic())) {
                continue;
            }
            drop(prune.topic(), link);
            long seconds = prune.backoffSeconds();
            boolean said = seconds > 0 && link.protocol().hasBackoff();
            backOff(
                    prune.topic(),
                    link.peer(),
                    said ? Duration.ofSeconds(Math.min(seconds, MAX_BACKOFF_SECONDS)) : options.pruneBackoff());
            if (roster.score(link) >= options.score().acceptReferralsThreshold()) {
                prune.peers().forEach(this::follow);
            }
        }
    }

    /** Connects to a peer that another one told of, if it is new and its signed record or the address book says where it is. */
    private void follow(Rpc.Referral referral) {
        try {
            PeerId peer = PeerId.fromBytes(referral.peer());
            if (peer.equals(host.id()) || host.isConnected(peer) || referredDials >= MAX_REFERRED_DIALS) {
                return;
            }
            if (referral.signedRecord().length > 0) {
                PeerRecord record = PeerRecord.open(referral.signedRecord());
                if (!record.peer().equals(peer)) {
                    counters.excess.increment();
                    return;
                }
                host.addressBook().addAddresses(peer, record.addresses(), AddressBook.TOLD);
            }
            if (!host.addressBook().addresses(peer).isEmpty()) {
                referredDials++;
                host.connect(peer)
                        .whenComplete((connection, failure) -> host.scheduler().execute(() -> referredDials--));
            }
        } catch (PpiofsException malformed) {
            counters.excess.increment();
        }
    }

    // --- changing a mesh

    private boolean mayGraft(String topic, PeerLink link) {
        return !backoffs.getOrDefault(topic, Map.of()).containsKey(link.peer())
                && !roster.isDirect(link)
                && roster.score(link) >= 0;
    }

    /**
     * Half of what is missing: others graft us, too. If all that start together took as many as they want, all would end
     * with twice as many, and each message would come twice as often.
     */
    private void graftMissing(String topic) {
        Set<PeerLink> mesh = peers(topic);
        int missing = options.degree() - mesh.size();
        roster.pick(topic, (missing + 1) / 2, link -> !mesh.contains(link) && mayGraft(topic, link))
                .forEach(link -> graft(topic, link));
    }

    private void graft(String topic, PeerLink link) {
        add(topic, link);
        control(link).graft.add(topic);
    }

    private void add(String topic, PeerLink link) {
        Set<PeerLink> mesh = meshes.get(topic);
        if (mesh != null && mesh.add(link)) {
            roster.scores().grafted(link.peer(), topic, host.scheduler().nanoTime());
            counters.grafts.increment();
            host.tag(link.peer(), TAG, TAG_VALUE);
        }
    }

    private void throwOut(String topic, PeerLink link, boolean refer) {
        if (drop(topic, link)) {
            refuse(topic, link, refer);
        }
    }

    private void untag(PeerLink link) {
        if (meshes.values().stream().noneMatch(mesh -> mesh.contains(link))) {
            host.tag(link.peer(), TAG, 0);
        }
    }

    private Rpc.Prune prune(String topic, PeerLink to, boolean refer) {
        if (!to.protocol().hasBackoff()) {
            return new Rpc.Prune(topic, List.of(), 0);
        }
        List<Rpc.Referral> referrals = new ArrayList<>();
        if (refer) {
            for (PeerLink other :
                    roster.pick(topic, RpcCodec.MAX_REFERRALS, link -> link != to && roster.score(link) >= 0)) {
                byte[] record = records.record(other.peer());
                referrals.add(new Rpc.Referral(other.peer().toBytes(), record == null ? new byte[0] : record));
            }
        }
        return new Rpc.Prune(topic, referrals, options.pruneBackoff().toSeconds());
    }

    private void backOff(String topic, PeerId peer, Duration time) {
        long until = host.scheduler().nanoTime() + time.toNanos();
        Map<PeerId, Long> of = backoffs.computeIfAbsent(topic, key -> new LinkedHashMap<>());
        of.merge(peer, until, (a, b) -> a - b > 0 ? a : b);
        if (of.size() > MAX_BACKOFFS) {
            of.remove(of.keySet().iterator().next());
        }
    }

    private Rpc control(PeerLink link) {
        return outgoing.computeIfAbsent(link, key -> new Rpc());
    }

    private void flush() {
        outgoing.forEach((link, rpc) -> link.send(rpc, Outbox.Kind.CONTROL));
        outgoing.clear();
    }

    // --- heartbeat

    void heartbeat(long heartbeat, long now) {
        long slack = 2 * options.heartbeat().toNanos(); // the other side's clock of backing off began a little later
        backoffs.values().removeIf(of -> {
            of.values().removeIf(until -> now - until > slack);
            return of.isEmpty();
        });
        for (String topic : meshes.keySet()) {
            maintain(topic, heartbeat);
        }
        fanouts.entrySet()
                .removeIf(entry -> now - entry.getValue().lastUsed
                        > options.fanoutLifetime().toNanos());
        double least = options.score().publishThreshold();
        fanouts.forEach((topic, fanout) -> {
            fanout.peers.removeIf(link -> roster.score(link) < least);
            fill(topic, fanout);
        });
        flush();
    }

    private void maintain(String topic, long heartbeat) {
        for (PeerLink link : List.copyOf(peers(topic))) {
            if (roster.score(link) < 0) {
                throwOut(topic, link, false);
            }
        }
        int size = peers(topic).size();
        if (size < options.degreeLow()) {
            graftMissing(topic);
        } else if (size > options.degreeHigh()) {
            shrink(topic);
        }
        size = peers(topic).size();
        if (size >= options.degreeLow()) {
            long dialled = peers(topic).stream().filter(PeerLink::dialled).count();
            if (dialled < options.degreeOut()) {
                Set<PeerLink> mesh = peers(topic);
                roster.pick(
                                topic,
                                options.degreeOut() - (int) dialled,
                                link -> link.dialled() && !mesh.contains(link) && mayGraft(topic, link))
                        .forEach(link -> graft(topic, link));
            }
        }
        if (heartbeat % OPPORTUNISTIC_HEARTBEATS == 0 && size > 1) {
            graftBetter(topic);
        }
    }

    /** Keeps the best, fills up at random, and sees to it that enough peers stay that we dialled ourselves. */
    private void shrink(String topic) {
        List<PeerLink> order = new ArrayList<>(peers(topic));
        Collections.shuffle(order, roster.random());
        Map<PeerLink, Double> scores = new LinkedHashMap<>();
        order.forEach(link -> scores.put(link, roster.score(link)));
        order.sort(Comparator.comparingDouble((PeerLink link) -> -scores.getOrDefault(link, 0.0)));
        Collections.shuffle(order.subList(options.degreeScore(), order.size()), roster.random());
        int kept = options.degree();
        int missing = options.degreeOut()
                - (int) order.subList(0, kept).stream()
                        .filter(PeerLink::dialled)
                        .count();
        for (int from = kept; from < order.size() && missing > 0; from++) {
            if (order.get(from).dialled()) {
                int to = lastNotDialled(order, kept);
                if (to < 0) {
                    break;
                }
                Collections.swap(order, from, to);
                missing--;
            }
        }
        order.subList(kept, order.size()).forEach(link -> throwOut(topic, link, true));
    }

    private static int lastNotDialled(List<PeerLink> order, int end) {
        for (int i = end - 1; i >= 0; i--) {
            if (!order.get(i).dialled()) {
                return i;
            }
        }
        return -1;
    }

    private void graftBetter(String topic) {
        Set<PeerLink> mesh = peers(topic);
        double[] scores = mesh.stream().mapToDouble(roster::score).sorted().toArray();
        double median = scores[scores.length / 2];
        if (median < options.score().opportunisticGraftThreshold()) {
            roster.pick(
                            topic,
                            OPPORTUNISTIC_GRAFTS,
                            link -> !mesh.contains(link) && mayGraft(topic, link) && roster.score(link) > median)
                    .forEach(link -> graft(topic, link));
        }
    }
}
