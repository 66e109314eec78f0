package io.ppiofs.proofs.fr32;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.error.PpiofsException;
import java.math.BigInteger;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class Fr32Test {
    private static final long SEED = System.nanoTime();

    private final SplittableRandom random = new SplittableRandom(SEED);

    private byte[] random(int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }

    private static BigInteger element(byte[] bytes, int at) {
        byte[] bigEndian = new byte[32];
        for (int i = 0; i < 32; i++) {
            bigEndian[i] = bytes[at + 31 - i];
        }
        return new BigInteger(1, bigEndian);
    }

    private static byte[] bytes(BigInteger element) {
        byte[] out = new byte[32];
        byte[] bigEndian = element.toByteArray();
        for (int i = 0; i < Math.min(32, bigEndian.length); i++) {
            out[i] = bigEndian[bigEndian.length - 1 - i];
        }
        return out;
    }

    @Test
    void each_element_holds_the_next_254_bits() {
        byte[] payload = random(5 * 127);
        byte[] padded = new byte[5 * 128];
        Fr32.pad(payload, 0, padded, 0, 5);

        BigInteger mask = BigInteger.ONE.shiftLeft(254).subtract(BigInteger.ONE);
        for (int group = 0; group < 5; group++) {
            byte[] reversed = new byte[127];
            for (int i = 0; i < 127; i++) {
                reversed[i] = payload[group * 127 + 126 - i];
            }
            BigInteger bits = new BigInteger(1, reversed);
            for (int i = 0; i < 4; i++) {
                assertThat(element(padded, group * 128 + 32 * i))
                        .as("seed %d", SEED)
                        .isEqualTo(bits.shiftRight(254 * i).and(mask));
            }
        }
    }

    @Test
    void uniformly_random_bytes_survive_padding_encoding_decoding_and_unpadding() {
        int groups = 1000;
        byte[] payload = random(groups * 127);
        byte[] keys = new byte[groups * 128];
        Fr32.pad(random(groups * 127), 0, keys, 0, groups);
        byte[] sector = new byte[groups * 128];
        Fr32.pad(payload, 0, sector, 0, groups);
        byte[] padded = sector.clone();

        ScalarField.add(sector, keys, groups * 4);
        for (int i = 0; i < groups * 4; i++) {
            BigInteger sum = element(padded, 32 * i).add(element(keys, 32 * i)).mod(ScalarField.ORDER);
            assertThat(element(sector, 32 * i)).as("seed %d", SEED).isEqualTo(sum);
        }
        ScalarField.subtract(sector, keys, groups * 4);
        assertThat(sector).as("seed %d", SEED).isEqualTo(padded);

        byte[] back = new byte[payload.length];
        Fr32.unpad(sector, 0, back, 0, groups);
        assertThat(back).as("seed %d", SEED).isEqualTo(payload);
    }

    @Test
    void addition_and_subtraction_hold_at_the_edges_of_every_word() {
        BigInteger q = ScalarField.ORDER;
        BigInteger[] edges = new BigInteger[24];
        for (int i = 0; i < 8; i++) {
            BigInteger power = BigInteger.ONE.shiftLeft(32 * i).mod(q);
            edges[3 * i] = power;
            edges[3 * i + 1] = power.subtract(BigInteger.ONE).mod(q);
            edges[3 * i + 2] = q.subtract(power).mod(q);
        }
        for (BigInteger a : edges) {
            for (BigInteger b : edges) {
                byte[] sum = bytes(a);
                ScalarField.add(sum, bytes(b), 1);
                assertThat(element(sum, 0)).isEqualTo(a.add(b).mod(q));
                byte[] difference = bytes(a);
                ScalarField.subtract(difference, bytes(b), 1);
                assertThat(element(difference, 0)).isEqualTo(a.subtract(b).mod(q));
            }
        }
    }

    @Test
    void an_element_from_q_on_is_refused_and_left_as_it_is() {
        for (BigInteger tooLarge :
                new BigInteger[] {ScalarField.ORDER, ScalarField.ORDER.add(BigInteger.ONE), BigInteger.TWO.pow(255)}) {
            byte[] element = bytes(tooLarge);
            byte[] zero = new byte[32];
            assertThat(ScalarField.isReduced(element, 0)).isFalse();
            assertThatThrownBy(() -> ScalarField.add(element, zero, 1)).isInstanceOf(PpiofsException.class);
            assertThatThrownBy(() -> ScalarField.subtract(zero, element, 1)).isInstanceOf(PpiofsException.class);
            assertThat(element).isEqualTo(bytes(tooLarge));
            assertThat(zero).containsOnly(0);
        }
        byte[] all = new byte[32];
        Arrays.fill(all, (byte) 0xff);
        assertThat(ScalarField.isReduced(all, 0)).isFalse();
        assertThat(ScalarField.isReduced(bytes(ScalarField.ORDER.subtract(BigInteger.ONE)), 0))
                .isTrue();
    }
}
