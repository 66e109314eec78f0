package io.ppiofs.overlay.placement;

import com.google.common.hash.HashFunction;
import com.google.common.hash.Hashing;
import io.ppiofs.overlay.autonat.Reachability;
import io.ppiofs.overlay.identity.PeerId;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * Proposes holders: capacity-weighted rendezvous hashing (Thaler and Ravishankar 1998; weights as −w / ln h) with a secret
 * salt, so that nobody grinds an id into a group, bounded load (Mirrokni, Thorup and Zadimoghaddam 2018), one slot per
 * failure domain and network prefix. Rules give way one after the other where keeping all of them leaves slots empty: first
 * the bound on load, then prefixes, then domains, then scores, and in the end a peer gets several slots.
 *
 * <p>It only proposes: what holds is what the slot table records. Immutable, safe for any thread. Cost: about 0.2 µs per
 * candidate and group, plus sorting them.
 */
public final class Rendezvous {
    /** Most load of a peer, relative to the fair share by capacity. */
    public static final double BOUND = 1.25;

    /** Bytes of a salt. */
    public static final int SALT = 16;

    /** Peers below this score are taken only when others do not suffice. */
    private static final double GOOD = 0.5;

    /** Slots that shall lie on peers that can be dialled, if there are such. */
    private static final int DIALLABLE = 2;

    private final HashFunction hash;

    /** @param salt 16 secret bytes of the volume */
    public Rendezvous(byte[] salt) {
        if (salt.length != SALT) {
            throw new IllegalArgumentException("a salt of " + salt.length + " bytes, not " + SALT);
        }
        ByteBuffer key = ByteBuffer.wrap(salt);
        this.hash = Hashing.sipHash24(key.getLong(), key.getLong());
    }

    /** How high a peer stands for a group: the higher, the sooner it is taken. */
    double rank(GroupId group, Candidate candidate) {
        long bits = hash.newHasher()
                .putBytes(group.bytes())
                .putBytes(candidate.peer().toBytes())
                .hash()
                .asLong();
        double uniform = ((bits >>> 11) + 0.5) * 0x1p-53; // in (0, 1)
        return -Math.max(1, candidate.capacity()) / Math.log(uniform);
    }

    /**
     * Holders for a new group.
     *
     * @param bytes expected of one slot: peers without that much room are left out
     * @param candidates operators that will have it, each once
     * @param placed bytes that were given to a peer and are not in its advert yet
     * @return as many holders as slots, or none if there is no candidate with room
     */
    public Proposal propose(
            GroupId group, int slots, long bytes, List<Candidate> candidates, ToLongFunction<PeerId> placed) {
        return fill(group, new ArrayList<>(Collections.nCopies(slots, null)), bytes, candidates, placed);
    }

    /**
     * Fills the empty slots of a group.
     *
     * @param holders the slots in order, null where a holder is wanted
     * @return all slots filled, the given ones unchanged; no holders at all if nobody has room
     */
    public Proposal fill(
            GroupId group,
            List<@Nullable PeerId> holders,
            long bytes,
            List<Candidate> candidates,
            ToLongFunction<PeerId> placed) {
        Filling filling = new Filling(group, holders, bytes, candidates, placed);
        for (Rules rules : Rules.values()) {
            filling.take(rules);
        }
        filling.share();
        filling.preferDiallable();
        return filling.result();
    }

    /**
     * Whether a peer that has joined should take over a slot: it stands above one of the holders, so it would have been
     * proposed in its place.
     *
     * @param holders candidates of the group's holders, by slot; null for one that is no candidate any more
     * @return the slot, −1 for none; over all groups of a volume that is the newcomer's fair share
     */
    public int yields(GroupId group, List<@Nullable Candidate> holders, Candidate newcomer) {
        double mine = rank(group, newcomer);
        double lowest = mine;
        int slot = -1;
        for (int i = 0; i < holders.size(); i++) {
            Candidate holder = holders.get(i);
            if (holder == null) {
                continue;
            }
            if (holder.peer().equals(newcomer.peer())) {
                return -1;
            }
            double rank = rank(group, holder);
            if (rank < lowest) {
                lowest = rank;
                slot = i;
            }
        }
        return slot;
    }

    /** Which rules hold, strictest first. */
    private enum Rules {
        ALL(true, true, true, true),
        ANY_LOAD(false, true, true, true),
        ANY_PREFIX(false, false, true, true),
        ANY_DOMAIN(false, false, false, true),
        ANY_SCORE(false, false, false, false);

        final boolean load;
        final boolean prefix;
        final boolean domain;
        final boolean score;

        Rules(boolean load, boolean prefix, boolean domain, boolean score) {
            this.load = load;
            this.prefix = prefix;
            this.domain = domain;
            this.score = score;
        }
    }

