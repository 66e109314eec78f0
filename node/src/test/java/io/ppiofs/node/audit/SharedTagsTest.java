package io.ppiofs.node.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.ppiofs.blockstore.BlockStore.StoredBlock;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.erasure.Scheme;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.node.audit.AuditOutcome.Result;
import io.ppiofs.node.control.Progress;
import io.ppiofs.overlay.audit.AuditAnswer;
import io.ppiofs.overlay.audit.AuditAsk;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.placement.Inventory;
import io.ppiofs.overlay.placement.SlotTable;
import io.ppiofs.proofs.audit.AuditForm;
import io.ppiofs.proofs.podr2.TagKey;
import io.ppiofs.proofs.podr2.TagPublicKey;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The owner gives tags to peers, and somebody who has nothing else audits by them. */
class SharedTagsTest {
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final byte[] SECRET = {9};

    @TempDir
    private Path directory;

    private final TaggedVolume volume = new TaggedVolume(Scheme.parse("2+1"), 9, 40_000, 1);
    private final List<SlotHolder> holders = new ArrayList<>();
    private final List<VolumeAuditor> opened = new ArrayList<>();
    private final List<AuditAsk> asked = new CopyOnWriteArrayList<>();
    private TagIndex index;

    SharedTagsTest() {
        for (int slot = 0; slot < 3; slot++) {
            holders.add(new SlotHolder(volume, slot));
        }
    }

    @AfterEach
    void close() {
        opened.forEach(VolumeAuditor::close);
    }

    private CompletableFuture<AuditAnswer> answer(PeerId peer, AuditAsk question, Duration patience) {
        asked.add(question);
        return CompletableFuture.completedFuture(holders.get(question.slot()).answer(question));
    }

    private VolumeAuditor auditor(AuditKeys keys, String tags) {
        VolumeAuditor auditor = new VolumeAuditor(
                volume,
                keys,
                directory.resolve(tags),
                this::answer,
                peer -> CompletableFuture.completedFuture(null),
                System::currentTimeMillis,
                Duration.ZERO);
        opened.add(auditor);
        return auditor;
    }

    private static AuditReport audit(VolumeAuditor auditor) {
        return auditor.audit(new AuditOrder(AuditForm.PUBLIC, null, false, 40), Progress.NONE, () -> false);
    }

    @BeforeEach
    void share() {
        volume.shares = true;
        VolumeAuditor owner = auditor(volume.keys, "owner");
        owner.start();
        await("tags are shared").atMost(PATIENCE).until(() -> volume.index != null);
        owner.close();
        opened.remove(owner);
        TagIndex shared = volume.index;
        assertThat(shared).isNotNull();
        index = shared;
        volume.blind = true;
        volume.form = AuditForm.PUBLIC;
        asked.clear();
    }

    private VolumeAuditor verifier() {
        return auditor(AuditKeys.ofVerifier(SECRET), "verifier" + opened.size());
    }

    private void drop(int slot) {
        long units = volume.group.units(slot).total();
        holders.get(slot).dropped.addAll(LongStream.range(0, units / 2).boxed().toList());
    }

    @Test
    void who_has_no_block_audits_by_tags_from_peers() {
        AuditReport report = audit(verifier());
        assertThat(report.untagged()).isZero();
        assertThat(report.lines()).hasSize(3);
        assertThat(report.count(Result.PASS)).isEqualTo(3);
        assertThat(asked)
                .allSatisfy(question -> assertThat(question.verifier())
                        .isEqualTo(AuditKeys.ofVerifier(SECRET).verifierKey())
                        .isNotEqualTo(volume.keys.verifierKey()));

        drop(1);
        AuditReport failed = audit(verifier());
        assertThat(failed.count(Result.FAIL)).isEqualTo(1);
        PeerId bad = volume.holders.get(1).peerId();
        assertThat(volume.broke).containsOnly(bad);
        assertThat(volume.failed).hasSize(3).allSatisfy(outcome -> {
            assertThat(outcome.holder()).isEqualTo(bad);
            assertThat(outcome.answer()).isNotNull();
        });
    }

