package io.ppiofs.overlay.transport.multistream;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import java.util.List;

/**
 * Agrees on one of a few names on a channel, then leaves the pipeline: the agreement's listener adds the next handlers
 * right behind this one, and bytes that had come already are passed on to them. Keeps no time: the upgrade has one timer.
 */
public final class NegotiationHandler extends ChannelInboundHandlerAdapter {
    /** Gets the result, on the channel's event loop. */
    public interface Listener {
        /** {@code agreed} was chosen; add the next handlers after {@code ctx}. */
        void onAgreed(ChannelHandlerContext ctx, String agreed);

        /** No agreement: PpiofsException NOT_SUPPORTED or CORRUPT. The handler does not close the channel. */
        void onFailed(ChannelHandlerContext ctx, Throwable cause);
    }

    private final Negotiation negotiation;
    private final Listener listener;
    private boolean begun;
    private boolean done;

    private NegotiationHandler(Negotiation negotiation, Listener listener) {
        this.negotiation = negotiation;
        this.listener = listener;
    }

    /** @param initiates whether this side proposes @param names in order of preference */
    public static NegotiationHandler of(boolean initiates, List<String> names, Listener listener) {
        Negotiation negotiation =
                initiates ? Negotiation.initiator(names) : Negotiation.responder(names::contains, () -> names);
        return new NegotiationHandler(negotiation, listener);
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
        if (begun) {
            return;
        }
        begun = true;
        ByteBuf out = ctx.alloc().buffer();
        negotiation.begin(out);
        send(ctx, out);
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        ByteBuf in = (ByteBuf) message;
        if (done) {
            ctx.fireChannelRead(in);
            return;
        }
        ByteBuf out = ctx.alloc().buffer();
        String agreed;
        try {
            agreed = negotiation.advance(in, out);
        } catch (RuntimeException e) {
            done = true;
            in.release();
            send(ctx, out);
            listener.onFailed(ctx, e);
            return;
        }
        send(ctx, out);
        if (agreed == null) {
            in.release();
            return;
        }
        done = true;
        listener.onAgreed(ctx, agreed);
        if (in.isReadable()) {
            ctx.fireChannelRead(in);
        } else {
            in.release();
        }
        ctx.pipeline().remove(this);
    }

    private static void send(ChannelHandlerContext ctx, ByteBuf out) {
        if (out.isReadable()) {
            ctx.writeAndFlush(out, ctx.voidPromise());
        } else {
            out.release();
        }
    }
}
