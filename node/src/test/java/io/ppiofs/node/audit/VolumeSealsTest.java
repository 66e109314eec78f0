package io.ppiofs.node.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.ppiofs.blockstore.erasure.Scheme;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.node.audit.AuditOutcome.Result;
import io.ppiofs.node.control.Progress;
import io.ppiofs.node.sectors.SealConsent;
import io.ppiofs.overlay.audit.SealAsk;
import io.ppiofs.overlay.audit.SealOrder;
import io.ppiofs.overlay.audit.SealStatus;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.proofs.audit.AuditForm;
import io.ppiofs.proofs.sdr.SealParameters;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A tenant that has slots sealed, and holders that do it on real disks; nothing between them but method calls. */
class VolumeSealsTest {
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final SealConsent ALL = new SealConsent(Set.of("test", "fast"), 1 << 30);

    @TempDir
    private Path directory;

    private final TaggedVolume volume = new TaggedVolume(Scheme.parse("2+1"), 6, 20_000, 1);
    private final List<SealingHolder> holders = new ArrayList<>();
    private final List<VolumeAuditor> opened = new ArrayList<>();

    /** Who is asked instead of a slot's holder, and does not answer if negative. */
    private final int[] instead = {0, 1, 2};

    @BeforeEach
    void open() {
        volume.seals = SealParameters.TEST;
        for (int slot = 0; slot < 3; slot++) {
            holders.add(new SealingHolder(volume, slot, directory, ALL));
        }
    }

    @AfterEach
    void close() {
        opened.forEach(VolumeAuditor::close);
        holders.forEach(SealingHolder::close);
    }

