package io.ppiofs.overlay.transport.upgrade;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.DecoderException;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.Future;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.host.Connection;
import io.ppiofs.overlay.host.Direction;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.identity.PublicKey;
import io.ppiofs.overlay.transport.NetworkKey;
import io.ppiofs.overlay.transport.Security;
import io.ppiofs.overlay.transport.Violation;
import io.ppiofs.overlay.transport.multistream.NegotiationHandler;
import io.ppiofs.overlay.transport.mux.ConnectionInfo;
import io.ppiofs.overlay.transport.noise.NoiseHandler;
import io.ppiofs.overlay.transport.pnet.NetworkKeyHandler;
import io.ppiofs.overlay.transport.tls.PeerCertificate;
import io.ppiofs.overlay.transport.tls.TlsContext;
import io.ppiofs.overlay.transport.yamux.YamuxConnection;
import java.io.IOException;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/** One upgrade under way; the last handler of the channel until the multiplexer takes its place. */
final class UpgradeAttempt extends ChannelInboundHandlerAdapter {
    private final Upgrader upgrader;
    private final Channel channel;
    private final UpgradeRequest request;
    private final CompletableFuture<Connection> result = new CompletableFuture<>();
    private final long started = System.nanoTime();
    private @Nullable Future<?> timer;
    private boolean answered;
    private boolean done;

    UpgradeAttempt(Upgrader upgrader, Channel channel, UpgradeRequest request) {
        this.upgrader = upgrader;
        this.channel = channel;
        this.request = request;
    }

    CompletableFuture<Connection> start() {
        timer = channel.eventLoop().schedule(this::onTimeout, request.timeout().toNanos(), TimeUnit.NANOSECONDS);
        result.whenComplete((connection, failure) -> {
            if (result.isCancelled()) {
                channel.close();
            }
        });
        NetworkKey networkKey = upgrader.options().networkKey();
        if (networkKey != null) {
            channel.pipeline().addLast(new NetworkKeyHandler(networkKey, upgrader.random()));
        }
        channel.pipeline().addLast(this);
        List<String> names =
                upgrader.securities().stream().map(Security::protocol).toList();
        negotiate(names, this::secure);
        return result;
    }

    private boolean initiates() {
        return request.role() == Direction.OUTBOUND;
    }

    private void negotiate(List<String> names, BiConsumer<ChannelHandlerContext, String> next) {
        NegotiationHandler handler = NegotiationHandler.of(initiates(), names, new NegotiationHandler.Listener() {
            @Override
            public void onAgreed(ChannelHandlerContext ctx, String agreed) {
                answered = true;
                next.accept(ctx, agreed);
            }

            @Override
            public void onFailed(ChannelHandlerContext ctx, Throwable cause) {
                fail(
                        cause,
                        cause instanceof PpiofsException p && p.kind() == ErrorKind.CORRUPT
                                ? Violation.MALFORMED
                                : null);
            }
        });
        channel.pipeline().addBefore(own().name(), null, handler);
    }

    private ChannelHandlerContext own() {
        return channel.pipeline().context(this);
    }

    private void secure(ChannelHandlerContext ctx, String agreed) {
        TlsContext tls = upgrader.tls();
        if (agreed.equals(Security.TLS.protocol()) && tls != null) {
            SslHandler handler = tls.handler(initiates(), channel.alloc());
            handler.setHandshakeTimeoutMillis(0); // the upgrade has its own timer
            channel.pipeline().addBefore(own().name(), null, handler);
        } else {
            channel.pipeline().addBefore(own().name(), null, noise());
        }
    }

    private NoiseHandler noise() {
        List<String> muxers = List.of(YamuxConnection.PROTOCOL);
        return new NoiseHandler(
                upgrader.identity(), initiates(), muxers, upgrader.random(), new NoiseHandler.Listener() {
                    @Override
                    public void onSecured(ChannelHandlerContext ctx, PublicKey key, @Nullable String muxer) {
                        secured(Security.NOISE, key, muxer);
                    }

                    @Override
                    public void onFailed(ChannelHandlerContext ctx, Throwable cause) {
                        fail(cause, Violation.BAD_HANDSHAKE);
                    }
                });
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
        if (event instanceof SslHandshakeCompletionEvent handshake) {
            if (handshake.isSuccess()) {
                tlsSecured();
            } else {
                fail(handshake.cause(), null);
            }
        } else {
            ctx.fireUserEventTriggered(event);
        }
    }

