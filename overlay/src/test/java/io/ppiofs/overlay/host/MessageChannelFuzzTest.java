package io.ppiofs.overlay.host;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.provider.MethodSource;

class MessageChannelFuzzTest {
    private static final int MAX_MESSAGE = 64;

    static Stream<byte[]> inputs() {
        return Stream.of(
                new byte[] {3, 'a', 'b', 'c', 0, 1, 'd'},
                new byte[] {65},
                new byte[] {(byte) 0x83, 0, 'a', 'b', 'c'},
                new byte[] {(byte) 0x80, (byte) 0x80, (byte) 0x80, (byte) 0x80, (byte) 0x80});
    }

    @MethodSource("inputs")
    @FuzzTest(maxDuration = "60s")
    void length_prefixed_messages_cut_anywhere(byte[] bytes) {
        Got whole = receive(bytes, bytes.length);
        assertThat(receive(bytes, 1)).as("byte by byte, as in one piece").isEqualTo(whole);
        assertThat(receive(bytes, 5)).isEqualTo(whole);
        assertThat(whole.lengths()).allMatch(length -> length <= MAX_MESSAGE);
    }

    private record Got(
            List<Integer> lengths, boolean reset, @Nullable Boolean complete) {}

    private static Got receive(byte[] bytes, int step) {
        Incoming stream = new Incoming();
        Collector collector = new Collector();
        new MessageChannel(stream, MAX_MESSAGE).receive(collector);
        Stream.Builder<ByteBuf> pieces = Stream.builder();
        for (int at = 0; at < bytes.length; at += step) {
            ByteBuf piece = ByteBufAllocator.DEFAULT.buffer();
            pieces.add(piece.writeBytes(bytes, at, Math.min(step, bytes.length - at)));
        }
        pieces.build().forEach(piece -> {
            stream.reader().onData(piece);
            assertThat(piece.refCnt()).as("released").isZero();
        });
        stream.reader().onEnd();
        assertThat(stream.reset).isEqualTo(collector.reset);
        return new Got(collector.lengths, collector.reset, collector.complete);
    }

    private static final class Collector implements MessageChannel.Receiver {
        private final List<Integer> lengths = new ArrayList<>();
        private boolean reset;
        private @Nullable Boolean complete;

        @Override
        public void onMessage(byte[] message) {
            lengths.add(message.length);
        }

        @Override
        public void onEnd(boolean whole) {
            complete = whole;
        }

        @Override
        public void onReset(Throwable cause) {
            reset = true;
        }
    }

    /** A stream of which only the reading side is used. */
    private static final class Incoming implements io.ppiofs.overlay.host.Stream {
        private @Nullable Reader reader;
        private boolean reset;

        Reader reader() {
            return java.util.Objects.requireNonNull(reader);
        }

        @Override
        public ProtocolId protocol() {
            return new ProtocolId("/test/1.0.0");
        }

        @Override
        public Connection connection() {
            throw new UnsupportedOperationException("not part of this test");
        }

        @Override
        public Direction direction() {
            return Direction.INBOUND;
        }

        @Override
        public void read(Reader value) {
            reader = value;
        }

        @Override
        public void setReading(boolean reading) {
            throw new UnsupportedOperationException("not part of this test");
        }

        @Override
        public CompletableFuture<Void> write(ByteBuf data) {
            data.release();
            return CompletableFuture.completedFuture(null);
        }

        @Override
        public boolean isWritable() {
            return true;
        }

        @Override
        public CompletableFuture<Void> closeWrite() {
            return CompletableFuture.completedFuture(null);
        }

        @Override
        public void reset() {
            reset = true;
        }
    }
}
