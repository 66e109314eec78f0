package io.ppiofs.proofs.lpoc;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.proofs.lpoc.LedgerChanges.Change;
import io.ppiofs.proofs.sdr.SealParameters;
import io.ppiofs.proofs.verify.ReplicationProof;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

/** Bytes from a prover: a verdict and never another exception, and no proof of what is not so. */
class CapacityFuzzTest {
    private static final byte[] ZERO = new byte[32];
    private static final CapacityTerms TERMS = new CapacityTerms(new byte[] {7}, ZERO, 64, SealParameters.TEST);
    private static final UnitLedger LEDGER = UnitLedger.EMPTY.with(1, ZERO).with(9, ZERO);
    private static final CapacityStatement STATEMENT = new CapacityStatement(TERMS, 2, LEDGER.root());
    private static final CapacityStatement OTHER =
            new CapacityStatement(TERMS, 3, LEDGER.without(9).with(8, ZERO).root());

    private static void same(byte[] bytes, Function<byte[], byte[]> recoded) {
        try {
            assertThat(recoded.apply(bytes)).isEqualTo(bytes);
        } catch (PpiofsException e) {
            assertThat(e.kind()).isIn(ErrorKind.CORRUPT, ErrorKind.TOO_BIG);
        }
    }

    static Stream<byte[]> spaces() {
        SpaceProof.Opening opening =
                new SpaceProof.Opening(9, ZERO, ZERO, LEDGER.path(9), new byte[128], new byte[128]);
        return Stream.of(new SpaceProof(List.of()).toBytes(), new SpaceProof(List.of(opening, opening)).toBytes());
    }

    @MethodSource("spaces")
    @FuzzTest(maxDuration = "60s")
    void the_bytes_of_a_proof_of_space(byte[] bytes) {
        assertThat(new CapacityVerifier().space(STATEMENT, ZERO, 2, bytes).accepted())
                .isFalse();
        same(bytes, b -> SpaceProof.fromBytes(b).toBytes());
    }

    static Stream<byte[]> labels() {
        byte[] replication = new ReplicationProof(ZERO, ZERO, List.of()).toBytes();
        return Stream.of(
                new LabelProof(9, LEDGER.path(9), ZERO).toBytes(),
                new LabelProof(1, LEDGER.path(1), replication).toBytes());
    }

    @MethodSource("labels")
    @FuzzTest(maxDuration = "60s")
    void the_bytes_of_a_proof_of_labels(byte[] bytes) {
        assertThat(new CapacityVerifier().labels(STATEMENT, ZERO, bytes).accepted())
                .isFalse();
        same(bytes, b -> LabelProof.fromBytes(b).toBytes());
    }

    static Stream<byte[]> changes() {
        return Stream.of(
                LedgerChanges.of(LEDGER, List.of()).toBytes(),
                LedgerChanges.of(LEDGER, List.of(new Change(9, false, ZERO))).toBytes());
    }

    /** The two ledgers are two changes apart and say that it is one. */
    @MethodSource("changes")
    @FuzzTest(maxDuration = "60s")
    void the_bytes_of_changes(byte[] bytes) {
        assertThat(new CapacityVerifier().changes(STATEMENT, OTHER, bytes).accepted())
                .isFalse();
        same(bytes, b -> LedgerChanges.fromBytes(b).toBytes());
    }

    static Stream<byte[]> statements() {
        return Stream.of(STATEMENT.toBytes(), OTHER.toBytes());
    }

    @MethodSource("statements")
    @FuzzTest(maxDuration = "60s")
    void the_bytes_of_a_statement(byte[] bytes) {
        same(bytes, b -> CapacityStatement.fromBytes(b).toBytes());
    }
}