    private void tlsSecured() {
        SslHandler handler = channel.pipeline().get(SslHandler.class);
        try {
            X509Certificate certificate =
                    (X509Certificate) handler.engine().getSession().getPeerCertificates()[0];
            PublicKey key = PeerCertificate.peerKey(certificate);
            String alpn = handler.applicationProtocol();
            secured(Security.TLS, key, YamuxConnection.PROTOCOL.equals(alpn) ? alpn : null);
        } catch (SSLException | CertificateException e) {
            fail(e, Violation.BAD_HANDSHAKE);
        }
    }

    private void secured(Security security, PublicKey key, @Nullable String muxer) {
        PeerId peer = PeerId.of(key);
        PeerId expected = request.expected();
        if (expected != null && !expected.equals(peer)) {
            fail(
                    new PpiofsException(
                            ErrorKind.ACCESS_DENIED,
                            "connect to",
                            expected.toString(),
                            peer + " answers at " + request.remote() + ", get a current address of the peer"),
                    Violation.WRONG_PEER);
        } else if (muxer != null) {
            multiplex(security, peer, key);
        } else {
            negotiate(List.of(YamuxConnection.PROTOCOL), (ctx, agreed) -> multiplex(security, peer, key));
        }
    }

    private void multiplex(Security security, PeerId peer, PublicKey key) {
        if (done) {
            return;
        }
        done = true;
        cancelTimer();
        ConnectionInfo info = new ConnectionInfo(
                peer,
                key,
                request.remote(),
                request.local(),
                request.role(),
                request.connectionClass(),
                request.limited(),
                security.label() + "/yamux");
        YamuxConnection connection = new YamuxConnection(
                channel,
                info,
                initiates(),
                upgrader.acceptor(),
                upgrader.options(),
                upgrader.budget(),
                security == Security.NOISE);
        channel.pipeline().addLast(connection.handler());
        channel.pipeline().remove(this);
        upgrader.options().metrics().onHandshake(info.description(), Duration.ofNanos(System.nanoTime() - started));
        if (!result.complete(connection)) {
            connection.close();
        }
    }

    // ---- failure

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        ReferenceCountUtil.release(message); // nothing may come here: the multiplexer is not in place after a failure
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        fail(
                answered ? unreachable("the peer closed the connection during the handshake", null) : turnedAway(null),
                null);
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        fail(cause, null);
    }

    private void onTimeout() {
        fail(unreachable("the handshake did not end in time", null), Violation.SLOW_HANDSHAKE);
    }

    private void fail(Throwable cause, @Nullable Violation violation) {
        if (done) {
            return;
        }
        done = true;
        cancelTimer();
        Violation reason = violation == null && isBadHandshake(cause) ? Violation.BAD_HANDSHAKE : violation;
        if (reason != null) {
            upgrader.options().metrics().onViolation(reason, request.remote());
        }
        channel.close();
        result.completeExceptionally(explained(cause));
    }

    private static boolean isBadHandshake(Throwable cause) {
        return cause instanceof SSLException || cause instanceof DecoderException;
    }

    private PpiofsException explained(Throwable cause) {
        if (cause instanceof PpiofsException known) {
            return known;
        }
        if (isBadHandshake(cause)) {
            return new PpiofsException(
                    ErrorKind.CORRUPT,
                    "connect to",
                    request.remote().toString(),
                    "the handshake failed: " + cause.getMessage(),
                    cause);
        }
        return cause instanceof IOException && !answered
                ? turnedAway(cause)
                : unreachable("the connection failed during the handshake", cause);
    }

    /** What a peer does that has too many connections, or got too many of late: closes before it says anything. */
    private PpiofsException turnedAway(@Nullable Throwable cause) {
        return new PpiofsException(
                ErrorKind.BUSY,
                "connect to",
                request.remote().toString(),
                "the peer closed the connection before the handshake; perhaps it takes no more at the moment, try later",
                cause);
    }

    private PpiofsException unreachable(String detail, @Nullable Throwable cause) {
        return new PpiofsException(
                ErrorKind.NOT_CONNECTED, "connect to", request.remote().toString(), detail, cause);
    }

    private void cancelTimer() {
        if (timer != null) {
            timer.cancel(false);
        }
    }
}
