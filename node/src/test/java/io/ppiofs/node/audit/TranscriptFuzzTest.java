package io.ppiofs.node.audit;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.ppiofs.blockstore.erasure.Scheme;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.node.control.Progress;
import io.ppiofs.proofs.audit.AuditForm;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.provider.MethodSource;

@Tag("long")
class TranscriptFuzzTest {
    @TempDir
    private static Path directory;

    private static byte[] transcript() {
        TaggedVolume volume = new TaggedVolume(Scheme.copies(1), 2, 20_000, 1);
        SlotHolder holder = new SlotHolder(volume, 0);
        try (VolumeAuditor auditor = new VolumeAuditor(
                volume,
                volume.keys,
                directory,
                (peer, question, patience) -> CompletableFuture.completedFuture(holder.answer(question)),
                peer -> CompletableFuture.completedFuture(null),
                System::currentTimeMillis,
                Duration.ZERO)) {
            AuditOrder order = new AuditOrder(AuditForm.PUBLIC, null, false, 3);
            return Transcript.of(auditor, auditor.audit(order, Progress.NONE, () -> false));
        }
    }

    static Stream<byte[]> transcripts() {
        byte[] good = transcript();
        byte[] damaged = good.clone();
        damaged[good.length - 90] ^= 1;
        return Stream.of(good, damaged, Arrays.copyOf(good, good.length / 2), new byte[] {(byte) 0xa1, 1, 2});
    }

    /** It is read, whatever it says, or refused; never anything else. */
    @MethodSource("transcripts")
    @FuzzTest(maxDuration = "60s")
    void the_bytes_of_a_transcript(byte[] bytes) {
        try {
            Transcript.check(bytes)
                    .forEach(finding -> assertThat(finding.units()).isPositive());
        } catch (PpiofsException e) {
            assertThat(e.kind()).isIn(ErrorKind.CORRUPT, ErrorKind.UNSUPPORTED_FORMAT);
        }
    }
}
