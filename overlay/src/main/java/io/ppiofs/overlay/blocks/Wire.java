package io.ppiofs.overlay.blocks;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedOutputStream;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.overlay.network.Opening;
import io.ppiofs.overlay.wire.BlocksWire.Frame;
import io.ppiofs.overlay.wire.BlocksWire.Hello;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/** Values to and from frames. What comes from outside is checked here. */
final class Wire {
    /** What this version speaks. */
    static final Opening OPENING = Opening.of(1);

    private static final Priority[] PRIORITIES = Priority.values();

    private Wire() {}

    static Frame hello(int requests, long putWindow) {
        return Frame.newBuilder()
                .setHello(Hello.newBuilder()
                        .setOpening(ByteString.copyFrom(OPENING.encode()))
                        .setRequests(requests)
                        .setPutWindow(putWindow))
                .build();
    }

    /** The frame behind its length, with room for {@code payload} bytes behind it in the same buffer. */
    static ByteBuf encode(Frame frame, int payload) {
        int size = frame.getSerializedSize();
        int head = CodedOutputStream.computeUInt32SizeNoTag(size) + size;
        ByteBuf buffer = PooledByteBufAllocator.DEFAULT.directBuffer(head + payload);
        try {
            CodedOutputStream out = CodedOutputStream.newInstance(buffer.nioBuffer(0, head));
            out.writeUInt32NoTag(size);
            frame.writeTo(out);
            out.flush();
        } catch (IOException e) {
            buffer.release();
            throw new IllegalStateException("writing to memory does not fail", e);
        }
        return buffer.writerIndex(head);
    }

    /** The frame behind its length, and {@code payload} behind it, which is not copied. */
    static ByteBuf encode(Frame frame, ByteBuffer payload) {
        return Unpooled.wrappedBuffer(encode(frame, 0), Unpooled.wrappedBuffer(payload));
    }

    static ByteString digests(List<Cid> cids) {
        ByteBuffer out = ByteBuffer.allocate(cids.size() * Cid.DIGEST_LENGTH);
        cids.forEach(cid -> cid.writeDigest(out));
        return ByteString.copyFrom(out.flip());
    }

    /** At least one, at most {@link BlockLimits#MAX_CIDS}. @throws io.ppiofs.error.PpiofsException CORRUPT */
    static List<Cid> cids(ByteString digests) {
        int count = digests.size() / Cid.DIGEST_LENGTH;
        if (count == 0 || count > BlockLimits.MAX_CIDS || digests.size() % Cid.DIGEST_LENGTH != 0) {
            throw FrameDecoder.refused(digests.size() + " bytes of digests");
        }
        ByteBuffer in = digests.asReadOnlyByteBuffer();
        List<Cid> cids = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            cids.add(Cid.readDigest(in));
        }
        return cids;
    }

    static ByteString bits(BitSet bits) {
        return ByteString.copyFrom(bits.toByteArray());
    }

    /** @param count bits that mean something; a set one beyond is refused. @throws io.ppiofs.error.PpiofsException CORRUPT */
    static BitSet bits(ByteString bytes, int count) {
        if (bytes.size() > (count + 7) / 8) {
            throw FrameDecoder.refused("a bitmap of " + bytes.size() + " bytes for " + count + " blocks");
        }
        BitSet bits = BitSet.valueOf(bytes.toByteArray());
        if (bits.length() > count) {
            throw FrameDecoder.refused("a bit for a block that was not asked for");
        }
        return bits;
    }

    /** @throws io.ppiofs.error.PpiofsException CORRUPT */
    static Priority priority(int number) {
        if (number < 0 || number >= PRIORITIES.length) {
            throw FrameDecoder.refused("priority " + Integer.toUnsignedString(number));
        }
        return PRIORITIES[number];
    }
}
