package io.ppiofs.proofs.pod;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.proofs.sdr.Sha256;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("quick")
class Sha256ChainTest {
    private final SplittableRandom random = new SplittableRandom(3);

    @Test
    void it_is_the_digest_of_the_platform_for_every_length_and_cut() {
        Sha256Chain chain = new Sha256Chain();
        for (int length = 0; length < 700; length++) {
            byte[] message = new byte[length];
            random.nextBytes(message);
            int cut = random.nextInt(length / 64 + 1) * 64;
            byte[] state = new byte[Sha256Chain.STATE];
            chain.advance(Sha256Chain.start(), 0, message, 0, cut, state, 0);
            assertThat(chain.finish(state, 0, message, cut, length - cut, length))
                    .as("%s bytes, cut at %s", length, cut)
                    .isEqualTo(new Sha256().update(message).digest());
        }
    }
}
