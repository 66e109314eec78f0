package io.ppiofs.node.audit;

import io.ppiofs.blockstore.BlockStore.StoredBlock;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.file.DurableFile;
import io.ppiofs.node.control.Progress;
import io.ppiofs.overlay.audit.AuditAnswer;
import io.ppiofs.overlay.audit.AuditAsk;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.placement.GroupId;
import io.ppiofs.overlay.placement.Inventory;
import io.ppiofs.overlay.placement.SlotAddress;
import io.ppiofs.overlay.placement.SlotTable;
import io.ppiofs.proofs.audit.AuditForm;
import io.ppiofs.proofs.podr2.TagPublicKey;
import io.ppiofs.proofs.podr2.UnitChallenge;
import io.ppiofs.proofs.sdr.Sha256;
import io.ppiofs.proofs.verify.Verdict;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The auditor of one volume. The owner's tags each closed group once its blocks are here, and challenges every slot once per interval,
 * the slots of a round spread over it; where others audit, too, it brings public tags to peers. A verifier's has no data: it fetches tags, and challenges the
 * slots that are drawn for it. A holder that fails is challenged again at once: who lacks a share fails again, who has one
 * bad sector hardly. Thread-safe; one audit at a time.
 */
public final class VolumeAuditor implements FailureListener, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(VolumeAuditor.class);

    /** Challenges of a slot whose first one failed: as many failures as make a holder distrusted. */
    private static final int CHALLENGES = 3;

    /** Suspicions in a row, of a holder that answers otherwise, that count as a failure. */
    private static final int EVASIONS = 8;

    /** As which windows count that were evaded, if there are no audits in the background. */
    private static final Duration USUAL_INTERVAL = Duration.ofHours(1);

    /** How often it is looked, while something is waited for, whether it is to be stopped. */
    private static final Duration HEED = Duration.ofMillis(100);

    /** How often it is looked whether groups have been closed. */
    private static final Duration LOOK = Duration.ofSeconds(5);

    /** The public half of the tagger's key, as a verifier has learnt it: SHA-256, key. Its name is that of no group. */
    private static final String TAGGER = "tagger";

    private static final int MAX_TAGGER = 1 << 20;
    private static final String READ_KEY = "read tag key";

    /** After which it is tried again to tag a group whose blocks were not here. */
    private static final Duration TAG_AGAIN = Duration.ofMinutes(5);

    /** The same of tags that only peers have. */
    private static final Duration FETCH_AGAIN = Duration.ofSeconds(20);

    /** This share of a group, at most, is fetched in the background to tag it. */
    private static final int FETCHED_SHARE = 8;

    /** Slots that wait to be audited because somebody else says something, and answers that somebody else was given: the rest is not heard. */
    private static final int MOST_HEARD = 256;

    /** A slot is not audited more often because of what others say. */
    private static final Duration HEARD_AGAIN = Duration.ofMinutes(1);

    /** Answers of others are believed if they were given so lately: a holder may have mended what it lacked. */
    private static final Duration FRESH = Duration.ofHours(1);

    private static final Duration ROUND_TRIP_PATIENCE = Duration.ofSeconds(10);
    private static final Duration ROUND_TRIP_KNOWN = Duration.ofMinutes(1);
    private static final Duration LONGEST_ANSWER = Duration.ofMinutes(2);

    /** Asks a holder for a proof. */
    @FunctionalInterface
    public interface Asking {
        CompletableFuture<AuditAnswer> audit(PeerId holder, AuditAsk question, Duration patience);
    }

    /** @param millis when it was measured, System.nanoTime / 10^6 */
    private record RoundTrip(Duration time, long millis) {}

    private record Target(GroupId group, int slot) {}

    /** An answer that somebody else was given. */
    private record Heard(AuditAsk question, AuditAnswer answer) {}

    private final AuditedVolume volume;
    private final AuditKeys keys;
    private final Path directory;
    private final Asking asking;
    private final Function<PeerId, CompletableFuture<?>> ping;
    private final LongSupplier wallMillis;
    private final AuditRound<Target> round;
    private final Thread thread;

    /** Has slots sealed: whoever lets it wait keeps nobody else from being audited. */
    private final Thread sealer;

    /** Held while holders are asked about slots that are to be sealed. */
    private final ReentrantLock sealing = new ReentrantLock();

    /** Audits on demand that wait for it: the background gives way. */
    private final AtomicInteger demanded = new AtomicInteger();

    private final Object lock = new Object();
    private final Map<PeerId, RoundTrip> roundTrips = new HashMap<>();
    private final Map<PeerId, Integer> suspicions = new HashMap<>();

    /** The same of what is sealed: who answers audits may evade that. */
    private final Evasions sealEvasions;

    private final Map<AuditOutcome.Result, AtomicLong> counts = new LinkedHashMap<>();
    private final Map<AuditOutcome.Result, AtomicLong> windowCounts = new LinkedHashMap<>();
    private final AtomicLong tagged = new AtomicLong();
    private final AtomicLong transcripts = new AtomicLong();
    private final AtomicLong hearsay = new AtomicLong();

    /** Guarded by itself. */
    private final Deque<Heard> heard = new ArrayDeque<>();

    /** Slots that are to be audited because of what others say; guarded by {@code heard}. */
    private final Set<Target> rumoured = new LinkedHashSet<>();

    /** Digests of questions whose answers have counted, with their time, seconds; and when a slot was audited because of hearsay. */
    private final Map<Cid, Long> counted = new HashMap<>();

    private final Map<Target, Long> followed = new HashMap<>();
    private long lastEpoch;

    /** When it was looked last whether there is anything to tag, System.nanoTime; of the thread. */
    private long tagsLooked;

    /** Null if this node has nothing sealed. */
    private @Nullable VolumeSeals seals;

    private volatile boolean closing;

    /** What is waited for, and ends with the volume. */
    private final Set<CompletableFuture<?>> awaited = ConcurrentHashMap.newKeySet();

    /** Counted down when the volume is closed: rests end with it. */
    private final CountDownLatch ended = new CountDownLatch(1);

    /** Groups whose tags could not be made, and when it is tried again, System.nanoTime. */
    private final Map<GroupId, Long> untaggable = new HashMap<>();

    /**
     * @param directory of the tags; is made
     * @param ping a small question that a holder answers at once
     * @param every time in which each slot is audited once; zero for never
     */
    public VolumeAuditor(
            AuditedVolume volume,
            AuditKeys keys,
            Path directory,
            Asking asking,
            Function<PeerId, CompletableFuture<?>> ping,
            LongSupplier wallMillis,
            Duration every) {
        this.volume = volume;
        this.keys = keys;
        this.directory = directory;
        this.asking = asking;
        this.ping = ping;
        this.wallMillis = wallMillis;
        this.round = new AuditRound<>(every, !keys.canTag(), LOOK, wallMillis, System::nanoTime);
        this.tagsLooked = System.nanoTime() - LOOK.toNanos();
        // the slots of a round are spread over a half of the interval: one of a round counts, and one of the next
        Duration interval = every.isZero() ? USUAL_INTERVAL : every;
        this.sealEvasions = new Evasions(EVASIONS, interval.multipliedBy(3).dividedBy(4), System::nanoTime);
        for (AuditOutcome.Result result : AuditOutcome.Result.values()) {
            counts.put(result, new AtomicLong());
            windowCounts.put(result, new AtomicLong());
        }
        this.thread = new Thread(this::run, "audit-" + volume.name());
        thread.setDaemon(true);
        thread.setPriority(Thread.MIN_PRIORITY);
        this.sealer = new Thread(this::runSeals, "seals-" + volume.name());
        sealer.setDaemon(true);
        sealer.setPriority(Thread.MIN_PRIORITY);
    }

    /** The volume's slots are sealed, too, if it wants them to be. Before {@link #start}. @param kept where it is kept; is made */
    public VolumeAuditor sealing(Path kept, SealAsking holders) {
        seals = new VolumeSeals(volume, keys, kept, holders, new ForSeals());
        return this;
    }

    /** What sealing has from here. */
    private final class ForSeals implements VolumeSeals.Auditor {
        @Override
        public <T> T await(CompletableFuture<T> answer, PeerId holder, Duration patience, BooleanSupplier stop) {
            return VolumeAuditor.this.await(answer, holder, patience, stop);
        }

        @Override
        public Duration roundTrip(PeerId holder) {
            return VolumeAuditor.this.roundTrip(holder);
        }

        @Override
        public long nextEpoch() {
            return VolumeAuditor.this.nextEpoch();
        }

        @Override
        public long wallMillis() {
            return wallMillis.getAsLong();
        }

        @Override
        public void broke(PeerId holder, String slot, String why) {
            VolumeAuditor.this.broke(holder, slot, why);
        }

        @Override
        public void evaded(PeerId holder) {
            VolumeAuditor.this.evaded(holder);
        }
    }

    /** Begins to tag and to audit in the background. */
    public void start() {
        thread.start();
        if (seals != null) {
            sealer.start();
        }
    }

    AuditKeys keys() {
        return keys;
    }

    AuditedVolume volume() {
        return volume;
    }

    /** Numbers for status; names are stable. */
    public Map<String, Long> facts() {
        Map<String, Long> facts = new LinkedHashMap<>();
        facts.put("taggedGroups", tagged.get());
        facts.put("transcriptsCounted", transcripts.get());
        facts.put("hearsayFollowed", hearsay.get());
        put(facts, "audits", counts);
        VolumeSeals sealing = seals;
        if (sealing != null && !sealing.facts().isEmpty()) {
            facts.putAll(sealing.facts());
            put(facts, "windows", windowCounts);
        }
        return facts;
    }

    private static void put(Map<String, Long> facts, String what, Map<AuditOutcome.Result, AtomicLong> counts) {
        counts.forEach((result, count) -> facts.put(
                what + result.name().charAt(0) + result.name().substring(1).toLowerCase(Locale.ROOT), count.get()));
    }

    // ---- what others say ------------------------------------------------------------------------------------------

    /** What it shows counts once, judged by the tags that this node has; what cannot be judged is hearsay. */
    @Override
    public void hear(AuditAsk question, AuditAnswer answer) {
        synchronized (heard) {
            if (heard.size() < MOST_HEARD) {
                heard.add(new Heard(question, answer));
            }
        }
    }

    /** It is audited, soon, and that is all. */
    @Override
    public void hear(GroupId group, int slot) {
        synchronized (heard) {
            if (rumoured.size() < MOST_HEARD) {
                rumoured.add(new Target(group, slot));
            }
        }
    }

    private @Nullable Heard nextHeard() {
        synchronized (heard) {
            return heard.poll();
        }
    }

    private @Nullable Target nextRumour() {
        synchronized (heard) {
            Iterator<Target> all = rumoured.iterator();
            if (!all.hasNext()) {
                return null;
            }
            Target first = all.next();
            all.remove();
            return first;
        }
    }

    private void followHeard() {
        for (Heard next = nextHeard(); next != null && !closing; next = nextHeard()) {
            if (!isJudged(next)) {
                hear(next.question().group(), next.question().slot());
            }
        }
        for (Target next = nextRumour(); next != null && !closing; next = nextRumour()) {
            Long last = followed.get(next);
            if (last == null || System.nanoTime() - last >= HEARD_AGAIN.toNanos()) {
                followed.put(next, System.nanoTime());
                hearsay.incrementAndGet();
                audit(next);
            }
        }
        followed.values().removeIf(last -> System.nanoTime() - last >= HEARD_AGAIN.toNanos());
    }

    /**
     * Judges an answer to somebody else. Whoever asked chose the question, but not what is right: tags, inventory and holder are those that this node knows.
     *
     * @return whether it could be judged; so is one that has counted before or is too old
     */
    private boolean isJudged(Heard heardOf) {
        if (!knowsTagger()) {
            return false;
        }
        AuditAsk question = heardOf.question().withTagKey(keys.publicTags().toBytes());
        long now = TimeUnit.MILLISECONDS.toSeconds(wallMillis.getAsLong());
        counted.values().removeIf(epoch -> now - epoch > 2 * FRESH.toSeconds());
        if (Math.abs(now - question.epoch()) > FRESH.toSeconds()
                || !heardOf.answer().answers(question)) {
            return true;
        }
        AuditedGroup group = null;
        for (SlotTable table : volume.closedGroups()) {
            group = table.group().equals(question.group()) ? group(table) : group;
        }
        if (group == null
                || question.form() != AuditForm.PUBLIC.ordinal()
                || !question.tenant().equals(group.table().tenant())
                || !question.inventory().equals(group.digest())
                || question.slot() >= group.table().holders().size()
                || !group.table()
                        .holders()
                        .get(question.slot())
                        .equals(heardOf.answer().prover())) {
            return false;
        }
        GroupTags tags = tags(group, AuditForm.PUBLIC, false, () -> closing);
        if (tags == null || counted.size() >= MOST_HEARD) {
            return false;
        }
        SlotVerifier verifier =
                new SlotVerifier(volume.network(), keys, group, question.slot(), AuditForm.PUBLIC, tags);
        if (verifier.total() == 0
                || question.units() > verifier.total()
                || !SlotVerifier.challengeOf(question, volume.network()).isGenuine()) {
            return false;
        }
        if (counted.putIfAbsent(Cid.ofDigest(question.digest()), question.epoch()) == null) {
            Verdict verdict = verifier.verdict(question, heardOf.answer());
            if (!verdict.accepted()) {
                transcripts.incrementAndGet();
                String why = "what it answered to another verifier: " + verdict.reason();
                broke(verifier.holder(), group.table().slot(question.slot()).toString(), why);
            }
        }
        return true;
    }

    // ---- on demand --------------------------------------------------------------------------------------------------

    /**
     * Audits every slot now.
     *
     * @param stop asked between slots
     * @throws PpiofsException IO, NO_SPACE if tags cannot be written
     */
    public AuditReport audit(AuditOrder order, Progress progress, BooleanSupplier stop) {
        List<AuditReport.Line> lines = new ArrayList<>();
        List<AuditReport.Seal> sealed = new ArrayList<>();
        int untagged = 0;
        tendSeals(order, stop);
        List<SlotTable> tables = volume.closedGroups();
        int done = 0;
        for (SlotTable table : tables) {
            progress.report("auditing groups", done++, tables.size());
            boolean concerned = order.only() == null || table.holders().contains(order.only());
            AuditedGroup group = concerned ? group(table) : null;
            if (group == null || stop.getAsBoolean()) {
                continue;
            }
            GroupTags tags = tags(group, order.form(), order.fetch(), stop);
            untagged += tags == null ? 1 : 0;
            Map<Integer, AuditReport.Window> windows = new HashMap<>();
            for (int slot : group.slots()) {
                PeerId holder = table.holders().get(slot);
                boolean asked = !holder.equals(volume.self())
                        && (order.only() == null || order.only().equals(holder));
                if (!asked || stop.getAsBoolean()) {
                    continue;
                }
                AuditReport.Line line = tags == null ? null : audit(group, slot, order.form(), tags, order.units());
                if (line != null) {
                    lines.add(line);
                }
                AuditReport.Window window = window(group, slot);
                if (window != null) {
                    windows.put(slot, window);
                }
            }
            sealed.addAll(seals(group, order, windows));
        }
        return new AuditReport(lines, untagged, sealed);
    }

    private List<AuditReport.Seal> seals(
            AuditedGroup group, AuditOrder order, Map<Integer, AuditReport.Window> windows) {
        VolumeSeals kept = seals;
        return kept == null ? List.of() : kept.lines(group, holder -> isMeant(order, holder), windows);
    }

    private static boolean isMeant(AuditOrder order, PeerId holder) {
        return order.only() == null || order.only().equals(holder);
    }

    /** Orders what is not sealed yet of those who are audited, until it is stopped. */
    private void tendSeals(AuditOrder order, BooleanSupplier stop) {
        VolumeSeals tended = seals;
        if (tended == null) {
            return;
        }
        demanded.incrementAndGet();
        boolean mine = false;
        try {
            while (!mine && !stop.getAsBoolean() && !closing) {
                mine = sealing.tryLock(HEED.toNanos(), TimeUnit.NANOSECONDS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            demanded.decrementAndGet();
        }
        if (mine) {
            try {
                tended.tend(new SealPass(true, holder -> isMeant(order, holder), stop, stop));
            } finally {
                sealing.unlock();
            }
        }
    }

    /**
     * Writes what others can check of a report: public audits.
     *
     * @return bytes of the file
     * @throws PpiofsException IO, NO_SPACE
     */
    public int writeTranscript(AuditReport report, Path file) {
        byte[] transcript = Transcript.of(this, report);
        DurableFile.replace(file, transcript, "write transcript");
        return transcript.length;
    }

    private @Nullable AuditedGroup group(SlotTable table) {
        Inventory inventory = volume.inventory(table);
        return inventory == null ? null : AuditedGroup.of(table, inventory);
    }

    // ---- tags -------------------------------------------------------------------------------------------------------

    private Path file(GroupId group, AuditForm form) {
        return directory.resolve(group + "." + form.name().toLowerCase(Locale.ROOT));
    }

    /** The tags of a group, made if they are not there and its blocks are; else null. */
    private @Nullable GroupTags tags(AuditedGroup group, AuditForm form, boolean fetch, BooleanSupplier stop) {
        synchronized (lock) {
            Path file = file(group.table().group(), form);
            // of what use are tags of an unknown key; they are fetched again, and the key with them
            GroupTags kept = form == AuditForm.PUBLIC && !knowsTagger() ? null : GroupTags.load(file, group, form);
            if (kept != null) {
                return kept;
            }
            GroupTags made = form == AuditForm.PUBLIC ? fetched(group) : null;
            if (made == null && keys.canTag()) {
                made = GroupTags.make(group, form, keys, fetch ? volume.everywhere() : volume.here(), stop);
            }
            if (made != null) {
                makeDirectory();
                rememberTagger();
                made.save(file, group.digest());
            }
            return made;
        }
    }

    /** Whether there is a public half of the tagger's key; one that was learnt before the last start counts. */
    private boolean knowsTagger() {
        // that it becomes known twice at the same time is no harm
        if (!keys.knowsTagger()) {
            byte[] kept = DurableFile.read(directory.resolve(TAGGER), MAX_TAGGER, READ_KEY);
            if (kept != null && kept.length == Sha256.BYTES + TagPublicKey.BYTES) {
                byte[] key = Arrays.copyOfRange(kept, Sha256.BYTES, kept.length);
                boolean whole = Arrays.equals(kept, 0, Sha256.BYTES, TagSubject.digest(key), 0, Sha256.BYTES);
                return whole && keys.isTaggers(key);
            }
        }
        return keys.knowsTagger();
    }

    /** Before the tags that need it. */
    private void rememberTagger() {
        if (!keys.canTag()) {
            Path file = directory.resolve(TAGGER);
            byte[] key = keys.publicTags().toBytes();
            byte[] kept = ByteBuffer.allocate(Sha256.BYTES + key.length)
                    .put(TagSubject.digest(key))
                    .put(key)
                    .array();
            if (!Arrays.equals(kept, DurableFile.read(file, MAX_TAGGER, READ_KEY))) {
                DurableFile.replace(file, kept, "write tag key");
            }
        }
    }

    /** Public tags as peers have them; null if they cannot be had, or are not what the owner vouches for. */
    private @Nullable GroupTags fetched(AuditedGroup group) {
        TagIndex index = volume.tagIndex(group.table());
        if (index == null
                || !index.subject().isOf(group)
                || index.units() != group.allUnits().total()
                || !GroupTags.fit(group, AuditForm.PUBLIC)) {
            return null; // all of that before anything is fetched: an index names more than memory has room for
        }
        Map<Cid, ByteBuffer> blocks = volume.tagBlocks(index);
        ByteBuffer key = blocks.get(index.key().cid());
        List<byte[]> tags = new ArrayList<>();
        for (Inventory.Entry entry : index.blocks()) {
            ByteBuffer block = blocks.get(entry.cid());
            if (block == null || block.remaining() != entry.length()) {
                return null;
            }
            tags.add(bytes(block));
        }
        if (key == null
                || key.remaining() != TagPublicKey.BYTES
                || !index.subject().names(bytes(key))
                || !keys.isTaggers(bytes(key))) {
            return null;
        }
        return GroupTags.joined(group, AuditForm.PUBLIC, tags);
    }

    private static byte[] bytes(ByteBuffer block) {
        byte[] bytes = new byte[block.remaining()];
        block.duplicate().get(bytes);
        return bytes;
    }

    /** Gives peers the public tags of a group. */
    private void share(AuditedGroup group, GroupTags tags) {
        if (tags.bytes() == 0) {
            return; // nothing of it can be asked for
        }
        List<StoredBlock> blocks = new ArrayList<>();
        List<Inventory.Entry> entries = new ArrayList<>();
        List<byte[]> all = new ArrayList<>(tags.cut());
        all.add(keys.publicTags().toBytes());
        for (byte[] bytes : all) {
            ByteBuffer block = ByteBuffer.wrap(bytes);
            blocks.add(new StoredBlock(Cid.of(block.duplicate()), block));
            entries.add(new Inventory.Entry(blocks.get(blocks.size() - 1).cid(), bytes.length));
        }
        int last = entries.size() - 1;
        volume.shareTags(
                group.table(),
                new TagIndex(
                        TagSubject.sign(keys, group, volume.network()), entries.get(last), entries.subList(0, last)),
                blocks);
    }

    private void makeDirectory() {
        try {
            Files.createDirectories(directory);
        } catch (IOException e) {
            throw new PpiofsException(ErrorKind.IO, "write tags", directory.toString(), "cannot be made", e);
        }
    }

    /** Removes the tags of groups that are not there any more. */
    private void forget(Set<String> groups) {
        if (!Files.isDirectory(directory)) {
            return;
        }
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
            for (Path file : files) {
                String name = String.valueOf(file.getFileName());
                if (!name.equals(TAGGER) && !groups.contains(name.replaceAll("\\..*", ""))) {
                    Files.deleteIfExists(file);
                }
            }
        } catch (IOException e) {
            LOG.info("volume {}: tags that nobody needs stay: {}", volume.name(), e.toString());
        }
    }

    // ---- one slot ---------------------------------------------------------------------------------------------------

    /** @return null if the slot has nothing to audit */
    private AuditReport.@Nullable Line audit(AuditedGroup group, int slot, AuditForm form, GroupTags tags, int units) {
        SlotVerifier verifier = new SlotVerifier(volume.network(), keys, group, slot, form, tags);
        if (verifier.total() == 0) {
            return null;
        }
        SlotAddress address = group.table().slot(slot);
        synchronized (lock) {
            AuditOutcome outcome = volume.isFilled(address) ? challenge(verifier, units) : unfilled(verifier, units);
            int failed = 0;
            int challenges = 1;
            AuditOutcome last = outcome;
            while (last.result() == AuditOutcome.Result.FAIL) {
                if (!volume.isFilled(address)) {
                    outcome = unfilled(verifier, units); // that was found out meanwhile
                    break;
                }
                failed++;
                broke(verifier.holder(), address.toString(), last.reason());
                if (challenges == CHALLENGES) {
                    break;
                }
                challenges++;
                last = challenge(verifier, units);
            }
            counts.getOrDefault(outcome.result(), new AtomicLong()).incrementAndGet();
            return new AuditReport.Line(outcome, challenges, failed);
        }
    }

    /** The window of a sealed slot. @return null if it is not sealed, or its holder is being sent what it lacks */
    private AuditReport.@Nullable Window window(AuditedGroup group, int slot) {
        SlotAddress address = group.table().slot(slot);
        synchronized (lock) {
            VolumeSeals sealed = seals;
            WindowOutcome outcome = sealed == null || !volume.isFilled(address) ? null : sealed.window(group, slot);
            if (sealed == null || outcome == null) {
                return null;
            }
            int failed = 0;
            int challenges = 1;
            WindowOutcome last = outcome;
            while (last != null && last.result() == AuditOutcome.Result.FAIL) {
                failed++;
                broke(last.holder(), address.toString(), "its replica: " + last.reason());
                // who says itself that it is damaged is taken at its word
                boolean over = last.admitted() || challenges == CHALLENGES || !volume.isFilled(address);
                last = over ? null : sealed.window(group, slot);
                challenges += last == null ? 0 : 1;
            }
            if (outcome.result() == AuditOutcome.Result.PASS) {
                volume.kept(outcome.holder());
            }
            if (outcome.evades()) {
                evaded(outcome.holder());
            } else if (outcome.result() != AuditOutcome.Result.SUSPECT) {
                sealEvasions.answered(outcome.holder());
            }
            windowCounts.getOrDefault(outcome.result(), new AtomicLong()).incrementAndGet();
            return new AuditReport.Window(outcome, challenges, failed);
        }
    }

    private void evaded(PeerId holder) {
        if (sealEvasions.evaded(holder)) {
            volume.broke(holder);
        }
    }

    private void broke(PeerId holder, String slot, String why) {
        volume.broke(holder);
        LOG.warn("volume {}: peer {} fails an audit of slot {}: {}", volume.name(), holder, slot, why);
    }

    private synchronized long nextEpoch() {
        lastEpoch = Math.max(lastEpoch + 1, TimeUnit.MILLISECONDS.toSeconds(wallMillis.getAsLong()));
        return lastEpoch;
    }

    private AuditAsk question(SlotVerifier verifier, int units) {
        return verifier.question(nextEpoch(), units);
    }

    private AuditOutcome unfilled(SlotVerifier verifier, int units) {
        PpiofsException why = new PpiofsException(
                ErrorKind.EXISTS,
                "audit",
                verifier.holder().toString(),
                "it has not said yet that it has all of the slot, or is being sent what it lacks");
        return verifier.judge(question(verifier, units), why, Duration.ZERO);
    }

    private AuditOutcome challenge(SlotVerifier verifier, int units) {
        PeerId holder = verifier.holder();
        AuditAsk question = question(verifier, units);
        Duration deadline;
        try {
            deadline = SlotVerifier.deadline(question.units(), roundTrip(holder));
        } catch (PpiofsException e) {
            return verifier.judge(question, e, Duration.ZERO); // it is away: no business of audits
        }
        Duration twice = deadline.multipliedBy(2);
        Duration patience = twice.compareTo(LONGEST_ANSWER) < 0 ? twice : LONGEST_ANSWER;
        long began = System.nanoTime();
        AuditOutcome outcome;
        boolean evades;
        try {
            AuditAnswer answer = await(asking.audit(holder, question, patience), holder, patience);
            outcome = verifier.judge(question, answer, Duration.ofNanos(System.nanoTime() - began), deadline);
            evades = outcome.result() == AuditOutcome.Result.SUSPECT;
        } catch (PpiofsException e) {
            outcome = verifier.judge(question, e, deadline);
            // busy is what others can make a holder, and a newer table or another version are no fault
            evades = e.kind() == ErrorKind.NOT_CONNECTED || e.kind() == ErrorKind.IO;
        }
        note(holder, outcome, evades);
        return outcome;
    }

    /** What an answer does to the volume's trust; that of a failure is told by the caller, once for each. */
    private void note(PeerId holder, AuditOutcome outcome, boolean evades) {
        if (outcome.result() == AuditOutcome.Result.PASS) {
            volume.kept(holder);
        } else if (outcome.result() == AuditOutcome.Result.FAIL) {
            volume.failed(outcome);
        }
        count(suspicions, holder, evades);
    }

    private void count(Map<PeerId, Integer> inARow, PeerId holder, boolean evades) {
        if (!evades) {
            inARow.remove(holder);
        } else if (inARow.merge(holder, 1, Integer::sum) >= EVASIONS) {
            volume.broke(holder); // it has just answered another question: it evades this one
        }
    }

    /** Measured anew now and then; the second of two exchanges, because the first may have dialled. */
    private Duration roundTrip(PeerId holder) {
        long now = TimeUnit.NANOSECONDS.toMillis(System.nanoTime());
        RoundTrip known = roundTrips.get(holder);
        if (known != null && now - known.millis() < ROUND_TRIP_KNOWN.toMillis()) {
            return known.time();
        }
        Duration measured = Duration.ZERO;
        for (int i = 0; i < 2; i++) {
            long began = System.nanoTime();
            await(ping.apply(holder), holder, ROUND_TRIP_PATIENCE);
            measured = Duration.ofNanos(System.nanoTime() - began);
        }
        roundTrips.put(holder, new RoundTrip(measured, now));
        return measured;
    }

    private <T> T await(CompletableFuture<T> answer, PeerId holder, Duration patience) {
        return await(answer, holder, patience, () -> false);
    }

    private <T> T await(CompletableFuture<T> answer, PeerId holder, Duration patience, BooleanSupplier stop) {
        long until = System.nanoTime() + patience.toNanos() + LOOK.toNanos();
        awaited.add(answer);
        try {
            while (!isThere(answer)) {
                boolean late = System.nanoTime() - until >= 0;
                if (closing || late || stop.getAsBoolean()) {
                    answer.cancel(true);
                }
                if (late) {
                    throw new PpiofsException(ErrorKind.NOT_CONNECTED, "audit", holder.toString(), "did not answer");
                }
            }
            return answer.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw ending(holder, e);
        } catch (CancellationException e) {
            throw ending(holder, e);
        } catch (ExecutionException e) {
            throw e.getCause() instanceof PpiofsException p
                    ? p
                    : new PpiofsException(
                            ErrorKind.NOT_CONNECTED, "audit", holder.toString(), "is not reached: " + e.getCause(), e);
        } finally {
            awaited.remove(answer);
        }
    }

    /** Waits a little. @return whether it is decided what comes of it */
    private static boolean isThere(CompletableFuture<?> answer) throws InterruptedException {
        try {
            answer.get(HEED.toNanos(), TimeUnit.NANOSECONDS);
            return true;
        } catch (TimeoutException e) {
            return answer.isDone();
        } catch (ExecutionException | CancellationException e) {
            return true;
        }
    }

    private static PpiofsException ending(PeerId holder, Exception e) {
        return new PpiofsException(
                ErrorKind.INTERRUPTED, "audit", holder.toString(), "stopped, or the volume is being closed", e);
    }

    // ---- in the background ------------------------------------------------------------------------------------------

    private void run() {
        Duration pause = Duration.ZERO;
        while (!isEnded(pause)) {
            boolean good = isDone(this::tagWhenDue);
            good &= isDone(this::followHeard);
            good &= isDone(this::goOn);
            pause = good ? round.pause() : LOOK;
        }
    }

    /** What goes wrong in one thing, a defect too, ends neither the others nor the thread. @return whether nothing did */
    private boolean isDone(Runnable work) {
        try {
            work.run();
            return true;
        } catch (PpiofsException e) {
            if (!closing) {
                LOG.warn("volume {}: {}", volume.name(), e.getMessage());
            }
        } catch (RuntimeException e) {
            LOG.error("volume {}: its audit met a defect and goes on", volume.name(), e);
        }
        return false;
    }

    private void tagWhenDue() {
        if (System.nanoTime() - tagsLooked >= LOOK.toNanos()) {
            tagsLooked = System.nanoTime();
            tagAll();
        }
    }

    private void runSeals() {
        for (Duration pause = Duration.ZERO; !isEnded(pause); pause = LOOK) {
            isDone(this::tendSeals);
        }
    }

    private void tendSeals() {
        VolumeSeals tended = seals;
        if (tended != null && sealing.tryLock()) {
            try {
                BooleanSupplier stop = () -> closing || demanded.get() > 0;
                Paced paced = new Paced();
                tended.tend(
                        new SealPass(false, holder -> true, stop, () -> stop.getAsBoolean() || paced.getAsBoolean()));
            } finally {
                sealing.unlock();
            }
        }
    }

    private void goOn() {
        if (round.isDue()) {
            long epoch = round.epoch();
            round.begin(epoch, targets(epoch));
        }
        Target next = round.next();
        if (next != null) {
            audit(next);
        }
    }

    /** Rests. @return whether the volume is being closed */
    private boolean isEnded(Duration pause) {
        try {
            return ended.await(pause.toNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return true;
        }
    }

    private List<Target> targets(long epoch) {
        List<Target> targets = new ArrayList<>();
        for (SlotTable table : volume.closedGroups()) {
            boolean isTagged = isTagged(table);
            AuditedGroup sealed = isTagged ? null : sealedGroup(table);
            for (int slot = 0; slot < table.holders().size(); slot++) {
                boolean audited = isTagged || sealed != null && isSealed(sealed, slot);
                if (audited && volume.isDrawn(table, slot, epoch)) {
                    targets.add(new Target(table.group(), slot));
                }
            }
        }
        return targets;
    }

    /** A group that may be sealed; null if this volume has nothing sealed. */
    private @Nullable AuditedGroup sealedGroup(SlotTable table) {
        return seals == null || volume.seals() == null ? null : group(table);
    }

    private boolean isSealed(AuditedGroup group, int slot) {
        VolumeSeals sealed = seals;
        return sealed != null && group.slots().contains(slot) && sealed.isSealed(group, slot);
    }

    private void audit(Target target) {
        for (SlotTable table : volume.closedGroups()) {
            AuditedGroup group = table.group().equals(target.group()) ? group(table) : null;
            if (group != null && group.slots().contains(target.slot()) && volume.isFilled(table.slot(target.slot()))) {
                // what could not be tagged has windows all the same
                boolean may = seals == null || isTagged(table) || !untaggable.containsKey(table.group());
                GroupTags tags = may ? tags(group, volume.form(), false, () -> closing) : null;
                if (tags != null) {
                    audit(group, target.slot(), volume.form(), tags, UnitChallenge.USUAL_UNITS);
                }
                if (!volume.self().equals(table.holders().get(target.slot()))) {
                    window(group, target.slot());
                }
            }
        }
    }

    /** Makes the tags that can be made from what is here, or nearly; who cannot tag fetches them. */
    private void tagAll() {
        Set<String> groups = new HashSet<>();
        int have = 0;
        for (SlotTable table : volume.closedGroups()) {
            groups.add(table.group().toString());
            if (isTagged(table) || tag(table, volume.form())) {
                have++;
            }
            if (volume.wantsTags(table) && tag(table, AuditForm.PUBLIC)) {
                AuditedGroup group = group(table);
                GroupTags tags = group == null ? null : tags(group, AuditForm.PUBLIC, false, () -> closing);
                if (group != null && tags != null) {
                    share(group, tags);
                }
            }
        }
        tagged.set(have);
        forget(groups);
    }

    private boolean isTagged(SlotTable table) {
        return Files.exists(file(table.group(), volume.form()))
                && (volume.form() == AuditForm.PRIVATE || knowsTagger());
    }

    /** @return whether the group has tags of this form now */
    private boolean tag(SlotTable table, AuditForm form) {
        Long later = untaggable.get(table.group());
        if (closing || later != null && System.nanoTime() - later < 0) {
            return false;
        }
        AuditedGroup group = group(table);
        if (group != null && tags(group, form, lacksLittle(group), new Paced()) != null) {
            untaggable.remove(table.group());
            LOG.debug("volume {}: group {} is tagged", volume.name(), table.group());
            return true;
        }
        Duration again = keys.canTag() ? TAG_AGAIN : FETCH_AGAIN;
        untaggable.put(table.group(), System.nanoTime() + again.toNanos());
        return false;
    }

    /** Blocks of a group that were dropped before it was closed are fetched; a group that was never here is not. */
    private boolean lacksLittle(AuditedGroup group) {
        return group.bytesMissingIn(volume.here()) <= group.inventory().bytes() / FETCHED_SHARE;
    }

    /** Rests as long as a stretch of tagging took: half of a processor at most, and a tenth while the volume is written. */
    private final class Paced implements BooleanSupplier {
        private long began = System.nanoTime();

        @Override
        public boolean getAsBoolean() {
            long rest = (System.nanoTime() - began) * (volume.isBusy() ? 9 : 1);
            boolean over = isEnded(Duration.ofNanos(Math.min(rest, LOOK.toNanos())));
            began = System.nanoTime();
            return over;
        }
    }

    @Override
    public void close() {
        // no interrupt: it would close the files that the thread reads
        closing = true;
        ended.countDown();
        awaited.forEach(answer -> answer.cancel(true));
        try {
            thread.join(LOOK.toMillis());
            sealer.join(LOOK.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
