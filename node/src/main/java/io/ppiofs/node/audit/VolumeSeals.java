package io.ppiofs.node.audit;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.audit.SealAcceptance;
import io.ppiofs.overlay.audit.SealAsk;
import io.ppiofs.overlay.audit.SealOrder;
import io.ppiofs.overlay.audit.SealStatus;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.placement.GroupId;
import io.ppiofs.overlay.placement.Inventory;
import io.ppiofs.overlay.placement.SlotTable;
import io.ppiofs.proofs.sdr.SealParameters;
import io.ppiofs.proofs.sdr.Sha256;
import io.ppiofs.proofs.verify.SpaceTimeChallenges;
import io.ppiofs.proofs.verify.Verdict;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The tenant's side of sealing: has the holders of closed groups seal their slots, checks the replication once, and asks for windows from then on. What was ordered and
 * accepted is on disk ({@link SealedSlot}); asking again changes nothing, so it goes on after any restart of either side. Thread-safe as long as there is one {@link
 * #tend} at a time: windows are asked for beside it, and nothing is held while somebody is waited for.
 */
final class VolumeSeals {
    private static final Logger LOG = LoggerFactory.getLogger(VolumeSeals.class);
    private static final String SEAL = "seal";
    private static final String COMMITMENTS = ".data";

    private static final Duration PATIENCE = Duration.ofSeconds(20);

    /** A proof of replication opens 176 nodes with 15 columns each, on a disk that does other things. */
    private static final Duration PROOF_PATIENCE = Duration.ofMinutes(2);

    private static final Duration SOON = Duration.ofSeconds(4);
    private static final Duration LATEST = Duration.ofMinutes(15);
    private static final Duration READ_AGAIN = Duration.ofMinutes(1);

    /** Who cannot seal what it hosts has lost nothing: that counts so often. */
    private static final Duration MARKED = Duration.ofHours(1);

    /** After a question another replica of the same order is asked one so much later: each is another chance. */
    private static final Duration OTHER_REPLICA = Duration.ofHours(1);

    /** What the auditor does for this. */
    interface Auditor {
        /**
         * Waits for an answer.
         *
         * @throws PpiofsException INTERRUPTED when it is stopped or the volume is closed; NOT_CONNECTED; as the holder refuses
         */
        <T> T await(CompletableFuture<T> answer, PeerId holder, Duration patience, BooleanSupplier stop);

        /** As measured lately. @throws PpiofsException NOT_CONNECTED */
        Duration roundTrip(PeerId holder);

        /** Seconds since 1970, and never the same twice. */
        long nextEpoch();

        /** ms since 1970. */
        long wallMillis();

        /** A holder failed. */
        void broke(PeerId holder, String slot, String why);

        /** A holder evaded a question. */
        void evaded(PeerId holder);
    }

    /** What a slot's sealing has come to. */
    enum State {
        /** The holder has not been asked, or did not answer. */
        UNKNOWN,
        /** It does not seal for others so, or has no room. */
        REFUSED,
        QUEUED,
        SEALING,
        /** What it showed as replica is none. */
        FAILED,
        /** Its replication was checked; it proves windows. */
        PROVEN
    }

    private record Slot(GroupId group, int slot) {
        String file() {
            return group + "-" + slot;
        }

        @Override
        public String toString() {
            return group + "/" + slot;
        }
    }

    /** What came of asking, and when it is asked again. */
    private record Asked(State state, String why, Backoff backoff) {}

    /**
     * A group that was looked through.
     *
     * @param doubts how many there had been
     * @param again System.nanoTime when somebody is to be asked
     */
    private record Tended(SlotTable table, SealParameters wanted, Map<State, Long> counts, long doubts, long again) {}

    private record Ordered(Slot slot, Cid order) {}

    /**
     * What a replica was asked. It is asked nothing else: who could choose would wait for nodes that it has.
     *
     * @param since System.nanoTime of the first time
     */
    private record Question(byte[] commR, long epoch, long since) {}

    private record Mark(PeerId holder, Slot slot) {}

    private final AuditedVolume volume;
    private final AuditKeys keys;
    private final Path directory;
    private final SealAsking asking;
    private final Auditor auditor;
    private final SecureRandom random = new SecureRandom();
    private final Map<Slot, Asked> asked = new ConcurrentHashMap<>();

    /** What is on disk; without it nothing is known of a slot that is not here. */
    private final Map<Slot, Optional<SealedSlot>> known = new ConcurrentHashMap<>();

    /** Of who tends, as are those below. */
    private final Map<GroupId, Tended> tended = new HashMap<>();

    /** Holders that did not answer, and groups that could not be read. */
    private final Map<PeerId, Backoff> silent = new HashMap<>();

    private final Map<GroupId, Backoff> unreadable = new HashMap<>();
    private final Map<Ordered, Question> questions = new HashMap<>();

    /** When a holder was last accused of what it sealed, System.nanoTime. */
    private final Map<Mark, Long> marks = new HashMap<>();

    /** Where the last pass ended; null for at the end. */
    private @Nullable Slot resume;

    /** Those of the last time that files were looked through. */
    private Set<GroupId> groupsBefore = Set.of();

    /** Slots that failed a window, and are asked what they are doing about it. */
    private final Set<Slot> doubted = ConcurrentHashMap.newKeySet();

    private final AtomicLong doubts = new AtomicLong();

    private volatile Map<String, Long> facts = Map.of();

    /** @param directory of what is kept; is made */
    VolumeSeals(AuditedVolume volume, AuditKeys keys, Path directory, SealAsking asking, Auditor auditor) {
        this.volume = volume;
        this.keys = keys;
        this.directory = directory;
        this.asking = asking;
        this.auditor = auditor;
    }

    /** Numbers for status; names are stable. */
    Map<String, Long> facts() {
        return facts;
    }

    private Path file(Slot slot) {
        return directory.resolve(slot.file());
    }

    private @Nullable AuditedGroup group(SlotTable table) {
        Inventory inventory = volume.inventory(table);
        return inventory == null ? null : AuditedGroup.of(table, inventory);
    }

    /** What is kept of a slot, if it is still about the same holder and bytes, and sealed as is wanted. */
    private @Nullable SealedSlot kept(AuditedGroup group, int slot, SealParameters wanted) {
        SealedSlot kept = known.computeIfAbsent(
                        new Slot(group.table().group(), slot),
                        of -> Optional.ofNullable(SealedSlot.load(file(of), volume.network())))
                .orElse(null);
        return kept != null
                        && kept.order().tenant().equals(group.table().tenant())
                        && kept.order().holder().equals(group.table().holders().get(slot))
                        && kept.order().inventory().equals(group.digest())
                        && kept.order().parameters().equals(wanted.name())
                ? kept
                : null;
    }

    // ---- ordering -----------------------------------------------------------------------------------------------

    /** Asks whoever is to be asked, from where the last pass ended on. */
    void tend(SealPass pass) {
        SealParameters wanted = volume.seals();
        List<SlotTable> tables = volume.closedGroups();
        Set<GroupId> groups = new HashSet<>();
        tables.forEach(table -> groups.add(table.group()));
        Map<State, Long> counts = new HashMap<>();
        if (wanted != null) {
            Slot from = resume;
            resume = null;
            for (SlotTable table :
                    rotated(tables, of -> from != null && of.group().equals(from.group()))) {
                int first = from != null && table.group().equals(from.group()) ? from.slot() : 0;
                tended(table, wanted, pass, first).forEach((state, slots) -> counts.merge(state, slots, Long::sum));
            }
        }
        forget(groups);
        if (wanted == null) {
            facts = Map.of();
            return;
        }
        Map<String, Long> counted = new LinkedHashMap<>();
        counted.put("sealedSlots", counts.getOrDefault(State.PROVEN, 0L));
        counted.put("slotsBeingSealed", counts.getOrDefault(State.QUEUED, 0L) + counts.getOrDefault(State.SEALING, 0L));
        counted.put(
                "slotsNotSealed",
                counts.getOrDefault(State.REFUSED, 0L)
                        + counts.getOrDefault(State.UNKNOWN, 0L)
                        + counts.getOrDefault(State.FAILED, 0L));
        facts = counted;
    }

    /** Of copies one of each peer: what it has twice on one disk is no second copy. */
    private List<Integer> sealable(AuditedGroup group) {
        return group.slots().stream()
                .filter(slot -> !group.table().holders().get(slot).equals(volume.self())
                        && SlotCommitments.nodes(group, slot).isPresent())
                .toList();
    }

    /** The same, beginning with the first that is meant; as it is if none is. */
    private static <T> List<T> rotated(List<T> all, Predicate<T> first) {
        List<T> rotated = new ArrayList<>(all);
        for (int i = 0; i < all.size(); i++) {
            if (first.test(all.get(i))) {
                Collections.rotate(rotated, -i);
                break;
            }
        }
        return rotated;
    }

    /** How the slots of a group stand; it is looked again when somebody is to be asked, or something has changed. */
    private Map<State, Long> tended(SlotTable table, SealParameters wanted, SealPass pass, int first) {
        Tended last = tended.get(table.group());
        boolean current = last != null
                && last.table().equals(table)
                && last.wanted().equals(wanted)
                && last.doubts() == doubts.get()
                && System.nanoTime() - last.again() < 0;
        boolean ignored = pass.isOver() || table.holders().stream().noneMatch(pass::isConcerned);
        if (pass.isOver() && resume == null) {
            resume = new Slot(table.group(), first);
        }
        if (ignored || current && !pass.isNow()) {
            return last == null ? Map.of() : last.counts();
        }
        long seen = doubts.get();
        AuditedGroup group = group(table);
        if (group == null) {
            return Map.of();
        }
        Map<State, Long> counts = new EnumMap<>(State.class);
        long now = System.nanoTime();
        long again = now + LATEST.toNanos();
        for (int number : sealable(group)) {
            Slot slot = new Slot(table.group(), number);
            boolean passed = number < first; // their turn is after all other groups
            if (pass.isOver() && resume == null && !passed) {
                resume = slot;
            }
            State state = tend(group, slot, wanted, pass, !passed);
            counts.merge(state, 1L, Long::sum);
            if (state != State.PROVEN || doubted.contains(slot)) {
                long due = due(slot, table.holders().get(number));
                again = due - again < 0 ? due : again;
            }
        }
        tended.put(table.group(), new Tended(table, wanted, counts, seen, resume == null && first == 0 ? again : now));
        return counts;
    }

    /** When a slot's holder is asked next, System.nanoTime. */
    private long due(Slot slot, PeerId holder) {
        Asked last = asked.get(slot);
        Backoff ofHolder = silent.get(holder);
        long own = last == null
                ? System.nanoTime() + (ofHolder == null ? SOON.toNanos() : 0)
                : last.backoff().again();
        return ofHolder != null && ofHolder.again() - own > 0 ? ofHolder.again() : own;
    }

    /** @param turn whether the slot is to be asked for in this pass, if it is time */
    private State tend(AuditedGroup group, Slot slot, SealParameters wanted, SealPass pass, boolean turn) {
        SealedSlot kept = kept(group, slot.slot(), wanted);
        if (kept != null && kept.acceptance() != null && !doubted.contains(slot)) {
            return State.PROVEN;
        }
        PeerId holder = group.table().holders().get(slot.slot());
        Asked last = asked.get(slot);
        boolean due = Backoff.isDue(last == null ? null : last.backoff()) && Backoff.isDue(silent.get(holder));
        if (turn
                && (due || pass.isNow())
                && !pass.isOver()
                && pass.mayAsk(holder)
                && volume.isFilled(group.table().slot(slot.slot()))) {
            ask(group, slot, wanted, kept, pass);
        }
        Asked is = asked.get(slot);
        if (is != null) {
            return is.state();
        }
        SealedSlot now = kept(group, slot.slot(), wanted);
        return now != null && now.acceptance() != null ? State.PROVEN : State.UNKNOWN;
    }

    private void note(Slot slot, State state, String why) {
        Asked last = asked.get(slot);
        Backoff before = last != null && last.state() == state ? last.backoff() : null;
        asked.put(slot, new Asked(state, why, Backoff.after(before, SOON, LATEST)));
    }

    private void ask(AuditedGroup group, Slot slot, SealParameters wanted, @Nullable SealedSlot kept, SealPass pass) {
        byte[] commD = commD(group, slot.slot(), pass);
        if (commD == null) {
            if (!pass.isOver()) {
                note(slot, State.UNKNOWN, "its blocks cannot be read here");
            }
            return;
        }
        SealedSlot ordered = kept;
        if (ordered == null) {
            ordered = SealedSlot.ordered(order(group, slot.slot(), wanted));
            save(slot, ordered);
        }
        PeerId holder = ordered.order().holder();
        try {
            SealStatus status = await(asking.order(holder, ordered.order(), PATIENCE), holder, PATIENCE, pass);
            learn(slot, ordered, status, commD, group, pass);
            silent.remove(holder);
        } catch (PpiofsException e) {
            if (e.kind() == ErrorKind.INTERRUPTED) {
                pass.end(); // as it was: it is asked the same again
            } else if (e.kind() == ErrorKind.NOT_CONNECTED || e.kind() == ErrorKind.IO) {
                pass.isSilent(holder);
                silent.put(holder, Backoff.after(silent.get(holder), SOON, LATEST));
                note(slot, State.UNKNOWN, e.detail());
            } else {
                silent.remove(holder);
                refused(slot, ordered, e);
            }
        }
    }

    private <T> T await(CompletableFuture<T> answer, PeerId holder, Duration patience, SealPass pass) {
        long began = System.nanoTime();
        try {
            return auditor.await(answer, holder, patience, pass::stops);
        } finally {
            pass.waited(Duration.ofNanos(System.nanoTime() - began));
        }
    }

    /** Nobody is held to a replica that he does not agree, or has no room, to make again. */
    private void refused(Slot slot, SealedSlot ordered, PpiofsException e) {
        if (e.kind() == ErrorKind.EXISTS) {
            // another home of the volume has ordered since; the next order is later
            deleteIfThere(file(slot));
            known.remove(slot);
        } else if (ordered.acceptance() != null) {
            save(slot, ordered.with(ordered.order(), null));
        }
        doubted.remove(slot);
        note(slot, State.REFUSED, e.detail());
    }

    private SealOrder order(AuditedGroup group, int slot, SealParameters wanted) {
        byte[] ticket = new byte[Sha256.BYTES];
        random.nextBytes(ticket);
        return SealOrder.sign(
                keys.tenant(),
                volume.network(),
                group.table().holders().get(slot),
                group.table().group(),
                slot,
                group.digest(),
                wanted.name(),
                ticket,
                keys.verifierKey(),
                auditor.wallMillis());
    }

    /** What the slot's blocks are committed to; fetched, those that are not here, once for a group. Null too if it is not time to try again. */
    private byte @Nullable [] commD(AuditedGroup group, int slot, SealPass pass) {
        GroupId of = group.table().group();
        Path file = directory.resolve(of + COMMITMENTS);
        SlotCommitments all = SlotCommitments.load(file, group);
        if (all == null && pass.mayRead(of) && (pass.isNow() || Backoff.isDue(unreadable.get(of)))) {
            makeDirectory();
            all = made(group, pass);
            if (all != null) {
                all.save(file, group);
                unreadable.remove(of);
            } else if (!pass.isOver()) {
                pass.isUnreadable(of);
                unreadable.put(of, Backoff.after(unreadable.get(of), READ_AGAIN, LATEST));
            }
        }
        return all == null ? null : all.commD(slot);
    }

    private @Nullable SlotCommitments made(AuditedGroup group, SealPass pass) {
        try {
            return SlotCommitments.make(group, volume.everywhere(), pass::stopsReading);
        } catch (PpiofsException e) {
            if (e.kind() == ErrorKind.INTERRUPTED) {
                pass.end();
            }
            LOG.debug(
                    "volume {}: group {} cannot be read: {}",
                    volume.name(),
                    group.table().group(),
                    e.getMessage());
            return null;
        }
    }

    /** What a holder said. */
    private void learn(
            Slot slot, SealedSlot ordered, SealStatus status, byte[] commD, AuditedGroup group, SealPass pass) {
        SealOrder order = sealedUnder(ordered.order(), status);
        if (order == null) {
            note(slot, State.REFUSED, "it answered nonsense");
            return;
        }
        if (status.state().compareTo(SealStatus.State.SEALED) < 0) {
            SealedSlot now = ordered.with(order, null);
            if (!now.equals(ordered)) {
                save(slot, now);
            }
            doubted.remove(slot);
            State state = status.state() == SealStatus.State.QUEUED ? State.QUEUED : State.SEALING;
            note(slot, state, "");
            return;
        }
        int nodes = SlotCommitments.nodes(group, slot.slot()).orElseThrow();
        SealVerifier verifier = new SealVerifier(volume.network(), keys.verifier(), order, nodes, commD);
        Verdict verdict = verifier.claim(status);
        SealAcceptance accepted = verdict.accepted() ? acceptedBefore(order, status) : null;
        if (verdict.accepted() && accepted == null) {
            verdict = replication(slot, verifier, order, status, pass);
            if (verdict != null && verdict.accepted()) {
                accepted = SealAcceptance.sign(
                        keys.tenant(), volume.network(), order, status.sector(), status.commD(), status.commR());
                verdict = firstWindow(verifier, order, accepted, pass);
            }
        }
        if (verdict == null) {
            note(slot, State.UNKNOWN, "what it says cannot be checked now: it is asked again");
        } else if (!verdict.accepted() || accepted == null) {
            note(slot, State.FAILED, verdict.reason());
            mark(order.holder(), slot, verdict.reason());
        } else {
            save(slot, ordered.with(order, accepted));
            doubted.remove(slot);
            asked.remove(slot);
            questions.keySet().removeIf(of -> of.slot().equals(slot));
            LOG.info("volume {}: slot {} is sealed by {}", volume.name(), slot, order.holder());
        }
    }

    private void mark(PeerId holder, Slot slot, String why) {
        long now = System.nanoTime();
        marks.values().removeIf(last -> now - last >= MARKED.toNanos());
        if (marks.putIfAbsent(new Mark(holder, slot), now) == null) {
            auditor.broke(holder, slot.toString(), why);
        }
    }

    /** The order that the holder says it sealed under: this one, or an earlier one of this tenant for the same. Null for nonsense. */
    private @Nullable SealOrder sealedUnder(SealOrder order, SealStatus status) {
        try {
            SealOrder said = SealOrder.open(status.order(), volume.network());
            return said.equals(order) || said.wantsSameAs(order) ? said : null;
        } catch (PpiofsException e) {
            return null;
        }
    }

    /** What a home of this volume has checked before. */
    private @Nullable SealAcceptance acceptedBefore(SealOrder order, SealStatus status) {
        if (status.acceptance().length == 0) {
            return null;
        }
        try {
            SealAcceptance accepted = SealAcceptance.open(status.acceptance(), volume.network());
            boolean same = accepted.sector() == status.sector()
                    && Arrays.equals(accepted.commD(), status.commD())
                    && Arrays.equals(accepted.commR(), status.commR());
            return accepted.isOf(order) && same ? accepted : null;
        } catch (PpiofsException e) {
            return null;
        }
    }

    private @Nullable Verdict replication(
            Slot slot, SealVerifier verifier, SealOrder order, SealStatus status, SealPass pass) {
        Question question = question(slot, order, status.commR());
        if (question == null) {
            return null;
        }
        long epoch = question.epoch();
        return proven(
                order,
                verifier.replicationQuestion(status, epoch),
                proof -> verifier.replication(status, epoch, proof),
                pass);
    }

    /** The one that a replica is asked. Who shows another one after it has seen the question evades that. Null while it is too early for it. */
    private @Nullable Question question(Slot slot, SealOrder order, byte[] commR) {
        Ordered of = new Ordered(slot, Cid.ofDigest(order.digest()));
        Question last = questions.get(of);
        if (last != null && Arrays.equals(last.commR(), commR)) {
            return last;
        }
        long now = System.nanoTime();
        if (last != null && now - last.since() < OTHER_REPLICA.toNanos()) {
            return null;
        }
        if (last != null) {
            auditor.evaded(order.holder());
        }
        // the nodes follow from commR, too; with the same epoch nobody gets others by showing the first one again
        Question question = new Question(commR, last == null ? auditor.nextEpoch() : last.epoch(), now);
        questions.put(of, question);
        return question;
    }

    /** The holder checks its own replication once more before its layers go: this window has time. */
    private @Nullable Verdict firstWindow(
            SealVerifier verifier, SealOrder order, SealAcceptance accepted, SealPass pass) {
        long epoch = auditor.nextEpoch();
        return proven(
                order,
                verifier.windowQuestion(accepted, epoch),
                proof -> verifier.window(accepted, epoch, proof),
                pass);
    }

    /** Judges proofs. */
    @FunctionalInterface
    private interface Judge {
        Verdict of(byte[] proof);
    }

    /**
     * @return null if the order is to be asked about again: it is not there, or another home of the volume was faster and it only proves windows
     * @throws PpiofsException if no proof came, and that accuses nobody
     */
    private @Nullable Verdict proven(SealOrder order, SealAsk question, Judge judge, SealPass pass) {
        PeerId holder = order.holder();
        try {
            return judge.of(await(asking.prove(holder, question, PROOF_PATIENCE), holder, PROOF_PATIENCE, pass));
        } catch (PpiofsException e) {
            if (e.kind() == ErrorKind.NOT_FOUND) {
                return null;
            }
            if (AuditOutcome.Result.of(e) == AuditOutcome.Result.FAIL) {
                return Verdict.reject(e.detail());
            }
            throw e;
        }
    }

    // ---- windows ------------------------------------------------------------------------------------------------

    /** Challenges a sealed slot once. @return null if it is not sealed, or not to be any more */
    @Nullable
    WindowOutcome window(AuditedGroup group, int number) {
        SealParameters wanted = volume.seals();
        SealedSlot kept = wanted == null ? null : kept(group, number, wanted);
        SealAcceptance accepted = kept == null ? null : kept.acceptance();
        if (wanted == null || kept == null || accepted == null) {
            return null;
        }
        Slot slot = new Slot(group.table().group(), number);
        WindowOutcome outcome = window(group, kept.order(), accepted);
        SealedSlot now = kept(group, number, wanted);
        if (now != null && accepted.equals(now.acceptance())) { // it may be sealed again by now
            save(slot, now.with(outcome));
            if (outcome.result() == AuditOutcome.Result.FAIL) {
                doubted.add(slot);
                doubts.incrementAndGet();
            }
        }
        return outcome;
    }

    boolean isSealed(AuditedGroup group, int number) {
        SealParameters wanted = volume.seals();
        SealedSlot kept = wanted == null ? null : kept(group, number, wanted);
        return kept != null && kept.acceptance() != null;
    }

    private WindowOutcome window(AuditedGroup group, SealOrder order, SealAcceptance accepted) {
        int nodes = SlotCommitments.nodes(group, order.slot()).orElseThrow();
        SealVerifier verifier = new SealVerifier(volume.network(), keys.verifier(), order, nodes, accepted.commD());
        PeerId holder = order.holder();
        long epoch = auditor.nextEpoch();
        Duration deadline = Duration.ZERO;
        Duration took = Duration.ZERO;
        AuditOutcome.Result result;
        boolean evades = false;
        boolean admitted = false;
        String reason;
        try {
            deadline = SealVerifier.deadline(auditor.roundTrip(holder));
            Duration patience = deadline.plus(PATIENCE);
            SealAsk question = verifier.windowQuestion(accepted, epoch);
            long began = System.nanoTime();
            byte[] proof = auditor.await(asking.prove(holder, question, patience), holder, patience, () -> false);
            took = Duration.ofNanos(System.nanoTime() - began);
            Verdict verdict = verifier.window(accepted, epoch, proof);
            boolean late = took.compareTo(deadline) > 0;
            evades = late && verdict.accepted();
            result = !verdict.accepted()
                    ? AuditOutcome.Result.FAIL
                    : late ? AuditOutcome.Result.SUSPECT : AuditOutcome.Result.PASS;
            reason = verdict.accepted() && late ? "right, but late" : verdict.reason();
        } catch (PpiofsException e) {
            if (e.kind() == ErrorKind.INTERRUPTED) {
                throw e;
            }
            result = AuditOutcome.Result.of(e);
            evades = !deadline.isZero() && (e.kind() == ErrorKind.NOT_CONNECTED || e.kind() == ErrorKind.IO);
            admitted = e.kind() == ErrorKind.CORRUPT || e.kind() == ErrorKind.NOT_FOUND;
            reason = e.detail();
        }
        return new WindowOutcome(
                result,
                holder,
                epoch,
                SpaceTimeChallenges.WINDOW,
                took,
                deadline,
                verifier.isTimed(deadline),
                evades,
                admitted,
                reason);
    }

    // ---- what is known ------------------------------------------------------------------------------------------

    /** How the slots of a group stand; with the windows that were asked for just now. */
    List<AuditReport.Seal> lines(
            AuditedGroup group, Predicate<PeerId> concerned, Map<Integer, AuditReport.Window> windows) {
        SealParameters wanted = volume.seals();
        List<AuditReport.Seal> lines = new ArrayList<>();
        if (wanted == null) {
            return lines;
        }
        for (int number : sealable(group)) {
            PeerId holder = group.table().holders().get(number);
            if (!concerned.test(holder)) {
                continue;
            }
            Slot slot = new Slot(group.table().group(), number);
            SealedSlot kept = kept(group, number, wanted);
            Asked last = asked.get(slot);
            SealAcceptance accepted = kept == null ? null : kept.acceptance();
            State state = accepted != null ? State.PROVEN : last == null ? State.UNKNOWN : last.state();
            lines.add(new AuditReport.Seal(
                    group.table().group(),
                    number,
                    holder,
                    state.name(),
                    wanted.name(),
                    accepted == null ? null : accepted.sector(),
                    windows.get(number),
                    kept == null ? null : kept.window(),
                    accepted == null && last != null ? last.why() : kept == null ? "" : kept.reason()));
        }
        return lines;
    }

    // ---- files --------------------------------------------------------------------------------------------------

    private void makeDirectory() {
        try {
            Files.createDirectories(directory);
        } catch (IOException e) {
            throw new PpiofsException(ErrorKind.IO, SEAL, directory.toString(), "cannot be made", e);
        }
    }

    private void save(Slot slot, SealedSlot now) {
        now.save(file(slot));
        known.put(slot, Optional.of(now));
    }

    private static void deleteIfThere(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw new PpiofsException(ErrorKind.IO, SEAL, file.toString(), "cannot be removed", e);
        }
    }

    /** Removes what is kept of groups that are not there any more. */
    private void forget(Set<GroupId> groups) {
        if (groups.equals(groupsBefore)) {
            return;
        }
        groupsBefore = groups;
        asked.keySet().removeIf(slot -> !groups.contains(slot.group()));
        known.keySet().removeIf(slot -> !groups.contains(slot.group()));
        doubted.removeIf(slot -> !groups.contains(slot.group()));
        tended.keySet().retainAll(groups);
        unreadable.keySet().retainAll(groups);
        questions.keySet().removeIf(of -> !groups.contains(of.slot().group()));
        if (!Files.isDirectory(directory)) {
            return;
        }
        Set<String> names = new HashSet<>();
        groups.forEach(group -> names.add(group.toString()));
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
            for (Path file : files) {
                if (!names.contains(String.valueOf(file.getFileName()).replaceAll("[-.].*", ""))) {
                    deleteIfThere(file);
                }
            }
        } catch (IOException e) {
            LOG.info("volume {}: what is known of sealed slots of old groups stays: {}", volume.name(), e.toString());
        }
    }
}
