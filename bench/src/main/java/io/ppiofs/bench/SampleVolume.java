package io.ppiofs.bench;

import io.ppiofs.blockstore.BlockStore;
import io.ppiofs.blockstore.sealed.SealedBlocks;
import io.ppiofs.blockstore.sealed.SealedOptions;
import io.ppiofs.blockstore.segment.SegmentBlockStore;
import io.ppiofs.blockstore.segment.SegmentOptions;
import io.ppiofs.blockstore.space.SpaceBudget;
import io.ppiofs.fs.core.Attr;
import io.ppiofs.fs.core.Caller;
import io.ppiofs.fs.core.CheckpointStore;
import io.ppiofs.fs.core.CoreOptions;
import io.ppiofs.fs.core.CoreVolume;
import io.ppiofs.fs.core.FileName;
import io.ppiofs.fs.core.FileSystemCore;
import io.ppiofs.fs.core.Ino;
import io.ppiofs.fs.core.OpenFlags;
import io.ppiofs.fs.core.SpaceAccount;
import io.ppiofs.fs.core.VolumeFileSystem;
import io.ppiofs.fs.tree.SipHash;
import io.ppiofs.fs.volume.HybridLogicalClock;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Map;

/** The core over segments and a journal on disk with default options; heads are kept in memory, room is not counted. */
public final class SampleVolume implements Closeable {
    private static final OpenFlags READ_WRITE = OpenFlags.ofLinux(2);

    private final BlockStore store;
    private final SpaceBudget budget;
    private final FileSystemCore core;

    /** @param directory exists and is empty */
    public SampleVolume(Path directory) {
        budget = SpaceBudget.open(directory.resolve("blocks"), Long.MAX_VALUE);
        store = SegmentBlockStore.open(directory.resolve("blocks"), SegmentOptions.defaults(), budget);
        SealedBlocks blocks = new SealedBlocks(store, new FixedKeys(), SealedOptions.defaults());
        CoreVolume volume = new CoreVolume(
                "bench",
                blocks,
                new SipHash(new byte[16]),
                new SipHash(new byte[16]),
                directory.resolve("journal"),
                new byte[32],
                new MemoryCheckpoints(),
                new HybridLogicalClock(InstantSource.system(), 0),
                0,
                new Unbounded());
        core = VolumeFileSystem.open(volume, CoreOptions.defaults(), Map.of());
    }

    public FileSystemCore core() {
        return core;
    }

    public Ino directory(String name) {
        return core.mkdir(Caller.ROOT, Ino.ROOT, FileName.of(name), 0755).ino();
    }

    /** What the kernel asks for when a program creates, writes and closes a file, and later forgets it. */
    public Ino createWriteClose(Ino parent, FileName name, byte[] content) {
        FileSystemCore.Created created = core.create(Caller.ROOT, parent, name, 0644, READ_WRITE);
        Attr attr = created.attr();
        core.write(created.file(), 0, ByteBuffer.wrap(content));
        core.flush(created.file());
        core.release(created.file());
        core.forget(attr.ino(), 1);
        return attr.ino();
    }

    @Override
    public void close() throws IOException {
        core.close();
        store.close();
        budget.close();
    }

    private static final class MemoryCheckpoints implements CheckpointStore {
        private Checkpoint last = new Checkpoint(null, 0, 2, 0);

        @Override
        public synchronized Checkpoint load() {
            return last;
        }

        @Override
        public synchronized void save(Checkpoint checkpoint) {
            last = checkpoint;
        }
    }

    private static final class Unbounded implements SpaceAccount {
        @Override
        public void reserve(long bytes) {}

        @Override
        public void charge(long bytes) {}

        @Override
        public void release(long bytes) {}

        @Override
        public boolean relieve() {
            return false;
        }

        @Override
        public long totalBytes() {
            return Long.MAX_VALUE;
        }

        @Override
        public long availableBytes() {
            return Long.MAX_VALUE;
        }
    }
}