    @Test
    void a_verifier_that_starts_again_has_tags_and_the_key_that_they_are_of() throws IOException {
        VolumeAuditor first = auditor(AuditKeys.ofVerifier(SECRET), "kept");
        assertThat(audit(first).count(Result.PASS)).isEqualTo(3);
        first.close();
        volume.index = null;
        volume.shares = false;
        VolumeAuditor second = auditor(AuditKeys.ofVerifier(SECRET), "kept");
        assertThat(audit(second).count(Result.PASS)).isEqualTo(3);
        assertThat(volume.fetches).hasValue(1);
        // what another says is judged at once, and the background forgets neither tags nor key
        VolumeAuditor third = auditor(AuditKeys.ofVerifier(SECRET), "kept");
        FailureReport fails = failure(AuditKeys.ofVerifier(new byte[] {6}), System.currentTimeMillis() / 1000);
        AuditAnswer answer = fails.answer();
        assertThat(answer).isNotNull();
        third.hear(fails.question(), answer);
        third.start();
        await().atMost(PATIENCE).until(() -> fact(third, "transcriptsCounted") == 1);
        assertThat(fact(third, "taggedGroups")).isEqualTo(1);
        third.close();

        Path key = directory.resolve("kept").resolve("tagger");
        byte[] damaged = Files.readAllBytes(key);
        damaged[damaged.length - 1] ^= 1;
        Files.write(key, damaged);
        assertThat(audit(auditor(AuditKeys.ofVerifier(SECRET), "kept")).untagged())
                .isEqualTo(1);
        volume.index = index;
        assertThat(audit(auditor(AuditKeys.ofVerifier(SECRET), "kept")).untagged())
                .isZero();
        assertThat(volume.fetches).hasValue(2);
        damaged[damaged.length - 1] ^= 1;
        assertThat(key).hasBinaryContent(damaged);
    }

    @Test
    void a_defect_does_not_end_the_auditor() {
        VolumeAuditor verifier = new VolumeAuditor(
                volume,
                AuditKeys.ofVerifier(SECRET),
                directory.resolve("defect"),
                this::answer,
                peer -> CompletableFuture.completedFuture(null),
                System::currentTimeMillis,
                Duration.ofSeconds(1));
        opened.add(verifier);
        volume.defect = new IllegalStateException("a defect");
        verifier.start();
        await().atMost(PATIENCE).until(() -> fact(verifier, "auditsPass") >= 3);
        assertThat(volume.defect).isNull();
    }

    @Test
    void a_group_of_nothing_is_not_shared() {
        TaggedVolume empty = new TaggedVolume(Scheme.parse("2+1"), 0, 0, 1);
        empty.shares = true;
        VolumeAuditor owner = new VolumeAuditor(
                empty,
                empty.keys,
                directory.resolve("empty"),
                this::answer,
                peer -> CompletableFuture.completedFuture(null),
                System::currentTimeMillis,
                Duration.ofSeconds(1));
        opened.add(owner);
        owner.start();
        await().atMost(PATIENCE).until(() -> fact(owner, "taggedGroups") == 1 && empty.looks.get() >= 3);
        assertThat(empty.index).isNull();
    }

    @Test
    void an_index_of_more_tags_than_memory_has_room_for_is_not_fetched() {
        List<Inventory.Entry> entries = new ArrayList<>();
        int most = 4 << 20;
        for (int i = 0; i < 3_000; i++) {
            entries.add(new Inventory.Entry(Cid.of(ByteBuffer.allocate(4).putInt(0, i)), most));
        }
        Inventory inventory = new Inventory(Scheme.copies(1), entries);
        AuditedGroup large = AuditedGroup.of(
                new SlotTable(
                        volume.tenant.peerId(),
                        volume.group.table().group(),
                        2,
                        Scheme.copies(1),
                        SlotTable.State.CLOSED,
                        List.of(volume.holders.get(0).peerId()),
                        Cid.of(ByteBuffer.wrap(inventory.encode()))),
                inventory);
        assertThat(GroupTags.fit(volume.group, AuditForm.PUBLIC)).isTrue();
        assertThat(GroupTags.fit(large, AuditForm.PUBLIC)).isFalse();
        List<Inventory.Entry> blocks = new ArrayList<>();
        for (long units = large.allUnits().total(); units > 0; units -= TagIndex.TAGS) {
            blocks.add(new Inventory.Entry(
                    Cid.of(ByteBuffer.allocate(9).putLong(0, units)),
                    (int) Math.min(units, TagIndex.TAGS) * TagKey.TAG_BYTES));
        }
        volume.other = large;
        volume.index = new TagIndex(TagSubject.sign(volume.keys, large, TaggedVolume.NETWORK), index.key(), blocks);
        assertThat(audit(verifier()).untagged()).isEqualTo(1);
        assertThat(volume.fetches).hasValue(0);
    }

    @Test
    void a_home_that_comes_later_takes_the_tags_of_peers() {
        assertThat(audit(auditor(volume.keys, "later")).count(Result.PASS)).isEqualTo(3);
        assertThat(directory.resolve("later").resolve(volume.group.table().group() + ".public"))
                .exists();
    }

