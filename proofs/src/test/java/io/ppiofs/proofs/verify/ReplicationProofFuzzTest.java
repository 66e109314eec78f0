package io.ppiofs.proofs.verify;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.proofs.sdr.SealParameters;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

class ReplicationProofFuzzTest {
    private static final byte[] ZERO = new byte[32];

    static Stream<byte[]> proofs() {
        ReplicationProof.Opening opening = new ReplicationProof.Opening(
                new byte[128], new byte[128], new byte[192], new byte[960], new byte[2880]);
        return Stream.of(
                new ReplicationProof(ZERO, ZERO, List.of()).toBytes(),
                new ReplicationProof(ZERO, ZERO, List.of(opening, opening)).toBytes());
    }

    @MethodSource("proofs")
    @FuzzTest(maxDuration = "60s")
    void the_bytes_of_a_proof_of_replication(byte[] bytes) {
        ReplicaStatement statement =
                new ReplicaStatement(new ReplicaGeometry(64, 2), ZERO, ZERO, ZERO, ReplicaStatement.commR(ZERO, ZERO));
        SealParameters two = new SealParameters("two", 2, 2, 2);
        assertThat(new ReplicationVerifier(statement).verify(ZERO, two, bytes).accepted())
                .isFalse();
        try {
            assertThat(ReplicationProof.fromBytes(bytes).toBytes()).isEqualTo(bytes);
        } catch (PpiofsException e) {
            assertThat(e.kind()).isIn(ErrorKind.CORRUPT, ErrorKind.TOO_BIG);
        }
    }
}