    /** One filling of one group's slots. */
    private final class Filling {
        private final @Nullable PeerId[] holders;
        private final boolean[] given;
        private final long bytes;
        private final ToLongFunction<PeerId> placed;
        private final List<Candidate> ranked;
        private final Map<PeerId, Candidate> byPeer = new HashMap<>();
        private final Map<PeerId, Integer> slotsOf = new HashMap<>();
        private final Set<String> domains = new HashSet<>();
        private final Set<NetworkPrefix> prefixes = new HashSet<>();
        private final double fairFill;

        Filling(
                GroupId group,
                List<@Nullable PeerId> fixed,
                long bytes,
                List<Candidate> candidates,
                ToLongFunction<PeerId> placed) {
            this.holders = fixed.toArray(new PeerId[0]);
            this.given = new boolean[holders.length];
            this.bytes = bytes;
            this.placed = placed;
            candidates.forEach(c -> byPeer.put(c.peer(), c));
            for (int i = 0; i < holders.length; i++) {
                PeerId holder = holders[i];
                given[i] = holder != null;
                if (holder != null) {
                    note(holder);
                }
            }
            double taken = (double) bytes * holders.length;
            double capacity = 0;
            for (Candidate c : byPeer.values()) {
                taken += load(c);
                capacity += c.capacity();
            }
            this.fairFill = capacity == 0 ? 0 : taken / capacity;
            Map<PeerId, Double> ranks = new HashMap<>();
            byPeer.values().forEach(c -> ranks.put(c.peer(), rank(group, c)));
            this.ranked = new ArrayList<>();
            byPeer.values().stream().filter(this::hasRoom).forEach(ranked::add);
            ranked.sort(Comparator.comparing((Candidate c) -> ranks.getOrDefault(c.peer(), 0.0))
                    .reversed()
                    .thenComparing(Candidate::peer));
        }

        private double load(Candidate c) {
            return (double) c.taken() + placed.applyAsLong(c.peer());
        }

        private boolean hasRoom(Candidate c) {
            return c.capacity() - load(c) >= Math.max(1, bytes);
        }

        private void note(PeerId peer) {
            slotsOf.merge(peer, 1, Integer::sum);
            Candidate c = byPeer.get(peer);
            if (c != null) {
                prefixes.addAll(c.prefixes());
                if (!c.domain().isEmpty()) {
                    domains.add(c.domain());
                }
            }
        }

        private boolean allowed(Candidate c, Rules rules) {
            boolean balanced = load(c) + bytes <= Math.max(bytes, BOUND * fairFill * c.capacity());
            return !slotsOf.containsKey(c.peer())
                    && (!rules.load || balanced)
                    && (!rules.prefix || c.prefixes().stream().noneMatch(prefixes::contains))
                    && (!rules.domain || c.domain().isEmpty() || !domains.contains(c.domain()))
                    && (!rules.score || c.score() >= GOOD);
        }

        private int empty() {
            for (int i = 0; i < holders.length; i++) {
                if (holders[i] == null) {
                    return i;
                }
            }
            return -1;
        }

        void take(Rules rules) {
            for (Candidate c : ranked) {
                int slot = empty();
                if (slot < 0) {
                    return;
                }
                if (allowed(c, rules)) {
                    holders[slot] = c.peer();
                    note(c.peer());
                }
            }
        }

        /** Fewer peers than slots: each next slot goes to who has the fewest and still has room. */
        void share() {
            for (int slot = empty(); slot >= 0; slot = empty()) {
                Candidate best = null;
                for (Candidate c : ranked) {
                    int has = slotsOf.getOrDefault(c.peer(), 0);
                    boolean room = c.capacity() - load(c) >= (double) bytes * (has + 1);
                    if (room && (best == null || has < slotsOf.getOrDefault(best.peer(), 0))) {
                        best = c;
                    }
                }
                if (best == null) {
                    return;
                }
                holders[slot] = best.peer();
                note(best.peer());
            }
        }

        /** Swaps the lowest of those that cannot be dialled for the highest that can, until two can. */
        void preferDiallable() {
            long can = Arrays.stream(holders).filter(this::diallable).count();
            int slot = holders.length - 1;
            for (Candidate c : ranked) {
                if (can >= Math.min(DIALLABLE, holders.length)) {
                    return;
                }
                if (c.reachability() == Reachability.PRIVATE || !allowed(c, Rules.ANY_LOAD)) {
                    continue;
                }
                while (slot >= 0 && (given[slot] || diallable(holders[slot]))) {
                    slot--;
                }
                if (slot < 0) {
                    return;
                }
                holders[slot] = c.peer();
                note(c.peer());
                can++;
            }
        }

        private boolean diallable(@Nullable PeerId peer) {
            Candidate c = peer == null ? null : byPeer.get(peer);
            return c == null || c.reachability() != Reachability.PRIVATE;
        }

        Proposal result() {
            List<PeerId> all = new ArrayList<>();
            for (PeerId holder : holders) {
                if (holder == null) {
                    return new Proposal(List.of());
                }
                all.add(holder);
            }
            return new Proposal(all);
        }
    }
}
