package io.ppiofs.overlay.repair;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.cbor.Cbor;
import io.ppiofs.cbor.CborArray;
import io.ppiofs.cbor.CborDecoder;
import io.ppiofs.cbor.CborEncoder;
import io.ppiofs.cbor.CborInt;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.file.DurableFile;
import io.ppiofs.overlay.host.Host;
import io.ppiofs.overlay.host.Scheduler;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.network.Network;
import io.ppiofs.overlay.placement.GroupId;
import io.ppiofs.overlay.placement.Inventory;
import io.ppiofs.overlay.placement.SlotTable;
import io.ppiofs.overlay.placement.TableChain;
import io.ppiofs.overlay.storage.StorageClient;
import io.ppiofs.overlay.storage.StorageDirectory;
import io.ppiofs.overlay.storage.StorageHost;
import io.ppiofs.overlay.storage.StorageServer;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Watches the co-holders of the groups that are hosted here and restores what is lost. What is to be repaired follows from
 * the slot tables and from how long each co-holder has been silent; both are durable, so a restart goes on where it was: a
 * replacement slot keeps what it has been given, and the same one is chosen again. The group with the least redundancy comes
 * first, one at a time.
 *
 * <p>State is kept on the serial executor {@code work}; the counters may be read from any thread.
 */
