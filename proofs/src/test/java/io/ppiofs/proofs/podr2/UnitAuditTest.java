package io.ppiofs.proofs.podr2;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.proofs.verify.Verdict;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.BiFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class UnitAuditTest {
    private static final int UNITS = 60;
    private static final int OPENED = 20;

    private final TagKey key = TagKey.ofSecret(seed(1));
    private final TagPublicKey publicKey =
            TagPublicKey.fromBytes(key.publicKey().toBytes());
    private final MacKey mac = MacKey.ofSecret(seed(2));

    private static byte[] seed(long value) {
        byte[] seed = new byte[32];
        new SplittableRandom(value).nextBytes(seed);
        return seed;
    }

    private static UnitName name(long number) {
        return new UnitName(seed(number / 16), (int) number % 16);
    }

    /** A peer that holds units and tags, each of which a test may spoil. */
    private static final class Peer implements AuditedUnits {
        private final Map<Long, byte[]> units = new HashMap<>();
        private final Map<Long, byte[]> tags = new HashMap<>();

        @Override
        public byte[] unit(long number) {
            return units.get(number);
        }

        @Override
        public byte[] tag(long number) {
            return tags.get(number);
        }
    }

    private static Peer peer(BiFunction<UnitName, byte[], byte[]> tagger) {
        Peer peer = new Peer();
        for (long i = 0; i < UNITS; i++) {
            byte[] unit = new byte[UnitName.UNIT_BYTES];
            new SplittableRandom(i).nextBytes(unit);
            if (i == 7) {
                Arrays.fill(unit, (byte) 0xff);
            }
            peer.units.put(i, unit);
            peer.tags.put(i, tagger.apply(name(i), unit));
        }
        return peer;
    }

    private Verdict publicly(Peer peer, byte[] seed) {
        UnitChallenge challenge = UnitChallenge.derive(seed, UNITS, OPENED);
        byte[] answer = PublicProver.answer(publicKey, challenge, peer);
        assertThat(answer).hasSizeLessThanOrEqualTo(1024);
        return PublicVerifier.verify(publicKey, challenge, UnitAuditTest::name, answer);
    }

    private Verdict privately(Peer peer, byte[] seed) {
        UnitChallenge challenge = UnitChallenge.derive(seed, UNITS, OPENED);
        return mac.verify(challenge, UnitAuditTest::name, MacKey.answer(challenge, peer));
    }

    @Test
    void whoever_has_the_units_passes() {
        Peer forAll = peer(key::tag);
        Peer forOwner = peer(mac::tag);
        for (long i = 0; i < 10; i++) {
            assertThat(publicly(forAll, seed(i)).reason()).isEmpty();
            assertThat(privately(forOwner, seed(i)).reason()).isEmpty();
        }
    }

    @Test
    void one_bit_of_a_challenged_unit_is_enough_to_fail() {
        Peer forAll = peer(key::tag);
        Peer forOwner = peer(mac::tag);
        SplittableRandom random = new SplittableRandom(3);
        for (long i = 0; i < 20; i++) {
            long unit = UnitChallenge.derive(seed(i), UNITS, OPENED).unit(random.nextInt(OPENED));
            // the last byte, too: it is in a shorter coefficient
            int at = i == 0 ? UnitName.UNIT_BYTES - 1 : random.nextInt(UnitName.UNIT_BYTES);
            byte bit = (byte) (1 << random.nextInt(8));
            forAll.units.get(unit)[at] ^= bit;
            forOwner.units.get(unit)[at] ^= bit;
            assertThat(publicly(forAll, seed(i)).accepted()).as("audit %d", i).isFalse();
            assertThat(privately(forOwner, seed(i)).accepted())
                    .as("audit %d", i)
                    .isFalse();
            forAll.units.get(unit)[at] ^= bit;
            forOwner.units.get(unit)[at] ^= bit;
        }
    }

    @Test
    void another_unit_with_its_own_tag_does_not_stand_in() {
        Peer forAll = peer(key::tag);
        Peer forOwner = peer(mac::tag);
        long missing = UnitChallenge.derive(seed(1), UNITS, OPENED).unit(0);
        long other = (missing + 1) % UNITS;
        for (Peer peer : new Peer[] {forAll, forOwner}) {
            peer.units.put(missing, peer.units.get(other));
            peer.tags.put(missing, peer.tags.get(other));
        }
        assertThat(publicly(forAll, seed(1)).accepted()).isFalse();
        assertThat(privately(forOwner, seed(1)).accepted()).isFalse();
    }

    @Test
    void an_answer_is_for_one_challenge_and_every_bit_of_it_counts() {
        UnitChallenge challenge = UnitChallenge.derive(seed(1), UNITS, OPENED);
        UnitChallenge later = UnitChallenge.derive(seed(2), UNITS, OPENED);
        byte[] open = PublicProver.answer(publicKey, challenge, peer(key::tag));
        byte[] owner = MacKey.answer(challenge, peer(mac::tag));
        assertThat(PublicVerifier.verify(publicKey, later, UnitAuditTest::name, open)
                        .accepted())
                .isFalse();
        assertThat(mac.verify(later, UnitAuditTest::name, owner).accepted()).isFalse();
        SplittableRandom random = new SplittableRandom(4);
        for (int i = 0; i < 200; i++) {
            assertThat(PublicVerifier.verify(publicKey, challenge, UnitAuditTest::name, flipped(open, random))
                            .accepted())
                    .isFalse();
            assertThat(mac.verify(challenge, UnitAuditTest::name, flipped(owner, random))
                            .accepted())
                    .isFalse();
        }
    }

    private static byte[] flipped(byte[] bytes, SplittableRandom random) {
        byte[] out = bytes.clone();
        out[random.nextInt(out.length)] ^= (byte) (1 << random.nextInt(8));
        return out;
    }

    @Test
    void a_challenge_has_distinct_units_and_all_if_there_are_few() {
        UnitChallenge all = UnitChallenge.derive(seed(1), 5, 460);
        assertThat(all.size()).isEqualTo(5);
        UnitChallenge some = UnitChallenge.derive(seed(1), 1000, 460);
        assertThat(IntStream.range(0, 460).mapToLong(some::unit).distinct())
                .hasSize(460)
                .allMatch(unit -> unit >= 0 && unit < 1000);
    }
}