    @Test
    void a_verifier_makes_no_tags_of_its_own() {
        volume.blind = false;
        volume.index = null;
        AuditReport report = audit(verifier());
        assertThat(report.untagged()).isEqualTo(1);
        assertThat(report.lines()).isEmpty();
    }

    @Test
    void tags_that_the_owner_does_not_vouch_for_are_not_used() {
        IdentityKey stranger = IdentityKey.generate(new SecureRandom());
        AuditKeys others = new AuditKeys(new byte[32], stranger);
        byte[] key =
                new AuditKeys(new byte[] {1, 2}, volume.tenant).publicTags().toBytes();
        StoredBlock otherKey = new StoredBlock(Cid.of(ByteBuffer.wrap(key)), ByteBuffer.wrap(key));
        Inventory.Entry first = index.blocks().get(0);
        List<TagIndex> bad = List.of(
                new TagIndex(TagSubject.sign(others, volume.group, TaggedVolume.NETWORK), index.key(), index.blocks()),
                new TagIndex(index.subject(), new Inventory.Entry(otherKey.cid(), TagPublicKey.BYTES), index.blocks()),
                new TagIndex(
                        index.subject(), index.key(), List.of(new Inventory.Entry(first.cid(), first.length() - 48))),
                new TagIndex(
                        index.subject(),
                        index.key(),
                        List.of(new Inventory.Entry(Cid.of(ByteBuffer.allocate(7)), first.length()))));
        volume.tagBlocks.put(List.of(otherKey));
        for (TagIndex one : bad) {
            volume.index = one;
            assertThat(audit(verifier()).untagged()).as("%s", one).isEqualTo(1);
        }
    }

    @Test
    void a_transcript_of_a_verifier_is_checked_from_its_bytes_and_says_that_the_owner_does_not_name_it() {
        VolumeAuditor verifier = verifier();
        byte[] transcript = Transcript.of(verifier, audit(verifier));
        List<Transcript.Finding> findings = Transcript.check(transcript);
        assertThat(findings).hasSize(3).allSatisfy(finding -> {
            assertThat(finding.verdict().accepted()).isTrue();
            assertThat(finding.byOwner()).isFalse();
            assertThat(finding.owner()).isEqualTo(volume.tenant.peerId());
            assertThat(finding.verifier())
                    .isEqualTo(AuditKeys.ofVerifier(SECRET).verifierKey());
        });
        SplittableRandom random = new SplittableRandom(5);
        int key = TagPublicKey.BYTES + 200; // what stands before is the tag key
        for (int i = 0; i < 60; i++) {
            byte[] damaged = transcript.clone();
            damaged[key + random.nextInt(transcript.length - key)] ^= (byte) (1 << random.nextInt(8));
            try {
                assertThat(Transcript.check(damaged).stream()
                                .allMatch(finding -> finding.verdict().accepted()))
                        .isFalse();
            } catch (PpiofsException e) {
                assertThat(e.kind()).isIn(ErrorKind.CORRUPT, ErrorKind.UNSUPPORTED_FORMAT);
            }
        }
        VolumeAuditor nobody = verifier();
        assertThatThrownBy(() -> Transcript.of(nobody, new AuditReport(List.of(), 1, List.of())))
                .isInstanceOf(PpiofsException.class);
    }

    // ---- what others say
    // ----------------------------------------------------------------------------------------------

    /** A question of another verifier, and what a holder that lacks half said to it. */
    private FailureReport failure(AuditKeys by, long epoch) {
        drop(1);
        GroupTags tags = GroupTags.joined(
                volume.group,
                AuditForm.PUBLIC,
                index.blocks().stream()
                        .map(entry -> volume.tagBlocks.get(List.of(entry.cid())).get(0))
                        .map(block -> {
                            byte[] bytes = new byte[block.remaining()];
                            block.duplicate().get(bytes);
                            return bytes;
                        })
                        .toList());
        assertThat(tags).isNotNull();
        by.isTaggers(volume.keys.publicTags().toBytes());
        SlotVerifier verifier = new SlotVerifier(TaggedVolume.NETWORK, by, volume.group, 1, AuditForm.PUBLIC, tags);
        AuditAsk question = verifier.question(epoch, 40);
        AuditOutcome outcome =
                verifier.judge(question, holders.get(1).answer(question), Duration.ZERO, Duration.ofSeconds(1));
        assertThat(outcome.result()).isEqualTo(Result.FAIL);
        byte[] told = FailureReport.sign(outcome, volume.tenant, TaggedVolume.NETWORK);
        return FailureReport.open(told, TaggedVolume.NETWORK);
    }

