package io.ppiofs.overlay.transport.upgrade;

import io.netty.util.concurrent.DefaultThreadFactory;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.multiaddr.AddressProtocol;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** Turns {@code /dns…} addresses into socket addresses with the platform's resolver, which blocks: on threads of its own. */
public final class NameResolver implements AutoCloseable {
    private static final int THREADS = 4;
    private static final int QUEUE = 256;
    private static final int MAX_RESULTS = 4;

    private final ThreadPoolExecutor threads;

    public NameResolver() {
        this.threads = new ThreadPoolExecutor(
                THREADS,
                THREADS,
                10,
                TimeUnit.SECONDS,
                new ArrayBlockingQueue<>(QUEUE),
                new DefaultThreadFactory("ppiofs-names", true));
        threads.allowCoreThreadTimeOut(true);
    }

    /** At most four addresses with the port, never none; fails with NOT_CONNECTED if the name has no address. */
    public CompletableFuture<List<InetSocketAddress>> resolve(Multiaddr address) {
        InetSocketAddress literal = address.socketAddress();
        if (literal != null) {
            return CompletableFuture.completedFuture(List.of(literal));
        }
        CompletableFuture<List<InetSocketAddress>> result = new CompletableFuture<>();
        try {
            threads.execute(() -> lookUp(address, result));
        } catch (RejectedExecutionException e) {
            result.completeExceptionally(new PpiofsException(
                    ErrorKind.BUSY, "resolve", address.toString(), "too many names are being resolved, try later", e));
        }
        return result;
    }

    private static void lookUp(Multiaddr address, CompletableFuture<List<InetSocketAddress>> result) {
        AddressProtocol kind = address.parts().get(0).protocol();
        String name = address.parts().get(0).value();
        int port = Integer.parseInt(address.parts().get(1).value());
        try {
            List<InetSocketAddress> found = Arrays.stream(InetAddress.getAllByName(name))
                    .filter(ip -> fits(kind, ip))
                    .limit(MAX_RESULTS)
                    .map(ip -> new InetSocketAddress(ip, port))
                    .toList();
            if (found.isEmpty()) {
                throw new UnknownHostException(name);
            }
            result.complete(found);
        } catch (UnknownHostException e) {
            result.completeExceptionally(new PpiofsException(
                    ErrorKind.NOT_CONNECTED, "resolve", address.toString(), "the name has no such address", e));
        }
    }

    private static boolean fits(AddressProtocol kind, InetAddress ip) {
        return switch (kind) {
            case DNS4 -> ip instanceof Inet4Address;
            case DNS6 -> ip instanceof Inet6Address;
            default -> true;
        };
    }

    @Override
    public void close() {
        threads.shutdownNow();
    }
}
