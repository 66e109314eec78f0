package io.ppiofs.overlay.rendezvous;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.ppiofs.overlay.dht.Dht;
import io.ppiofs.overlay.dht.DhtConfig;
import io.ppiofs.overlay.dht.PeerInfo;
import io.ppiofs.overlay.host.Host;
import io.ppiofs.overlay.host.OpenOptions;
import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.host.Scheduler;
import io.ppiofs.overlay.identity.PeerId;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Announces this node as a provider of its network's key in a public DHT, and connects to the others that do. The key is
 * sha2-256 of {@code /ppiofs/NETWORK/rendezvous}. Any thread may call; state is on the host's scheduler.
 */
public final class PublicRendezvous implements AutoCloseable {
    /** The DHT that js-libp2p, go-libp2p and Kubo nodes share. */
    public static final ProtocolId PUBLIC = new ProtocolId("/ipfs/kad/1.0.0");

    private static final Logger LOG = LoggerFactory.getLogger(PublicRendezvous.class);
    private static final Duration FIRST = Duration.ofSeconds(5);
    private static final Duration PERIOD = Duration.ofMinutes(10);
    private static final int MOST = 20;

    private final Host host;
    private final Dht dht;
    private final byte[] key;
    private Scheduler.@Nullable Timer timer;
    private boolean closed;

    /**
     * @param network the network's id
     * @param entry peers of the public DHT to begin with
     */
    public PublicRendezvous(Host host, String network, List<PeerInfo> entry, Random random) {
        this.host = host;
        this.dht = new Dht(host, DhtConfig.forProtocol(PUBLIC).withServer(false).withBootstrap(entry), random);
        this.key = key(network);
    }

    /** The multihash under which members of the network are found. */
    public static byte[] key(String network) {
        try {
            byte[] digest =
                    MessageDigest.getInstance("SHA-256").digest(("/ppiofs/" + network + "/rendezvous").getBytes(UTF_8));
            byte[] multihash = new byte[2 + digest.length];
            multihash[0] = 0x12;
            multihash[1] = (byte) digest.length;
            System.arraycopy(digest, 0, multihash, 2, digest.length);
            return multihash;
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    /** Joins the public DHT, announces this node and looks for others; both again every ten minutes. */
    public void start() {
        dht.start();
        host.scheduler().execute(this::round);
    }

    private void round() {
        if (closed) {
            return;
        }
        meet().whenComplete((met, failure) -> host.scheduler().execute(() -> {
            if (failure != null) {
                LOG.debug("rendezvous: {}", failure.toString());
            }
            if (!closed) {
                boolean alone = failure != null || met == 0;
                timer = host.scheduler().schedule(alone ? FIRST : PERIOD, this::round);
            }
        }));
    }

    /** One announcement and one search now. @return how many members of the network were found beside this node */
    public CompletableFuture<Integer> meet() {
        return dht.bootstrap()
                .thenCompose(peers -> dht.provide(key))
                .thenCompose(told -> dht.findProviders(key, MOST))
                .thenApply(found -> {
                    List<PeerId> others = found.stream()
                            .map(PeerInfo::id)
                            .filter(peer -> !peer.equals(host.id()))
                            .toList();
                    others.forEach(this::connect);
                    return others.size();
                });
    }

    private void connect(PeerId peer) {
        host.connect(peer, OpenOptions.DEFAULT).whenComplete((connection, failure) -> {
            if (failure != null) {
                LOG.debug("rendezvous with {}: {}", peer, failure.toString());
            }
        });
    }

    @Override
    public void close() {
        host.scheduler().execute(() -> {
            closed = true;
            Scheduler.Timer old = timer;
            if (old != null) {
                old.cancel();
            }
        });
        dht.close();
    }
}
