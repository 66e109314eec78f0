package io.ppiofs.proofs.verify;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

class SpaceTimeProofFuzzTest {
    private static final byte[] ZERO = new byte[32];

    static Stream<byte[]> proofs() {
        return Stream.of(
                new SpaceTimeProof(List.of()).toBytes(),
                new SpaceTimeProof(
                                List.of(new SpaceTimeProof.SectorOpening(3, ZERO, ZERO, new byte[256], new byte[256])))
                        .toBytes());
    }

    @MethodSource("proofs")
    @FuzzTest(maxDuration = "60s")
    void the_bytes_of_a_proof_of_space_time(byte[] bytes) {
        ReplicaStatement statement =
                new ReplicaStatement(new ReplicaGeometry(64, 2), ZERO, ZERO, ZERO, ReplicaStatement.commR(ZERO, ZERO));
        Map<Long, Verdict> verdicts = new SpaceTimeVerifier().verify(Map.of(3L, statement), ZERO, 2, bytes);
        assertThat(verdicts.values()).hasSize(1).noneMatch(Verdict::accepted);
        try {
            assertThat(SpaceTimeProof.fromBytes(bytes).toBytes()).isEqualTo(bytes);
        } catch (PpiofsException e) {
            assertThat(e.kind()).isIn(ErrorKind.CORRUPT, ErrorKind.TOO_BIG);
        }
    }
}
