package io.ppiofs.fs.core;

import io.ppiofs.cbor.Cbor;
import io.ppiofs.cbor.CborBytes;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.CborText;
import io.ppiofs.fs.journal.ReplicaSeal;
import io.ppiofs.fs.volume.Dot;
import io.ppiofs.fs.volume.Head;
import io.ppiofs.fs.volume.HeadState;
import io.ppiofs.fs.volume.HeadStore;
import io.ppiofs.fs.volume.HybridLogicalClock;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** Checkpoints as the volume's signed heads. The number of inodes stands in the head's extension {@code files}. */
public final class HeadCheckpoints implements CheckpointStore {
    private static final String FILES = "files";
    private static final String JOURNAL = "journal";

    private final HeadStore heads;
    private final HybridLogicalClock clock;
    private final int writerSlot;

    /** Null: the journal behind the heads is only here. */
    private volatile byte @Nullable [] stream;

    /** @param clock the writer's clock; observes the last head's time */
    public HeadCheckpoints(HeadStore heads, HybridLogicalClock clock, int writerSlot) {
        this.heads = heads;
        this.clock = clock;
        this.writerSlot = writerSlot;
    }

    @Override
    public Checkpoint load() {
        Head head = heads.read();
        HeadState state = head.state();
        clock.observe(state.clock());
        // positions in another writer's journal say nothing of this one's; inode counters only grow, whoever's they are
        boolean own = head.clear().certificate().slot() == writerSlot;
        return new Checkpoint(state.treeRoot(), own ? state.journalLsn() : 0, state.nextInode(), files(state));
    }

    /** Inodes in the tree of a head; 0 in that of an empty volume. */
    public static long files(HeadState state) {
        Cbor value = state.extensions().entries().get(new CborText(FILES));
        return value instanceof CborBytes b && b.length() == Long.BYTES
                ? ByteBuffer.wrap(b.value()).getLong()
                : 0;
    }

    /** Heads from now on say in which stream copies of the journal behind them are kept on peers. */
    public void copiedIn(byte[] journalStream) {
        stream = journalStream.clone();
    }

    /** The stream in which copies of the journal behind a head are kept on peers; null if there are none. */
    public static byte @Nullable [] stream(HeadState state) {
        Cbor value = state.extensions().entries().get(new CborText(JOURNAL));
        return value instanceof CborBytes b && b.length() == ReplicaSeal.STREAM_BYTES ? b.value() : null;
    }

    @Override
    public void save(Checkpoint checkpoint) {
        HeadState last = heads.read().state();
        long now = clock.next();
        CborMap.Builder extensions = CborMap.builder();
        last.extensions().entries().forEach((name, value) -> {
            // another run's journal is of no use behind this run's head
            if (name instanceof CborText text
                    && !text.value().equals(FILES)
                    && !text.value().equals(JOURNAL)) {
                extensions.put(text.value(), value);
            }
        });
        byte[] files =
                ByteBuffer.allocate(Long.BYTES).putLong(checkpoint.files()).array();
        byte[] copied = stream;
        if (copied != null) {
            extensions.put(JOURNAL, CborBytes.of(copied));
        }
        heads.commit(new HeadState(
                checkpoint.root(),
                now,
                last.versions().with(new Dot(now, writerSlot)),
                checkpoint.journalLsn(),
                checkpoint.nextInode(),
                extensions.put(FILES, CborBytes.of(files)).build()));
    }
}
