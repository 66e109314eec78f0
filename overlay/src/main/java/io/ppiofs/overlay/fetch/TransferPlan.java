package io.ppiofs.overlay.fetch;

import io.ppiofs.overlay.blocks.BlockLimits;
import io.ppiofs.overlay.identity.PeerId;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Who is asked for which piece (PPIO white paper 3.2.1). Logic only: the caller tells what happens and when, and carries out what {@link
 * #assign} says. A piece is asked of one peer at a time, and never again once it is here, unless its block turned out wrong. Work
 * conserving: no tunnel is idle while its peer has a piece that nobody was asked for.
 *
 * <p>Two orders. The plan of a transfer gives most blocks to one peer each, so that few requests do. The plan of a stream ({@link #ofStream})
 * deals pieces to the tunnels that are predicted to have them first ({@link StreamAllocator}): who waits for the first block gets it
 * soon, and a slow peer fetches what is wanted late. Blocks can be added to both.
 *
 * <p>Not thread-safe. An event costs O(blocks in the window) at most.
 */
final class TransferPlan {
    /** Bytes of a piece; the last one of a block may be shorter. */
    static final int PIECE = BlockLimits.PIECE;

    /** Tunnels of a peer whose speed is unknown. */
    static final int DEFAULT_TUNNELS = 2;

    /** Speed for which a peer gets one tunnel; each doubling gives one more. */
    private static final double ONE_TUNNEL = 1 << 19;

    /** What a tunnel is asked for at once should take so long. */
    private static final double RUN_SECONDS = 0.1;

    private static final int MAX_RUN = 8;

    /** Pieces that a peer must have delivered in this fetch before it is asked for several at once. */
    private static final int PROVEN = 8;

    private static final double NEW = 0.25;
    private static final double NANOS = 1e9;

    /** Failures not made good, after which a peer is asked no more in this fetch. */
    private static final int MAX_FAILURES = 3;

    /** A peer gets one more try after this time, if the fetch still goes on then. */
    private static final long BACK_NANOS = 4_000_000_000L;

    /** The same in a stream, which may live for hours. */
    private static final long BACK_TO_STREAM_NANOS = 60_000_000_000L;

    private static final long FIRST_PAUSE_NANOS = 1_000_000_000L;

    /** Good pieces that make one failure good. */
    private static final int FORGIVEN_AFTER = 64;

    /** Consecutive pieces of one block that one tunnel is asked for. */
    record Run(int tunnel, PeerId peer, int block, int first, int count) {}

    private enum Status {
        OPEN,
        WHOLE,
        DONE,
        LOST
    }

    private static final class Block {
        final int length;
        final int pieces;
        final BitSet missing = new BitSet();
        final Set<Peer> holders = new HashSet<>();
        final @Nullable Peer[] from;
        Status status = Status.OPEN;
        int arrived;
        int asked;

        /** Who began it: others help only when there is nothing else for them, so that most blocks come from one peer. */
        @Nullable
        Peer owner;

        /** After wrong bytes from several: whole from one peer now. */
        boolean exclusive;

        /** Begun, but nobody waits for it any more: what is missing of it comes last. */
        boolean dropped;

        Block(int length) {
            this.length = length;
            this.pieces = (length + PIECE - 1) / PIECE;
            this.missing.set(0, pieces);
            this.from = new Peer[pieces];
        }
    }

    private static final class Peer {
        final PeerId id;
        final List<Tunnel> busy = new ArrayList<>();
        int allowed;
        double speed;
        int failures;
        int good;
        long pausedUntil;
        boolean out;

        /** Whether being out ends, a while after {@link #pausedUntil}. */
        boolean mayComeBack;

        Peer(PeerId id) {
            this.id = id;
        }
    }

    private static final class Tunnel {
        final Peer peer;
        final Run run;
        int next;
        long since;

        Tunnel(Peer peer, Run run, long now) {
            this.peer = peer;
            this.run = run;
            this.next = run.first;
            this.since = now;
        }
    }

    private final FetchOptions options;
    private final PeerMemory memory;
    private final boolean stream;
    private final List<Block> blocks = new ArrayList<>();
    private final Map<PeerId, Peer> peers = new LinkedHashMap<>();
    private final Map<Integer, Tunnel> tunnels = new HashMap<>();
    private final ArrayDeque<Integer> lost = new ArrayDeque<>();
    private int lastTunnel;
    private int firstOpen;
    private int open;
    private long piecesAsked;
    private long piecesArrived;

    TransferPlan(List<Want> wants, PeerMemory memory, FetchOptions options) {
        this(memory, options, false);
        add(wants);
    }

    private TransferPlan(PeerMemory memory, FetchOptions options, boolean stream) {
        this.options = options;
        this.memory = memory;
        this.stream = stream;
    }

    /** For blocks that are added as a reader goes on, and wanted in this order. */
    static TransferPlan ofStream(PeerMemory memory, FetchOptions options) {
        return new TransferPlan(memory, options, true);
    }

    /** Blocks behind those that are wanted already. */
    void add(List<Want> wants) {
        Set<PeerId> all = new LinkedHashSet<>();
        wants.forEach(want -> all.addAll(want.holders()));
        for (PeerId id : Ranking.of(all, memory)) {
            if (!peers.containsKey(id)) {
                peers.put(id, newPeer(id));
            }
        }
        for (Want want : wants) {
            Block block = new Block(want.length());
            for (PeerId id : want.holders()) {
                Peer peer = peers.get(id);
                if (peer != null) {
                    block.holders.add(peer);
                }
            }
            blocks.add(block);
        }
        open += wants.size();
    }

    /**
     * Nobody wants this block any more.
     *
     * @return whether it is forgotten; false if it is settled, or some of it was asked for: then the rest follows when nothing else is wanted
     */
    boolean drop(int index) {
        Block block = blocks.get(index);
        if (block.status != Status.OPEN || begun(block)) {
            block.dropped = true;
            return false;
        }
        block.status = Status.DONE;
        settled();
        skipSettled();
        return true;
    }

    /** Whether some of a block was asked for or is here, and it is neither done nor lost nor dropped. */
    boolean hasBegun(int index) {
        Block block = blocks.get(index);
        return !block.dropped && begun(block);
    }

    private static boolean begun(Block block) {
        return block.status == Status.WHOLE || (block.status == Status.OPEN && block.asked + block.arrived > 0);
    }

    /** The first block that is neither done nor lost. */
    int firstOpen() {
        return firstOpen;
    }

    private Peer newPeer(PeerId id) {
        PeerMemory.Remembered known = memory.recall(id);
        Peer peer = new Peer(id);
        peer.speed = known.bytesPerSecond();
        peer.allowed = Math.max(1, tunnelsFor(peer.speed) - known.penalty());
        return peer;
    }

    /** Grows with the logarithm of the speed: what counts is that the way to and from the peer is never empty. */
    private int tunnelsFor(double speed) {
        if (speed <= 0) {
            return DEFAULT_TUNNELS;
        }
        int doublings = (int) Math.floor(Math.log(Math.max(1, speed / ONE_TUNNEL)) / Math.log(2));
        return Math.min(options.maxTunnels(), 1 + doublings);
    }

    // ---- what to do

    /** What is to be asked now; also finds blocks that nobody is left for, see {@link #takeLost}. */
    List<Run> assign(long now) {
        letComeBack(now);
        List<Run> runs = new ArrayList<>();
        if (stream) {
            assignStream(runs, now);
            findLost();
            return runs;
        }
        boolean more = true;
        while (more) {
            more = false;
            int active = 0;
            for (Peer peer : peers.values()) {
                active += peer.busy.isEmpty() ? 0 : 1;
                boolean room = !peer.busy.isEmpty() || active < options.maxPeers();
                if (room && canBeAsked(peer, now) && peer.busy.size() < peer.allowed) {
                    Run run = nextRun(peer);
                    if (run != null) {
                        active += peer.busy.isEmpty() ? 1 : 0;
                        begin(peer, run, now);
                        runs.add(run);
                        more = true;
                    }
                }
            }
        }
        findLost();
        return runs;
    }

    private void letComeBack(long now) {
        long back = stream ? BACK_TO_STREAM_NANOS : BACK_NANOS;
        for (Peer peer : peers.values()) {
            if (peer.out && peer.mayComeBack && peer.pausedUntil + back - now <= 0) {
                peer.out = false;
                peer.failures = MAX_FAILURES - 1;
            }
        }
    }

    // ---- a stream

    /** Consecutive pieces of one block, as one tunnel is asked for them. */
    private record Unit(int block, int first, int count) {}

    private void assignStream(List<Run> runs, long now) {
        int span = 1;
        for (Peer peer : peers.values()) {
            span = canBeAsked(peer, now) ? Math.max(span, runLength(peer)) : span;
        }
        List<Unit> units = units(span);
        List<Peer> peerOf = new ArrayList<>();
        List<StreamAllocator.Tunnel> all = tunnels(peerOf, asked(units, now), now);
        if (all.stream().allMatch(StreamAllocator.Tunnel::requesting)) {
            return;
        }
        Map<Integer, ArrayDeque<Integer>> queues = new StreamAllocator(span * PIECE)
                .allocate(
                        units.size(),
                        all,
                        (unit, tunnel) -> mayFetch(peerOf.get(tunnel), blocks.get(units.get(unit).block)),
                        now);
        for (StreamAllocator.Tunnel tunnel : all) {
            Integer next = tunnel.requesting()
                    ? null
                    : queues.getOrDefault(tunnel.id(), new ArrayDeque<>()).poll();
            if (next != null) {
                Unit unit = units.get(next);
                Peer peer = peerOf.get(tunnel.id());
                if (mayFetch(peer, blocks.get(unit.block))) {
                    int count = Math.min(unit.count, runLength(peer));
                    Run run = new Run(++lastTunnel, peer.id, unit.block, unit.first, count);
                    begin(peer, run, now);
                    runs.add(run);
                }
            }
        }
    }

    private static boolean mayFetch(Peer peer, Block block) {
        return block.holders.contains(peer) && (!block.exclusive || block.owner == null || block.owner == peer);
    }

    /** Peers that may be asked, most of them {@link FetchOptions#maxPeers}: those that are, then holders of what is wanted first. */
    private Set<Peer> asked(List<Unit> units, long now) {
        Set<Peer> asked = new HashSet<>();
        for (Peer peer : peers.values()) {
            if (!peer.busy.isEmpty()) {
                asked.add(peer);
            }
        }
        int last = -1;
        for (Unit unit : units) {
            if (unit.block == last) {
                continue;
            }
            last = unit.block;
            for (Peer peer : peers.values()) {
                if (asked.size() < options.maxPeers() && canBeAsked(peer, now) && mayFetch(peer, blocks.get(last))) {
                    asked.add(peer);
                }
            }
        }
        return asked;
    }

    /** Those under way, and those that may be opened; a tunnel's number is its place in {@code peerOf}. */
    private List<StreamAllocator.Tunnel> tunnels(List<Peer> peerOf, Set<Peer> asked, long now) {
        List<StreamAllocator.Tunnel> all = new ArrayList<>();
        for (Peer peer : peers.values()) {
            double each = (peer.speed > 0 ? peer.speed : DEFAULT_TUNNELS * ONE_TUNNEL) / peer.allowed;
            for (Tunnel tunnel : peer.busy) {
                all.add(new StreamAllocator.Tunnel(peerOf.size(), each, true, tunnel.since));
                peerOf.add(peer);
            }
            int open = asked.contains(peer) && canBeAsked(peer, now) ? peer.allowed : 0;
            for (int idle = peer.busy.size(); idle < open; idle++) {
                all.add(new StreamAllocator.Tunnel(peerOf.size(), each, false, 0));
                peerOf.add(peer);
            }
        }
        return all;
    }

    /** What is missing within the window, the first wanted first, what was dropped last. */
    private List<Unit> units(int span) {
        List<Unit> units = new ArrayList<>();
        List<Unit> dropped = new ArrayList<>();
        long windowLeft = options.window();
        for (int i = firstOpen; i < blocks.size() && windowLeft > 0; i++) {
            Block block = blocks.get(i);
            if (block.status == Status.OPEN || block.status == Status.WHOLE) {
                windowLeft -= block.length;
                addMissing(i, span, block.dropped ? dropped : units);
            }
        }
        units.addAll(dropped);
        return units;
    }

    private void addMissing(int index, int span, List<Unit> to) {
        BitSet missing = blocks.get(index).missing;
        int first = missing.nextSetBit(0);
        while (first >= 0) {
            int end = Math.min(missing.nextClearBit(first), first + span);
            to.add(new Unit(index, first, end - first));
            first = missing.nextSetBit(end);
        }
    }

    private static boolean canBeAsked(Peer peer, long now) {
        return !peer.out && peer.pausedUntil - now <= 0;
    }

    private void begin(Peer peer, Run run, long now) {
        Block block = blocks.get(run.block);
        block.missing.clear(run.first, run.first + run.count);
        block.asked += run.count;
        if (block.owner == null) {
            block.owner = peer;
        }
        piecesAsked += run.count;
        Tunnel tunnel = new Tunnel(peer, run, now);
        peer.busy.add(tunnel);
        tunnels.put(run.tunnel, tunnel);
    }

    private @Nullable Run nextRun(Peer peer) {
        int helping = -1;
        long windowLeft = options.window();
        for (int i = firstOpen; i < blocks.size(); i++) {
            Block block = blocks.get(i);
            if (block.status == Status.DONE || block.status == Status.LOST) {
                continue;
            }
            windowLeft -= block.length;
            if (windowLeft < 0 && i > firstOpen) {
                break;
            }
            if (block.missing.isEmpty() || !block.holders.contains(peer)) {
                continue;
            }
            if (block.owner == null || block.owner == peer || block.owner.out) {
                if (block.exclusive) {
                    block.owner = peer;
                }
                return run(peer, i, block);
            }
            if (helping < 0 && !block.exclusive) {
                helping = i;
            }
        }
        return helping < 0 ? null : run(peer, helping, blocks.get(helping));
    }

    private Run run(Peer peer, int index, Block block) {
        int first = block.missing.nextSetBit(0);
        int end = block.missing.nextClearBit(first);
        int count = Math.min(end - first, runLength(peer));
        return new Run(++lastTunnel, peer.id, index, first, count);
    }

    /** Pieces at once: more for who is fast. */
    private int runLength(Peer peer) {
        if (peer.good < PROVEN) {
            return 1;
        }
        double each = peer.speed / Math.max(1, peer.allowed) * RUN_SECONDS / PIECE;
        return Math.max(1, Math.min(MAX_RUN, (int) each));
    }

    private void findLost() {
        for (int i = firstOpen; i < blocks.size(); i++) {
            Block block = blocks.get(i);
            if (block.status == Status.OPEN
                    && block.asked == 0
                    && !block.missing.isEmpty()
                    && block.holders.stream().allMatch(peer -> peer.out)) {
                block.status = Status.LOST;
                settled();
                lost.add(i);
            }
        }
        skipSettled();
    }

    private void settled() {
        open--;
    }

    private void skipSettled() {
        while (firstOpen < blocks.size()
                && (blocks.get(firstOpen).status == Status.DONE || blocks.get(firstOpen).status == Status.LOST)) {
            firstOpen++;
        }
    }

    /** The next block that no holder is left for, -1 if there is none; each is told once. */
    int takeLost() {
        Integer next = lost.poll();
        return next == null ? -1 : next;
    }

    /** Whether every block is done or lost. */
    boolean isOver() {
        return open == 0;
    }

    // ---- what happened

    /** Whether this tunnel's bytes are still wanted. */
    boolean isOpen(int tunnel) {
        return tunnels.containsKey(tunnel);
    }

    /** The next piece of a tunnel's run has come. @return whether its block is whole now */
    boolean onPiece(int tunnelId, long now) {
        Tunnel tunnel = tunnels.get(tunnelId);
        if (tunnel == null) {
            return false;
        }
        Peer peer = tunnel.peer;
        Block block = blocks.get(tunnel.run.block);
        int piece = tunnel.next++;
        measure(peer, tunnel, now);
        block.from[piece] = peer;
        block.asked--;
        block.arrived++;
        piecesArrived++;
        if (++peer.good % FORGIVEN_AFTER == 0) {
            peer.failures = Math.max(0, peer.failures - 1);
            memory.remember(peer.id, memory.recall(peer.id).forgiven());
        }
        if (tunnel.next == tunnel.run.first + tunnel.run.count) {
            close(tunnel);
        }
        if (block.arrived < block.pieces) {
            return false;
        }
        block.status = Status.WHOLE;
        return true;
    }

    /**
     * All tunnels of a peer share its way: one piece in the time that this tunnel took, times the tunnels, is its speed. Times are averaged,
     * not speeds: one burst must not make a slow peer look fast.
     */
    private void measure(Peer peer, Tunnel tunnel, long now) {
        double seconds = Math.max(1, now - tunnel.since) / NANOS;
        double each = seconds / peer.busy.size();
        double before = PIECE / peer.speed;
        peer.speed = PIECE / (peer.speed == 0 ? each : before * (1 - NEW) + each * NEW);
        peer.allowed =
                Math.max(1, tunnelsFor(peer.speed) - memory.recall(peer.id).penalty());
        tunnel.since = now;
    }

    private void close(Tunnel tunnel) {
        tunnels.remove(tunnel.run.tunnel);
        tunnel.peer.busy.remove(tunnel);
    }

    /** The peer of this tunnel does not have the block, or not whole. */
    void onMissing(int tunnelId) {
        Tunnel tunnel = tunnels.get(tunnelId);
        if (tunnel != null) {
            Block block = blocks.get(tunnel.run.block);
            giveUp(tunnel);
            block.holders.remove(tunnel.peer);
            if (block.owner == tunnel.peer) {
                block.owner = null;
            }
        }
    }

    private void giveUp(Tunnel tunnel) {
        Block block = blocks.get(tunnel.run.block);
        int end = tunnel.run.first + tunnel.run.count;
        block.missing.set(tunnel.next, end);
        block.asked -= end - tunnel.next;
        close(tunnel);
    }

    /**
     * A request to this peer failed: all its tunnels are closed, their pieces go to others, and it begins with fewer tunnels the next
     * time. It may be asked again after a pause that doubles.
     *
     * @return tunnels that are to be cancelled
     */
    List<Integer> onFailure(PeerId id, long now) {
        Peer peer = peers.get(id);
        if (peer == null || peer.out) {
            return List.of();
        }
        List<Integer> closed = closeAll(peer);
        memory.remember(id, memory.recall(id).withSpeed(peer.speed).punished());
        peer.pausedUntil = now + (FIRST_PAUSE_NANOS << peer.failures);
        peer.failures++;
        peer.out = peer.failures == MAX_FAILURES;
        peer.mayComeBack = true;
        peer.allowed = 1;
        return closed;
    }

    private List<Integer> closeAll(Peer peer) {
        List<Integer> closed = new ArrayList<>();
        for (Tunnel tunnel : List.copyOf(peer.busy)) {
            closed.add(tunnel.run.tunnel);
            giveUp(tunnel);
        }
        for (Block block : blocks) {
            if (block.owner == peer && block.status == Status.OPEN) {
                block.owner = null;
            }
        }
        return closed;
    }

    /** Peers that have a tunnel whose next piece is overdue. */
    List<PeerId> overdue(long now) {
        Set<PeerId> late = new HashSet<>();
        for (Tunnel tunnel : tunnels.values()) {
            if (now - tunnel.since > timeoutNanos(tunnel.peer)) {
                late.add(tunnel.peer.id);
            }
        }
        return List.copyOf(late);
    }

    private long timeoutNanos(Peer peer) {
        if (peer.speed <= 0) {
            return options.firstTimeout().toNanos();
        }
        // what all its tunnels were asked for may come before this piece
        double pieces = 0;
        for (Tunnel tunnel : peer.busy) {
            pieces += tunnel.run.first + tunnel.run.count - tunnel.next;
        }
        long expected = (long) (pieces * PIECE / peer.speed * NANOS);
        return Math.max(
                options.minTimeout().toNanos(), Math.min(options.maxTimeout().toNanos(), 4 * expected));
    }

    /** The bytes of a whole block are right: it is done. */
    void onRight(int index) {
        Block block = blocks.get(index);
        if (block.status == Status.WHOLE) {
            block.status = Status.DONE;
            settled();
            skipSettled();
        }
    }

    /**
     * The bytes of a whole block are wrong. If one peer sent all of them, it is out; else nobody knows who, and the block is fetched again
     * whole from one peer.
     *
     * @return who sent the pieces, by piece
     */
    List<PeerId> onWrong(int index) {
        Block block = blocks.get(index);
        List<PeerId> senders = new ArrayList<>();
        Set<Peer> distinct = new HashSet<>();
        for (Peer peer : block.from) {
            if (peer != null) {
                senders.add(peer.id);
                distinct.add(peer);
            }
        }
        block.status = Status.OPEN;
        block.arrived = 0;
        block.missing.set(0, block.pieces);
        Arrays.fill(block.from, null);
        block.owner = null;
        block.exclusive = true;
        if (distinct.size() == 1) {
            onLiar(senders.get(0));
        }
        return senders;
    }

    /** It is known that this peer sent wrong bytes: it is asked no more. @return tunnels that are to be cancelled */
    List<Integer> onLiar(PeerId id) {
        memory.remember(id, memory.recall(id).lied());
        Peer peer = peers.get(id);
        if (peer == null) {
            return List.of();
        }
        peer.mayComeBack = false;
        if (peer.out) {
            return List.of();
        }
        peer.out = true;
        return closeAll(peer);
    }

    /** Writes what was learnt about speeds to the memory; after the end. */
    void learn() {
        for (Peer peer : peers.values()) {
            if (peer.good > 0) {
                memory.remember(peer.id, memory.recall(peer.id).withSpeed(peer.speed));
            }
        }
    }

    /** All tunnels under way: after a cancellation. */
    void forEachTunnel(IntConsumer action) {
        List.copyOf(tunnels.keySet()).forEach(action::accept);
    }

    int tunnelsOf(PeerId id) {
        Peer peer = peers.get(id);
        return peer == null ? 0 : peer.allowed;
    }

    long piecesAsked() {
        return piecesAsked;
    }

    long piecesArrived() {
        return piecesArrived;
    }
}
