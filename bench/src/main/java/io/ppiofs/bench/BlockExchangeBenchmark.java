package io.ppiofs.bench;

import io.ppiofs.blockstore.BlockStore.StoredBlock;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.overlay.OverlayNode;
import io.ppiofs.overlay.OverlayOptions;
import io.ppiofs.overlay.blocks.BlockClient;
import io.ppiofs.overlay.blocks.BlockHost;
import io.ppiofs.overlay.blocks.BlockLimits;
import io.ppiofs.overlay.blocks.BlockServer;
import io.ppiofs.overlay.blocks.BlockSource;
import io.ppiofs.overlay.blocks.ClientOptions;
import io.ppiofs.overlay.blocks.Priority;
import io.ppiofs.overlay.blocks.StreamBlockClient;
import io.ppiofs.overlay.blocks.Verdict;
import io.ppiofs.overlay.host.AddressBook;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import io.ppiofs.overlay.network.Network;
import io.ppiofs.overlay.placement.GroupId;
import io.ppiofs.overlay.placement.SlotAddress;
import io.ppiofs.overlay.transport.Security;
import io.ppiofs.overlay.transport.TransportOptions;
import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** 64 blocks of 1 MiB between two nodes on loopback: over a bare stream, got and put by the block protocol (which hashes each byte). */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@SuppressWarnings("NullAway.Init") // JMH calls the set-up before anything else
public class BlockExchangeBenchmark {
    private static final int BLOCK = 1 << 20;
    private static final long TIMEOUT_SECONDS = 60;

    /** How the bytes travel. */
    public enum Way {
        BARE_STREAM,
        GET,
        PUT
    }

    @Param
    public Way way;

    @Param("67108864")
    public int size;

    private final List<AutoCloseable> open = new ArrayList<>();
    private final Map<Cid, ByteBuffer> blocks = new HashMap<>();
    private final List<StoredBlock> all = new ArrayList<>();
    private LoopbackTransfer.Muxed bare;
    private BlockClient client;
    private PeerId server;
    private SlotAddress slot;

    /** Blocks in memory; takes everything and keeps nothing. */
    private final class Memory implements BlockHost {
        @Override
        public BitSet has(PeerId asker, List<Cid> cids) {
            return new BitSet();
        }

        @Override
        public @Nullable BlockSource open(PeerId asker, Cid cid) {
            ByteBuffer bytes = blocks.get(cid);
            return bytes == null
                    ? null
                    : new BlockSource() {
                        @Override
                        public int length() {
                            return bytes.remaining();
                        }

                        @Override
                        public void read(int offset, ByteBuffer into) {
                            into.put(bytes.slice(offset, into.remaining()));
                        }
                    };
        }

        @Override
        public @Nullable Verdict admit(PeerId asker, PeerId tenant, SlotAddress to, Cid cid, int length) {
            return null;
        }

        @Override
        public Verdict store(PeerId asker, PeerId tenant, SlotAddress to, Cid cid, ByteBuffer bytes) {
            return Verdict.STORED;
        }

        @Override
        public void durable() {
            // memory is as durable as it gets
        }
    }

    private OverlayNode node() throws Exception {
        OverlayNode node = new OverlayNode(OverlayOptions.builder(IdentityKey.generate(new SecureRandom()))
                .listen(List.of(Multiaddr.parse("/ip4/127.0.0.1/tcp/0")))
                .privateAddresses(true)
                .build());
        open.add(node);
        node.start().get(TIMEOUT_SECONDS, TimeUnit.SECONDS);
        return node;
    }

    @Setup
    public void setUp() throws Exception {
        if (way == Way.BARE_STREAM) {
            bare = LoopbackTransfer.Muxed.tcp(TransportOptions.DEFAULT.withSecurities(Security.TLS));
            open.add(bare);
            return;
        }
        for (int i = 0; i < size / BLOCK; i++) {
            ByteBuffer bytes = ByteBuffer.allocateDirect(BLOCK)
                    .put(Content.INCOMPRESSIBLE.bytes(BLOCK, i))
                    .flip();
            Cid cid = Cid.of(bytes);
            blocks.put(cid, bytes);
            all.add(new StoredBlock(cid, bytes));
        }
        OverlayNode serving = node();
        OverlayNode asking = node();
        server = serving.host().id();
        asking.host().addressBook().addAddresses(server, serving.host().addresses(), AddressBook.CONFIRMED);
        BlockServer blockServer =
                new BlockServer(serving.host(), Network.PUBLIC.blocks(), new Memory(), BlockLimits.DEFAULT, 2);
        open.add(blockServer);
        blockServer.serve();
        ExecutorService executor = Executors.newFixedThreadPool(2);
        open.add(executor::shutdown);
        client = new StreamBlockClient(asking.host(), Network.PUBLIC.blocks(), ClientOptions.on(executor));
        open.add(client);
        slot = new SlotAddress(GroupId.random(new SecureRandom()), 0, 1);
    }

    @Benchmark
    public long transfer() throws Exception {
        return switch (way) {
            case BARE_STREAM -> bare.transfer(size);
            case GET -> get();
            case PUT ->
                client.put(server, server, slot, all, Priority.DRAIN)
                        .get(TIMEOUT_SECONDS, TimeUnit.SECONDS)
                        .size();
        };
    }

    private long get() throws Exception {
        AtomicLong bytes = new AtomicLong();
        client.get(
                        server,
                        all.stream().map(StoredBlock::cid).toList(),
                        Priority.FOREGROUND,
                        (index, cid, block) -> bytes.addAndGet(block.remaining()))
                .done()
                .get(TIMEOUT_SECONDS, TimeUnit.SECONDS);
        if (bytes.get() != size) {
            throw new IllegalStateException(bytes + " bytes came");
        }
        return bytes.get();
    }

    @TearDown
    public void tearDown() throws Exception {
        for (int i = open.size() - 1; i >= 0; i--) {
            open.get(i).close();
        }
    }
}
