package io.ppiofs.overlay.blocks;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import io.netty.buffer.ByteBuf;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.wire.BlocksWire.Frame;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * Turns arbitrary cuts of a stream into frames and payload. Payload is passed on as it comes, never gathered; a frame that lies whole in one
 * buffer is parsed in place. On the connection's loop only.
 */
final class FrameDecoder {
    /** Gets frames and payload in order. */
    interface Target {
        void onFrame(Frame frame);

        /** Some payload of the last frame, the caller's; {@code last}: it is complete. */
        void onPayload(ByteBuf part, boolean last);
    }

    /** Largest frame without payload: a put of {@link BlockLimits#MAX_CIDS} blocks. */
    static final int MAX_FRAME = 256 * 1024;

    private final Target target;
    private int length;
    private int shift;
    private boolean inFrame;
    private byte @Nullable [] gathered;
    private int filled;
    private int payloadLeft;

    FrameDecoder(Target target) {
        this.target = target;
    }

    /** Reads all of {@code data}, which stays the caller's. @throws PpiofsException CORRUPT: the stream is to be reset */
    void decode(ByteBuf data) {
        while (data.isReadable()) {
            if (payloadLeft > 0) {
                int n = Math.min(payloadLeft, data.readableBytes());
                payloadLeft -= n;
                target.onPayload(data.readSlice(n), payloadLeft == 0);
            } else if (inFrame) {
                readFrame(data);
            } else {
                readLength(data.readByte());
            }
        }
    }

    /** Whether the stream may end here. */
    boolean isBetweenFrames() {
        return payloadLeft == 0 && !inFrame && shift == 0;
    }

    private void readLength(byte b) {
        length |= (b & 0x7f) << shift;
        shift += 7;
        if (b < 0) {
            if (shift >= 21) {
                throw refused("a frame length of more than three bytes");
            }
            return;
        }
        if (length == 0 || length > MAX_FRAME) {
            throw refused("a frame of " + length + " bytes");
        }
        inFrame = true;
        filled = 0;
    }

    private void readFrame(ByteBuf data) {
        if (gathered == null && data.readableBytes() >= length) {
            ByteBuf whole = data.readSlice(length);
            deliver(parse(CodedInputStream.newInstance(whole.nioBuffer())));
            return;
        }
        byte[] into = gathered;
        if (into == null) {
            into = new byte[length];
            gathered = into;
        }
        int n = Math.min(data.readableBytes(), length - filled);
        data.readBytes(into, filled, n);
        filled += n;
        if (filled == length) {
            gathered = null;
            deliver(parse(CodedInputStream.newInstance(into)));
        }
    }

    private static Frame parse(CodedInputStream in) {
        try {
            return Frame.parseFrom(in);
        } catch (InvalidProtocolBufferException e) {
            throw refused("something else than a frame");
        } catch (IOException e) {
            throw new IllegalStateException("reading from memory does not fail", e);
        }
    }

    private void deliver(Frame frame) {
        inFrame = false;
        length = 0;
        shift = 0;
        if (frame.hasData()) {
            int payload = frame.getData().getLength();
            if (payload <= 0 || payload > BlockLimits.PIECE) {
                throw refused("a payload of " + Integer.toUnsignedString(payload) + " bytes");
            }
            payloadLeft = payload;
        }
        target.onFrame(frame);
    }

    static PpiofsException refused(String detail) {
        return new PpiofsException(ErrorKind.CORRUPT, "exchange blocks", "stream", "the peer sent " + detail);
    }
}
