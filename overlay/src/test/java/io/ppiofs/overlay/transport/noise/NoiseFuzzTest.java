package io.ppiofs.overlay.transport.noise;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.embedded.EmbeddedChannel;
import io.ppiofs.overlay.fuzz.JsLibp2p;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PublicKey;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.provider.MethodSource;

class NoiseFuzzTest {
    private static final IdentityKey KEY = IdentityKey.ofSeed(new byte[32]);
    private static final List<String> MUXERS = List.of("/yamux/1.0.0");

    static Stream<byte[]> inputs() {
        byte[] first = new byte[34];
        first[1] = 32;
        first[2] = 9;
        return Stream.of(first, new byte[] {0, 0}, new byte[] {(byte) 0xff, (byte) 0xff, 1});
    }

    /** Anything instead of a handshake, to either side. */
    @MethodSource("inputs")
    @FuzzTest(maxDuration = "60s")
    void anything_instead_of_a_handshake(byte[] bytes) {
        for (boolean initiator : new boolean[] {false, true}) {
            Outcome outcome = new Outcome();
            EmbeddedChannel channel =
                    new EmbeddedChannel(new NoiseHandler(KEY, initiator, MUXERS, new SecureRandom(), outcome));
            feed(channel, bytes);
            assertThat(outcome.key).as("nobody authenticates without a key").isNull();
            channel.finishAndReleaseAll();
        }
    }

    static Stream<byte[]> payloads() {
        return JsLibp2p.all("noise-payload");
    }

    /** A proper handshake whose payload is anything: the peer's key and signature are in it. */
    @MethodSource("payloads")
    @FuzzTest(maxDuration = "60s")
    void anything_as_payload(byte[] payload) throws GeneralSecurityException {
        if (payload.length > 60_000) {
            return;
        }
        SecureRandom random = new SecureRandom();
        Outcome outcome = new Outcome();
        EmbeddedChannel channel = new EmbeddedChannel(new NoiseHandler(KEY, false, MUXERS, random, outcome));
        XxHandshake attacker = new XxHandshake(
                true, XxHandshake.KeyPair.generate(random), XxHandshake.KeyPair.generate(random), new byte[0]);
        send(channel, attacker.write(new byte[0]));
        ByteBuf answer = channel.readOutbound();
        byte[] second = new byte[answer.readUnsignedShort()];
        answer.readBytes(second).release();
        attacker.read(second);
        send(channel, attacker.write(payload));
        assertThat(outcome.key).as("a signature over another static key").isNull();
        assertThat(outcome.failure).isNotNull();
        channel.finishAndReleaseAll();
    }

    private static void send(EmbeddedChannel channel, byte[] message) {
        ByteBuf out = channel.alloc().buffer();
        channel.writeInbound(out.writeShort(message.length).writeBytes(message));
        channel.runPendingTasks();
    }

    private static void feed(EmbeddedChannel channel, byte[] bytes) {
        int step = bytes.length == 0 ? 1 : 1 + (bytes[0] & 0x1f);
        for (int at = 0; at < bytes.length; at += step) {
            ByteBuf piece = channel.alloc().buffer();
            channel.writeInbound(piece.writeBytes(bytes, at, Math.min(step, bytes.length - at)));
            channel.runPendingTasks();
        }
    }

    private static final class Outcome implements NoiseHandler.Listener {
        private @Nullable PublicKey key;
        private @Nullable Throwable failure;

        @Override
        public void onSecured(ChannelHandlerContext ctx, PublicKey who, @Nullable String muxer) {
            key = who;
        }

        @Override
        public void onFailed(ChannelHandlerContext ctx, Throwable cause) {
            failure = cause;
        }
    }
}
