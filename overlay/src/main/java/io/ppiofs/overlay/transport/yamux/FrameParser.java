package io.ppiofs.overlay.transport.yamux;

import io.netty.buffer.ByteBuf;
import io.ppiofs.overlay.transport.Violation;

/** Cuts a byte stream into frames. Holds at most one header; payload goes through in the pieces in which it comes. */
public final class FrameParser {
    /** Gets the parts of frames in order. */
    public interface Sink {
        /**
         * A header. If {@code type} is data, {@link #onPayload} follows until {@code length} bytes have come, unless it is 0.
         *
         * @param stream unsigned
         * @param length unsigned
         */
        void onHeader(int type, int flags, int stream, int length) throws YamuxException;

        /** A piece of payload, owned by the callee; {@code last} ends the frame. */
        void onPayload(ByteBuf piece, boolean last) throws YamuxException;
    }

    private final Sink sink;
    private long head;
    private int headBytes;
    private int tail;
    private long payload;

    public FrameParser(Sink sink) {
        this.sink = sink;
    }

    /** Reads all of {@code in}; the caller keeps and releases it. After an exception the parser must not be used again. */
    public void feed(ByteBuf in) throws YamuxException {
        while (in.isReadable()) {
            if (payload > 0) {
                int n = (int) Math.min(payload, in.readableBytes());
                payload -= n;
                sink.onPayload(in.readRetainedSlice(n), payload == 0);
            } else if (headBytes == 0 && in.readableBytes() >= Frame.HEADER) {
                header(in.readLong(), in.readInt());
            } else {
                collect(in.readByte());
            }
        }
    }

    private void collect(byte b) throws YamuxException {
        if (headBytes < 8) {
            head = head << 8 | (b & 0xff);
        } else {
            tail = tail << 8 | (b & 0xff);
        }
        if (++headBytes == Frame.HEADER) {
            headBytes = 0;
            header(head, tail);
        }
    }

    private void header(long first, int length) throws YamuxException {
        int version = (int) (first >>> 56);
        int type = (int) (first >>> 48) & 0xff;
        int flags = (int) (first >>> 32) & 0xffff;
        if (version != 0 || type > Frame.GO_AWAY) {
            throw new YamuxException(Violation.MALFORMED, "version " + version + ", frame type " + type);
        }
        payload = type == Frame.DATA ? Integer.toUnsignedLong(length) : 0;
        sink.onHeader(type, flags, (int) first, length);
    }
}
