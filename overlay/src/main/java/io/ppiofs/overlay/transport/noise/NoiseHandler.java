package io.ppiofs.overlay.transport.noise;

import static java.nio.charset.StandardCharsets.US_ASCII;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.DecoderException;
import io.netty.util.ReferenceCountUtil;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PublicKey;
import io.ppiofs.overlay.wire.NoiseWire;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Noise on a channel: handshake, then encryption. Each message has two bytes of length before it and at most 65,535 bytes.
 * Writes before the end of the handshake are refused: the upgrade adds the multiplexer after it.
 */
public final class NoiseHandler extends ChannelDuplexHandler {
    /** Gets the result once, on the channel's event loop. */
    public interface Listener {
        /** The peer with {@code key} is at the other end; {@code muxer} was agreed on early, or is null. */
        void onSecured(ChannelHandlerContext ctx, PublicKey key, @Nullable String muxer);

        /** The handshake failed (PpiofsException CORRUPT); the handler does not close the channel. */
        void onFailed(ChannelHandlerContext ctx, Throwable cause);
    }

    private static final int MAX_MESSAGE = 65_535;
    private static final int MAX_PLAIN = MAX_MESSAGE - AeadKey.TAG;
    private static final int MAX_HANDSHAKE = 8_192;
    private static final String SIGNATURE_PREFIX = "noise-libp2p-static-key:";
    private static final byte[] NO_DATA = new byte[0];

    private final IdentityKey identity;
    private final List<String> muxers;
    private final Listener listener;
    private final boolean initiator;
    private final XxHandshake.KeyPair ownStatic;
    private final XxHandshake handshake;
    private XxHandshake.@Nullable TransportKeys keys;
    private @Nullable PublicKey remoteKey;
    private List<String> remoteMuxers = List.of();
    private @Nullable ByteBuf message;
    private int lengthBytes;
    private int length;
    private boolean begun;
    private boolean failed;

