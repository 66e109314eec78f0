package io.ppiofs.tests.swarm;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.segment.SegmentBlockStore;
import io.ppiofs.blockstore.segment.SegmentOptions;
import io.ppiofs.blockstore.space.SpaceBudget;
import io.ppiofs.overlay.OverlayNode;
import io.ppiofs.overlay.OverlayOptions;
import io.ppiofs.overlay.autonat.Reachability;
import io.ppiofs.overlay.blocks.BlockHost;
import io.ppiofs.overlay.blocks.BlockLimits;
import io.ppiofs.overlay.blocks.BlockServer;
import io.ppiofs.overlay.blocks.BlockSource;
import io.ppiofs.overlay.blocks.Verdict;
import io.ppiofs.overlay.dht.Dht;
import io.ppiofs.overlay.dht.DhtConfig;
import io.ppiofs.overlay.dht.PeerInfo;
import io.ppiofs.overlay.gossip.Gossip;
import io.ppiofs.overlay.gossip.GossipOptions;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.network.Network;
import io.ppiofs.overlay.placement.SlotAddress;
import io.ppiofs.overlay.storage.GrantBook;
import io.ppiofs.overlay.storage.StorageClient;
import io.ppiofs.overlay.storage.StorageDirectory;
import io.ppiofs.overlay.storage.StorageHost;
import io.ppiofs.overlay.storage.StorageOptions;
import io.ppiofs.overlay.storage.StorageServer;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/**
 * An operator on real sockets that takes every order and every block as an honest one does, and cheats where blocks are
 * served. It runs in the test's own process: its code is the product's but for what stands here.
 */
final class HostileOperator implements AutoCloseable {
    /** How it cheats. */
    enum Way {
        /** Every block that it serves has one wrong bit. */
        WRONG_BYTES,
        /** Says on every question that it has its blocks, and never gives one. */
        HOLLOW,
        /** Serves and takes a byte now and then. */
        SLOW,
        /** Says that it has a thousand times the space that it has. */
        NO_SPACE
    }

    private static final SecureRandom RANDOM = new SecureRandom();
    private static final long SPACE = 4L << 30;

    /** So many that one that dawdles still answers small questions at once. */
    private static final int THREADS = 16;

    private final Way way;
    private final OverlayNode node;
    private final Dht dht;
    private final Gossip gossip;
    private final StorageDirectory directory;
    private final SpaceBudget budget;
    private final StorageHost storage;
    private final StorageServer server;
    private final BlockServer blocks;
    private final ExecutorService work = Executors.newFixedThreadPool(2);
    private final AtomicLong cheated = new AtomicLong();
    private final AtomicBoolean closed = new AtomicBoolean();

    private HostileOperator(Way way, Path home, List<Multiaddr> bootstrap) {
        this.way = way;
        Network network = Network.PUBLIC;
        node = new OverlayNode(OverlayOptions.builder(IdentityKey.generate(RANDOM))
                .network(network.id().toString())
                .listen(List.of(Multiaddr.parse("/ip4/127.0.0.1/tcp/0")))
                .bootstrap(bootstrap, 2)
                .build());
        dht = new Dht(
                node.host(),
                DhtConfig.forProtocol(network.kad())
                        .withServer(true)
                        .withBootstrap(bootstrap.stream()
                                .map(address ->
                                        new PeerInfo(address.peer().orElseThrow(), List.of(address.withoutPeer())))
                                .toList()),
                RANDOM);
        gossip = new Gossip(node.host(), GossipOptions.DEFAULT, node.signedRecords(), work, RANDOM);
        directory = new StorageDirectory(node.host(), new StorageClient(node.host(), network), gossip, dht);
        budget = SpaceBudget.open(home, Long.MAX_VALUE);
        storage = StorageHost.open(
                home,
                node.host().key(),
                network.id(),
                StorageOptions.of(way == Way.NO_SPACE ? 1_000 * SPACE : SPACE),
                SegmentBlockStore.open(home.resolve("blocks"), SegmentOptions.defaults(), budget),
                System::currentTimeMillis);
        storage.grants().setOpen(new GrantBook.OpenMode(SPACE, SPACE));
        server = new StorageServer(node.host(), network, storage, work, () -> Reachability.UNKNOWN, peer -> 0);
        blocks = new BlockServer(node.host(), network.blocks(), new Cheat(), BlockLimits.DEFAULT, THREADS);
    }

    /** Starts one that everybody hears of. */
    static HostileOperator start(Way way, Path home, List<String> bootstrap) {
        HostileOperator operator = new HostileOperator(
                way, home, bootstrap.stream().map(Multiaddr::parse).toList());
        operator.server.serve();
        operator.blocks.serve();
        operator.node.start().orTimeout(60, TimeUnit.SECONDS).join();
        operator.dht.start();
        operator.gossip.start();
        operator.directory.advertise(operator.server::advert);
        return operator;
    }

    PeerId id() {
        return node.host().id();
    }

    /** How often it had the occasion to cheat. */
    long cheated() {
        return cheated.get();
    }

    private final class Cheat implements BlockHost {
        @Override
        public BitSet has(PeerId asker, List<Cid> cids) {
            return storage.has(asker, cids);
        }

        @Override
        public BlockSource open(PeerId asker, Cid cid) {
            if (way == Way.HOLLOW) {
                cheated.incrementAndGet();
                return null; // as if it kept nothing but its books
            }
            BlockSource honest = storage.open(asker, cid);
            return honest == null || way == Way.NO_SPACE ? honest : new Source(honest);
        }

        @Override
        public Verdict admit(PeerId asker, PeerId tenant, SlotAddress slot, Cid cid, int length) {
            if (way == Way.NO_SPACE && length > 0) {
                cheated.incrementAndGet();
                return Verdict.noSpace("the disk is full after all");
            }
            pause();
            return storage.admit(asker, tenant, slot, cid, length);
        }

        @Override
        public Verdict store(PeerId asker, PeerId tenant, SlotAddress slot, Cid cid, ByteBuffer bytes) {
            pause();
            return storage.store(asker, tenant, slot, cid, bytes);
        }

        @Override
        public void durable() {
            storage.durable();
        }

        private void pause() {
            if (way == Way.SLOW) {
                cheated.incrementAndGet();
                sleep(5_000);
            }
        }
    }

    private final class Source implements BlockSource {
        private final BlockSource honest;

        Source(BlockSource honest) {
            this.honest = honest;
        }

        @Override
        public int length() {
            return honest.length();
        }

        @Override
        public void read(int offset, ByteBuffer into) {
            int start = into.position();
            honest.read(offset, into);
            cheated.incrementAndGet();
            if (way == Way.SLOW) {
                sleep(5_000);
            } else {
                into.put(start, (byte) (into.get(start) ^ 1));
            }
        }

        @Override
        public void close() {
            honest.close();
        }
    }

    private void sleep(long millis) {
        try {
            TimeUnit.MILLISECONDS.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Idempotent. */
    @Override
    public void close() {
        if (closed.getAndSet(true)) {
            return;
        }
        directory.close();
        server.close();
        blocks.close();
        gossip.close();
        dht.close();
        node.close();
        work.shutdownNow();
        storage.close();
        budget.close();
    }
}
