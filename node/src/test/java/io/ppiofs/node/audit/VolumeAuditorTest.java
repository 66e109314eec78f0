package io.ppiofs.node.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.erasure.Scheme;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.node.audit.AuditOutcome.Result;
import io.ppiofs.node.control.Progress;
import io.ppiofs.overlay.audit.AuditAnswer;
import io.ppiofs.overlay.audit.AuditAsk;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.placement.Inventory;
import io.ppiofs.proofs.audit.AuditForm;
import io.ppiofs.proofs.verify.Verdict;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class VolumeAuditorTest {
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    @TempDir
    private Path directory;

    private final TaggedVolume volume = new TaggedVolume(Scheme.parse("2+1"), 12, 60_000, 1);
    private final List<SlotHolder> holders = new ArrayList<>();
    private final List<VolumeAuditor> opened = new ArrayList<>();

    VolumeAuditorTest() {
        for (int slot = 0; slot < 3; slot++) {
            holders.add(new SlotHolder(volume, slot));
        }
    }

    @AfterEach
    void close() {
        opened.forEach(VolumeAuditor::close);
    }

    private CompletableFuture<AuditAnswer> honest(PeerId peer, AuditAsk question, Duration patience) {
        return CompletableFuture.completedFuture(holders.get(question.slot()).answer(question));
    }

    private VolumeAuditor auditor(VolumeAuditor.Asking asking, Duration every) {
        VolumeAuditor auditor = new VolumeAuditor(
                volume,
                volume.keys,
                directory.resolve("tags"),
                asking,
                peer -> CompletableFuture.completedFuture(null),
                System::currentTimeMillis,
                every);
        opened.add(auditor);
        return auditor;
    }

    private static AuditOrder order(AuditForm form) {
        return new AuditOrder(form, null, false, 460);
    }

    private static AuditReport audit(VolumeAuditor auditor, AuditForm form) {
        return auditor.audit(order(form), Progress.NONE, () -> false);
    }

    private static CompletableFuture<AuditAnswer> refuse(ErrorKind kind) {
        return CompletableFuture.failedFuture(new PpiofsException(kind, "audit", "peer", "says so"));
    }

    @Test
    void every_slot_of_an_honest_group_passes_in_both_forms() {
        VolumeAuditor auditor = auditor(this::honest, Duration.ZERO);
        for (AuditForm form : AuditForm.values()) {
            AuditReport report = audit(auditor, form);
            assertThat(report.lines()).hasSize(3);
            assertThat(report.count(Result.PASS)).isEqualTo(3);
        }
        assertThat(volume.kept).hasSize(6);
        assertThat(volume.broke).isEmpty();
    }

    @Test
    void one_who_lost_a_third_fails_three_times_and_is_told_of_three_times() {
        VolumeAuditor auditor = auditor(this::honest, Duration.ZERO);
        long units = volume.group.units(1).total();
        holders.get(1).dropped.addAll(LongStream.range(0, units / 3).boxed().toList());
        AuditReport report = audit(auditor, AuditForm.PRIVATE);
        PeerId bad = volume.holders.get(1).peerId();
        assertThat(report.count(Result.FAIL)).isEqualTo(1);
        assertThat(report.count(Result.PASS)).isEqualTo(2);
        AuditReport.Line line = report.lines().get(1);
        assertThat(line.outcome().holder()).isEqualTo(bad);
        assertThat(line.challenges()).isEqualTo(3);
        assertThat(volume.broke).containsExactly(bad, bad, bad);
    }

    @Test
    void who_says_that_it_lacks_something_fails_who_is_away_busy_or_newer_is_suspect() {
        for (ErrorKind kind : List.of(ErrorKind.CORRUPT, ErrorKind.NOT_FOUND, ErrorKind.INVALID)) {
            volume.broke.clear();
            assertThat(audit(auditor((p, q, t) -> refuse(kind), Duration.ZERO), AuditForm.PRIVATE)
                            .count(Result.FAIL))
                    .isEqualTo(3);
            assertThat(volume.broke).hasSize(9);
        }
        volume.broke.clear();
        for (ErrorKind kind : List.of(
                ErrorKind.NOT_CONNECTED, ErrorKind.BUSY, ErrorKind.EXISTS, ErrorKind.NOT_SUPPORTED, ErrorKind.IO)) {
            assertThat(audit(auditor((p, q, t) -> refuse(kind), Duration.ZERO), AuditForm.PRIVATE)
                            .count(Result.SUSPECT))
                    .isEqualTo(3);
        }
        assertThat(volume.broke).isEmpty();
    }

    @Test
    void who_answers_everything_but_audits_is_told_of_in_the_end_and_who_is_busy_is_not() {
        for (ErrorKind kind : List.of(ErrorKind.IO, ErrorKind.NOT_CONNECTED, ErrorKind.BUSY)) {
            volume.broke.clear();
            VolumeAuditor auditor = auditor((p, q, t) -> refuse(kind), Duration.ZERO);
            for (int i = 0; i < 7; i++) {
                audit(auditor, AuditForm.PRIVATE);
            }
            assertThat(volume.broke).isEmpty();
            audit(auditor, AuditForm.PRIVATE);
            assertThat(volume.broke).hasSize(kind == ErrorKind.BUSY ? 0 : 3);
        }
    }

    @Test
    void a_holder_that_is_still_being_sent_its_share_is_not_asked() {
        long units = volume.group.units(1).total();
        holders.get(1).dropped.addAll(LongStream.range(0, units).boxed().toList());
        volume.beingFilled.add(1);
        List<Integer> asked = new ArrayList<>();
        AuditReport report = audit(
                auditor(
                        (peer, question, patience) -> {
                            asked.add(question.slot());
                            return honest(peer, question, patience);
                        },
                        Duration.ZERO),
                AuditForm.PRIVATE);
        assertThat(asked).containsExactly(0, 2);
        assertThat(report.count(Result.PASS)).isEqualTo(2);
        assertThat(report.count(Result.SUSPECT)).isEqualTo(1);
        assertThat(volume.broke).isEmpty();
    }

    @Test
    void a_failure_of_a_holder_that_turns_out_to_lack_something_is_none() {
        AuditReport report = audit(
                auditor(
                        (peer, question, patience) -> {
                            volume.beingFilled.add(question.slot());
                            return refuse(ErrorKind.CORRUPT);
                        },
                        Duration.ZERO),
                AuditForm.PRIVATE);
        assertThat(report.count(Result.SUSPECT)).isEqualTo(3);
        assertThat(volume.broke).isEmpty();
    }

    @Test
    void only_the_slots_of_one_peer() {
        PeerId wanted = volume.holders.get(2).peerId();
        AuditReport report = auditor(this::honest, Duration.ZERO)
                .audit(new AuditOrder(AuditForm.PRIVATE, wanted, false, 460), Progress.NONE, () -> false);
        assertThat(report.lines()).hasSize(1);
        assertThat(report.lines().get(0).outcome().holder()).isEqualTo(wanted);
    }

    @Test
    void a_group_whose_blocks_are_elsewhere_is_audited_once_they_are_fetched() {
        volume.local.delete(List.of(volume.group.inventory().entries().get(0).cid()));
        VolumeAuditor auditor = auditor(this::honest, Duration.ZERO);
        AuditReport without = audit(auditor, AuditForm.PRIVATE);
        assertThat(without.lines()).isEmpty();
        assertThat(without.untagged()).isEqualTo(1);
        AuditReport with =
                auditor.audit(new AuditOrder(AuditForm.PRIVATE, null, true, 460), Progress.NONE, () -> false);
        assertThat(with.count(Result.PASS)).isEqualTo(3);
    }

    @Test
    void it_tags_and_audits_by_itself_and_forgets_the_tags_of_groups_that_went() throws Exception {
        Files.createDirectories(directory.resolve("tags"));
        Path old = directory.resolve("tags").resolve("bbbbbbbbbbbbbbbbbbbbbbbbba.private");
        Files.write(old, new byte[1]);
        long units = volume.group.units(0).total();
        holders.get(0).dropped.addAll(LongStream.range(0, units).boxed().toList());
        VolumeAuditor auditor = auditor(this::honest, Duration.ofSeconds(1));
        auditor.start();
        await("each slot has been audited")
                .atMost(PATIENCE)
                .until(() -> auditor.facts().get("auditsFail") >= 1
                        && auditor.facts().get("auditsPass") >= 2);
        assertThat(auditor.facts()).containsEntry("taggedGroups", 1L);
        assertThat(volume.broke).contains(volume.holders.get(0).peerId());
        assertThat(old).doesNotExist();
    }

    @Test
    void by_itself_it_fetches_little_for_tags_and_not_much() {
        List<Cid> blocks = volume.group.inventory().ofSlot(0).stream()
                .map(Inventory.Entry::cid)
                .toList();
        volume.local.delete(blocks.subList(0, 1));
        VolumeAuditor little = auditor(this::honest, Duration.ZERO);
        little.start();
        await("it tags").atMost(PATIENCE).until(() -> little.facts().get("taggedGroups") == 1);
        assertThat(volume.group.bytesMissingIn(volume.local)).isPositive();
        little.close();

        volume.local.delete(blocks);
        assertThat(directory.resolve("tags").toFile().listFiles()).hasSize(1).allMatch(File::delete);
        VolumeAuditor much = auditor(this::honest, Duration.ofSeconds(1));
        volume.looks.set(0);
        much.start();
        await("it has looked for what to tag, and then for what to audit")
                .atMost(PATIENCE)
                .until(() -> volume.looks.get() >= 2);
        assertThat(audit(much, AuditForm.PRIVATE).untagged()).isEqualTo(1);
        assertThat(much.facts()).containsEntry("taggedGroups", 0L);
    }

    @Test
    void closing_does_not_wait_for_a_holder_that_says_nothing() {
        CompletableFuture<AuditAnswer> never = new CompletableFuture<>();
        List<AuditAsk> asked = new ArrayList<>();
        VolumeAuditor auditor = auditor(
                (p, question, t) -> {
                    asked.add(question);
                    return never;
                },
                Duration.ofSeconds(1));
        auditor.start();
        await("it asks").atMost(PATIENCE).until(() -> !asked.isEmpty());
        long began = System.nanoTime();
        auditor.close();
        assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(4));
    }

    // ---- transcripts ------------------------------------------------------------------------------------------------

    private byte[] transcript() {
        VolumeAuditor auditor = auditor(this::honest, Duration.ZERO);
        return Transcript.of(auditor, audit(auditor, AuditForm.PUBLIC));
    }

    @Test
    void a_third_party_checks_a_transcript_with_nothing_but_its_bytes() {
        List<Transcript.Finding> findings = Transcript.check(transcript());
        assertThat(findings).hasSize(3).allMatch(finding -> finding.verdict().accepted());
        assertThat(findings)
                .extracting(Transcript.Finding::prover)
                .containsExactlyElementsOf(volume.group.table().holders());
        assertThat(findings).allMatch(finding -> finding.owner().equals(volume.tenant.peerId()));
    }

    @Test
    void a_transcript_of_a_failure_shows_the_failure() {
        holders.get(0).dropped.addAll(LongStream.range(0, 5).boxed().toList());
        assertThat(Transcript.check(transcript()))
                .extracting(finding -> finding.verdict().accepted())
                .containsExactly(false, true, true);
    }

    @Test
    void a_private_audit_leaves_nothing_to_show() {
        VolumeAuditor auditor = auditor(this::honest, Duration.ZERO);
        assertThat(Transcript.check(Transcript.of(auditor, audit(auditor, AuditForm.PRIVATE))))
                .isEmpty();
    }

    @Test
    void no_flipped_bit_of_a_transcript_is_accepted() {
        byte[] good = transcript();
        SplittableRandom random = new SplittableRandom(3);
        for (int i = 0; i < 40; i++) {
            byte[] flipped = good.clone();
            // the tag key is most of the file, and a point of it that no verifier needs costs the check of its digest
            // only
            int at = i % 2 == 0 ? good.length - 1 - random.nextInt(2_000) : random.nextInt(good.length);
            flipped[at] ^= (byte) (1 << random.nextInt(8));
            List<Verdict> verdicts = new ArrayList<>();
            try {
                Transcript.check(flipped).forEach(finding -> verdicts.add(finding.verdict()));
            } catch (PpiofsException e) {
                assertThat(e.kind()).isIn(ErrorKind.CORRUPT, ErrorKind.UNSUPPORTED_FORMAT);
                continue;
            }
            assertThat(verdicts).as("byte %d", at).anyMatch(verdict -> !verdict.accepted());
        }
        assertThatThrownBy(() -> Transcript.check(Arrays.copyOf(good, good.length - 1)))
                .isInstanceOf(PpiofsException.class);
    }
}
