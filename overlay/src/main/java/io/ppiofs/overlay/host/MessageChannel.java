package io.ppiofs.overlay.host;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Messages with an unsigned varint length before each, over a {@link Stream}: the framing of nearly all libp2p protocols.
 * A length above the limit, or a varint longer than five bytes, resets the stream before memory is taken. Callbacks as the
 * stream's; one copy per received message.
 */
public final class MessageChannel {
    /** Gets whole messages. */
    public interface Receiver {
        void onMessage(byte[] message);

        /** The other side has closed its half; {@code complete} is false if it stopped inside a message. */
        void onEnd(boolean complete);

        void onReset(Throwable cause);

        /** As {@link Stream.Reader#onWritabilityChanged}. */
        default void onWritabilityChanged(boolean writable) {}
    }

    private final Stream stream;
    private final int maxMessage;
    private final int maxSent;

    public MessageChannel(Stream stream, int maxMessage) {
        this(stream, maxMessage, maxMessage);
    }

    /** @param maxMessage longest message that is taken @param maxSent longest that is sent */
    public MessageChannel(Stream stream, int maxMessage, int maxSent) {
        this.stream = stream;
        this.maxMessage = maxMessage;
        this.maxSent = maxSent;
    }

    public Stream stream() {
        return stream;
    }

    /** Begins to read. */
    public void receive(Receiver receiver) {
        stream.read(new Assembler(receiver));
    }

    /** Sends one message, copied behind its length; one buffer, so that it travels in one frame. */
    public CompletableFuture<Void> send(byte[] message) {
        if (message.length > maxSent) {
            return CompletableFuture.failedFuture(new PpiofsException(
                    ErrorKind.TOO_BIG,
                    "send",
                    stream.protocol().name(),
                    message.length + " bytes are more than the " + maxSent + " of this protocol"));
        }
        ByteBuf frame = Unpooled.buffer(5 + message.length);
        int rest = message.length;
        while (rest >= 0x80) {
            frame.writeByte(rest & 0x7f | 0x80);
            rest >>>= 7;
        }
        return stream.write(frame.writeByte(rest).writeBytes(message));
    }

    /** Turns arbitrary cuts into messages; on the connection's loop only. */
    private final class Assembler implements Stream.Reader {
        private final Receiver receiver;
        private byte @Nullable [] message;
        private int filled;
        private int length;
        private int shift;
        private boolean failed;

        Assembler(Receiver receiver) {
            this.receiver = receiver;
        }

        @Override
        public void onData(ByteBuf data) {
            try {
                while (!failed && data.isReadable()) {
                    if (message == null) {
                        readLength(data.readByte());
                    } else {
                        fill(message, data);
                    }
                }
            } finally {
                data.release();
            }
        }

        private void readLength(byte b) {
            length |= (b & 0x7f) << shift;
            shift += 7;
            if (b < 0) {
                if (shift >= 35) {
                    fail("a message length of more than five bytes");
                }
                return;
            }
            if (length < 0 || length > maxMessage) {
                fail("a message of " + Integer.toUnsignedString(length) + " bytes, more than " + maxMessage);
                return;
            }
            message = new byte[length];
            filled = 0;
            deliverIfFull(message);
        }

        private void fill(byte[] into, ByteBuf data) {
            int n = Math.min(data.readableBytes(), into.length - filled);
            data.readBytes(into, filled, n);
            filled += n;
            deliverIfFull(into);
        }

        private void deliverIfFull(byte[] full) {
            if (filled == full.length) {
                message = null;
                length = 0;
                shift = 0;
                receiver.onMessage(full);
            }
        }

        private void fail(String detail) {
            failed = true;
            stream.reset();
            receiver.onReset(new PpiofsException(
                    ErrorKind.CORRUPT, "receive", stream.protocol().name(), "the peer sent " + detail));
        }

        @Override
        public void onEnd() {
            if (!failed) {
                receiver.onEnd(message == null && shift == 0);
            }
        }

        @Override
        public void onWritabilityChanged(boolean writable) {
            receiver.onWritabilityChanged(writable);
        }

        @Override
        public void onReset(Throwable cause) {
            if (!failed) {
                receiver.onReset(cause);
            }
        }
    }
}
