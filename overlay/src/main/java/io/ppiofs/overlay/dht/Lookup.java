package io.ppiofs.overlay.dht;

import com.google.protobuf.ByteString;
import io.ppiofs.overlay.host.Scheduler;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One iterative search for the peers nearest to a point. It ends when the k nearest peers it has seen have answered.
 *
 * <p>With d &gt; 1 it runs as d disjoint paths first (S/Kademlia): each peer is asked by one path only, and what it says
 * goes to that path only, so a liar spoils one path. Then the paths are united, and the search goes on over the union until
 * the k nearest of all have answered. Only a peer that has answered itself counts as found. Who names many peers that do
 * not answer is no longer believed: peers that only such sources have named are left out. If some of the nearest peers do
 * not answer, the farthest of those found are asked for their own neighbours, who take the places.
 *
 * <p>On the host's scheduler only.
 */
final class Lookup {
    /** What a lookup needs of its node. */
    interface Node {
        Scheduler scheduler();

        DhtKey keyOf(PeerId peer);

        boolean isSelf(PeerId peer);

        List<RoutingTable.Entry> nearestKnown(DhtKey target);

        /** Asks a peer under these addresses and those that are known. */
        CompletableFuture<DhtMessage> ask(PeerId peer, List<Multiaddr> addresses, byte[] request);
    }

    /** Sees the answers. */
    interface Listener {
        /** Returns true if nothing more need be asked. */
        boolean onAnswer(PeerId from, DhtMessage answer);
    }

    /**
     * How it ended.
     *
     * @param closest the nearest peers that have answered, nearest first, at most k
     * @param messages requests sent
     * @param hops the longest chain of answers that led to one of {@code closest}; 1 if all were known before
     * @param cutShort whether the time limit ended it
     */
    record Result(List<PeerId> closest, int messages, int hops, boolean cutShort, Duration time) {}

    /** Named peers that may fail before their source is doubted, if they are also more than twice those that answered. */
    private static final int DOUBT = 5;

    /** How often a peer is tried again when other addresses of it turn up. */
    private static final int MAX_TRIES = 3;

    /** Most addresses of one peer that are kept from all its sources together. */
    private static final int MAX_ADDRESSES = 32;

    /** How many of the peers found are asked for their own neighbours if others of the nearest do not answer. */
    private static final int WIDENING = 3;

    /** How often that is done, as long as it brings new peers. */
    private static final int MAX_WIDENINGS = 2;

    private enum State {
        NEW,
        ASKED,
        /** Asked, and not answered in the time that a lookup has patience for. */
        SLOW,
        ANSWERED,
        FAILED
    }

    private static final class Candidate {
        final PeerId peer;
        final DhtKey key;
        final int depth;
        final List<Candidate> sources = new ArrayList<>(1);
        /** Addresses that sources have named, each once. */
        final List<ByteString> addresses = new ArrayList<>(1);
        /** How many of them the last attempt was made with. */
        int addressesTried;

        State state = State.NEW;
        int tries;
        int namedFailed;
        int namedAnswered;
        final boolean seed;

        Candidate(PeerId peer, DhtKey key, int depth, boolean seed) {
            this.peer = peer;
            this.key = key;
            this.depth = depth;
            this.seed = seed;
        }

        boolean doubted() {
            return namedFailed >= DOUBT && namedFailed > 2 * namedAnswered;
        }

        /** Whether only sources that are not believed have named it. */
        boolean doubtful() {
            if (seed || state == State.ANSWERED) {
                return false;
            }
            for (Candidate source : sources) {
                if (!source.doubted()) {
                    return false;
                }
            }
            return true;
        }
    }

    /** The candidates that one path has heard of, nearest first. */
    private final class Path {
        final List<Candidate> candidates = new ArrayList<>();
        int inFlight;

        void add(Candidate candidate) {
            int low = 0;
            int high = candidates.size();
            while (low < high) {
                int middle = (low + high) >>> 1;
                Candidate there = candidates.get(middle);
                if (there == candidate) {
                    return;
                }
                if (target.compareDistance(there.key, candidate.key) < 0) {
                    low = middle + 1;
                } else {
                    high = middle;
                }
            }
            if (low == candidates.size() || candidates.get(low) != candidate) {
                candidates.add(low, candidate);
            }
        }

        /** The nearest one to ask among the k nearest that may still answer; null if all of them have been asked. */
        @Nullable
        Candidate next() {
            int counted = 0;
            for (Candidate candidate : candidates) {
                if (candidate.state == State.FAILED || candidate.state == State.SLOW || candidate.doubtful()) {
                    continue;
                }
                if (candidate.state == State.NEW) {
                    return candidate;
                }
                if (++counted == bucketSize) {
                    return null;
                }
            }
            return null;
        }

