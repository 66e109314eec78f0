package io.ppiofs.bench;

import io.ppiofs.overlay.transport.Security;
import io.ppiofs.overlay.transport.TransportOptions;
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

    /**
     * The same wait on the same machine in the same run: milliseconds alone say how busy the machine is. Half the
     * bound is usual; a round trip or a handshake too many is not.
     */
    @Test
    void aNewConnectionAnswersItsFirstPingWithinThreeTimesWhatBareTlsTakes() throws Exception {
        try (LoopbackTransfer.Bare bare = new LoopbackTransfer.Bare();
                LoopbackTransfer.Muxed muxed = LoopbackTransfer.Muxed.tcp(OPTIONS)) {
            new CostRatio("dial to first ping / bare TLS", 101).atMost(3, bare::dialToPing, muxed::dialToPing);
        }
    }
}
