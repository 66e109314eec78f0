package io.ppiofs.overlay.gossip;

import io.ppiofs.overlay.host.Scheduler;
import io.ppiofs.overlay.identity.PeerId;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Messages by hearsay: at each heartbeat some peers outside the mesh are told which messages there are (IHAVE), and ask for
 * what they lack (IWANT). This heals what the mesh has lost. Each side's allowance per heartbeat and peer is bounded. On
 * the host's scheduler.
 */
final class LazyGossip {
    private final Scheduler scheduler;
    private final GossipOptions options;
    private final Roster roster;
    private final Predicate<MessageId> seen;
    private final MessageCache cache;
    private final Promises promises = new Promises();
    private final GossipCounters counters;

    LazyGossip(
            Scheduler scheduler,
            GossipOptions options,
            Roster roster,
            Predicate<MessageId> seen,
            GossipCounters counters) {
        this.scheduler = scheduler;
        this.options = options;
        this.roster = roster;
        this.seen = seen;
        this.cache = new MessageCache(options.cacheLength(), options.cacheGossip(), options.cacheBytes());
        this.counters = counters;
    }

    MessageCache cache() {
        return cache;
    }

    Promises promises() {
        return promises;
    }

    // --- IHAVE

    /** Asks for what is new in {@code haves}, within the peer's allowance. */
    void told(PeerLink link, List<Rpc.Have> haves, Predicate<String> joined) {
        if (roster.score(link) < options.score().gossipThreshold()) {
            return;
        }
        if (++link.haves > options.maxHavePerHeartbeat()) {
            counters.excess.increment();
            return;
        }
        Map<MessageId, byte[]> wanted = new LinkedHashMap<>();
        Map<MessageId, String> topics = new LinkedHashMap<>();
        for (Rpc.Have have : haves) {
            for (byte[] wire : have.ids()) {
                link.keyFormIds |= MessageId.isKeyForm(wire);
                MessageId id = MessageId.of(wire);
                if (joined.test(have.topic()) && !seen.test(id)) {
                    wanted.put(id, wire);
                    topics.put(id, have.topic());
                }
            }
        }
        List<MessageId> asked = new ArrayList<>(wanted.keySet());
        Collections.shuffle(asked, roster.random());
        int allowed = Math.max(0, options.maxWantPerHeartbeat() - link.asked);
        if (asked.size() > allowed) {
            counters.excess.increment();
            asked = asked.subList(0, allowed);
        }
        ask(link, asked, wanted, topics);
    }

    private void ask(
            PeerLink link, List<MessageId> asked, Map<MessageId, byte[]> wires, Map<MessageId, String> topics) {
        if (asked.isEmpty()) {
            return;
        }
        link.asked += asked.size();
        counters.wantSent.add(asked.size());
        MessageId probe = asked.get(roster.random().nextInt(asked.size()));
        long due = scheduler.nanoTime() + options.wantFollowUp().toNanos();
        promises.add(probe, topics.getOrDefault(probe, ""), link.peer(), due);
        Rpc rpc = new Rpc();
        asked.forEach(id -> rpc.want.add(wires.getOrDefault(id, new byte[0])));
        link.send(rpc, Outbox.Kind.GOSSIP);
    }

    /** Tells some peers that do not get the topic's messages in full what there is. */
    void tell(String topic, Set<PeerLink> full) {
        List<MessageId> ids = cache.recent(topic);
        if (ids.isEmpty()) {
            return;
        }
        double least = options.score().gossipThreshold();
        List<PeerLink> peers =
                roster.pick(topic, Integer.MAX_VALUE, link -> !full.contains(link) && roster.score(link) >= least);
        int count = Math.max(options.degreeLazy(), (int) (options.gossipFactor() * peers.size()));
        for (PeerLink link : peers.subList(0, Math.min(count, peers.size()))) {
            Collections.shuffle(ids, roster.random()); // beyond the limit each peer hears of others
            List<byte[]> told = new ArrayList<>();
            for (MessageId id : ids.subList(0, Math.min(ids.size(), options.maxWantPerHeartbeat()))) {
                told.add(id.wire(link.keyFormIds));
            }
            counters.haveSent.add(told.size());
            Rpc rpc = new Rpc();
            rpc.have.add(new Rpc.Have(topic, told));
            link.send(rpc, Outbox.Kind.GOSSIP);
        }
    }

    // --- IWANT

    /** Sends what is asked for and still here, each message a few times at most. */
    void asked(PeerLink link, List<byte[]> wires) {
        if (roster.score(link) < options.score().gossipThreshold()) {
            return;
        }
        Set<MessageId> once = new HashSet<>();
        for (byte[] wire : wires) {
            MessageId id = MessageId.of(wire);
            Message message = cache.get(id);
            if (message == null || !once.add(id)) {
                continue;
            }
            if (!MessageId.isKeyForm(wire) && roster.scores().bringers(id).contains(link.peer())) {
                // It asks for what it has itself sent to us: it must know the message by another name
                link.keyFormIds = true;
            }
            if (cache.countSending(id, link.peer()) > options.retransmissions()) {
                counters.excess.increment();
                continue;
            }
            Rpc rpc = new Rpc();
            rpc.messages.add(message);
            counters.wantServed.increment();
            link.send(rpc, Outbox.Kind.GOSSIP);
        }
    }

    /** Scores down who has not sent what it was asked for, and lets the cache age. */
    void heartbeat(long now) {
        for (Map.Entry<PeerId, Integer> entry : promises.broken(now).entrySet()) {
            counters.brokenPromises.add(entry.getValue());
            roster.scores().misbehaved(entry.getKey(), entry.getValue());
        }
        cache.shift();
    }
}
