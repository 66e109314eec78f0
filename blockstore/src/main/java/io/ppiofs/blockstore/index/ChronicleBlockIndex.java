package io.ppiofs.blockstore.index;

import io.ppiofs.blockstore.Cid;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * The index in Chronicle Map files, sharded by the first bits of the CID. The caller says which shard files it trusts
 * (see {@link #fileIn}); the others are made anew and must be filled again. First use in a process takes 0.3–2 s
 * because Chronicle sets itself up: open it in the background.
 */
public final class ChronicleBlockIndex implements BlockIndex {
    /** Shards. A power of two; changing it makes older index files worthless, not wrong. */
    public static final int SHARDS = 4;

    private final List<ChronicleShard> shards;

    private ChronicleBlockIndex(List<ChronicleShard> shards) {
        this.shards = shards;
    }

    /**
     * @param directory exists
     * @param trusted shards whose files are known to be as their last close left them; others are deleted first
     * @param entriesPerShard first capacity of a new shard; it grows by itself
     * @param background runs the copy to a bigger map; one thread is enough
     */
    public static ChronicleBlockIndex open(Path directory, BitSet trusted, long entriesPerShard, Executor background)
            throws IOException {
        for (int i = 0; i < SHARDS; i++) {
            if (!trusted.get(i) || fileIn(directory, i) == null) {
                for (Path file : ChronicleShard.filesIn(directory, i)) {
                    Files.delete(file); // all first: their space is needed
                }
            }
        }
        List<ChronicleShard> opened = new ArrayList<>();
        try {
            for (int i = 0; i < SHARDS; i++) {
                opened.add(ChronicleShard.open(directory, i, entriesPerShard, background));
            }
            return new ChronicleBlockIndex(List.copyOf(opened));
        } catch (IOException | RuntimeException e) {
            opened.forEach(ChronicleShard::close);
            throw e;
        }
    }

    /** The file of one shard as a clean close leaves it, or null if there is no such file. */
    public static @Nullable Path fileIn(Path directory, int shard) throws IOException {
        return ChronicleShard.fileIn(directory, shard);
    }

    /** The shard that a block belongs to. */
    public static int shardOf(Cid cid) {
        return (int) (cid.word(0) >>> 62);
    }

    private ChronicleShard shard(Cid cid) {
        return shards.get(shardOf(cid));
    }

    @Override
    public @Nullable Location get(Cid cid) {
        return shard(cid).get(cid);
    }

    @Override
    public void put(Cid cid, Location location) {
        shard(cid).put(cid, location);
    }

    @Override
    public void remove(Cid cid) {
        shard(cid).remove(cid);
    }

    @Override
    public long size() {
        return shards.stream().mapToLong(ChronicleShard::size).sum();
    }

    /** Gives growth under way up, so that the background is free soon; call before closing. */
    public void stopGrowing() {
        shards.forEach(ChronicleShard::stopGrowing);
    }

    @Override
    public void close() {
        shards.forEach(ChronicleShard::close);
    }
}
