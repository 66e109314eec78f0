package io.ppiofs.overlay;

import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.handler.codec.quic.Quic;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.swarm.TransportFactory;
import io.ppiofs.overlay.transport.StreamAcceptor;
import io.ppiofs.overlay.transport.Transport;
import io.ppiofs.overlay.transport.TransportOptions;
import io.ppiofs.overlay.transport.quic.QuicTransport;
import io.ppiofs.overlay.transport.tcp.TcpTransport;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** The transports of an ordinary node, on event loops of their own: TCP, and QUIC where its native library loads. */
public final class NettyTransports implements TransportFactory {
    private static final boolean QUIC = Quic.isAvailable();

    private final TransportOptions options;
    private final int threads;

    /** @param threads event loops; 0: Netty's default, twice the processors */
    public NettyTransports(TransportOptions options, int threads) {
        this.options = options;
        this.threads = threads;
    }

    @Override
    public Set create(IdentityKey key, StreamAcceptor acceptor) {
        EventLoopGroup group = new MultiThreadIoEventLoopGroup(
                threads, new DefaultThreadFactory("ppiofs-net", true), NioIoHandler.newFactory());
        TcpTransport tcp = new TcpTransport(key, acceptor, options, group);
        List<Transport> transports = new ArrayList<>(List.of(tcp));
        if (QUIC) {
            transports.add(new QuicTransport(key, acceptor, options, group));
        }
        return new Set(transports, tcp.upgrader(), () -> group.shutdownGracefully(0, 2, TimeUnit.SECONDS));
    }
}
