package io.ppiofs.overlay.transport.pnet;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.transport.NetworkKey;
import java.security.SecureRandom;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

class NetworkKeyFuzzTest {
    private static final NetworkKey KEY = NetworkKey.of(new byte[NetworkKey.LENGTH]);

    static Stream<byte[]> files() {
        return Stream.of("/key/swarm/psk/1.0.0/\n/base16/\n" + "0a".repeat(32) + "\n", "/key/swarm/psk/1.0.0/\n\n")
                .map(text -> text.getBytes(US_ASCII));
    }

    @MethodSource("files")
    @FuzzTest(maxDuration = "60s")
    void a_key_file(byte[] file) {
        try {
            assertThat(NetworkKey.parse(file).toBytes()).hasSize(NetworkKey.LENGTH);
        } catch (PpiofsException e) {
            assertThat(e.kind()).isEqualTo(ErrorKind.CONFIG);
        }
    }

    static Stream<byte[]> streams() {
        return Stream.of(new byte[] {1}, new byte[100], "a nonce and some data, cut anywhere".getBytes(US_ASCII));
    }

    /** Whatever is written arrives, however the network cuts it; the first byte says how. */
    @MethodSource("streams")
    @FuzzTest(maxDuration = "60s")
    void a_stream_cut_anywhere(byte[] plain) {
        EmbeddedChannel one = new EmbeddedChannel(new NetworkKeyHandler(KEY, new SecureRandom()));
        EmbeddedChannel two = new EmbeddedChannel(new NetworkKeyHandler(KEY, new SecureRandom()));
        one.writeOutbound(Unpooled.wrappedBuffer(plain));
        byte[] sent = drain(one, true);
        int step = plain.length == 0 ? 1 : 1 + (plain[0] & 0x1f);
        for (int at = 0; at < sent.length; at += step) {
            two.writeInbound(Unpooled.copiedBuffer(sent, at, Math.min(step, sent.length - at)));
        }
        assertThat(drain(two, false)).isEqualTo(plain);
        one.finishAndReleaseAll();
        two.finishAndReleaseAll();
    }

    private static byte[] drain(EmbeddedChannel channel, boolean outbound) {
        ByteBuf all = Unpooled.buffer();
        ByteBuf piece = outbound ? channel.readOutbound() : channel.readInbound();
        while (piece != null) {
            all.writeBytes(piece);
            piece.release();
            piece = outbound ? channel.readOutbound() : channel.readInbound();
        }
        return ByteBufUtil.getBytes(all);
    }
}
