package io.ppiofs.fs.testing;

import io.ppiofs.blockstore.BlockKey;
import io.ppiofs.blockstore.BlockRef;
import io.ppiofs.blockstore.BlockType;
import io.ppiofs.blockstore.Blocks;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.UnaryOperator;

/**
 * Blocks in a map, named by the SHA-256 of type and plaintext (no encryption: the "key" is the digest again).
 * Thread-safe. Counts calls; {@link #powerCut} forgets what was not synced; {@link #corrupt} changes bytes in place.
 */
public final class InMemoryBlocks implements Blocks {
    private static final int BLOCK_SIZE = 1 << 20;

    private record Stored(BlockType type, byte[] bytes) {}

    private final ConcurrentHashMap<Cid, Stored> blocks = new ConcurrentHashMap<>();
    private final Set<Cid> unsynced = ConcurrentHashMap.newKeySet();
    private final AtomicLong writes = new AtomicLong();
    private final AtomicLong writtenBytes = new AtomicLong();
    private final AtomicLong reads = new AtomicLong();
    private final AtomicLong syncs = new AtomicLong();

    private volatile RuntimeException writeFailure;

    /** From now on every write fails so; null: no more. */
    public void failWrites(RuntimeException failure) {
        writeFailure = failure;
    }

    @Override
    public BlockRef write(BlockType type, ByteBuffer plaintext) {
        if (writeFailure != null) {
            throw writeFailure;
        }
        if (plaintext.remaining() > BLOCK_SIZE) {
            throw new IllegalArgumentException("block of " + plaintext.remaining() + " bytes");
        }
        byte[] bytes = new byte[plaintext.remaining()];
        plaintext.get(bytes);
        byte[] digest = digest(type, bytes);
        Cid cid = Cid.ofDigest(digest);
        writes.incrementAndGet();
        writtenBytes.addAndGet(bytes.length);
        if (blocks.putIfAbsent(cid, new Stored(type, bytes)) == null) {
            unsynced.add(cid);
        }
        return new BlockRef(cid, BlockKey.of(digest), bytes.length, 0, 0);
    }

    @Override
    public void read(BlockType type, BlockRef ref, int offset, ByteBuffer dst) {
        reads.incrementAndGet();
        Stored stored = blocks.get(ref.cid());
        if (stored == null) {
            throw PpiofsException.expected(ErrorKind.MISSING_BLOCK, "read", ref.toString());
        }
        boolean authentic =
                stored.type == type && ref.key().equals(BlockKey.of(ref.cid().digest()));
        if (!authentic || offset < 0 || offset + dst.remaining() > stored.bytes.length) {
            throw new PpiofsException(ErrorKind.CORRUPT, "read", ref.toString(), "not what was sealed");
        }
        dst.put(stored.bytes, offset, dst.remaining());
    }

    @Override
    public void sync() {
        syncs.incrementAndGet();
        // Only what is in the set now: a write that races with this call may or may not be covered.
        unsynced.removeAll(List.copyOf(unsynced));
    }

    @Override
    public int blockSize() {
        return BLOCK_SIZE;
    }

    /** As stored here: the plaintext. */
    public long storedLength(BlockRef ref) {
        if (!blocks.containsKey(ref.cid())) {
            throw PpiofsException.expected(ErrorKind.MISSING_BLOCK, "find", ref.toString());
        }
        return ref.length();
    }

    /** Without compression, frames and padding a block costs its plaintext. */
    public long worstCaseCost(int plaintextLength) {
        return plaintextLength;
    }

    /** Forgets every block that was not synced. Returns how many. */
    public int powerCut() {
        List<Cid> lost = new ArrayList<>(unsynced);
        lost.forEach(blocks::remove);
        unsynced.clear();
        return lost.size();
    }

    /** Replaces a block's plaintext under its old name, as if the sealing layer had been fooled. */
    public void corrupt(BlockRef ref, UnaryOperator<byte[]> change) {
        blocks.computeIfPresent(ref.cid(), (cid, s) -> new Stored(s.type, change.apply(s.bytes.clone())));
    }

    public void remove(BlockRef ref) {
        blocks.remove(ref.cid());
    }

    public boolean contains(BlockRef ref) {
        return blocks.containsKey(ref.cid());
    }

    public int blockCount() {
        return blocks.size();
    }

    public int unsyncedCount() {
        return unsynced.size();
    }

    public long writes() {
        return writes.get();
    }

    public long writtenBytes() {
        return writtenBytes.get();
    }

    public long reads() {
        return reads.get();
    }

    public long syncs() {
        return syncs.get();
    }

    private static byte[] digest(BlockType type, byte[] bytes) {
        try {
            MessageDigest sha = MessageDigest.getInstance("SHA-256");
            sha.update((byte) type.code());
            return sha.digest(bytes);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}