        /** Whether the k nearest have answered, those aside that the lookup has lost its patience with. */
        boolean finished() {
            int counted = 0;
            for (Candidate candidate : candidates) {
                if (candidate.state == State.FAILED || candidate.state == State.SLOW || candidate.doubtful()) {
                    continue;
                }
                if (candidate.state != State.ANSWERED) {
                    return false;
                }
                if (++counted == bucketSize) {
                    return true;
                }
            }
            return true;
        }
    }

    private final Node node;
    private final DhtKey target;
    private final byte[] request;
    private final Listener listener;
    private final int bucketSize;
    private final int parallelism;
    private final Duration patience;
    private final CompletableFuture<Result> result = new CompletableFuture<>();
    private final Map<PeerId, Candidate> known = new HashMap<>();
    private List<Path> paths = List.of();
    private final long started;
    private Scheduler.@Nullable Timer limit;
    private int inFlight;
    private int messages;
    private boolean pumping;
    private int widenings;
    private int knownBeforeWidening;
    private int widening;

    Lookup(Node node, DhtConfig config, DhtKey target, DhtMessage request, Listener listener) {
        this.node = node;
        this.target = target;
        this.request = request.encode();
        this.listener = listener;
        this.bucketSize = config.bucketSize();
        this.parallelism = config.parallelism();
        this.patience = config.patience();
        this.started = node.scheduler().nanoTime();
        seed(config.paths());
        limit = node.scheduler().schedule(config.lookupTimeout(), () -> finish(true));
    }

    private void seed(int wanted) {
        List<RoutingTable.Entry> seeds = node.nearestKnown(target);
        int d = Math.max(1, Math.min(wanted, seeds.size()));
        List<Path> made = new ArrayList<>(d);
        for (int i = 0; i < d; i++) {
            made.add(new Path());
        }
        for (int i = 0; i < seeds.size(); i++) {
            RoutingTable.Entry entry = seeds.get(i);
            Candidate candidate = new Candidate(entry.peer, entry.key, 1, true);
            known.put(entry.peer, candidate);
            made.get(i % d).add(candidate);
        }
        paths = made;
    }

    CompletableFuture<Result> run() {
        pump();
        return result;
    }

    /** Ends it with what was found. */
    void stop() {
        finish(false);
    }

    /** Asks as many as may be asked now. Answers that come at once are taken after it, not inside. */
    private void pump() {
        if (pumping) {
            return;
        }
        pumping = true;
        try {
            boolean again = true;
            while (again && !result.isDone()) {
                again = askOneOfEach();
                if (!again && allFinished()) {
                    again = unite();
                }
            }
        } finally {
            pumping = false;
        }
    }

    private boolean askOneOfEach() {
        boolean asked = false;
        int perPath = (parallelism + paths.size() - 1) / paths.size();
        for (Path path : paths) {
            Candidate next = path.inFlight < perPath && inFlight < parallelism ? path.next() : null;
            if (next != null) {
                ask(path, next);
                asked = true;
            }
        }
        return asked;
    }

    private boolean allFinished() {
        for (Path path : paths) {
            if (!path.finished()) {
                return false;
            }
        }
        return true;
    }

    /** Makes one path of all, then looks around; true if there is more to ask then. Without more, the lookup is over. */
    private boolean unite() {
        if (paths.size() > 1) {
            Path all = new Path();
            known.values().forEach(all::add);
            for (Path path : paths) {
                all.inFlight += path.inFlight;
            }
            paths = List.of(all);
            return true;
        }
        if (widening == 0 && widenings < MAX_WIDENINGS && known.size() > knownBeforeWidening) {
            widenings++;
            knownBeforeWidening = known.size();
            widen(paths.get(0));
        }
        if (widening == 0) {
            finish(false);
        }
        return false;
    }

    /**
     * All peers near the target name the same k nearest ones. If some of these do not answer, those that take their place
     * have not been named; the farthest of those found know them, as their own neighbours.
     */
    private void widen(Path path) {
        List<Candidate> found = new ArrayList<>();
        int gaps = 0;
        for (Candidate candidate : path.candidates) {
            if (candidate.state == State.ANSWERED) {
                found.add(candidate);
            } else if (candidate.state != State.NEW && !candidate.doubtful()) {
                gaps++;
            }
            if (found.size() == bucketSize) {
                break;
            }
        }
        for (int i = Math.max(0, found.size() - WIDENING); gaps > 0 && i < found.size(); i++) {
            Candidate candidate = found.get(i);
            widening++;
            byte[] neighbours = DhtMessage.request(DhtMessage.Type.FIND_NODE, candidate.peer.toBytes())
                    .encode();
            send(path, candidate, neighbours, () -> {}, answer -> {
                widening--;
                if (answer != null) {
                    names(path, candidate, answer);
                }
            });
        }
    }

