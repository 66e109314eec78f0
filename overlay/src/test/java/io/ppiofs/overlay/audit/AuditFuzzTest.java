package io.ppiofs.overlay.audit;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.network.Network;
import io.ppiofs.overlay.placement.GroupId;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

class AuditFuzzTest {
    private static final IdentityKey KEY = IdentityKey.ofSeed(new byte[32]);

    private static AuditAsk question() {
        return new AuditAsk(
                KEY.peerId(),
                GroupId.of(new byte[16]),
                1,
                Cid.of(ByteBuffer.allocate(0)),
                7,
                460,
                1,
                new byte[48],
                new byte[96],
                new byte[100]);
    }

    static Stream<byte[]> questions() {
        byte[] good = question().encode();
        byte[] damaged = good.clone();
        damaged[20] ^= 1;
        return Stream.of(good, damaged, Arrays.copyOf(good, good.length - 1), new byte[] {(byte) 0xa1, 1, 9});
    }

    @MethodSource("questions")
    @FuzzTest(maxDuration = "60s")
    void the_bytes_of_a_question(byte[] bytes) {
        try {
            assertThat(AuditAsk.decode(bytes).encode()).isEqualTo(bytes);
        } catch (PpiofsException e) {
            assertThat(e.kind()).isIn(ErrorKind.INVALID, ErrorKind.NOT_SUPPORTED);
        }
    }

    static Stream<byte[]> answers() {
        byte[] good = AuditAnswer.sign(question(), new byte[80], KEY, Network.PUBLIC.id())
                .envelope();
        return Stream.of(good, Arrays.copyOf(good, good.length - 1));
    }

    @MethodSource("answers")
    @FuzzTest(maxDuration = "60s")
    void the_bytes_of_an_answer(byte[] bytes) {
        try {
            assertThat(AuditAnswer.open(bytes, Network.PUBLIC.id()).envelope()).isEqualTo(bytes);
        } catch (PpiofsException e) {
            assertThat(e.kind()).isIn(ErrorKind.CORRUPT, ErrorKind.UNSUPPORTED_FORMAT);
        }
    }

    static Stream<byte[]> capacityQuestions() {
        byte[] hash = new byte[32];
        return Stream.of(
                CapacityAsk.statement(7).encode(),
                CapacityAsk.space(hash, hash, 66).encode(),
                CapacityAsk.labels(hash, hash).encode(),
                new byte[] {(byte) 0xa1, 1, 9});
    }

    @MethodSource("capacityQuestions")
    @FuzzTest(maxDuration = "60s")
    void the_bytes_of_a_question_of_capacity(byte[] bytes) {
        try {
            assertThat(CapacityAsk.decode(bytes).encode()).isEqualTo(bytes);
        } catch (PpiofsException e) {
            assertThat(e.kind()).isIn(ErrorKind.INVALID, ErrorKind.NOT_SUPPORTED);
        }
    }

    static Stream<byte[]> claims() {
        byte[] good =
                CapacityClaim.sign(new byte[100], KEY, Network.PUBLIC.id()).envelope();
        return Stream.of(good, Arrays.copyOf(good, good.length - 1));
    }

    @MethodSource("claims")
    @FuzzTest(maxDuration = "60s")
    void the_bytes_of_a_claim(byte[] bytes) {
        try {
            assertThat(CapacityClaim.open(bytes, Network.PUBLIC.id()).envelope())
                    .isEqualTo(bytes);
        } catch (PpiofsException e) {
            assertThat(e.kind()).isIn(ErrorKind.CORRUPT, ErrorKind.UNSUPPORTED_FORMAT);
        }
    }

    private static SealOrder order() {
        return SealOrder.sign(
                KEY,
                Network.PUBLIC.id(),
                KEY.peerId(),
                GroupId.of(new byte[16]),
                2,
                Cid.of(ByteBuffer.allocate(0)),
                "fast",
                new byte[32],
                new byte[48],
                7);
    }

    static Stream<byte[]> sealQuestions() {
        SealOrder order = order();
        SealAcceptance accepted = SealAcceptance.sign(KEY, Network.PUBLIC.id(), order, 4, new byte[32], new byte[32]);
        return Stream.of(
                SealAsk.order(order).encode(),
                SealAsk.replication(order, 5, new byte[96]).encode(),
                SealAsk.window(order, accepted, 5, new byte[96]).encode(),
                new byte[] {(byte) 0xa1, 1, 9});
    }

    @MethodSource("sealQuestions")
    @FuzzTest(maxDuration = "60s")
    void the_bytes_of_a_question_about_a_sealed_slot(byte[] bytes) {
        try {
            assertThat(SealAsk.decode(bytes).encode()).isEqualTo(bytes);
        } catch (PpiofsException e) {
            assertThat(e.kind()).isIn(ErrorKind.INVALID, ErrorKind.NOT_SUPPORTED);
        }
    }

    static Stream<byte[]> sealRecords() {
        byte[] order = order().envelope();
        byte[] accepted = SealAcceptance.sign(KEY, Network.PUBLIC.id(), order(), 4, new byte[32], new byte[32])
                .envelope();
        return Stream.of(order, accepted, Arrays.copyOf(order, order.length - 1));
    }

    @MethodSource("sealRecords")
    @FuzzTest(maxDuration = "60s")
    void the_bytes_of_an_order_to_seal_or_of_its_acceptance(byte[] bytes) {
        for (Function<byte[], byte[]> reader : List.<Function<byte[], byte[]>>of(
                given -> SealOrder.open(given, Network.PUBLIC.id()).envelope(),
                given -> SealAcceptance.open(given, Network.PUBLIC.id()).envelope())) {
            try {
                assertThat(reader.apply(bytes)).isEqualTo(bytes);
            } catch (PpiofsException e) {
                assertThat(e.kind()).isIn(ErrorKind.CORRUPT, ErrorKind.UNSUPPORTED_FORMAT);
            }
        }
    }
}
