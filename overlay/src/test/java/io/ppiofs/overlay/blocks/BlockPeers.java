package io.ppiofs.overlay.blocks;

import io.ppiofs.overlay.OverlayNode;
import io.ppiofs.overlay.OverlayOptions;
import io.ppiofs.overlay.host.AddressBook;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.network.Network;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/** Real nodes on loopback that exchange blocks; close it after the test. */
public final class BlockPeers implements AutoCloseable {
    public static final ProtocolId PROTOCOL = Network.PUBLIC.blocks();

    private final List<AutoCloseable> open = new ArrayList<>();
    private final ExecutorService executor = Executors.newCachedThreadPool();

    /** A node that serves nothing yet. */
    public OverlayNode node() {
        OverlayNode node = new OverlayNode(OverlayOptions.builder(IdentityKey.generate(new SecureRandom()))
                .listen(List.of(Multiaddr.parse("/ip4/127.0.0.1/tcp/0")))
                .privateAddresses(true)
                .build());
        open.add(node);
        get(node.start());
        return node;
    }

    public OverlayNode serving(BlockHost blocks, BlockLimits limits) {
        OverlayNode node = node();
        server(node, blocks, limits);
        return node;
    }

    public BlockServer server(OverlayNode node, BlockHost blocks, BlockLimits limits) {
        BlockServer server = new BlockServer(node.host(), PROTOCOL, blocks, limits, 2);
        open.add(server);
        server.serve();
        return server;
    }

    public ClientOptions options() {
        return ClientOptions.on(executor);
    }

    /** A client on {@code node} that knows where the others are. */
    public StreamBlockClient client(OverlayNode node, ClientOptions options, OverlayNode... others) {
        for (OverlayNode other : others) {
            knows(node, other);
        }
        StreamBlockClient client = new StreamBlockClient(node.host(), PROTOCOL, options);
        open.add(client);
        return client;
    }

    public StreamBlockClient client(OverlayNode... others) {
        return client(node(), options(), others);
    }

    public static void knows(OverlayNode node, OverlayNode other) {
        List<Multiaddr> addresses = other.host().addresses();
        node.host().addressBook().addAddresses(other.host().id(), addresses, AddressBook.CONFIRMED);
    }

    public static PeerId id(OverlayNode node) {
        return node.host().id();
    }

    public static <T> T get(CompletableFuture<T> future) {
        try {
            return future.get(60, TimeUnit.SECONDS);
        } catch (java.util.concurrent.ExecutionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw new AssertionError(e);
        } catch (InterruptedException | java.util.concurrent.TimeoutException e) {
            throw new AssertionError("not done in 60 s", e);
        }
    }

    @Override
    public void close() throws Exception {
        for (int i = open.size() - 1; i >= 0; i--) {
            open.get(i).close();
        }
        executor.shutdown();
        if (!executor.awaitTermination(20, TimeUnit.SECONDS)) {
            throw new AssertionError("a sink has not returned");
        }
    }
}
