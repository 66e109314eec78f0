package io.ppiofs.overlay.blocks;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import com.google.protobuf.ByteString;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.ppiofs.overlay.fuzz.Decoding;
import io.ppiofs.overlay.wire.BlocksWire.Cancel;
import io.ppiofs.overlay.wire.BlocksWire.Data;
import io.ppiofs.overlay.wire.BlocksWire.Frame;
import io.ppiofs.overlay.wire.BlocksWire.Have;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

class FrameDecoderFuzzTest {
    static Stream<byte[]> inputs() {
        Frame have = Frame.newBuilder()
                .setHave(Have.newBuilder().setRequest(1).setDigests(ByteString.copyFrom(new byte[64])))
                .build();
        Frame data = Frame.newBuilder()
                .setData(Data.newBuilder().setRequest(1).setLength(5))
                .build();
        Frame cancel =
                Frame.newBuilder().setCancel(Cancel.newBuilder().setRequest(7)).build();
        return Stream.of(
                bytes(Wire.hello(5, 6), have, cancel),
                join(bytes(data), new byte[5], bytes(cancel)),
                join(bytes(data), new byte[4]),
                new byte[] {0},
                new byte[] {(byte) 0xff, (byte) 0xff, (byte) 0xff, 1},
                new byte[] {2, 0x2a, 0x7f});
    }

    private static byte[] bytes(Frame... frames) {
        byte[] all = new byte[0];
        for (Frame frame : frames) {
            ByteBuf encoded = Wire.encode(frame, 0);
            byte[] bytes = new byte[encoded.readableBytes()];
            encoded.readBytes(bytes).release();
            all = join(all, bytes);
        }
        return all;
    }

    private static byte[] join(byte[]... parts) {
        ByteBuf all = Unpooled.copiedBuffer(parts);
        byte[] bytes = new byte[all.readableBytes()];
        all.readBytes(bytes);
        return bytes;
    }

    @MethodSource("inputs")
    @FuzzTest(maxDuration = "60s")
    void frames_cut_anywhere(byte[] bytes) {
        Got whole = decode(bytes, Math.max(1, bytes.length));
        assertThat(decode(bytes, 1)).as("byte by byte, as in one piece").isEqualTo(whole);
        assertThat(decode(bytes, 7)).isEqualTo(whole);
    }

    private record Got(List<Object> events, boolean complete) {}

    private static Got decode(byte[] bytes, int step) {
        List<Object> events = new ArrayList<>();
        FrameDecoder decoder = new FrameDecoder(new FrameDecoder.Target() {
            private int payload;

            @Override
            public void onFrame(Frame frame) {
                events.add(frame);
                payload = frame.getData().getLength();
                assertThat(payload).isBetween(0, BlockLimits.PIECE);
            }

            @Override
            public void onPayload(ByteBuf part, boolean last) {
                payload -= part.readableBytes();
                assertThat(payload == 0).isEqualTo(last);
                if (last) {
                    events.add("payload");
                }
            }
        });
        boolean complete = Decoding.of(() -> {
                    for (int at = 0; at < bytes.length; at += step) {
                        decoder.decode(Unpooled.wrappedBuffer(bytes, at, Math.min(step, bytes.length - at)));
                    }
                    return decoder.isBetweenFrames();
                })
                .orElse(false);
        return new Got(events, complete);
    }

    @MethodSource("inputs")
    @FuzzTest(maxDuration = "60s")
    void digests_and_bitmaps(byte[] bytes) {
        ByteString value = ByteString.copyFrom(bytes);
        Decoding.of(() -> Wire.cids(value))
                .ifPresent(cids -> assertThat(Wire.digests(cids)).isEqualTo(value));
        Decoding.of(() -> Wire.bits(value, 20))
                .ifPresent(bits -> assertThat(bits.length()).isLessThanOrEqualTo(20));
    }
}
