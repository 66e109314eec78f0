package io.ppiofs.overlay.transport.quic;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandler;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.DatagramPacket;
import io.netty.handler.codec.quic.QuicConnectionAddress;
import java.security.SecureRandom;

/**
 * Lets one UDP socket listen and dial: Netty has a codec for each role, and each would drop the other's datagrams. The
 * connection ids of dials begin with a random tag, by which datagrams find the client codec. First handler of the socket,
 * followed by the server codec and the client codec.
 */
final class SharedSocket extends ChannelInboundHandlerAdapter {
    private static final int ID_LENGTH = 20;
    private static final int TAG_LENGTH = 8;
    private static final int LONG_HEADER = 0x80;
    private static final int LONG_ID_LENGTH_AT = 5;

    private final SecureRandom random;
    private final byte[] tag = new byte[TAG_LENGTH];
    private final ChannelHandler serverCodec;
    private final ChannelHandler clientCodec;

    SharedSocket(SecureRandom random, ChannelHandler serverCodec, ChannelHandler clientCodec) {
        this.random = random;
        this.serverCodec = serverCodec;
        this.clientCodec = clientCodec;
        random.nextBytes(tag);
    }

    /** A fresh connection id for a dial. */
    QuicConnectionAddress dialId() {
        byte[] id = new byte[ID_LENGTH];
        random.nextBytes(id);
        System.arraycopy(tag, 0, id, 0, TAG_LENGTH);
        return new QuicConnectionAddress(id);
    }

    @Override
    public void handlerAdded(ChannelHandlerContext ctx) {
        ctx.pipeline().addLast(serverCodec, clientCodec);
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) throws Exception {
        DatagramPacket packet = (DatagramPacket) message;
        ChannelHandlerContext to = ctx.pipeline().context(isOfDial(packet.content()) ? clientCodec : serverCodec);
        ((ChannelInboundHandler) to.handler()).channelRead(to, packet);
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext ctx) throws Exception {
        for (ChannelHandler codec : new ChannelHandler[] {serverCodec, clientCodec}) {
            ((ChannelInboundHandler) codec).channelReadComplete(ctx.pipeline().context(codec));
        }
    }

    /** Whether the destination connection id is one of {@link #dialId}. */
    private boolean isOfDial(ByteBuf datagram) {
        int start = datagram.readerIndex();
        int length = datagram.readableBytes();
        if (length == 0) {
            return false;
        }
        int idAt = 1;
        if ((datagram.getByte(start) & LONG_HEADER) != 0) {
            boolean tooShort = length <= LONG_ID_LENGTH_AT;
            if (tooShort || datagram.getUnsignedByte(start + LONG_ID_LENGTH_AT) != ID_LENGTH) {
                return false;
            }
            idAt = LONG_ID_LENGTH_AT + 1;
        }
        if (length < idAt + ID_LENGTH) {
            return false;
        }
        for (int i = 0; i < TAG_LENGTH; i++) {
            if (datagram.getByte(start + idAt + i) != tag[i]) {
                return false;
            }
        }
        return true;
    }
}
