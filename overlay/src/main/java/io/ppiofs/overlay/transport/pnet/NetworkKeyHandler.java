package io.ppiofs.overlay.transport.pnet;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.ppiofs.overlay.transport.NetworkKey;
import java.security.SecureRandom;
import org.bouncycastle.crypto.engines.XSalsa20Engine;
import org.bouncycastle.crypto.params.KeyParameter;
import org.bouncycastle.crypto.params.ParametersWithIV;
import org.jspecify.annotations.Nullable;

/** Enciphers all bytes of a channel with the network's key: 24 bytes of nonce first, then XSalsa20, in each direction. */
public final class NetworkKeyHandler extends ChannelDuplexHandler {
    private static final int NONCE = 24;

    private final NetworkKey key;
    private final SecureRandom random;
    private final byte[] remoteNonce = new byte[NONCE];
    private int nonceBytes;
    private @Nullable XSalsa20Engine out;
    private @Nullable XSalsa20Engine in;

    public NetworkKeyHandler(NetworkKey key, SecureRandom random) {
        this.key = key;
        this.random = random;
    }

    private XSalsa20Engine engine(byte[] nonce) {
        XSalsa20Engine engine = new XSalsa20Engine();
        engine.init(true, new ParametersWithIV(new KeyParameter(key.toBytes()), nonce));
        return engine;
    }

    @Override
    public void handlerAdded(ChannelHandlerContext ctx) {
        if (ctx.channel().isActive()) {
            sendNonce(ctx);
        }
    }

    @Override
    public void channelActive(ChannelHandlerContext ctx) {
        sendNonce(ctx);
        ctx.fireChannelActive();
    }

    private void sendNonce(ChannelHandlerContext ctx) {
        if (out == null) {
            byte[] nonce = new byte[NONCE];
            random.nextBytes(nonce);
            out = engine(nonce);
            ctx.writeAndFlush(ctx.alloc().buffer(NONCE).writeBytes(nonce), ctx.voidPromise());
        }
    }

    @Override
    public void write(ChannelHandlerContext ctx, Object message, ChannelPromise promise) {
        ByteBuf plain = (ByteBuf) message;
        XSalsa20Engine engine = out;
        if (engine == null) {
            plain.release();
            promise.tryFailure(new IllegalStateException("written before the connection was active"));
            return;
        }
        try {
            ctx.write(apply(ctx, engine, plain), promise);
        } finally {
            plain.release();
        }
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        ByteBuf data = (ByteBuf) message;
        try {
            while (in == null && data.isReadable()) {
                remoteNonce[nonceBytes++] = data.readByte();
                if (nonceBytes == NONCE) {
                    in = engine(remoteNonce);
                }
            }
            if (in != null && data.isReadable()) {
                ctx.fireChannelRead(apply(ctx, in, data));
            }
        } finally {
            data.release();
        }
    }

    private static ByteBuf apply(ChannelHandlerContext ctx, XSalsa20Engine engine, ByteBuf from) {
        int n = from.readableBytes();
        ByteBuf to = ctx.alloc().heapBuffer(n);
        to.writeBytes(from, from.readerIndex(), n);
        engine.processBytes(to.array(), to.arrayOffset(), n, to.array(), to.arrayOffset());
        return to;
    }
}
