package io.ppiofs.overlay.transport.tls;

import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.ssl.ApplicationProtocolConfig;
import io.netty.handler.ssl.ApplicationProtocolConfig.Protocol;
import io.netty.handler.ssl.ApplicationProtocolConfig.SelectedListenerFailureBehavior;
import io.netty.handler.ssl.ApplicationProtocolConfig.SelectorFailureBehavior;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.OpenSsl;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslProvider;
import io.netty.util.ReferenceCountUtil;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.util.List;
import javax.net.ssl.SSLException;

/** The engines of both roles, made from one certificate. Thread safe; close it after its last handler. */
public final class TlsContext implements AutoCloseable {
    /** The name in ALPN that leaves the multiplexer to multistream-select. */
    public static final String FALLBACK = "libp2p";

    private final SslContext client;
    private final SslContext server;
    private final boolean usesNative;

    /**
     * @param wantNative whether BoringSSL is used where it loads
     * @param muxers offered by ALPN, best first; {@link #FALLBACK} is added
     */
    public TlsContext(PeerCertificate certificate, boolean wantNative, List<String> muxers) {
        this.usesNative = wantNative && OpenSsl.isAvailable();
        String[] names = java.util.stream.Stream.concat(muxers.stream(), java.util.stream.Stream.of(FALLBACK))
                .toArray(String[]::new);
        try {
            this.client = configure(
                            SslContextBuilder.forClient()
                                    .keyManager(certificate.key(), certificate.certificate())
                                    .endpointIdentificationAlgorithm(null),
                            names)
                    .build();
            this.server = configure(
                            SslContextBuilder.forServer(certificate.key(), certificate.certificate())
                                    .clientAuth(ClientAuth.REQUIRE),
                            names)
                    .build();
        } catch (SSLException e) {
            throw new PpiofsException(
                    ErrorKind.NOT_SUPPORTED, "set up", "TLS 1.3", "this Java platform lacks it, use Noise", e);
        }
    }

    private SslContextBuilder configure(SslContextBuilder builder, String[] names) {
        return builder.sslProvider(usesNative ? SslProvider.OPENSSL : SslProvider.JDK)
                .protocols("TLSv1.3")
                .trustManager(new PeerTrustManager())
                .applicationProtocolConfig(new ApplicationProtocolConfig(
                        Protocol.ALPN,
                        SelectorFailureBehavior.NO_ADVERTISE,
                        SelectedListenerFailureBehavior.ACCEPT,
                        names));
    }

    /** Whether BoringSSL is in use. */
    public boolean usesNative() {
        return usesNative;
    }

    /** A handler that begins the handshake when the channel is active. No server name is sent. */
    public SslHandler handler(boolean asClient, ByteBufAllocator allocator) {
        return (asClient ? client : server).newHandler(allocator);
    }

    @Override
    public void close() {
        ReferenceCountUtil.release(client);
        ReferenceCountUtil.release(server);
    }
}
