package io.ppiofs.bench;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.overlay.transport.Security;
import io.ppiofs.overlay.transport.TransportOptions;
import java.util.Arrays;
import java.util.Locale;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("guard")
class TransportGuardTest {
    private static final long BYTES = 32 << 20;
    private static final TransportOptions OPTIONS = TransportOptions.DEFAULT.withSecurities(Security.TLS);

    @Test
    void aStreamCarriesThreeFifthsOfWhatBareTlsDoes() throws Exception {
        try (LoopbackTransfer.Bare bare = new LoopbackTransfer.Bare();
                LoopbackTransfer.Muxed muxed = LoopbackTransfer.Muxed.tcp(OPTIONS)) {
            new CostRatio("stream over TLS and yamux / bare TLS", 31)
                    .atMost(1 / 0.6, () -> bare.transfer(BYTES), () -> muxed.transfer(BYTES));
        }
    }

    @Test
    void aNewConnectionAnswersItsFirstPingWithinFifteenMilliseconds() throws Exception {
        try (LoopbackTransfer.Muxed muxed = LoopbackTransfer.Muxed.tcp(OPTIONS)) {
            double best = Double.MAX_VALUE;
            for (int attempt = 0; attempt < 5 && best >= 15; attempt++) {
                long[] nanos = new long[101];
                for (int i = 0; i < nanos.length; i++) {
                    nanos[i] = muxed.dialToPing();
                }
                Arrays.sort(nanos);
                best = Math.min(best, nanos[nanos.length / 2] / 1e6);
                System.out.printf(Locale.ROOT, "guard %-40s %.3f ms, at most 15 ms%n", "dial to first ping", best);
            }
            assertThat(best).isLessThan(15);
        }
    }
}