public final class RepairService implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(RepairService.class);

    /** Co-holders probed in one period; with more of them each is probed less often. */
    private static final int PROBED_AT_ONCE = 128;

    private static final int MAX_SILENCES = 1 << 20;
    private static final Duration KEEP = Duration.ofMinutes(5);
    private static final Duration LONGEST_BACKOFF = Duration.ofHours(6);
    private static final Duration LEAVE_AGAIN = Duration.ofSeconds(1);
    private static final Duration LEAVE_AGAIN_AT_MOST = Duration.ofMinutes(5);

    /** A group that could not be given away so often is hindered; adverts of other operators have arrived by then. */
    private static final int HINDERED = 3;

    /** Groups that this node is asked to look at: one that is left out is asked for again. */
    private static final int MAX_WANTED = 1024;

    /** One group is not looked at more often than that, whoever asks. */
    private static final Duration RESTORE_AGAIN = Duration.ofSeconds(5);

    /** Numbers for people and metrics. */
    public record Statistics(
            int watched, int notAlive, int waiting, long repaired, long abandoned, long bytesSent, long bytesFetched) {}

    /**
     * What this node, which is leaving, has not given to others yet.
     *
     * @param groups groups of which it still holds a slot
     * @param bytes stored bytes of these slots
     * @param moved groups that it has given to others since its start
     * @param hindered groups that could not be moved when that was last tried, several times
     * @param why the sentence of one of them; null if there is none
     */
    public record Leaving(
            int groups,
            long bytes,
            long moved,
            int hindered,
            @Nullable String why) {
        /** Whether nothing will go on until the network changes. */
        public boolean isStuck() {
            return groups > 0 && hindered == groups;
        }
    }

    /** A group that this node, which is leaving, still holds. */
    private static final class Stay {
        final long generation;
        final long sinceNanos;
        /** Bytes of its slots and since when they are so many: whether its writer still writes. */
        long bytes;

        long quietSinceNanos;
        int failures;
        long notBeforeNanos;
        String why = "";

        Stay(long generation, long nowNanos) {
            this.generation = generation;
            this.sinceNanos = nowNanos;
            this.quietSinceNanos = nowNanos;
            this.notBeforeNanos = nowNanos;
        }
    }

    /** What is remembered of a group in which something is lost. */
    private static final class Trouble {
        final long generation;
        final long sinceNanos;
        int failures;
        long notBeforeNanos;

        Trouble(long generation, long sinceNanos, int failures, long notBeforeNanos) {
            this.generation = generation;
            this.sinceNanos = sinceNanos;
            this.failures = failures;
            this.notBeforeNanos = notBeforeNanos;
        }
    }

    /** A slot of a group that its holder says it does not have. */
    private record Forgotten(PeerId holder, PeerId tenant, GroupId group, long generation) {}

    private record GroupKey(PeerId tenant, GroupId group) {}

    private final Host host;
    private final Network network;
    private final StorageHost storage;
    private final StorageClient client;
    private final StorageDirectory directory;
    private final BlockMover mover;
    private final RepairOptions options;
    private final Executor work;
    private final Path stateFile;
    private final Scheduler scheduler;
    private final HolderHealth health;
    private final Map<PeerId, Long> silencesAtStart;
    private final Map<GroupKey, Trouble> troubles = new HashMap<>();
    private final Map<GroupKey, Stay> stays = new HashMap<>();
    /** Since when, by this node's clock. */
    private final Map<Forgotten, Long> forgotten = new HashMap<>();

    private final Set<PeerId> syncing = new HashSet<>();
    private final Map<GroupKey, Long> checkedNanos = new HashMap<>();
    private final AtomicLong bytesSent = new AtomicLong();
    private final AtomicLong bytesFetched = new AtomicLong();
    private final AtomicLong repaired = new AtomicLong();
    private final AtomicLong abandoned = new AtomicLong();
    private volatile int watched;
    private volatile int notAlive;
    private volatile int waiting;
    private volatile Leaving leaving = new Leaving(0, 0, 0, 0, null);
    private final AtomicLong handedOver = new AtomicLong();
    private @Nullable SlotRepair running;
    /** Groups of which this node was asked to fetch what its slots lack, in order. */
    private final Set<GroupKey> wanted = new LinkedHashSet<>();

    /** The group whose slots are being looked at. */
    private @Nullable GroupKey checking;

    /** How long a group is not looked at on request, where that is not {@link #RESTORE_AGAIN}. */
    private final Map<GroupKey, Duration> pauses = new HashMap<>();

    /** Blocks that this node's slots have got back. */
    private long restored;

    private boolean started;
    private int probeFrom;
    private long keptNanos;
    private Scheduler.@Nullable Timer timer;
    private volatile boolean closed;

    /**
     * @param server asked by others how long this node has not heard of a peer
     * @param stateFile where silences are kept over a restart
     * @param work a serial executor that may block
     */
    public RepairService(
            Host host,
            Network network,
            StorageServer server,
            StorageClient client,
            StorageDirectory directory,
            BlockMover mover,
            RepairOptions options,
            Path stateFile,
            Executor work) {
        this.host = host;
        this.network = network;
        this.storage = server.storage();
        this.client = client;
        this.directory = directory;
        this.mover = mover;
        this.options = options;
        this.work = work;
        this.stateFile = stateFile;
        this.scheduler = host.scheduler();
        this.health = new HolderHealth(options, scheduler::nanoTime);
        this.silencesAtStart = readSilences();
        this.keptNanos = scheduler.nanoTime();
        storage.observe(chain -> {
            if (storage.isLeaving()) {
                onWork(() -> plan(mine())); // its writer has closed it, perhaps
            }
        });
        server.vouching(peer -> Duration.ofNanos(health.silentNanos(peer)));
        server.restoring((tenant, group) -> onWork(() -> restore(new GroupKey(tenant, group))));
    }

    /** Begins to watch. */
    public void start() {
        timer = scheduler.scheduleRepeating(options.probe(), () -> onWork(this::round));
        onWork(this::round);
    }

    public Statistics statistics() {
        return new Statistics(
                watched, notAlive, waiting, repaired.get(), abandoned.get(), bytesSent.get(), bytesFetched.get());
    }

    /**
     * Gives what this node holds to others, from now on and over restarts, until nothing is left or {@link #stay} is called. It
     * says so in its advert and takes nothing new.
     *
     * @return once it is known what is to be moved
     */
    public CompletableFuture<Void> leave() {
        storage.leave();
        directory.announce();
        CompletableFuture<Void> looked = new CompletableFuture<>();
        directory
                .refresh()
                .whenComplete((known, failure) -> onWork(() -> {
                    stays.clear();
                    plan(mine());
                    looked.complete(null);
                }));
        return looked;
    }

    /** Takes {@link #leave} back; what has gone to others stays there. */
    public void stay() {
        storage.stay();
        directory.announce();
        onWork(() -> plan(mine()));
    }

    /** How far {@link #leave} is. */
    public Leaving leaving() {
        return leaving;
    }

    /** How alive a co-holder is, as this node knows. */
    public Liveness state(PeerId coHolder) {
        return health.state(coHolder);
    }

    private void onWork(Runnable task) {
        try {
            work.execute(() -> {
                if (!closed) {
                    task.run();
                }
            });
        } catch (RejectedExecutionException e) {
            LOG.debug("repair is ending: {}", e.toString());
        }
    }

    // ------------------------------------------------------------------------------------------------ watching

    /** The groups that are hosted here. */
    private List<TableChain> mine() {
        List<TableChain> mine = new ArrayList<>();
        for (TableChain chain : storage.tables()) {
            SlotTable table = chain.newest();
            if (table.state() != SlotTable.State.RETIRED && table.holders().contains(host.id())) {
                mine.add(chain);
            }
        }
        return mine;
    }

    private void round() {
        List<TableChain> mine = mine();
        Set<PeerId> others = new HashSet<>();
        mine.forEach(chain -> others.addAll(chain.newest().holders()));
        others.remove(host.id());
        health.watch(others, silencesAtStart);
        watched = others.size();
        notAlive = (int) others.stream()
                .filter(peer -> health.state(peer) != Liveness.ALIVE)
                .count();
        probe(new ArrayList<>(others));
        forgetSettled(mine);
        putOffNew(mine);
        started = true;
        plan(mine);
        checkOwn(mine);
        keepSilences();
    }

    private void probe(List<PeerId> others) {
        others.sort(Comparator.naturalOrder());
        int count = Math.min(PROBED_AT_ONCE, others.size());
        for (int i = 0; i < count; i++) {
            PeerId peer = others.get((probeFrom + i) % others.size());
            client.probe(peer, storage.digest(peer))
                    .whenComplete((digest, failure) -> onWork(() -> {
                        if (failure == null) {
                            alive(peer, digest);
                        } else {
                            LOG.debug("probe of {}: {}", peer, failure.toString());
                        }
                    }));
        }
        probeFrom = others.isEmpty() ? 0 : (probeFrom + count) % others.size();
    }

    private void alive(PeerId peer, long digest) {
        health.heard(peer);
        if (digest != storage.digest(peer) && syncing.add(peer)) {
            sync(peer, storage.shared(peer), 0).whenComplete((done, failure) -> onWork(() -> syncing.remove(peer)));
        }
    }

    /** Tells a co-holder the tables of all groups that both hold, one after the other, and hears of newer ones. */
    private CompletableFuture<Void> sync(PeerId peer, List<TableChain> shared, int next) {
        if (next >= shared.size() || closed) {
            return CompletableFuture.completedFuture(null);
        }
        TableChain ours = shared.get(next);
        return client.tell(peer, ours)
                .handleAsync(
                        (theirs, failure) -> {
                            Forgotten slot = new Forgotten(peer, ours.tenant(), ours.group(), ours.generation());
                            if (theirs != null) {
                                forgotten.remove(slot);
                                if (theirs.replaces(ours)) {
                                    offer(theirs);
                                }
                            } else if (failure != null && kind(failure) == ErrorKind.NOT_FOUND) {
                                forgotten.putIfAbsent(slot, scheduler.nanoTime());
                            }
                            return failure == null || kind(failure) != ErrorKind.NOT_CONNECTED;
                        },
                        work)
                .thenCompose(
                        reached -> reached ? sync(peer, shared, next + 1) : CompletableFuture.completedFuture(null));
    }

    private void offer(TableChain chain) {
        try {
            storage.offer(chain);
        } catch (PpiofsException e) {
            LOG.debug("a table that was told: {}", e.getMessage());
        }
    }

    private static @Nullable ErrorKind kind(Throwable failure) {
        Throwable cause =
                failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
        return cause instanceof PpiofsException e ? e.kind() : null;
    }

    private void forgetSettled(List<TableChain> mine) {
        Map<GroupKey, Long> current = new HashMap<>();
        mine.forEach(chain -> current.put(new GroupKey(chain.tenant(), chain.group()), chain.generation()));
        troubles.entrySet().removeIf(e -> !Long.valueOf(e.getValue().generation).equals(current.get(e.getKey())));
        forgotten
                .keySet()
                .removeIf(f -> !Long.valueOf(f.generation()).equals(current.get(new GroupKey(f.tenant(), f.group()))));
        checkedNanos.keySet().retainAll(current.keySet());
        wanted.retainAll(current.keySet());
        pauses.keySet().retainAll(current.keySet());
    }

    // ------------------------------------------------------------------------------------------------ planning

    /** A group that can be repaired now. @param redundancy live slots beyond those that the data needs */
    private record Task(
            SlotRepair.Goal goal, TableChain chain, List<Integer> lost, List<Integer> live, int redundancy) {}

    private void plan(List<TableChain> mine) {
        List<Task> tasks = new ArrayList<>();
        int troubled = 0;
        for (TableChain chain : mine) {
            Task task = assess(chain);
            GroupKey key = new GroupKey(chain.tenant(), chain.group());
            if (task == null) {
                troubles.remove(key);
                continue;
            }
            troubled++;
            Trouble trouble = troubles.computeIfAbsent(
                    key, k -> new Trouble(chain.generation(), scheduler.nanoTime(), 0, scheduler.nanoTime()));
            if (isMyTurn(task, trouble)) {
                tasks.add(task);
            }
        }
        waiting = troubled;
        tasks.addAll(leavingTasks(mine));
        if (running == null && !tasks.isEmpty()) {
            tasks.sort(Comparator.comparing(Task::goal)
                    .thenComparingInt(Task::redundancy)
                    .thenComparing(task -> task.chain().group()));
            begin(tasks.get(0));
        }
    }

    /** What is lost of a group; null if nothing is, or nothing can be done. */
    private @Nullable Task assess(TableChain chain) {
        SlotTable table = chain.newest();
        if (table.state() == SlotTable.State.OPEN && !table.scheme().isCopies()) {
            return null; // it has no inventory yet, and the group that it is made from stands
        }
        int needed = table.scheme().data();
        List<Integer> gone = new ArrayList<>();
        List<Integer> silent = new ArrayList<>();
        List<Integer> live = new ArrayList<>();
        for (int slot = 0; slot < table.holders().size(); slot++) {
            PeerId holder = table.holders().get(slot);
            Liveness state = holder.equals(host.id()) ? Liveness.ALIVE : health.state(holder);
            boolean lost = hasForgotten(new Forgotten(holder, chain.tenant(), chain.group(), chain.generation()));
            if (lost || state == Liveness.OUT) {
                gone.add(slot);
            } else if (state == Liveness.ALIVE) {
                live.add(slot);
            } else {
                silent.add(slot);
            }
        }
        boolean floor = live.size() <= needed;
        if (floor) {
            gone.addAll(silent);
        }
        if (gone.isEmpty() || live.size() < needed || storage.mandate(chain.tenant()) == null) {
            return null;
        }
        gone.sort(Comparator.naturalOrder());
        return new Task(SlotRepair.Goal.RESTORE, chain, gone, live, live.size() - needed);
    }

    /** Notes what is still here, if this node is leaving. @return what can be given to others now */
    private List<Task> leavingTasks(List<TableChain> mine) {
        if (!storage.isLeaving()) {
            stays.clear();
            leaving = new Leaving(0, 0, handedOver.get(), 0, null);
            return List.of();
        }
        Map<GroupKey, Long> bytes = new HashMap<>();
        storage.hosted()
                .forEach(slot -> bytes.merge(new GroupKey(slot.tenant(), slot.group()), slot.bytes(), Long::sum));
        long now = scheduler.nanoTime();
        Set<GroupKey> here = new HashSet<>();
        List<Task> tasks = new ArrayList<>();
        long total = 0;
        int hindered = 0;
        String why = null;
        for (TableChain chain : mine) {
            SlotTable table = chain.newest();
            if (table.state() == SlotTable.State.OPEN && !table.scheme().isCopies()) {
                continue; // its writer gives it up, and the group from which it is made stands
            }
            GroupKey key = new GroupKey(chain.tenant(), chain.group());
            here.add(key);
            Stay stay = stays.get(key);
            if (stay == null || stay.generation != chain.generation()) {
                stay = new Stay(chain.generation(), now);
                stays.put(key, stay);
            }
            long held = bytes.getOrDefault(key, 0L);
            if (stay.bytes != held) {
                stay.bytes = held;
                stay.quietSinceNanos = now;
            }
            total += held;
            if (stay.failures >= HINDERED) {
                hindered++;
                why = stay.why;
            }
            if (mayLeave(chain, stay, now)) {
                List<Integer> live = liveSlots(table);
                tasks.add(new Task(
                        SlotRepair.Goal.HAND_OVER,
                        chain,
                        table.slotsOf(host.id()),
                        live,
                        live.size() - table.scheme().data()));
            }
        }
        stays.keySet().retainAll(here);
        leaving = new Leaving(here.size(), total, handedOver.get(), hindered, why);
        return tasks;
    }

    /**
     * Whether it is this node's turn to give its slots of a group to others. A writer that is there closes an open group first:
     * blocks that it puts meanwhile would miss their copy. Of several that leave the first by rank begins.
     */
    private boolean mayLeave(TableChain chain, Stay stay, long now) {
        SlotTable table = chain.newest();
        boolean open = table.state() == SlotTable.State.OPEN;
        if (now < stay.notBeforeNanos
                || (open && now - stay.quietSinceNanos < options.suspect().toNanos())) {
            return false;
        }
        long own = rank(table, host.id());
        long before = new HashSet<>(table.holders())
                .stream()
                        .filter(peer -> !peer.equals(host.id())
                                && directory.isLeaving(peer)
                                && health.state(peer) == Liveness.ALIVE
                                && rank(table, peer) < own)
                        .count();
        return now - stay.sinceNanos >= before * options.takeover().toNanos();
    }

    /** Why a group does not go, for people. */
    private String hindrance(TableChain chain, Throwable failure) {
        int wanted = new HashSet<>(chain.newest().holders()).size();
        long others = directory.operators().stream()
                .filter(o -> !o.advert().leaving() && !o.peer().equals(host.id()))
                .count();
        if (others < wanted) {
            return "a group needs " + wanted + " peers, and only " + others + " others lend space";
        }
        if (kind(failure) == ErrorKind.NO_SPACE) {
            return "no other peer has room";
        }
        Throwable cause =
                failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
        return cause instanceof PpiofsException e ? String.valueOf(e.getMessage()) : cause.toString();
    }

    /** Who has no slot for longer than a writer takes to lease all slots of a new group has lost it. */
    private boolean hasForgotten(Forgotten slot) {
        Long since = forgotten.get(slot);
        return since != null
                && scheduler.nanoTime() - since >= options.suspect().toNanos();
    }

    /** One holder repairs at a time: the next by rank begins a takeover time later, and each pauses after a failure. */
    private boolean isMyTurn(Task task, Trouble trouble) {
        long now = scheduler.nanoTime();
        SlotTable table = task.chain().newest();
        List<PeerId> holders =
                task.live().stream().map(table.holders()::get).distinct().toList();
        long own = rank(table, host.id());
        long before = holders.stream().filter(peer -> rank(table, peer) < own).count();
        return now - trouble.sinceNanos >= before * options.takeover().toNanos() && now >= trouble.notBeforeNanos;
    }

    static long rank(SlotTable table, PeerId peer) {
        ByteBuffer text = ByteBuffer.allocate(GroupId.LENGTH + 8 + peer.toBytes().length);
        text.put(table.group().bytes())
                .putLong(table.generation())
                .put(peer.toBytes())
                .flip();
        return Cid.of(text).word(0) >>> 1;
    }

    // ----------------------------------------------------------------------------------------------- repairing

    private void begin(Task task) {
        SlotRepair repair = new SlotRepair(
                new SlotRepair.Environment(
                        host, network, storage, client, directory, mover, options, work, bytesSent, bytesFetched),
                task.goal(),
                task.chain(),
                task.lost(),
                task.live(),
                () -> closed || isMoot(task));
        running = repair;
        LOG.info(
                "group {}: {} of {} slots are {}",
                task.chain(),
                task.lost().size(),
                task.chain().newest().holders().size(),
                isLeft(task) ? "given to others, for this node leaves" : "lost, repair begins");
        askOthers(task)
                .thenComposeAsync(
                        denied -> denied
                                ? CompletableFuture.failedFuture(new PpiofsException(
                                        ErrorKind.BUSY,
                                        "repair",
                                        task.chain().toString(),
                                        "another holder has heard the lost one"))
                                : repair.run(),
                        work)
                .whenComplete((done, failure) -> onWork(() -> ended(task, failure)));
    }

    /** Asks the other live holders whether they have heard those that seem lost. @return whether one has */
    private CompletableFuture<Boolean> askOthers(Task task) {
        SlotTable table = task.chain().newest();
        if (task.redundancy() == 0 || isLeft(task)) {
            return CompletableFuture.completedFuture(false); // there is no time to lose
        }
        List<CompletableFuture<Boolean>> asked = new ArrayList<>();
        for (PeerId lost :
                new HashSet<>(task.lost().stream().map(table.holders()::get).toList())) {
            if (health.state(lost) == Liveness.ALIVE) {
                continue; // it is there, and says itself that it has lost the slot
            }
            for (PeerId other :
                    new HashSet<>(task.live().stream().map(table.holders()::get).toList())) {
                if (!other.equals(host.id())) {
                    asked.add(client.vouch(other, lost)
                            .thenApply(silence -> silence.compareTo(options.suspect()) < 0)
                            .exceptionally(failure -> false)
                            .thenApplyAsync(heard -> believe(lost, heard), work));
                }
            }
        }
        return CompletableFuture.allOf(asked.toArray(CompletableFuture<?>[]::new))
                .thenApply(done -> asked.stream().anyMatch(CompletableFuture::join));
    }

    private boolean believe(PeerId lost, boolean heard) {
        if (heard) {
            health.vouched(lost);
        }
        return heard && health.state(lost) != Liveness.OUT;
    }

    /** Whether the repair has lost its reason: a newer table is known, or the lost holders are back. */
    private boolean isMoot(Task task) {
        TableChain known = storage.table(task.chain().tenant(), task.chain().group());
        if (known == null || known.generation() != task.chain().generation()) {
            return true;
        }
        if (isLeft(task)) {
            return !storage.isLeaving();
        }
        Task now = assess(task.chain());
        return now == null || !now.lost().containsAll(task.lost());
    }

    private void ended(Task task, @Nullable Throwable failure) {
        running = null;
        GroupKey key = new GroupKey(task.chain().tenant(), task.chain().group());
        if (isLeft(task)) {
            left(task, key, failure);
        } else if (failure == null) {
            repaired.incrementAndGet();
            troubles.remove(key);
            LOG.info("group {} is repaired", task.chain().group());
        } else {
            abandoned.incrementAndGet();
            Trouble trouble = troubles.get(key);
            if (trouble != null) {
                trouble.failures++;
                long pause = options.takeover().toNanos() << Math.min(10, trouble.failures - 1);
                trouble.notBeforeNanos = scheduler.nanoTime() + Math.min(pause, LONGEST_BACKOFF.toNanos());
            }
            LOG.info("group {}: the repair was given up, it is tried again: {}", task.chain(), failure.toString());
        }
        onWork(() -> plan(mine()));
    }

    private static boolean isLeft(Task task) {
        return task.goal() == SlotRepair.Goal.HAND_OVER;
    }

    private void left(Task task, GroupKey key, @Nullable Throwable failure) {
        if (failure == null) {
            handedOver.incrementAndGet();
            LOG.info("group {} is with others now", task.chain().group());
            return;
        }
        LOG.info("group {}: could not be given to others: {}", task.chain(), failure.toString());
        Stay stay = stays.get(key);
        if (stay != null && stay.generation == task.chain().generation()) {
            stay.failures++;
            stay.why = hindrance(task.chain(), failure);
            long pause =
                    Math.min(LEAVE_AGAIN.toNanos() << Math.min(20, stay.failures - 1), LEAVE_AGAIN_AT_MOST.toNanos());
            stay.notBeforeNanos = scheduler.nanoTime() + pause;
            scheduler.schedule(Duration.ofNanos(pause), () -> onWork(() -> plan(mine())));
        }
    }

    // ---------------------------------------------------------------------------------------------- own slots

    /** What this node was given while it runs is being filled by whoever gave it; only then it looks itself. */
    private void putOffNew(List<TableChain> mine) {
        if (started) {
            long soon = scheduler.nanoTime()
                    - options.check().toNanos()
                    + options.takeover().toNanos();
            mine.forEach(chain -> checkedNanos.putIfAbsent(new GroupKey(chain.tenant(), chain.group()), soon));
        }
    }

    /** Somebody who has compared, or says so, asks for what this node's slots of a group lack. */
    private void restore(GroupKey key) {
        boolean isNew = !key.equals(checking) && wanted.size() < MAX_WANTED && wanted.add(key);
        if (isNew && checking == null) {
            List<TableChain> mine = mine();
            putOffNew(mine);
            checkOwn(mine);
        }
    }

    /** Looks, group by group and now and then, at what this node's own slots lack, and fetches it. */
    private void checkOwn(List<TableChain> mine) {
        long now = scheduler.nanoTime();
        List<TableChain> inOrder = mine;
        if (!wanted.isEmpty()) {
            inOrder = new ArrayList<>(mine);
            inOrder.sort(Comparator.comparing(chain -> !wanted.contains(new GroupKey(chain.tenant(), chain.group()))));
        }
        for (TableChain chain : inOrder) {
            GroupKey key = new GroupKey(chain.tenant(), chain.group());
            Long last = checkedNanos.get(key);
            Duration pause = wanted.contains(key) ? pauses.getOrDefault(key, RESTORE_AGAIN) : options.check();
            boolean due = last == null || now - last >= pause.toNanos();
            if (checking != null || !due || chain.newest().state() != SlotTable.State.CLOSED) {
                continue;
            }
            checkedNanos.put(key, now);
            wanted.remove(key);
            checking = key;
            long before = restored;
            fetchInventory(chain)
                    .thenComposeAsync(inventory -> restoreOwn(chain, inventory), work)
                    .whenComplete((done, failure) -> onWork(() -> {
                        checking = null;
                        pause(key, restored > before);
                        if (failure != null) {
                            LOG.info(
                                    "group {}: what this node lacks could not be fetched: {}",
                                    chain,
                                    failure.toString());
                        }
                        checkOwn(wanted.isEmpty() ? mine : mine());
                    }));
            return;
        }
    }

    /** A look that brings nothing may have cost as much as one that does: whoever asks, it is done more and more rarely. */
    private void pause(GroupKey key, boolean useful) {
        if (useful) {
            pauses.remove(key);
        } else {
            pauses.merge(
                    key,
                    RESTORE_AGAIN.multipliedBy(2),
                    (old, first) -> RepairOptions.shorter(old.multipliedBy(2), options.check()));
        }
    }

    private List<Integer> liveSlots(SlotTable table) {
        List<Integer> live = new ArrayList<>();
        for (int slot = 0; slot < table.holders().size(); slot++) {
            PeerId holder = table.holders().get(slot);
            if (holder.equals(host.id()) || health.state(holder) == Liveness.ALIVE) {
                live.add(slot);
            }
        }
        return live;
    }

    /** The inventory from here, else from co-holders. */
    private CompletableFuture<@Nullable Inventory> fetchInventory(TableChain chain) {
        SlotTable table = chain.newest();
        Inventory here = storage.inventory(table);
        Cid cid = table.inventory();
        if (here != null || cid == null) {
            return CompletableFuture.completedFuture(here);
        }
        storage.dropDamaged(cid);
        List<PeerId> others = liveSlots(table).stream()
                .map(table.holders()::get)
                .filter(peer -> !peer.equals(host.id()))
                .distinct()
                .toList();
        return fetchInventory(chain, cid, others, 0);
    }

    private CompletableFuture<@Nullable Inventory> fetchInventory(
            TableChain chain, Cid cid, List<PeerId> peers, int next) {
        if (next >= peers.size()) {
            return CompletableFuture.completedFuture(null);
        }
        return mover.get(peers.get(next), List.of(cid))
                .exceptionally(failure -> Map.of())
                .thenComposeAsync(
                        found -> {
                            ByteBuffer bytes = found.get(cid);
                            if (bytes == null) {
                                return fetchInventory(chain, cid, peers, next + 1);
                            }
                            bytesFetched.addAndGet(bytes.remaining());
                            for (int slot : chain.newest().slotsOf(host.id())) {
                                storage.restore(chain.tenant(), chain.group(), slot, cid, bytes.duplicate());
                            }
                            return CompletableFuture.completedFuture(storage.inventory(chain.newest()));
                        },
                        work);
    }

    private CompletableFuture<Void> restoreOwn(TableChain chain, @Nullable Inventory inventory) {
        if (inventory == null) {
            return CompletableFuture.failedFuture(new PpiofsException(
                    ErrorKind.NOT_FOUND, "repair", chain.toString(), "no co-holder has the group's inventory now"));
        }
        SlotSource source = new SlotSource(
                storage, mover, work, bytesFetched, chain.newest(), inventory, liveSlots(chain.newest()));
        CompletableFuture<Void> all = CompletableFuture.completedFuture(null);
        for (int slot : chain.newest().slotsOf(host.id())) {
            all = all.thenComposeAsync(done -> restoreOwn(chain, inventory, source, slot), work);
        }
        return all.thenRunAsync(storage::durable, work);
    }

    private CompletableFuture<Void> restoreOwn(TableChain chain, Inventory inventory, SlotSource source, int slot) {
        List<Integer> places;
        try {
            places = storage.lacks(chain.tenant(), chain.group(), slot).missing().stream()
                    .boxed()
                    .toList();
        } catch (PpiofsException e) {
            return CompletableFuture.failedFuture(e);
        }
        if (!places.isEmpty()) {
            LOG.info("group {}: this node lacks {} blocks of slot {} and fetches them", chain, places.size(), slot);
        }
        Batches batches = new Batches(places, inventory.ofSlot(slot), options, scheduler);
        return batches.each(
                batch -> source.blocks(slot, batch)
                        .thenAcceptAsync(
                                blocks -> blocks.forEach(block -> {
                                    if (block != null) {
                                        storage.restore(
                                                chain.tenant(), chain.group(), slot, block.cid(), block.bytes());
                                        restored++;
                                    }
                                }),
                                work),
                work);
    }

    // -------------------------------------------------------------------------------------------- over restarts

    private Map<PeerId, Long> readSilences() {
        Map<PeerId, Long> silences = new HashMap<>();
        byte[] bytes = DurableFile.read(stateFile, MAX_SILENCES, "read repair state");
        if (bytes == null) {
            return silences;
        }
        try {
            CborMap fields = CborDecoder.decodeMap(bytes);
            // field 1 is when: the time that this node was away itself is no silence of others
            for (Cbor item : fields.array(2, MAX_SILENCES).items()) {
                if (item instanceof CborMap one) {
                    silences.put(PeerId.fromBytes(one.bytes(1, 1, PeerId.MAX_BYTES)), one.uint(2, Long.MAX_VALUE));
                }
            }
        } catch (MalformedException | PpiofsException e) {
            LOG.warn("{} is no repair state, silences are counted from now: {}", stateFile, e.getMessage());
        }
        return silences;
    }

    private void keepSilences() {
        long now = scheduler.nanoTime();
        if (now - keptNanos >= KEEP.toNanos()) {
            keptNanos = now;
            writeSilences();
        }
    }

    private void writeSilences() {
        List<Cbor> items = new ArrayList<>();
        health.silences().entrySet().stream()
                .limit(10_000)
                .forEach(e -> items.add(CborMap.builder()
                        .put(1, e.getKey().toBytes())
                        .put(2, new CborInt(Math.max(0, e.getValue())))
                        .build()));
        byte[] bytes = CborEncoder.encode(CborMap.builder()
                .put(1, scheduler.wallMillis())
                .put(2, new CborArray(items))
                .build());
        try {
            DurableFile.replace(stateFile, bytes, "keep repair state");
        } catch (PpiofsException e) {
            LOG.warn("silences are not kept over a restart: {}", e.getMessage());
        }
    }

    /** Stops; what was under way is taken up after the next start. */
    @Override
    public void close() {
        closed = true;
        if (timer != null) {
            timer.cancel();
        }
        writeSilences();
    }
}
