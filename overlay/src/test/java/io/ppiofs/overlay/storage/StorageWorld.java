package io.ppiofs.overlay.storage;

import io.ppiofs.blockstore.BlockStore.StoredBlock;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.MemoryBlockStore;
import io.ppiofs.blockstore.erasure.Scheme;
import io.ppiofs.overlay.autonat.Reachability;
import io.ppiofs.overlay.identity.IdentityKey;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.network.Network;
import io.ppiofs.overlay.placement.GroupId;
import io.ppiofs.overlay.placement.Inventory;
import io.ppiofs.overlay.placement.SlotAddress;
import io.ppiofs.overlay.placement.SlotTable;
import io.ppiofs.overlay.placement.TableChain;
import io.ppiofs.overlay.sim.SimHost;
import io.ppiofs.overlay.sim.SimNetwork;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;

/** Operators and a tenant on a simulated network. */
public final class StorageWorld implements AutoCloseable {
    public static final Duration LIMIT = Duration.ofMinutes(5);
    private static final SecureRandom SECRETS = new SecureRandom();

    /** An operator; what it keeps outlives a crash. */
    public static final class Operator {
        public final SimHost host;
        private final StorageOptions options;
        private Path directory;
        public MemoryBlockStore blocks = new MemoryBlockStore();
        public StorageHost storage;
        public StorageServer server;
        public StorageClient client;

        Operator(SimHost host, Path directory, StorageOptions options) {
            this.host = host;
            this.directory = directory;
            this.options = options;
            boot();
        }

        private void boot() {
            storage = StorageHost.open(
                    directory,
                    host.key(),
                    Network.PUBLIC.id(),
                    options,
                    blocks,
                    () -> host.scheduler().wallMillis());
            server = new StorageServer(
                    host, Network.PUBLIC, storage, Runnable::run, () -> Reachability.PUBLIC, peer -> 0);
            client = new StorageClient(host, Network.PUBLIC);
            server.serve();
        }

        public PeerId id() {
            return host.id();
        }

        public Path directory() {
            return directory;
        }

        public void crash() {
            host.crash();
            server.close();
            storage.close();
        }

        public void restart() {
            host.restart();
            boot();
        }

        /** While it is down: what it kept is lost. */
        public void wipe() {
            directory = directory.resolveSibling(directory.getFileName() + "x");
            blocks = new MemoryBlockStore();
        }
    }

    public final SimNetwork net;
    public final List<Operator> operators = new ArrayList<>();
    public final SimHost writer;
    public final StorageClient client;
    public final IdentityKey tenant = IdentityKey.generate(SECRETS);
    private final Path directory;
    private final Random random;
    private long sequence = 1;

    public StorageWorld(long seed, Path directory) {
        this.net = new SimNetwork(seed);
        this.random = new Random(seed);
        this.directory = directory;
        this.writer = net.addHost();
        this.client = new StorageClient(writer, Network.PUBLIC);
    }

    public Operator add(StorageOptions options) {
        SimHost host = net.addHost();
        Operator operator = new Operator(host, directory.resolve("node" + host.index()), options);
        for (SimHost other : net.hosts()) {
            other.knows(host);
            host.knows(other);
        }
        operators.add(operator);
        return operator;
    }

    public <T> T await(CompletableFuture<T> future) {
        return net.await(future, LIMIT);
    }

    public List<StoredBlock> blocks(int count, int bytes) {
        List<StoredBlock> made = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            byte[] content = new byte[bytes];
            random.nextBytes(content);
            ByteBuffer buffer = ByteBuffer.wrap(content);
            made.add(new StoredBlock(Cid.of(buffer.duplicate()), buffer));
        }
        return made;
    }

    public LeaseOrder.Signed order(GroupId group, int slot, long maxBytes) {
        return new LeaseOrder(
                        tenant.peerId(),
                        new SlotAddress(group, slot, 1),
                        sequence++,
                        List.of(writer.id()),
                        maxBytes,
                        LeaseOrder.USUAL)
                .sign(tenant, Network.PUBLIC.id());
    }

    public RepairMandate.Signed mandate(long maxBytes) {
        return new RepairMandate(tenant.peerId(), 1, maxBytes, Duration.ofDays(90)).sign(tenant, Network.PUBLIC.id());
    }

    /** Leases, puts, closes: a closed group of whole copies at these operators. */
    public TableChain closedGroup(List<StoredBlock> blocks, List<Operator> holders) {
        GroupId group = GroupId.random(SECRETS);
        List<Inventory.Entry> entries = new ArrayList<>();
        blocks.forEach(b -> entries.add(new Inventory.Entry(b.cid(), b.bytes().remaining())));
        Inventory inventory = new Inventory(Scheme.copies(holders.size()), entries);
        List<List<StoredBlock>> slots = new ArrayList<>();
        holders.forEach(holder -> slots.add(blocks));
        return closedGroup(group, inventory, slots, holders);
    }

    /** The same with what goes into each slot. */
    public TableChain closedGroup(
            GroupId group, Inventory contents, List<List<StoredBlock>> slots, List<Operator> holders) {
        ByteBuffer inventory = ByteBuffer.wrap(contents.encode());
        for (int i = 0; i < holders.size(); i++) {
            Operator holder = holders.get(i);
            await(client.lease(holder.id(), order(group, i, 1 << 30), null, mandate(1 << 30)));
            SlotAddress slot = new SlotAddress(group, i, 1);
            List<StoredBlock> all = new ArrayList<>(slots.get(i));
            all.add(new StoredBlock(Cid.of(inventory.duplicate()), inventory));
            for (StoredBlock block : all) {
                if (holder.storage.admit(
                                writer.id(),
                                tenant.peerId(),
                                slot,
                                block.cid(),
                                block.bytes().remaining())
                        == null) {
                    holder.storage.store(
                            writer.id(),
                            tenant.peerId(),
                            slot,
                            block.cid(),
                            block.bytes().duplicate());
                }
            }
            holder.storage.durable();
        }
        SlotTable table = new SlotTable(
                tenant.peerId(),
                group,
                1,
                contents.scheme(),
                SlotTable.State.CLOSED,
                holders.stream().map(Operator::id).toList(),
                Cid.of(inventory.duplicate()));
        TableChain chain = TableChain.of(table.sign(tenant, Network.PUBLIC.id()));
        holders.forEach(holder -> await(client.tell(holder.id(), chain)));
        return chain;
    }

    @Override
    public void close() {
        operators.stream().filter(operator -> operator.host.isUp()).forEach(operator -> {
            operator.server.close();
            operator.storage.close();
        });
    }
}
