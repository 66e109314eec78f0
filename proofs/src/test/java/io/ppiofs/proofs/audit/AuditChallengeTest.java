package io.ppiofs.proofs.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.proofs.podr2.UnitChallenge;
import io.ppiofs.proofs.podr2.UnitName;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

class AuditChallengeTest {
    private static final int TOTAL = 100_000;

    private final VerifierKey key = VerifierKey.ofSecret(bytes(32, 1));

    private static byte[] bytes(int length, long seed) {
        byte[] bytes = new byte[length];
        new SplittableRandom(seed).nextBytes(bytes);
        return bytes;
    }

    private static AuditStatement statement(int slot, long epoch) {
        return new AuditStatement(
                bytes(32, 2), bytes(38, 3), bytes(16, 4), slot, bytes(32, 5), epoch, 460, AuditForm.PRIVATE);
    }

    private static byte[] flipped(byte[] bytes, SplittableRandom random) {
        byte[] out = bytes.clone();
        out[random.nextInt(out.length)] ^= (byte) (1 << random.nextInt(8));
        return out;
    }

    private static long[] units(AuditChallenge challenge) {
        UnitChallenge units = challenge.units(TOTAL);
        long[] numbers = new long[units.size()];
        Arrays.setAll(numbers, units::unit);
        return numbers;
    }

    @Test
    void a_verifier_has_one_challenge_for_a_statement_and_everybody_can_check_it() {
        AuditChallenge challenge = key.challenge(statement(1, 7));
        assertThat(challenge.isGenuine()).isTrue();
        assertThat(challenge.verifier()).isEqualTo(key.publicKey());
        assertThat(key.challenge(statement(1, 7)).signature()).isEqualTo(challenge.signature());
        assertThat(units(challenge)).hasSize(460);
        AuditChallenge read = new AuditChallenge(statement(1, 7), key.publicKey(), challenge.signature());
        assertThat(units(read)).isEqualTo(units(challenge));
    }

    @Test
    void another_slot_epoch_or_verifier_means_other_units() {
        List<long[]> all = new ArrayList<>();
        all.add(units(key.challenge(statement(1, 7))));
        all.add(units(key.challenge(statement(2, 7))));
        all.add(units(key.challenge(statement(1, 8))));
        all.add(units(VerifierKey.ofSecret(bytes(32, 9)).challenge(statement(1, 7))));
        for (int i = 0; i < all.size(); i++) {
            for (int j = 0; j < i; j++) {
                assertThat(all.get(i)).isNotEqualTo(all.get(j));
            }
        }
    }

    @Test
    void a_flipped_bit_of_key_signature_or_statement_is_no_challenge() {
        AuditChallenge good = key.challenge(statement(1, 7));
        AuditStatement s = good.statement();
        SplittableRandom random = new SplittableRandom(6);
        UnaryOperator<byte[]> flip = bytes -> flipped(bytes, random);
        for (int i = 0; i < 20; i++) {
            assertThat(new AuditChallenge(s, flip.apply(good.verifier()), good.signature()).isGenuine())
                    .isFalse();
            assertThat(new AuditChallenge(s, good.verifier(), flip.apply(good.signature())).isGenuine())
                    .isFalse();
            List<AuditStatement> others = List.of(
                    new AuditStatement(
                            flip.apply(s.network()), s.tenant(), s.group(), 1, s.inventory(), 7, 460, s.form()),
                    new AuditStatement(
                            s.network(), flip.apply(s.tenant()), s.group(), 1, s.inventory(), 7, 460, s.form()),
                    new AuditStatement(
                            s.network(), s.tenant(), flip.apply(s.group()), 1, s.inventory(), 7, 460, s.form()),
                    new AuditStatement(
                            s.network(), s.tenant(), s.group(), 1, flip.apply(s.inventory()), 7, 460, s.form()),
                    new AuditStatement(s.network(), s.tenant(), s.group(), 0, s.inventory(), 7, 460, s.form()),
                    new AuditStatement(s.network(), s.tenant(), s.group(), 1, s.inventory(), 6, 460, s.form()),
                    new AuditStatement(s.network(), s.tenant(), s.group(), 1, s.inventory(), 7, 461, s.form()),
                    new AuditStatement(s.network(), s.tenant(), s.group(), 1, s.inventory(), 7, 460, AuditForm.PUBLIC));
            for (AuditStatement other : others) {
                assertThat(new AuditChallenge(other, good.verifier(), good.signature()).isGenuine())
                        .isFalse();
            }
        }
        byte[] infinity = new byte[48];
        infinity[0] = (byte) 0xc0;
        byte[] nothing = new byte[96];
        nothing[0] = (byte) 0xc0;
        assertThat(new AuditChallenge(s, infinity, nothing).isGenuine()).isFalse();
    }

    /** What is on the wire in version 1; key and signature agree with noble-curves 2 (KeyGen with the salt hashed once). */
    @Test
    void the_challenge_of_a_known_statement() {
        AuditChallenge challenge = key.challenge(statement(1, 7));
        assertThat(HexFormat.of().formatHex(key.publicKey()))
                .isEqualTo("b23f4f2e477e0719e0aa5dc8e9da9916273c9de82d755b729903062d213dbbea"
                        + "eb79d2a0162d9bf4dc4a800b2bc725b7");
        assertThat(HexFormat.of().formatHex(challenge.signature()))
                .isEqualTo("90f06944eb07524a230861819d9873dfbb70920ef082c7badfccd2972770d9d6"
                        + "66431e37bf356bd693768c60eb637ab40bfca2fe14cf18157f9f1bef096d8c9f"
                        + "4724185c62533993386d3ee0ff27c52e6537586872086e9c27ed2cc3f94e0c5c");
        assertThat(units(challenge)).startsWith(77_275, 86_469, 1_460, 48_523);
    }

    @Test
    void units_are_numbered_block_by_block() {
        SplittableRandom random = new SplittableRandom(8);
        for (int round = 0; round < 50; round++) {
            List<SlotUnits.Block> blocks = new ArrayList<>();
            List<UnitName> plain = new ArrayList<>();
            for (int b = random.nextInt(1, 30); b > 0; b--) {
                byte[] cid = bytes(36, random.nextLong());
                int length = random.nextInt(1, 5) * 8192 + random.nextInt(-8191, 2);
                blocks.add(new SlotUnits.Block(cid, length));
                for (int u = 0; u * 8192 < length; u++) {
                    plain.add(new UnitName(cid, u));
                }
            }
            SlotUnits units = new SlotUnits(blocks);
            assertThat(units.total()).isEqualTo(plain.size());
            for (int i = 0; i < plain.size(); i++) {
                assertThat(units.name(i)).isEqualTo(plain.get(i));
                assertThat(units.firstOf(units.blockOf(i)) + units.within(i)).isEqualTo(i);
            }
            assertThatThrownBy(() -> units.name(units.total())).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> units.name(-1)).isInstanceOf(IllegalArgumentException.class);
        }
        assertThat(new SlotUnits(List.of()).total()).isZero();
    }
}
