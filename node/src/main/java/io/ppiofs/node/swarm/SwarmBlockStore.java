package io.ppiofs.node.swarm;

import io.ppiofs.blockstore.BlockStore;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The blocks of one volume: those of this machine's store first, then those that peers hold. What comes from a peer is
 * checked against its CID by who fetches it, and kept in the local store. Blocks that are put go to the local store and
 * are told to the backlog. Thread-safe.
 *
 * <p>Cost over the local store: nothing for a block that is here; for another one a lookup in the placement index, a fetch
 * of the whole block, and one write into the local store by another thread ({@link FetchedBlocks}). From slow peers the blocks that
 * follow a reader come before it asks ({@link BlocksAhead}).
 */
final class SwarmBlockStore implements BlockStore {
    /** Brings blocks from peers. */
    interface Remote {
        /**
         * The stored forms that could be had, each checked against its CID; a block that no reachable peer has is missing
         * in the answer. Returns within a bounded time.
         *
         * @throws io.ppiofs.error.PpiofsException INTERRUPTED
         */
        Map<Cid, ByteBuffer> fetch(List<Cid> cids);

        /** Whether some peer is recorded to hold the block. */
        boolean isPlaced(Cid cid);
    }

    private static final Logger LOG = LoggerFactory.getLogger(SwarmBlockStore.class);

    /** What is read ahead must not drive out what is read: so small a share of the local cache's limit. */
    private static final int SHARE_AHEAD = 4;

    private final BlockStore local;
    private final Remote remote;
    private final @Nullable Backlog backlog;
    private final FetchedBlocks fetched;
    /** Blocks that a reader is fetching. */
    private final Map<Cid, CompletableFuture<@Nullable ByteBuffer>> fetching = new ConcurrentHashMap<>();

    private volatile @Nullable LocalCache cache;
    private volatile @Nullable GroupSweeper sweeper;
    private volatile @Nullable BlocksAhead ahead;

    /**
     * @param name of the volume
     * @param backlog hears of blocks that are put; null for a volume that is only read
     */
    SwarmBlockStore(String name, BlockStore local, Remote remote, @Nullable Backlog backlog) {
        this.local = local;
        this.remote = remote;
        this.backlog = backlog;
        this.fetched = new FetchedBlocks(name, blocks -> keep(blocks, local::putCold));
    }

    /** From now on it hears of what comes into the local store and of what is read. */
    void limitedBy(LocalCache limit) {
        cache = limit;
    }

    /** From now on it hears of every block that is put, before it is stored. */
    void sweptBy(GroupSweeper groups) {
        sweeper = groups;
    }

    /** From now on blocks come before they are read, where that pays. */
    void readsAheadFrom(BlocksAhead.Source source) {
        ahead = new BlocksAhead(
                source,
                cid -> fetched.get(cid) != null || local.length(cid) >= 0,
                (cid, bytes) -> fetched.add(Map.of(cid, bytes)),
                System::nanoTime);
    }

    @Override
    public int readAhead() {
        BlocksAhead blocks = ahead;
        int window = blocks == null ? 0 : blocks.window();
        LocalCache limit = cache;
        return window == 0 || limit == null ? window : (int) Math.min(window, limit.limit() / SHARE_AHEAD);
    }

    @Override
    public void expect(long reader, List<Cid> next, boolean anew) {
        BlocksAhead blocks = ahead;
        if (blocks != null) {
            blocks.expect(reader, next, anew);
        }
    }

    private void touch(Cid cid) {
        LocalCache limit = cache;
        if (limit != null) {
            limit.touch(cid);
        }
    }

    /** Into the local store, by one of its two ways. */
    private void keep(List<StoredBlock> blocks, Consumer<List<StoredBlock>> way) {
        LocalCache limit = cache;
        if (limit == null) {
            way.accept(blocks);
            return;
        }
        long fresh = 0;
        for (StoredBlock block : blocks) {
            fresh += local.length(block.cid()) < 0 ? block.bytes().remaining() : 0;
        }
        way.accept(blocks);
        blocks.forEach(block -> limit.touch(block.cid()));
        limit.added(fresh);
    }

    @Override
    public void put(List<StoredBlock> blocks) {
        GroupSweeper hears = sweeper;
        if (hears != null) {
            hears.put(blocks);
        }
        keep(blocks, local::put);
        if (backlog != null) {
            List<Cid> fresh = new ArrayList<>(blocks.size());
            for (StoredBlock block : blocks) {
                if (!remote.isPlaced(block.cid())) {
                    fresh.add(block.cid());
                }
            }
            backlog.add(fresh);
        }
    }

    @Override
    public BitSet has(List<Cid> cids) {
        BitSet here = local.has(cids);
        for (int i = here.nextClearBit(0); i < cids.size(); i = here.nextClearBit(i + 1)) {
            if (remote.isPlaced(cids.get(i))) {
                here.set(i);
            }
        }
        return here;
    }