    private VolumeAuditor listening() {
        volume.blind = false;
        volume.form = AuditForm.PRIVATE;
        VolumeAuditor owner = auditor(volume.keys, "owner");
        owner.start();
        return owner;
    }

    private static long fact(VolumeAuditor auditor, String name) {
        return auditor.facts().getOrDefault(name, -1L);
    }

    @Test
    void what_another_verifier_shows_counts_once_and_what_is_old_not_at_all() {
        AuditKeys other = AuditKeys.ofVerifier(new byte[] {3});
        long now = System.currentTimeMillis() / 1000;
        FailureReport fails = failure(other, now);
        FailureReport old = failure(other, now - 7_300);
        VolumeAuditor owner = listening();
        AuditAnswer answer = fails.answer();
        AuditAnswer oldAnswer = old.answer();
        assertThat(answer).isNotNull();
        assertThat(oldAnswer).isNotNull();
        owner.hear(old.question(), oldAnswer);
        owner.hear(fails.question(), answer);
        owner.hear(fails.question(), answer);
        await().atMost(PATIENCE).until(() -> fact(owner, "transcriptsCounted") == 1);
        FailureReport again = failure(other, now + 1);
        AuditAnswer second = again.answer();
        assertThat(second).isNotNull();
        owner.hear(again.question(), second);
        await().atMost(PATIENCE).until(() -> fact(owner, "transcriptsCounted") == 2);
        assertThat(volume.broke).hasSize(2).containsOnly(volume.holders.get(1).peerId());
        assertThat(fact(owner, "hearsayFollowed")).isZero();
    }

    @Test
    void a_right_answer_that_is_called_wrong_costs_nobody_anything() {
        AuditKeys liar = AuditKeys.ofVerifier(new byte[] {4});
        FailureReport fails = failure(liar, System.currentTimeMillis() / 1000);
        holders.get(1).dropped.clear();
        AuditAsk question = fails.question().withTagKey(volume.keys.publicTags().toBytes());
        VolumeAuditor owner = listening();
        owner.hear(question, holders.get(1).answer(question));
        // one that can be judged comes after it, so it has been judged
        FailureReport next = failure(liar, System.currentTimeMillis() / 1000 + 1);
        AuditAnswer answer = next.answer();
        assertThat(answer).isNotNull();
        owner.hear(next.question(), answer);
        await().atMost(PATIENCE).until(() -> fact(owner, "transcriptsCounted") == 1);
        assertThat(volume.broke).hasSize(1);
    }

    @Test
    void hearsay_makes_this_node_look_itself_and_no_more_than_once_in_a_while() {
        VolumeAuditor owner = listening();
        await().atMost(PATIENCE).until(() -> fact(owner, "taggedGroups") == 1);
        for (int i = 0; i < 5; i++) {
            owner.hear(volume.group.table().group(), 2);
        }
        await().atMost(PATIENCE).until(() -> fact(owner, "auditsPass") == 1);
        owner.hear(volume.group.table().group(), 2);
        // an answer of somebody else than the slot's holder shows nothing
        FailureReport fails = failure(AuditKeys.ofVerifier(new byte[] {5}), System.currentTimeMillis() / 1000);
        AuditAsk question = fails.question().withTagKey(volume.keys.publicTags().toBytes());
        AuditAnswer forged = AuditAnswer.sign(
                question, new byte[80], IdentityKey.generate(new SecureRandom()), TaggedVolume.NETWORK);
        holders.get(1).dropped.clear();
        owner.hear(question, forged);
        await().atMost(PATIENCE).until(() -> fact(owner, "auditsPass") == 2);
        assertThat(fact(owner, "hearsayFollowed")).isEqualTo(2);
        assertThat(fact(owner, "transcriptsCounted")).isZero();
        assertThat(volume.broke).isEmpty();
        assertThat(asked.stream().map(AuditAsk::slot)).containsExactly(2, 1);
    }

    @Test
    void an_index_comes_back_as_it_was() {
        TagIndex read = TagIndex.decode(index.encode(), TaggedVolume.NETWORK);
        assertThat(read).isEqualTo(index);
        assertThat(read.units()).isEqualTo(volume.group.allUnits().total());
        assertThat(read.cids()).hasSize(2);
        assertThat(index.encode()).hasSizeLessThan(TagIndex.MAX_LENGTH);
    }
}