    private void ask(Path path, Candidate candidate) {
        candidate.state = State.ASKED;
        candidate.tries++;
        candidate.addressesTried = candidate.addresses.size();
        Runnable impatient = () -> {
            if (candidate.state == State.ASKED) {
                candidate.state = State.SLOW;
            }
        };
        send(path, candidate, request, impatient, answer -> {
            if (answer != null) {
                answered(path, candidate, answer);
            } else {
                failed(candidate);
            }
        });
    }

    /** Sends a request; {@code then} gets the answer or null, unless the lookup is over by then. */
    private void send(
            Path path, Candidate candidate, byte[] bytes, Runnable impatient, Consumer<@Nullable DhtMessage> then) {
        path.inFlight++;
        inFlight++;
        messages++;
        boolean[] waiting = {true};
        Runnable noLongerWaiting = () -> {
            if (waiting[0]) {
                waiting[0] = false;
                inFlight--;
                path.inFlight--;
            }
        };
        Scheduler.Timer slow = node.scheduler().schedule(patience, () -> {
            noLongerWaiting.run();
            impatient.run();
            pump();
        });
        List<Multiaddr> addresses = new DhtMessage.Peer(candidate.peer, candidate.addresses).addresses();
        node.ask(candidate.peer, addresses, bytes).whenComplete((answer, error) -> {
            slow.cancel();
            noLongerWaiting.run();
            if (!result.isDone()) {
                then.accept(answer);
                pump();
            }
        });
    }

    private void answered(Path path, Candidate candidate, DhtMessage answer) {
        candidate.state = State.ANSWERED;
        for (Candidate source : candidate.sources) {
            source.namedAnswered++;
        }
        Path into = paths.contains(path) ? path : paths.get(0); // the paths may have been united meanwhile
        names(into, candidate, answer);
        if (listener.onAnswer(candidate.peer, answer)) {
            finish(false);
        }
    }

    private void names(Path path, Candidate source, DhtMessage answer) {
        for (DhtMessage.Peer peer : answer.closer()) {
            if (!node.isSelf(peer.id())) {
                named(path, source, peer);
            }
        }
    }

    private void named(Path path, Candidate source, DhtMessage.Peer peer) {
        Candidate candidate = known.get(peer.id());
        if (candidate == null) {
            candidate = new Candidate(peer.id(), node.keyOf(peer.id()), source.depth + 1, false);
            known.put(peer.id(), candidate);
        }
        path.add(candidate);
        if (candidate.state == State.ANSWERED) {
            source.namedAnswered++;
            return;
        }
        candidate.sources.add(source);
        for (ByteString address : peer.rawAddresses()) {
            if (candidate.addresses.size() < MAX_ADDRESSES && !candidate.addresses.contains(address)) {
                candidate.addresses.add(address);
            }
        }
        if (candidate.state == State.FAILED) {
            if (!retry(candidate)) {
                source.namedFailed++;
            }
        }
    }

    private void failed(Candidate candidate) {
        candidate.state = State.FAILED;
        if (!retry(candidate)) {
            for (Candidate source : candidate.sources) {
                source.namedFailed++;
            }
        }
    }

    /** A liar may have named a true peer under false addresses: if others have named other ones, these are tried. */
    private boolean retry(Candidate candidate) {
        if (candidate.tries >= MAX_TRIES || candidate.addresses.size() == candidate.addressesTried) {
            return false;
        }
        candidate.state = State.NEW;
        return true;
    }

    private void finish(boolean cutShort) {
        if (result.isDone()) {
            return;
        }
        if (limit != null) {
            limit.cancel();
        }
        List<Candidate> found = new ArrayList<>();
        for (Candidate candidate : known.values()) {
            if (candidate.state == State.ANSWERED) {
                found.add(candidate);
            }
        }
        found.sort((a, b) -> target.compareDistance(a.key, b.key));
        List<PeerId> closest = new ArrayList<>();
        int hops = 0;
        for (Candidate candidate : found.subList(0, Math.min(bucketSize, found.size()))) {
            closest.add(candidate.peer);
            hops = Math.max(hops, candidate.depth);
        }
        Duration time = Duration.ofNanos(node.scheduler().nanoTime() - started);
        result.complete(new Result(closest, messages, hops, cutShort, time));
    }
}