    @Override
    public List<@Nullable ByteBuffer> get(List<Cid> cids) {
        List<@Nullable ByteBuffer> blocks = new ArrayList<>(local.get(cids));
        List<Cid> missing = new ArrayList<>();
        for (int i = 0; i < cids.size(); i++) {
            if (blocks.get(i) == null) {
                missing.add(cids.get(i));
            }
        }
        if (missing.isEmpty()) {
            return blocks;
        }
        Map<Cid, ByteBuffer> come = fetch(missing);
        for (int i = 0; i < cids.size(); i++) {
            ByteBuffer bytes = come.get(cids.get(i));
            if (blocks.get(i) == null && bytes != null) {
                blocks.set(i, bytes.duplicate());
            }
        }
        return blocks;
    }

    /** Blocks that the local store did not have, and will have soon. */
    private Map<Cid, ByteBuffer> fetch(List<Cid> cids) {
        Map<Cid, ByteBuffer> found = new HashMap<>();
        List<Cid> missing = new ArrayList<>();
        for (Cid cid : cids) {
            ByteBuffer here = come(cid);
            if (here == null) {
                missing.add(cid);
            } else {
                found.put(cid, here);
            }
        }
        if (!missing.isEmpty()) {
            Map<Cid, ByteBuffer> come = remote.fetch(missing);
            fetched.add(come);
            found.putAll(come);
        }
        return found;
    }

    /** A block that has come from peers since somebody looked into the local store. */
    private @Nullable ByteBuffer come(Cid cid) {
        ByteBuffer waiting = fetched.get(cid);
        // or it has gone on from there
        return waiting != null ? waiting : local.get(List.of(cid)).get(0);
    }

    /**
     * A block that somebody waits for: one that is on its way already, or else all who read it share one fetch; the kernel
     * reads a block by several requests.
     */
    private @Nullable ByteBuffer fetch(Cid cid) {
        while (true) {
            ByteBuffer here = come(cid);
            BlocksAhead blocks = ahead;
            if (here == null && blocks != null) {
                here = blocks.await(cid);
            }
            if (here != null) {
                return here;
            }
            CompletableFuture<@Nullable ByteBuffer> mine = new CompletableFuture<>();
            CompletableFuture<@Nullable ByteBuffer> other = fetching.putIfAbsent(cid, mine);
            if (other == null) {
                return fetchForAll(cid, mine);
            }
            try {
                ByteBuffer bytes = other.get();
                return bytes == null ? null : bytes.duplicate();
            } catch (ExecutionException e) {
                LOG.debug("who fetched block {} did not end: it is fetched again", cid);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new PpiofsException(ErrorKind.INTERRUPTED, "read", "block " + cid, "interrupted", e);
            }
        }
    }

    private @Nullable ByteBuffer fetchForAll(Cid cid, CompletableFuture<@Nullable ByteBuffer> result) {
        try {
            ByteBuffer bytes = come(cid); // the fetch before this one may have ended since the last look
            if (bytes == null) {
                long begun = System.nanoTime();
                Map<Cid, ByteBuffer> come = remote.fetch(List.of(cid));
                fetched.add(come);
                bytes = come.get(cid);
                BlocksAhead blocks = ahead;
                if (bytes == null) {
                    bytes = come(cid); // what was late on its way may have come after all
                } else if (blocks != null) {
                    blocks.waited(System.nanoTime() - begun);
                }
            }
            result.complete(bytes);
            return bytes == null ? null : bytes.duplicate();
        } finally {
            fetching.remove(cid, result);
            // without effect after a result; others must not wait for ever for who was interrupted or had no memory
            result.completeExceptionally(new IllegalStateException("its fetch did not end"));
        }
    }

    @Override
    public int read(Cid cid, long offset, ByteBuffer dst) {
        int n = local.read(cid, offset, dst);
        if (n >= 0) {
            touch(cid);
            return n;
        }
        ByteBuffer whole = fetch(cid);
        if (whole == null) {
            return -1;
        }
        ByteBuffer part = whole.duplicate();
        if (offset >= part.remaining()) {
            return 0;
        }
        part.position(part.position() + (int) offset);
        part.limit(Math.min(part.limit(), part.position() + dst.remaining()));
        int length = part.remaining();
        dst.put(part);
        return length;
    }

    @Override
    public long length(Cid cid) {
        long length = local.length(cid);
        if (length >= 0) {
            return length;
        }
        ByteBuffer whole = fetch(cid);
        return whole == null ? -1 : whole.remaining();
    }

    @Override
    public void delete(Collection<Cid> cids) {
        local.delete(cids);
    }

    @Override
    public void sync() {
        local.sync();
    }

    /** Blocks that were fetched reach the local store, which belongs to the home and stays open. */
    @Override
    public void close() {
        BlocksAhead blocks = ahead;
        if (blocks != null) {
            blocks.close();
        }
        fetched.close();
    }
}
