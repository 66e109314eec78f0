package io.ppiofs.proofs.pod;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.io.IOException;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.provider.MethodSource;

/** Bytes are read, whatever they say, or refused as corrupt; never anything else. */
@Tag("long")
class PodFuzzTest {
    private static Stream<byte[]> seeds(byte[] good) {
        byte[] damaged = good.clone();
        damaged[good.length / 2] ^= 1;
        return Stream.of(good, damaged, Arrays.copyOf(good, good.length - 1), new byte[] {(byte) 0xa1, 1, 2});
    }

    private static void reads(Runnable read) {
        try {
            read.run();
        } catch (PpiofsException e) {
            assertThat(e.kind()).isIn(ErrorKind.CORRUPT, ErrorKind.UNSUPPORTED_FORMAT);
        }
    }

    /** Without signatures, so that what is behind them is reached. */
    private static PodNetwork credulous() {
        try (PodWorld world = new PodWorld(1)) {
            return new PodNetwork(world.network.id(), (id, message, signature) -> true);
        }
    }

    static Stream<byte[]> orders() {
        try (PodWorld world = new PodWorld(1, 100, 5000)) {
            return seeds(world.order(3).encoded());
        }
    }

    @MethodSource("orders")
    @FuzzTest(maxDuration = "60s")
    void the_bytes_of_an_order(byte[] bytes) {
        reads(() -> assertThat(PodOrder.open(credulous(), bytes).encoded()).isEqualTo(bytes));
    }

    static Stream<byte[]> commitments() {
        try (PodWorld world = new PodWorld(1, 100, 5000)) {
            return seeds(world.sell(world.order(3)).commitment().encoded());
        }
    }

    @MethodSource("commitments")
    @FuzzTest(maxDuration = "60s")
    void the_bytes_of_a_commitment(byte[] bytes) {
        reads(() -> assertThat(PodCommitment.open(credulous(), bytes).layout().leaves())
                .isPositive());
    }

    static Stream<byte[]> notes() {
        try (PodWorld world = new PodWorld(1, 100, 5000)) {
            PodCommitment commitment = world.sell(world.order(3)).commitment();
            return seeds(PodNote.sign(world.network, world.user, PodNote.Kind.RECEIPT, commitment, 5100, new byte[0])
                    .encoded());
        }
    }

    @MethodSource("notes")
    @FuzzTest(maxDuration = "60s")
    void the_bytes_of_a_note(byte[] bytes) {
        for (PodNote.Kind kind : PodNote.Kind.values()) {
            reads(() ->
                    assertThat(PodNote.open(credulous(), kind, bytes).number()).isNotNegative());
        }
    }

    static Stream<byte[]> openings() throws IOException {
        try (PodWorld world = new PodWorld(1, 100, 5000)) {
            return seeds(world.sell(world.order(3)).opening(1).encode());
        }
    }

    @MethodSource("openings")
    @FuzzTest(maxDuration = "60s")
    void the_bytes_of_an_opening(byte[] bytes) {
        reads(() -> assertThat(PodOpening.decode(bytes).encode()).isEqualTo(bytes));
    }

    static Stream<byte[]> proofs() {
        try (PodWorld world = new PodWorld(1, 100, 5000)) {
            PodOrder order = world.order(3);
            PodProviderDeal seller = world.sell(order);
            PodVerifierDeal deal = world.verify(order, seller.commitment(), seller.key());
            deal.tick(deal.untilMillis() + 1);
            return seeds(deal.proof());
        }
    }

    @MethodSource("proofs")
    @FuzzTest(maxDuration = "60s")
    void the_bytes_of_a_proof(byte[] bytes) {
        reads(() -> assertThat(
                        PodProof.check(bytes, (id, message, signature) -> true).blocks())
                .isPositive());
    }
}
