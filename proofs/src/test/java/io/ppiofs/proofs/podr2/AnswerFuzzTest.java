package io.ppiofs.proofs.podr2;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

class AnswerFuzzTest {
    private static final byte[] ZERO = new byte[32];
    private static final TagPublicKey KEY = TagKey.ofSecret(ZERO).publicKey();
    private static final MacKey MAC = MacKey.ofSecret(ZERO);
    private static final UnitChallenge CHALLENGE = UnitChallenge.derive(ZERO, 1, 1);

    private static UnitName name(long number) {
        return new UnitName(ZERO, (int) number);
    }

    static Stream<byte[]> answers() {
        byte[] infinities = new byte[PublicProver.ANSWER_BYTES];
        infinities[0] = (byte) 0xc0;
        infinities[48] = (byte) 0xc0;
        return Stream.of(infinities, new byte[PublicProver.ANSWER_BYTES], new byte[MacKey.ANSWER_BYTES]);
    }

    /** Nobody without key or tags can make an answer. */
    @MethodSource("answers")
    @FuzzTest(maxDuration = "60s")
    void the_bytes_of_an_answer(byte[] bytes) {
        assertThat(PublicVerifier.verify(KEY, CHALLENGE, AnswerFuzzTest::name, bytes)
                        .accepted())
                .isFalse();
        assertThat(MAC.verify(CHALLENGE, AnswerFuzzTest::name, bytes).accepted())
                .isFalse();
    }

    static Stream<byte[]> keys() {
        byte[] key = KEY.toBytes();
        byte[] damaged = key.clone();
        damaged[100] ^= 1;
        return Stream.of(key, damaged, Arrays.copyOf(key, key.length - 1));
    }

    @MethodSource("keys")
    @FuzzTest(maxDuration = "60s")
    void the_bytes_of_a_public_key(byte[] bytes) {
        try {
            assertThat(TagPublicKey.fromBytes(bytes).toBytes()).isEqualTo(bytes);
        } catch (PpiofsException e) {
            assertThat(e.kind()).isEqualTo(ErrorKind.CORRUPT);
        }
    }
}
