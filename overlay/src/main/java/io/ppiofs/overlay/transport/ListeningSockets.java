package io.ppiofs.overlay.transport;

import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The sockets that a transport listens on. Thread safe. */
public final class ListeningSockets implements AutoCloseable {
    private final Function<InetSocketAddress, Multiaddr> naming;
    private final List<Bound> sockets = new CopyOnWriteArrayList<>();

    /** @param naming the address of the transport for a socket */
    public ListeningSockets(Function<InetSocketAddress, Multiaddr> naming) {
        this.naming = naming;
    }

    /** The listener that comes of {@code binding}; fails with IN_USE, which names {@code asked}. */
    public CompletableFuture<Transport.Listener> bound(ChannelFuture binding, Multiaddr asked) {
        CompletableFuture<Transport.Listener> result = new CompletableFuture<>();
        binding.addListener(done -> {
            if (done.isSuccess()) {
                Bound socket = new Bound(
                        binding.channel(), (InetSocketAddress) binding.channel().localAddress());
                sockets.add(socket);
                result.complete(socket);
            } else {
                result.completeExceptionally(inUse(asked, done.cause()));
            }
        });
        return result;
    }

    /** What is said of an address that cannot be listened on. */
    public static PpiofsException inUse(Multiaddr address, Throwable cause) {
        return new PpiofsException(
                ErrorKind.IN_USE,
                "listen on",
                address.toString(),
                cause.getMessage() + "; choose another address or port",
                cause);
    }

    /** One from which {@code target} can be reached: of its family, on the loopback if the target is there; null if none is. */
    public @Nullable Channel fitting(InetSocketAddress target) {
        boolean six = target.getAddress() instanceof Inet6Address;
        boolean near = target.getAddress().isLoopbackAddress();
        for (Bound socket : sockets) {
            InetAddress local = socket.local.getAddress();
            boolean fits = local.isAnyLocalAddress() || local.isLoopbackAddress() == near;
            if (fits && local instanceof Inet6Address == six) {
                return socket.channel;
            }
        }
        return null;
    }

    @Override
    public void close() {
        sockets.forEach(Bound::close);
    }

    private final class Bound implements Transport.Listener {
        private final Channel channel;
        private final InetSocketAddress local;

        Bound(Channel channel, InetSocketAddress local) {
            this.channel = channel;
            this.local = local;
        }

        @Override
        public Multiaddr address() {
            return naming.apply(local);
        }

        /** Ends what needs the socket, too: connections over QUIC have no other. */
        @Override
        public void close() {
            sockets.remove(this);
            channel.close();
        }
    }
}
