package io.ppiofs.node.audit;

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
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The tenant's side of sealing: has the holders of closed groups seal their slots, checks the replication once, and asks for windows from then on. What was ordered and
 * accepted is on disk ({@link SealedSlot}); asking again changes nothing, so it goes on after any restart of either side. Guarded by the auditor's lock; only {@link
 * #facts} by itself.
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

    /** What the auditor does for this. */
    interface Auditor {
        /** Waits for an answer. @throws PpiofsException INTERRUPTED when the volume is closed; NOT_CONNECTED; as the holder refuses */
        <T> T await(CompletableFuture<T> answer, PeerId holder, Duration patience);

        /** As measured lately. @throws PpiofsException NOT_CONNECTED */
        Duration roundTrip(PeerId holder);

        /** Seconds since 1970, and never the same twice. */
        long nextEpoch();

        /** ms since 1970. */
        long wallMillis();

        /** A holder failed. */
        void broke(PeerId holder, String slot, String why);
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

    /**
     * What came of asking.
     *
     * @param again System.nanoTime of the next time
     * @param pause before that
     */
    private record Asked(State state, String why, long again, Duration pause) {}

    /**
     * A group that was looked through.
     *
     * @param again System.nanoTime when somebody is to be asked
     */
    private record Tended(SlotTable table, SealParameters wanted, Map<State, Long> counts, long again) {}

    private final AuditedVolume volume;
    private final AuditKeys keys;
    private final Path directory;
    private final SealAsking asking;
    private final Auditor auditor;
    private final SecureRandom random = new SecureRandom();
    private final Map<Slot, Asked> asked = new HashMap<>();
    private final Map<GroupId, Tended> tended = new HashMap<>();

    /** What is on disk; without it nothing is known of a slot that is not here. */
    private final Map<Slot, Optional<SealedSlot>> known = new HashMap<>();

    /** Those of the last time that files were looked through. */
    private Set<GroupId> groupsBefore = Set.of();

    /** Slots that failed a window, and are asked what they are doing about it. */
    private final Set<Slot> doubted = new HashSet<>();

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

    /**
     * Asks whoever is to be asked.
     *
     * @param now also those whose turn is later
     * @param stop asked between slots
     */
    void tend(boolean now, BooleanSupplier stop) {
        SealParameters wanted = volume.seals();
        Set<GroupId> groups = new HashSet<>();
        Map<State, Long> counts = new HashMap<>();
        for (SlotTable table : volume.closedGroups()) {
            groups.add(table.group());
            if (wanted != null && !stop.getAsBoolean()) {
                tended(table, wanted, now, stop).forEach((state, slots) -> counts.merge(state, slots, Long::sum));
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

    /** How the slots of a group stand; it is looked again when somebody is to be asked, or something has changed. */
    private Map<State, Long> tended(SlotTable table, SealParameters wanted, boolean now, BooleanSupplier stop) {
        Tended last = tended.get(table.group());
        if (last != null
                && !now
                && last.table().equals(table)
                && last.wanted().equals(wanted)
                && System.nanoTime() - last.again() < 0) {
            return last.counts();
        }
        AuditedGroup group = group(table);
        if (group == null) {
            return Map.of();
        }
        Map<State, Long> counts = new EnumMap<>(State.class);
        Duration pause = LATEST;
        for (int number : sealable(group)) {
            if (stop.getAsBoolean()) {
                return counts;
            }
            State state = tend(group, number, wanted, now, stop);
            counts.merge(state, 1L, Long::sum);
            Asked later = asked.get(new Slot(table.group(), number));
            if (state != State.PROVEN) {
                pause = later == null ? SOON : shorter(pause, Duration.ofNanos(later.again() - System.nanoTime()));
            }
        }
        tended.put(table.group(), new Tended(table, wanted, counts, System.nanoTime() + pause.toNanos()));
        return counts;
    }

    private static Duration shorter(Duration one, Duration other) {
        return one.compareTo(other) < 0 ? one : other;
    }

    private State tend(AuditedGroup group, int number, SealParameters wanted, boolean all, BooleanSupplier stop) {
        Slot slot = new Slot(group.table().group(), number);
        SealedSlot kept = kept(group, number, wanted);
        if (kept != null && kept.acceptance() != null && !doubted.contains(slot)) {
            return State.PROVEN;
        }
        Asked last = asked.get(slot);
        boolean due = all || last == null || System.nanoTime() - last.again() >= 0;
        if (due && volume.isFilled(group.table().slot(number))) {
            ask(group, slot, wanted, kept, stop);
        }
        Asked is = asked.get(slot);
        if (is != null) {
            return is.state();
        }
        SealedSlot now = kept(group, number, wanted);
        return now != null && now.acceptance() != null ? State.PROVEN : State.UNKNOWN;
    }

    private void note(Slot slot, State state, String why) {
        Asked last = asked.get(slot);
        Duration pause = last != null && last.state() == state ? last.pause().multipliedBy(2) : SOON;
        Duration bounded = shorter(pause, LATEST);
        asked.put(slot, new Asked(state, why, System.nanoTime() + bounded.toNanos(), bounded));
    }

    private void ask(
            AuditedGroup group, Slot slot, SealParameters wanted, @Nullable SealedSlot kept, BooleanSupplier stop) {
        byte[] commD = commD(group, slot.slot(), stop);
        if (commD == null) {
            note(slot, State.UNKNOWN, "its blocks cannot be read here");
            return;
        }
        SealedSlot ordered = kept;
        if (ordered == null) {
            ordered = SealedSlot.ordered(order(group, slot.slot(), wanted));
            save(slot, ordered);
        }
        PeerId holder = ordered.order().holder();
        try {
            learn(
                    slot,
                    ordered,
                    auditor.await(asking.order(holder, ordered.order(), PATIENCE), holder, PATIENCE),
                    commD,
                    group);
        } catch (PpiofsException e) {
            if (e.kind() == ErrorKind.INTERRUPTED) {
                throw e;
            }
            if (e.kind() == ErrorKind.EXISTS) {
                // another home of the volume has ordered since; the next order is later
                deleteIfThere(file(slot));
                known.remove(slot);
            }
            boolean silent = e.kind() == ErrorKind.NOT_CONNECTED || e.kind() == ErrorKind.IO;
            note(slot, silent ? State.UNKNOWN : State.REFUSED, e.detail());
        }
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

    /** What the slot's blocks are committed to; fetched, those that are not here, once for a group. */
    private byte @Nullable [] commD(AuditedGroup group, int slot, BooleanSupplier stop) {
        Path file = directory.resolve(group.table().group() + COMMITMENTS);
        SlotCommitments all = SlotCommitments.load(file, group);
        if (all == null) {
            makeDirectory();
            all = SlotCommitments.make(group, volume.everywhere(), stop);
            if (all != null) {
                all.save(file, group);
            }
        }
        return all == null ? null : all.commD(slot);
    }

    /** What a holder said. */
    private void learn(Slot slot, SealedSlot ordered, SealStatus status, byte[] commD, AuditedGroup group) {
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
            verdict = replication(verifier, order, status);
            accepted = verdict.accepted()
                    ? SealAcceptance.sign(
                            keys.tenant(), volume.network(), order, status.sector(), status.commD(), status.commR())
                    : null;
            if (accepted != null) {
                verdict = firstWindow(verifier, order, accepted);
            }
        }
        if (!verdict.accepted() || accepted == null) {
            note(slot, State.FAILED, verdict.reason());
            auditor.broke(order.holder(), slot.toString(), verdict.reason());
            return;
        }
        save(slot, ordered.with(order, accepted));
        doubted.remove(slot);
        asked.remove(slot);
        LOG.info("volume {}: slot {} is sealed by {}", volume.name(), slot, order.holder());
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

    private Verdict replication(SealVerifier verifier, SealOrder order, SealStatus status) {
        long epoch = auditor.nextEpoch();
        return proven(
                order,
                verifier.replicationQuestion(status, epoch),
                proof -> verifier.replication(status, epoch, proof));
    }

    /** The holder checks its own replication once more before its layers go: this window has time. */
    private Verdict firstWindow(SealVerifier verifier, SealOrder order, SealAcceptance accepted) {
        long epoch = auditor.nextEpoch();
        return proven(
                order, verifier.windowQuestion(accepted, epoch), proof -> verifier.window(accepted, epoch, proof));
    }

    /** Judges proofs. */
    @FunctionalInterface
    private interface Judge {
        Verdict of(byte[] proof);
    }

    /** @throws PpiofsException if no proof came, and that accuses nobody */
    private Verdict proven(SealOrder order, SealAsk question, Judge judge) {
        PeerId holder = order.holder();
        try {
            return judge.of(auditor.await(asking.prove(holder, question, PROOF_PATIENCE), holder, PROOF_PATIENCE));
        } catch (PpiofsException e) {
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
        if (kept == null || accepted == null) {
            return null;
        }
        Slot slot = new Slot(group.table().group(), number);
        WindowOutcome outcome = window(group, kept.order(), accepted);
        save(slot, kept.with(outcome));
        if (outcome.result() == AuditOutcome.Result.FAIL) {
            doubted.add(slot);
            tended.remove(slot.group());
        }
        return outcome;
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
        String reason;
        try {
            deadline = SealVerifier.deadline(auditor.roundTrip(holder));
            Duration patience = deadline.plus(PATIENCE);
            SealAsk question = verifier.windowQuestion(accepted, epoch);
            long began = System.nanoTime();
            byte[] proof = auditor.await(asking.prove(holder, question, patience), holder, patience);
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
