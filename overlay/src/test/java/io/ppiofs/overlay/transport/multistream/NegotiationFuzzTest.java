package io.ppiofs.overlay.transport.multistream;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.ppiofs.overlay.fuzz.Decoding;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

class NegotiationFuzzTest {
    private static final List<String> NAMES = List.of("/tls/1.0.0", "/noise");

    static Stream<byte[]> inputs() {
        return Stream.of(
                lines("/multistream/1.0.0", "/noise"),
                lines("/multistream/1.0.0", "na", "/noise"),
                lines("/multistream/1.0.0", "ls", "/tls/1.0.0"),
                new byte[] {(byte) 0xff, (byte) 0xff, 3});
    }

    private static byte[] lines(String... lines) {
        ByteBuf out = Unpooled.buffer();
        for (String line : lines) {
            out.writeByte(line.length() + 1).writeBytes(line.getBytes(US_ASCII)).writeByte('\n');
        }
        byte[] bytes = new byte[out.readableBytes()];
        out.readBytes(bytes);
        return bytes;
    }

    @MethodSource("inputs")
    @FuzzTest(maxDuration = "60s")
    void lines_to_either_side(byte[] bytes) {
        assertThat(run(Negotiation.responder(NAMES::contains, () -> NAMES), bytes, bytes.length))
                .as("cut or not")
                .isEqualTo(run(Negotiation.responder(NAMES::contains, () -> NAMES), bytes, 1));
        assertThat(run(Negotiation.initiator(NAMES), bytes, bytes.length))
                .isEqualTo(run(Negotiation.initiator(NAMES), bytes, 1));
    }

    /** What was agreed, how much was answered, and what was left unread. */
    private static String run(Negotiation negotiation, byte[] bytes, int step) {
        ByteBuf out = Unpooled.buffer();
        negotiation.begin(out);
        ByteBuf in = Unpooled.buffer();
        int at = 0;
        while (at < bytes.length) {
            int n = Math.min(step, bytes.length - at);
            in.writeBytes(bytes, at, n);
            at += n;
            boolean[] refused = {true};
            String agreed = Decoding.of(() -> {
                        String name = negotiation.advance(in, out);
                        refused[0] = false;
                        return name;
                    })
                    .orElse(null);
            if (refused[0]) {
                return "refused";
            }
            if (agreed != null) {
                assertThat(NAMES).contains(agreed);
                return agreed + " " + out.readableBytes() + " " + (in.readableBytes() + bytes.length - at);
            }
        }
        return "waiting " + out.readableBytes() + " " + in.readableBytes();
    }
}