    private static <T> CompletableFuture<T> answered(Supplier<T> answer) {
        try {
            return CompletableFuture.completedFuture(answer.get());
        } catch (PpiofsException e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    /** Whose orders are not answered, nor refused. */
    private final Set<Integer> mute = ConcurrentHashMap.newKeySet();

    private final List<Integer> ordered = new CopyOnWriteArrayList<>();

    /** What a holder says instead of the truth. */
    private UnaryOperator<SealStatus> says = UnaryOperator.identity();

    private final List<SealAsk> replications = new CopyOnWriteArrayList<>();

    /** Whether windows are not answered, by holders that are there. */
    private boolean windowsMute;

    /** What comes of asking for a proof of replication; null for what the holder makes of it. */
    private ErrorKind replication;

    private final class Asking implements SealAsking {
        private SealingHolder of(PeerId holder) {
            for (int slot = 0; slot < 3; slot++) {
                if (volume.holders.get(slot).peerId().equals(holder) && instead[slot] >= 0) {
                    return holders.get(instead[slot]);
                }
            }
            throw new PpiofsException(ErrorKind.NOT_CONNECTED, "audit", holder.toString(), "is away");
        }

        @Override
        public CompletableFuture<SealStatus> order(PeerId holder, SealOrder order, Duration patience) {
            ordered.add(order.slot());
            return mute.contains(order.slot())
                    ? new CompletableFuture<>()
                    : answered(() -> says.apply(of(holder).order(order)));
        }

        @Override
        public CompletableFuture<byte[]> prove(PeerId holder, SealAsk question, Duration patience) {
            if (question.kind() == SealAsk.Kind.REPLICATION) {
                replications.add(question);
                if (replication != null) {
                    return CompletableFuture.failedFuture(
                            new PpiofsException(replication, "audit", holder.toString(), "no proof"));
                }
            }
            if (windowsMute && question.kind() == SealAsk.Kind.WINDOW) {
                return CompletableFuture.failedFuture(
                        new PpiofsException(ErrorKind.NOT_CONNECTED, "audit", holder.toString(), "no window"));
            }
            return answered(() -> of(holder).prove(question));
        }
    }

    private VolumeAuditor auditor(Duration every) {
        VolumeAuditor auditor = new VolumeAuditor(
                        volume,
                        volume.keys,
                        directory.resolve("tags"),
                        (peer, question, patience) -> CompletableFuture.completedFuture(
                                honest(question.slot()).answer(question)),
                        peer -> CompletableFuture.completedFuture(null),
                        System::currentTimeMillis,
                        every)
                .sealing(directory.resolve("seals"), new Asking());
        opened.add(auditor);
        return auditor;
    }

    private SlotHolder honest(int slot) {
        return new SlotHolder(volume, slot);
    }

    private static AuditReport audit(VolumeAuditor auditor) {
        return audit(auditor, () -> false);
    }

    private static AuditReport audit(VolumeAuditor auditor, BooleanSupplier stop) {
        return auditor.audit(new AuditOrder(AuditForm.PRIVATE, null, false, 4), Progress.NONE, stop);
    }

    /** Until every holder has a replica that nobody has checked. */
    private void replicas(VolumeAuditor auditor) {
        replication = ErrorKind.NOT_CONNECTED;
        await("all say that they have sealed").atMost(PATIENCE).until(() -> {
            audit(auditor);
            return replications.stream()
                            .map(SealAsk::order)
                            .map(Arrays::hashCode)
                            .distinct()
                            .count()
                    == 3;
        });
    }

    private static List<String> states(AuditReport report) {
        return report.seals().stream().map(AuditReport.Seal::state).toList();
    }

    private static List<Result> windows(AuditReport report) {
        return report.seals().stream()
                .map(AuditReport.Seal::window)
                .map(window -> window == null ? null : window.outcome().result())
                .toList();
    }

    private AuditReport sealed(VolumeAuditor auditor) {
        AuditReport[] last = new AuditReport[1];
        await("all slots are sealed").atMost(PATIENCE).until(() -> {
            last[0] = audit(auditor);
            return states(last[0]).equals(List.of("PROVEN", "PROVEN", "PROVEN"));
        });
        return last[0];
    }

    @Test
    void slots_are_sealed_checked_once_and_prove_windows_from_then_on() {
        VolumeAuditor auditor = auditor(Duration.ZERO);
        AuditReport report = sealed(auditor);
        assertThat(windows(report)).containsOnly(Result.PASS);
        assertThat(report.count(Result.PASS)).isEqualTo(6);
        assertThat(report.count(Result.FAIL)).isZero();
        assertThat(volume.broke).isEmpty();
        assertThat(auditor.facts()).containsEntry("sealedSlots", 3L).containsEntry("windowsFail", 0L);
        for (SealingHolder holder : holders) {
            assertThat(holder.files("replica")).hasSize(1);
            assertThat(holder.files("accepted")).hasSize(1);
            assertThat(holder.files("layer-1")).isEmpty();
            assertThat(holder.files("unsealed")).as("the blocks are hosted").isEmpty();
        }
        auditor.close();
        int orders = holders.get(0).orders.size();
        AuditReport again = audit(auditor(Duration.ZERO));
        assertThat(windows(again)).containsOnly(Result.PASS);
        assertThat(holders.get(0).orders).as("what was checked is on disk").hasSize(orders);
    }

    @Test
    void it_goes_on_by_itself_in_the_background() {
        VolumeAuditor auditor = auditor(Duration.ofSeconds(1));
        auditor.start();
        await("windows are asked for")
                .atMost(PATIENCE)
                .until(() -> auditor.facts().getOrDefault("windowsPass", 0L) >= 3);
        assertThat(volume.broke).isEmpty();
    }

    @Test
    void who_does_not_consent_or_has_no_room_is_told_of_and_fails_nothing() {
        holders.get(0).close();
        holders.get(0).start(SealConsent.NONE);
        holders.get(1).close();
        holders.get(1).start(new SealConsent(Set.of("test"), 1));
        instead[2] = -1;
        AuditReport report = audit(auditor(Duration.ZERO));
        assertThat(states(report)).containsExactly("REFUSED", "REFUSED", "UNKNOWN");
        assertThat(report.seals().get(0).reason()).contains("does not seal for others as 'test'");
        assertThat(report.seals().get(1).reason()).contains("no room");
        assertThat(report.count(Result.PASS)).isEqualTo(3);
        assertThat(windows(report)).containsOnlyNulls();
        assertThat(volume.broke).isEmpty();
    }

    @Test
    void nothing_is_ordered_of_a_volume_that_does_not_want_it_or_of_who_is_being_sent_its_share() {
        volume.seals = null;
        AuditReport report = audit(auditor(Duration.ZERO));
        assertThat(report.seals()).isEmpty();
        volume.seals = SealParameters.TEST;
        volume.beingFilled.addAll(Set.of(0, 1, 2));
        assertThat(states(audit(auditor(Duration.ZERO)))).containsOnly("UNKNOWN");
        assertThat(holders).allMatch(holder -> holder.orders.isEmpty());
    }

    @Test
    void a_damaged_replica_fails_its_window_counts_and_is_sealed_again() throws IOException {
        VolumeAuditor auditor = auditor(Duration.ZERO);
        sealed(auditor);
        Path replica = holders.get(1).files("replica").get(0);
        byte[] bytes = Files.readAllBytes(replica);
        for (int at = 0; at < bytes.length; at += 512) {
            bytes[at] ^= 1;
        }
        Files.write(replica, bytes);
        AuditReport failed = audit(auditor);
        assertThat(windows(failed)).containsExactly(Result.PASS, Result.FAIL, Result.PASS);
        assertThat(failed.seals().get(1).window().challenges()).isEqualTo(1);
        assertThat(failed.seals().get(1).reason()).contains("damaged");
        PeerId bad = volume.holders.get(1).peerId();
        assertThat(volume.broke).as("it said so itself").containsExactly(bad);
        assertThat(auditor.facts()).containsEntry("windowsFail", 1L);

        AuditReport mended = sealed(auditor);
        assertThat(windows(mended)).containsOnly(Result.PASS);
        assertThat(mended.seals().get(1).sector())
                .isGreaterThan(failed.seals().get(1).sector());
        assertThat(holders.get(1).files("replica")).hasSize(1);
    }

    @Test
    void who_gave_its_replica_up_fails() {
        VolumeAuditor auditor = auditor(Duration.ZERO);
        sealed(auditor);
        holders.get(2).hosts = false;
        holders.get(2).close();
        holders.get(2).start(ALL);
        await("what is not hosted is not kept")
                .atMost(PATIENCE)
                .until(() -> holders.get(2).files("replica").isEmpty());
        assertThat(windows(audit(auditor))).containsExactly(Result.PASS, Result.PASS, Result.FAIL);
    }

    @Test
    void who_lost_its_replica_and_does_not_agree_to_another_one_fails_once() throws IOException {
        VolumeAuditor auditor = auditor(Duration.ZERO);
        sealed(auditor);
        for (Path replica : holders.get(1).files("replica")) {
            Files.write(replica, new byte[(int) Files.size(replica)]);
        }
        holders.get(1).close();
        holders.get(1).start(SealConsent.NONE);
        assertThat(windows(audit(auditor))).containsExactly(Result.PASS, Result.FAIL, Result.PASS);
        AuditReport refused = audit(auditor);
        assertThat(states(refused)).containsExactly("PROVEN", "REFUSED", "PROVEN");
        assertThat(windows(refused)).containsExactly(Result.PASS, null, Result.PASS);
        assertThat(windows(audit(auditor))).containsExactly(Result.PASS, null, Result.PASS);
        assertThat(volume.broke).containsExactly(volume.holders.get(1).peerId());
    }

    @Test
    void whoever_does_not_answer_an_order_keeps_no_other_slot_from_being_audited() {
        mute.add(0);
        VolumeAuditor auditor = auditor(Duration.ofSeconds(1));
        auditor.start();
        await("it is asked").atMost(PATIENCE).until(() -> ordered.contains(0));
        long before = auditor.facts().get("auditsPass");
        await("audits go on while it is waited for")
                .atMost(Duration.ofSeconds(10))
                .until(() -> auditor.facts().get("auditsPass") > before + 3);
        assertThat(ordered).as("it is still waited for").containsExactly(0);
    }

    @Test
    void an_audit_on_demand_does_not_wait_for_the_background_and_ends_when_it_is_stopped() {
        mute.addAll(Set.of(0, 1));
        VolumeAuditor auditor = auditor(Duration.ZERO);
        auditor.start();
        await("it is asked").atMost(PATIENCE).until(() -> ordered.contains(0));
        long began = System.nanoTime();
        audit(auditor, () -> ordered.size() > 1);
        assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(8));
        assertThat(ordered)
                .as("one after the other, so that one alone stops nobody")
                .containsExactly(0, 1);
        PeerId only = volume.holders.get(2).peerId();
        auditor.audit(new AuditOrder(AuditForm.PRIVATE, only, false, 4), Progress.NONE, () -> false);
        assertThat(ordered).as("only who is audited").containsExactly(0, 1, 2);
    }

    @Test
    void a_pass_begins_where_the_last_one_ended() {
        VolumeAuditor auditor = auditor(Duration.ZERO);
        for (int slot = 0; slot < 3; slot++) {
            int asked = slot;
            audit(auditor, () -> ordered.size() > asked);
        }
        assertThat(ordered).containsExactly(0, 1, 2);
    }

    @Test
    void a_pass_is_over_when_it_has_waited_long_enough_and_asks_nobody_twice_who_did_not_answer() {
        SealPass pass = new SealPass(true, holder -> true, () -> false, () -> false);
        PeerId holder = volume.holders.get(0).peerId();
        assertThat(pass.mayAsk(holder)).isTrue();
        pass.isSilent(holder);
        assertThat(pass.mayAsk(holder)).isFalse();
        pass.waited(SealPass.BUDGET.minusNanos(1));
        assertThat(pass.isOver()).isFalse();
        pass.waited(Duration.ofNanos(1));
        assertThat(pass.isOver()).isTrue();
    }

    @Test
    void a_replica_is_asked_the_same_question_until_it_is_answered() {
        VolumeAuditor auditor = auditor(Duration.ZERO);
        replicas(auditor);
        audit(auditor);
        audit(auditor);
        assertThat(replications.stream().map(SealAsk::signature).map(Arrays::hashCode))
                .as("one for each slot")
                .hasSizeGreaterThan(6)
                .containsOnlyElementsOf(replications.subList(replications.size() - 3, replications.size()).stream()
                        .map(SealAsk::signature)
                        .map(Arrays::hashCode)
                        .toList());
        assertThat(volume.broke).isEmpty();
        replication = null;
        assertThat(windows(sealed(auditor))).containsOnly(Result.PASS);
    }

    @Test
    void another_replica_is_asked_nothing_for_long_after_the_first_one_was_asked() {
        VolumeAuditor auditor = auditor(Duration.ZERO);
        replicas(auditor);
        int before = replications.size();
        replication = null;
        says = said -> new SealStatus(
                said.state(), said.sector(), said.commD(), new byte[32], said.order(), said.acceptance());
        assertThat(states(audit(auditor))).containsOnly("UNKNOWN");
        assertThat(replications).hasSize(before);
        says = UnaryOperator.identity();
        assertThat(states(audit(auditor))).as("the first one still is").containsOnly("PROVEN");
        assertThat(volume.broke).isEmpty();
    }

    @Test
    void who_proves_windows_only_by_now_is_asked_about_the_order_again_and_fails_nothing() {
        VolumeAuditor auditor = auditor(Duration.ZERO);
        replicas(auditor);
        replication = ErrorKind.NOT_FOUND;
        assertThat(states(audit(auditor))).containsOnly("UNKNOWN");
        assertThat(volume.broke).isEmpty();
    }

    @Test
    void who_seals_something_else_is_accused_once_an_hour_for_a_slot() {
        VolumeAuditor auditor = auditor(Duration.ZERO);
        replicas(auditor);
        says = said -> new SealStatus(
                said.state(), said.sector(), new byte[32], said.commR(), said.order(), said.acceptance());
        for (int i = 0; i < 3; i++) {
            assertThat(states(audit(auditor))).containsOnly("FAILED");
        }
        assertThat(volume.broke)
                .containsExactlyInAnyOrderElementsOf(
                        volume.holders.stream().map(IdentityKey::peerId).toList());
    }

    @Test
    void a_group_that_cannot_be_read_is_read_once_for_all_of_its_slots() {
        volume.blind = true;
        assertThat(states(audit(auditor(Duration.ZERO)))).containsOnly("UNKNOWN");
        assertThat(volume.reads).hasValue(1);
    }

    @Test
    void windows_are_asked_for_of_groups_without_tags_too_but_not_of_who_is_being_sent_its_share() throws IOException {
        VolumeAuditor auditor = auditor(Duration.ZERO);
        sealed(auditor);
        volume.beingFilled.add(1);
        assertThat(windows(audit(auditor))).containsExactly(Result.PASS, null, Result.PASS);
        auditor.close();
        for (Path tags : Files.list(directory.resolve("tags")).toList()) {
            Files.delete(tags);
        }
        volume.blind = true;
        VolumeAuditor untagged = auditor(Duration.ofSeconds(1));
        untagged.start();
        await("windows are asked for")
                .atMost(PATIENCE)
                .until(() -> untagged.facts().getOrDefault("windowsPass", 0L) >= 2);
        assertThat(untagged.facts()).containsEntry("taggedGroups", 0L).containsEntry("auditsPass", 0L);
    }

    @Test
    void windows_that_are_not_answered_count_once_in_an_interval_however_often_it_is_audited() {
        VolumeAuditor auditor = auditor(Duration.ZERO);
        sealed(auditor);
        windowsMute = true;
        for (int i = 0; i < 10; i++) {
            assertThat(windows(audit(auditor))).containsOnly(Result.SUSPECT);
        }
        assertThat(volume.broke).isEmpty();
        auditor.close();
        VolumeAuditor often = auditor(Duration.ofMillis(1));
        for (int i = 0; i < 10; i++) {
            audit(often);
        }
        assertThat(volume.broke)
                .as("but in each")
                .containsAll(volume.holders.stream().map(IdentityKey::peerId).toList());
    }

    @Test
    void who_is_away_is_suspect() {
        VolumeAuditor auditor = auditor(Duration.ZERO);
        sealed(auditor);
        instead[0] = -1;
        AuditReport report = audit(auditor);
        assertThat(windows(report)).containsExactly(Result.SUSPECT, Result.PASS, Result.PASS);
        assertThat(volume.broke).isEmpty();
    }

    @Test
    void another_holders_replica_is_none() {
        VolumeAuditor auditor = auditor(Duration.ZERO);
        sealed(auditor);
        instead[0] = 1;
        AuditReport report = audit(auditor);
        assertThat(windows(report).get(0)).isEqualTo(Result.FAIL);
        assertThat(volume.broke).contains(volume.holders.get(0).peerId());
    }

    @Test
    void both_sides_go_on_after_a_restart_and_a_home_that_lost_its_notes_has_nothing_sealed_again() throws IOException {
        VolumeAuditor auditor = auditor(Duration.ZERO);
        audit(auditor);
        auditor.close();
        for (SealingHolder holder : holders) {
            holder.close();
            holder.start(ALL);
        }
        AuditReport report = sealed(auditor(Duration.ZERO));
        List<Long> sectors =
                report.seals().stream().map(AuditReport.Seal::sector).toList();
        for (Path note : Files.list(directory.resolve("seals")).toList()) {
            Files.delete(note);
        }
        AuditReport again = sealed(auditor(Duration.ZERO));
        assertThat(again.seals().stream().map(AuditReport.Seal::sector).toList())
                .isEqualTo(sectors);
        assertThat(windows(again)).containsOnly(Result.PASS);
    }

    @Test
    void other_parameters_mean_another_sealing() {
        VolumeAuditor auditor = auditor(Duration.ZERO);
        sealed(auditor);
        volume.seals = SealParameters.FAST;
        AuditReport report = sealed(auditor);
        assertThat(report.seals()).allMatch(seal -> seal.parameters().equals("fast"));
        assertThat(windows(report)).containsOnly(Result.PASS);
        assertThat(holders).allMatch(holder -> holder.files("replica").size() == 1);
    }

    @Test
    void a_holder_takes_orders_of_the_slots_tenant_only_and_answers_its_verifier_only() {
        VolumeAuditor auditor = auditor(Duration.ZERO);
        sealed(auditor);
        SealingHolder holder = holders.get(0);
        SealOrder order = holder.orders.get(0);
        SealOrder foreign = SealOrder.sign(
                IdentityKey.generate(new SecureRandom()),
                TaggedVolume.NETWORK,
                order.holder(),
                order.group(),
                order.slot(),
                order.inventory(),
                "test",
                order.ticket(),
                order.verifier(),
                order.issued() + 1);
        assertThatThrownBy(() -> holder.order(foreign))
                .isInstanceOfSatisfying(
                        PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.NOT_FOUND));
        SealedSlot kept =
                SealedSlot.load(directory.resolve("seals").resolve(order.group() + "-0"), TaggedVolume.NETWORK);
        SealAsk unsigned = SealAsk.window(kept.order(), kept.acceptance(), 9, new byte[96]);
        assertThatThrownBy(() -> holder.prove(unsigned))
                .isInstanceOfSatisfying(
                        PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.INVALID));
    }
}
