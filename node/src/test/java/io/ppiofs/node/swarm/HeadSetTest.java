package io.ppiofs.node.swarm;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.cbor.Cbor;
import io.ppiofs.cbor.CborArray;
import io.ppiofs.cbor.CborBytes;
import io.ppiofs.cbor.CborEncoder;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.fs.volume.Capability;
import io.ppiofs.fs.volume.Head;
import io.ppiofs.fs.volume.HeadClear;
import io.ppiofs.fs.volume.HeadState;
import io.ppiofs.fs.volume.Secret;
import io.ppiofs.fs.volume.VolumeId;
import io.ppiofs.fs.volume.VolumeKeys;
import io.ppiofs.fs.volume.WriterIdentity;
import io.ppiofs.fs.volume.WriterKey;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.dht.Validator;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.storage.PinnedHead;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Heads as the DHT carries them: what nodes agree on whatever they hear in whatever order. */
@Tag("quick")
class HeadSetTest {
    private static final SecureRandom SECRETS = new SecureRandom();
    private static final int WRITERS = 4;
    private static final int SEQUENCES = 4;

    private final long seed = System.nanoTime();
    private final Random random = new Random(seed);
    private final NetworkId network = NetworkId.LOCAL;
    private final Capability.ReadWrite owner = new Capability.ReadWrite(Secret.random(SECRETS));
    private final VolumeId volume = owner.volumeId();
    private final IdentityKey tenant = IdentityKey.generate(SECRETS);
    private final byte[] key = HeadRecords.key(volume);
    private final Validator validator = HeadRecords.validator(network);

    private WriterIdentity writer(Capability.ReadWrite of, int slot) {
        WriterKey writer = WriterKey.generate(SECRETS);
        return new WriterIdentity(writer, of.owner().certify(NetworkId.LOCAL, writer.publicKey(), slot, null));
    }

    private PinnedHead.Signed head(Capability.ReadWrite of, WriterIdentity writer, long sequence, long pinned) {
        HeadClear clear = new HeadClear(writer.certificate(), sequence, List.of(), null, 0);
        Head head = Head.sign(clear, HeadState.empty(), writer, VolumeKeys.of(of, 0, writer.key()));
        HeadBundle bundle = new HeadBundle(new byte[300], null, head.envelope());
        return new PinnedHead(tenant.peerId(), volume.bytes(), pinned, bundle.encode()).sign(tenant, network);
    }

    private HeadSet of(PinnedHead.Signed head) {
        return HeadSet.of(head, volume);
    }

    /** Sets of one head, by writer and sequence. */
    private List<List<HeadSet>> singles() {
        System.out.println("seed " + seed);
        List<List<HeadSet>> all = new ArrayList<>();
        for (int w = 0; w < WRITERS; w++) {
            WriterIdentity writer = writer(owner, w);
            List<HeadSet> own = new ArrayList<>();
            for (int s = 1; s <= SEQUENCES; s++) {
                own.add(of(head(owner, writer, s, 100L * s + w)));
                own.add(of(head(owner, writer, s, 100L * s + w + 10)));
            }
            all.add(own);
        }
        return all;
    }

    private HeadSet some(List<List<HeadSet>> singles) {
        HeadSet set = HeadSet.empty();
        while (set.isEmpty()) {
            for (List<HeadSet> own : singles) {
                if (random.nextBoolean()) {
                    set = set.with(own.get(random.nextInt(own.size())));
                }
            }
        }
        return set;
    }

    @Test
    void merging_is_the_same_in_any_order_and_never_below_what_was_merged() {
        List<List<HeadSet>> singles = singles();
        for (int round = 0; round < 100; round++) {
            HeadSet a = some(singles);
            HeadSet b = some(singles);
            HeadSet c = some(singles);
            byte[] merged = a.with(b).with(c).encode();
            assertThat(c.with(a.with(b)).encode()).isEqualTo(merged);
            assertThat(b.with(c).with(a).with(a).encode()).isEqualTo(merged);
            for (HeadSet part : List.of(a, b, c)) {
                assertThat(a.with(b).with(c).compareTo(part)).isNotNegative();
            }
            HeadSet read = HeadSet.decode(merged, volume, network);
            assertThat(read.encode()).isEqualTo(merged);
        }
    }