    /** @param muxers what is offered for early agreement, best first */
    public NoiseHandler(
            IdentityKey identity, boolean initiator, List<String> muxers, SecureRandom random, Listener listener) {
        this.identity = identity;
        this.initiator = initiator;
        this.muxers = List.copyOf(muxers);
        this.listener = listener;
        this.ownStatic = XxHandshake.KeyPair.generate(random);
        try {
            this.handshake = new XxHandshake(initiator, ownStatic, XxHandshake.KeyPair.generate(random), NO_DATA);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    @Override
    public void handlerAdded(ChannelHandlerContext ctx) {
        if (ctx.channel().isActive()) {
            begin(ctx);
        }
    }

    @Override
    public void channelActive(ChannelHandlerContext ctx) {
        begin(ctx);
        ctx.fireChannelActive();
    }

    private void begin(ChannelHandlerContext ctx) {
        if (initiator && !begun) {
            begun = true;
            try {
                sendHandshake(ctx, NO_DATA);
            } catch (GeneralSecurityException e) {
                fail(ctx, "could not begin", e);
            }
        }
    }

    // ---- receiving

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object received) {
        ByteBuf in = (ByteBuf) received;
        try {
            while (in.isReadable() && !failed) {
                collect(ctx, in);
            }
        } finally {
            in.release();
        }
    }

    private void collect(ChannelHandlerContext ctx, ByteBuf in) {
        if (lengthBytes < 2) {
            length = length << 8 | in.readUnsignedByte();
            if (++lengthBytes == 2) {
                begunMessage(ctx);
            }
            return;
        }
        ByteBuf into = message;
        if (into == null) {
            into = ctx.alloc().heapBuffer(length, length);
            message = into;
        }
        into.writeBytes(in, Math.min(in.readableBytes(), into.writableBytes()));
        if (!into.isWritable()) {
            message = null;
            lengthBytes = 0;
            length = 0;
            try {
                onMessage(ctx, into);
            } finally {
                into.release();
            }
        }
    }

    private void begunMessage(ChannelHandlerContext ctx) {
        boolean inHandshake = keys == null;
        if (inHandshake && length > MAX_HANDSHAKE) {
            fail(ctx, "sent a handshake message of " + length + " bytes", null);
        } else if (!inHandshake && length < AeadKey.TAG) {
            fail(ctx, "sent a message of " + length + " bytes", null);
        } else if (length == 0) {
            fail(ctx, "sent an empty handshake message", null);
        }
    }

    private void onMessage(ChannelHandlerContext ctx, ByteBuf sealed) {
        XxHandshake.TransportKeys transport = keys;
        if (transport == null) {
            byte[] bytes = new byte[sealed.readableBytes()];
            sealed.readBytes(bytes);
            onHandshake(ctx, bytes);
            return;
        }
        int n = sealed.readableBytes();
        ByteBuf plain = ctx.alloc().heapBuffer(n);
        try {
            int got = transport
                    .receive()
                    .decrypt(
                            NO_DATA,
                            sealed.array(),
                            sealed.arrayOffset() + sealed.readerIndex(),
                            n,
                            plain.array(),
                            plain.arrayOffset());
            plain.writerIndex(got);
        } catch (GeneralSecurityException e) {
            plain.release();
            fail(ctx, "sent a message that does not decrypt", e);
            return;
        }
        ctx.fireChannelRead(plain);
    }

    private void onHandshake(ChannelHandlerContext ctx, byte[] bytes) {
        try {
            byte[] payload = handshake.read(bytes);
            if (handshake.remoteStatic().length > 0) {
                checkPayload(payload);
            }
            if (handshake.writesNext()) {
                sendHandshake(ctx, ownPayload());
            }
            if (handshake.isComplete()) {
                keys = handshake.split();
                complete(ctx);
            }
        } catch (GeneralSecurityException | InvalidProtocolBufferException | PpiofsException e) {
            fail(ctx, "did not authenticate itself", e);
        }
    }

    private void complete(ChannelHandlerContext ctx) throws GeneralSecurityException {
        PublicKey key = remoteKey;
        if (key == null) {
            throw new GeneralSecurityException("no key was sent");
        }
        listener.onSecured(ctx, key, earlyMuxer());
    }

    /** Early only if both sides sent a list: the initiator's first that the responder has, too. */
    private @Nullable String earlyMuxer() throws GeneralSecurityException {
        if (muxers.isEmpty() || remoteMuxers.isEmpty()) {
            return null;
        }
        List<String> first = initiator ? muxers : remoteMuxers;
        List<String> second = initiator ? remoteMuxers : muxers;
        for (String name : first) {
            if (second.contains(name)) {
                return name;
            }
        }
        throw new GeneralSecurityException("no stream multiplexer in common");
    }

    private void checkPayload(byte[] payload) throws GeneralSecurityException, InvalidProtocolBufferException {
        NoiseWire.NoiseHandshakePayload wire = NoiseWire.NoiseHandshakePayload.parseFrom(payload);
        PublicKey key = PublicKey.parse(wire.getIdentityKey().toByteArray());
        byte[] signed = signedBytes(handshake.remoteStatic());
        if (!key.verify(signed, wire.getIdentitySig().toByteArray())) {
            throw new GeneralSecurityException("the signature over the static key is wrong");
        }
        remoteKey = key;
        remoteMuxers = List.copyOf(wire.getExtensions().getStreamMuxersList());
    }

    private byte[] ownPayload() {
        return NoiseWire.NoiseHandshakePayload.newBuilder()
                .setIdentityKey(ByteString.copyFrom(identity.publicKey().toBytes()))
                .setIdentitySig(ByteString.copyFrom(identity.sign(signedBytes(ownStatic.open()))))
                .setExtensions(NoiseWire.NoiseExtensions.newBuilder().addAllStreamMuxers(muxers))
                .build()
                .toByteArray();
    }

    private static byte[] signedBytes(byte[] staticKey) {
        byte[] prefix = SIGNATURE_PREFIX.getBytes(US_ASCII);
        byte[] out = Arrays.copyOf(prefix, prefix.length + staticKey.length);
        System.arraycopy(staticKey, 0, out, prefix.length, staticKey.length);
        return out;
    }

    private void sendHandshake(ChannelHandlerContext ctx, byte[] payload) throws GeneralSecurityException {
        byte[] bytes = handshake.write(payload);
        ByteBuf out = ctx.alloc().buffer(2 + bytes.length);
        out.writeShort(bytes.length).writeBytes(bytes);
        ctx.writeAndFlush(out, ctx.voidPromise());
    }

    private void fail(ChannelHandlerContext ctx, String what, @Nullable Throwable cause) {
        if (failed) {
            return;
        }
        failed = true;
        PpiofsException failure =
                new PpiofsException(ErrorKind.CORRUPT, "secure connection by", "noise", "the peer " + what, cause);
        if (keys == null || remoteKey == null) {
            listener.onFailed(ctx, failure);
        } else {
            ctx.fireExceptionCaught(new DecoderException(failure));
        }
    }

    // ---- sending

    @Override
    public void write(ChannelHandlerContext ctx, Object sent, ChannelPromise promise) {
        ByteBuf plain = (ByteBuf) sent;
        XxHandshake.TransportKeys transport = keys;
        if (transport == null) {
            ReferenceCountUtil.release(sent);
            promise.tryFailure(new IllegalStateException("written before the end of the handshake"));
            return;
        }
        try {
            while (plain.readableBytes() > MAX_PLAIN) {
                ctx.write(seal(ctx, transport.send(), plain, MAX_PLAIN), ctx.voidPromise());
            }
            ctx.write(seal(ctx, transport.send(), plain, plain.readableBytes()), promise);
        } catch (GeneralSecurityException e) {
            promise.tryFailure(e);
            ctx.fireExceptionCaught(e);
        } finally {
            plain.release();
        }
    }

    private static ByteBuf seal(ChannelHandlerContext ctx, AeadKey key, ByteBuf plain, int n)
            throws GeneralSecurityException {
        ByteBuf source = plain.hasArray() ? plain.retain() : heapCopy(ctx, plain, n);
        ByteBuf out = ctx.alloc().heapBuffer(2 + n + AeadKey.TAG);
        try {
            int got = key.encrypt(
                    NO_DATA,
                    source.array(),
                    source.arrayOffset() + source.readerIndex(),
                    n,
                    out.array(),
                    out.arrayOffset() + 2);
            out.writeShort(got).writerIndex(2 + got);
            plain.skipBytes(n);
            return out;
        } catch (GeneralSecurityException e) {
            out.release();
            throw e;
        } finally {
            source.release();
        }
    }

    private static ByteBuf heapCopy(ChannelHandlerContext ctx, ByteBuf plain, int n) {
        ByteBuf copy = ctx.alloc().heapBuffer(n);
        copy.writeBytes(plain, plain.readerIndex(), n);
        return copy;
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext ctx) {
        ByteBuf partial = message;
        message = null;
        if (partial != null) {
            partial.release();
        }
    }
}
