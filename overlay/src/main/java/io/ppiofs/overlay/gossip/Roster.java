package io.ppiofs.overlay.gossip;

import io.ppiofs.overlay.identity.PeerId;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** The connected peers, by name and by topic, and what this host thinks of them. On the host's scheduler. */
final class Roster {
    private final GossipOptions options;
    private final Random random;
    private final PeerScores scores;
    private final Map<PeerId, PeerLink> links = new LinkedHashMap<>();
    private final Map<String, Set<PeerLink>> byTopic = new LinkedHashMap<>();

    Roster(GossipOptions options, Random random, PeerScores scores) {
        this.options = options;
        this.random = random;
        this.scores = scores;
    }

    PeerScores scores() {
        return scores;
    }

    Random random() {
        return random;
    }

    double score(PeerLink link) {
        return scores.score(link.peer());
    }

    boolean isDirect(PeerLink link) {
        return options.directPeers().contains(link.peer());
    }

    @Nullable
    PeerLink get(PeerId peer) {
        return links.get(peer);
    }

    Collection<PeerLink> all() {
        return Collections.unmodifiableCollection(links.values());
    }

    void add(PeerLink link) {
        links.put(link.peer(), link);
    }

    void remove(PeerLink link) {
        links.remove(link.peer());
        for (String topic : link.topics) {
            leave(topic, link);
        }
    }

    /** False if the peer has as many topics as are kept. */
    boolean subscribed(PeerLink link, String topic) {
        if (!link.topics.contains(topic)) {
            if (link.topics.size() >= options.maxTopicsPerPeer()) {
                return false;
            }
            link.topics.add(topic);
            byTopic.computeIfAbsent(topic, key -> new LinkedHashSet<>()).add(link);
        }
        return true;
    }

    void unsubscribed(PeerLink link, String topic) {
        if (link.topics.remove(topic)) {
            leave(topic, link);
        }
    }

    private void leave(String topic, PeerLink link) {
        byTopic.computeIfPresent(topic, (key, of) -> {
            of.remove(link);
            return of.isEmpty() ? null : of;
        });
    }

    /** Peers with this topic. */
    Set<PeerLink> subscribers(String topic) {
        return Collections.unmodifiableSet(byTopic.getOrDefault(topic, Set.of()));
    }

    /** At most {@code count} random peers with this topic that have a mesh, are not direct, and fit. */
    List<PeerLink> pick(String topic, int count, Predicate<PeerLink> fits) {
        List<PeerLink> found = new ArrayList<>();
        for (PeerLink link : subscribers(topic)) {
            if (link.protocol().hasMesh() && !isDirect(link) && fits.test(link)) {
                found.add(link);
            }
        }
        Collections.shuffle(found, random);
        return found.size() > count ? new ArrayList<>(found.subList(0, Math.max(0, count))) : found;
    }

    /** Scores of all connected peers, ascending. */
    double[] sortedScores() {
        return links.values().stream().mapToDouble(this::score).sorted().toArray();
    }
}