    @Test
    void who_stores_sets_as_they_come_ends_with_the_same_one_and_never_goes_down() {
        List<List<HeadSet>> singles = singles();
        List<byte[]> values = new ArrayList<>();
        for (int i = 0; i < 12; i++) {
            values.add(some(singles).encode());
        }
        byte[] everywhere = null;
        for (int node = 0; node < 6; node++) {
            Collections.shuffle(values, random);
            byte[] kept = values.get(0);
            for (byte[] next : values) {
                HeadSet before = HeadSet.decode(kept, volume, network);
                List<byte[]> both = List.of(kept, next);
                kept = both.get(validator.select(key, both));
                assertThat(HeadSet.decode(kept, volume, network).compareTo(before))
                        .isNotNegative();
                // what a putter makes of it is taken by whoever has it
                byte[] more = before.with(HeadSet.decode(next, volume, network)).encode();
                List<byte[]> again = List.of(more, next);
                assertThat(again.get(validator.select(key, again))).isEqualTo(more);
            }
            assertThat(everywhere == null ? kept : everywhere).isEqualTo(kept);
            everywhere = kept;
        }
    }

    @Test
    void many_writers_are_bounded_and_the_highest_sequences_stay() {
        HeadSet set = HeadSet.empty();
        for (int w = 0; w < HeadSet.MAX_WRITERS + 3; w++) {
            HeadSet before = set;
            set = set.with(of(head(owner, writer(owner, w), w + 1, 7)));
            assertThat(set.compareTo(before)).isPositive();
        }
        assertThat(set.heads()).hasSize(HeadSet.MAX_WRITERS);
        assertThat(set.encode().length).isLessThan(HeadSet.MAX_BYTES);
        assertThat(validator.isValid(key, set.encode())).isTrue();
    }

    @Test
    void what_is_not_signed_for_this_volume_in_the_only_form_is_refused() {
        WriterIdentity writer = writer(owner, 0);
        PinnedHead.Signed first = head(owner, writer, 1, 1);
        PinnedHead.Signed second = head(owner, writer, 2, 2);
        PinnedHead.Signed other = head(owner, writer(owner, 1), 1, 1);
        byte[] good = of(first).with(of(other)).encode();
        assertThat(validator.isValid(key, good)).isTrue();

        Capability.ReadWrite stranger = new Capability.ReadWrite(Secret.random(SECRETS));
        assertThat(of(head(stranger, writer(stranger, 0), 9, 9)).isEmpty()).isTrue();
        assertThat(validator.isValid(HeadRecords.key(stranger.volumeId()), good))
                .isFalse();
        assertThat(validator.isValid("/ppiofs-head/x".getBytes(java.nio.charset.StandardCharsets.US_ASCII), good))
                .isFalse();
        assertThat(validator.isValid(key, HeadSet.empty().encode())).isFalse();
        assertThat(validator.isValid(key, raw(first, second)))
                .as("one writer twice")
                .isFalse();
        List<PinnedHead.Signed> heads = of(first).with(of(other)).heads();
        assertThat(validator.isValid(key, raw(heads.get(1), heads.get(0))))
                .as("out of order")
                .isFalse();
        assertThat(validator.isValid(key, new byte[HeadSet.MAX_BYTES + 1])).isFalse();
    }

    private static byte[] raw(PinnedHead.Signed... heads) {
        List<Cbor> items = new ArrayList<>();
        for (PinnedHead.Signed head : heads) {
            items.add(CborBytes.of(head.envelope()));
        }
        return CborEncoder.encode(
                CborMap.builder().put(1, 1).put(2, new CborArray(items)).build());
    }

    @Test
    void damage_anywhere_is_refused_and_never_throws() {
        System.out.println("seed " + seed);
        byte[] good = of(head(owner, writer(owner, 0), 1, 1))
                .with(of(head(owner, writer(owner, 1), 5, 5)))
                .encode();
        for (int i = 0; i < 1_000; i++) {
            byte[] bad = good.clone();
            bad[random.nextInt(bad.length)] ^= (byte) (1 << random.nextInt(8));
            assertThat(validator.isValid(key, bad)).isFalse();
            byte[] noise = new byte[random.nextInt(200)];
            random.nextBytes(noise);
            assertThat(validator.isValid(key, noise)).isFalse();
            assertThat(validator.isValid(noise, good)).isFalse();
        }
    }
}
