package io.ppiofs.fs.volume;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.file.DurableFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The head of a volume in its directory: {@code head}, the one before it as {@code head.prev} (for fsck only), and
 * {@code seen}, the memory that lets a head that went back be refused.
 *
 * <p>Order of a commit: new head and new memory written and flushed beside the old ones → old head linked as {@code
 * head.prev} → head renamed → directory flushed → memory renamed. The memory never runs ahead of the head, so a crash
 * anywhere leaves a directory that opens, with the old head or the new one; a full disk leaves the old one.
 *
 * <p>Thread-safe; commits exclude each other and cost two flushed files and a flushed directory. Nothing but commits
 * and the first read waits for the disk.
 */
public final class HeadStore {
    static final String HEAD = "head";
    static final String PREVIOUS = "head.prev";
    static final String SEEN = "seen";

    private static final String READ = "read head";
    private static final String WRITE = "write head";
    private static final String ADOPT = "take head";

    /** The points of a commit between which a process can die. */
    enum Step {
        BEGUN,
        HEAD_WRITTEN,
        SEEN_WRITTEN,
        PREVIOUS_KEPT,
        HEAD_RENAMED,
        DIRECTORY_SYNCED
    }

    /** Lets a test stop a commit at a step. */
    interface Probe {
        void reached(Step step) throws IOException;
    }

    private final Path directory;
    private final VolumeKeys keys;
    private final @Nullable WriterIdentity writer;
    private final InstantSource wall;
    private final Probe probe;

    @GuardedBy("this")
    private @Nullable Head current;

    @GuardedBy("this")
    private SeenHeads seen = SeenHeads.NONE;

    /** @param writer null where this machine may only read */
    public HeadStore(Path directory, VolumeKeys keys, @Nullable WriterIdentity writer, InstantSource wall) {
        this(directory, keys, writer, wall, step -> {});
    }

    HeadStore(Path directory, VolumeKeys keys, @Nullable WriterIdentity writer, InstantSource wall, Probe probe) {
        this.directory = directory;
        this.keys = keys;
        this.writer = writer;
        this.wall = wall;
        this.probe = probe;
    }

    /**
     * The volume's head, read from disk at the first call, then remembered. The keys advance to the head's epoch.
     *
     * @throws PpiofsException CORRUPT if it is missing, damaged, or older than one seen before; WRONG_KEY;
     *     UNSUPPORTED_FORMAT; IO
     */
    public synchronized Head read() {
        if (current == null) {
            current = readFromDisk();
        }
        return current;
    }

    /** As {@link #commit(HeadState, Cid)} with the manifest root of the current head. */
    public synchronized Head commit(HeadState state) {
        return commit(state, read().clear().manifestRoot());
    }

    /**
     * Signs the state as this writer's next head and makes it the volume's head; durable when it returns. On failure
     * the volume opens with the old head (or, if only the last flush failed, perhaps the new one).
     *
     * @param state contains all that the current head contains
     * @throws PpiofsException READ_ONLY without a writer key; NOT_PERMITTED if its certificate has ended; NO_SPACE; IO
     */
    public synchronized Head commit(HeadState state, @Nullable Cid manifestRoot) {
        WriterIdentity w = requireWriter();
        Head last = read();
        requireForward(last, state, w);
        HeadClear clear = new HeadClear(
                w.certificate(), seen.sequenceOf(w.slot()) + 1, List.of(last.id()), manifestRoot, keys.currentEpoch());
        return publish(Head.sign(clear, state, w, keys));
    }

    /**
     * The same state signed with another manifest root, for publishing; it does not become the local head, and its writer,
     * sequence and parents are those of {@code head}. The later of two such heads is what holders know of where blocks
     * are; the state is one.
     *
     * @param head one of this writer
     * @throws PpiofsException READ_ONLY without a writer key; NOT_PERMITTED if its certificate has ended
     * @throws IllegalArgumentException another writer's head: publish its envelope as it is
     */
    public Head published(Head head, Cid manifest) {
        WriterIdentity w = requireWriter();
        HeadClear c = head.clear();
        return Head.sign(
                new HeadClear(c.certificate(), c.sequence(), c.parents(), manifest, c.epoch()), head.state(), w, keys);
    }

    /**
     * Takes a head from elsewhere if it is newer than the one here; durable when it returns. Its signature, the writer's
     * certificate and the owner's signature under that are verified first.
     *
     * <p>Only for who follows: a holder without a writer key, or a writer that has not signed a head and has nothing in
     * its journal. A writer with changes of its own needs a merge, which there is not yet.
     *
     * @return the head that is current now: the given one, or the one from before if that holds as much
     * @throws PpiofsException CORRUPT, UNSUPPORTED_FORMAT, WRONG_KEY for a head that does not verify or open; NOT_PERMITTED
     *     if it would lose something (a fork), lies in the future, or this writer has changes of its own; NO_SPACE; IO
     */
    public Head adopt(byte[] headEnvelope) {
        return adopt(headEnvelope, this::requireNoChangesOfOurs);
    }

    /**
     * The same for a writer that goes on where another has stopped: the head must hold everything that this one's last head holds.
     *
     * @param settle called before the head is taken; makes sure that nothing of this writer is anywhere but in its heads, or throws
     * @throws PpiofsException as {@link #adopt(byte[])}
     */
    public synchronized Head adopt(byte[] headEnvelope, Runnable settle) {
        Head head = Head.open(headEnvelope, keys, "a head from the network");
        Head last = read();
        requireBelievable(head);
        if (!isNewer(head, last)) {
            return last;
        }
        settle.run();
        Head adopted = publish(head);
        keys.advanceTo(adopted.clear().epoch());
        return adopted;
    }

    /**
     * Whether {@link #adopt(byte[])} would take a head from elsewhere, but for changes of this writer.
     *
     * @throws PpiofsException as {@link #adopt(byte[])}
     */
    public synchronized boolean isNewer(byte[] headEnvelope) {
        Head head = Head.open(headEnvelope, keys, "a head from the network");
        requireBelievable(head);
        return isNewer(head, read());
    }

    /** The first head of a volume that was made elsewhere, in a directory that has none. */
    synchronized Head adoptFirst(Head head) {
        requireBelievable(head);
        return publish(head);
    }

    private void requireBelievable(Head head) {
        if (new HybridLogicalClock(wall, 0).isQuarantined(head.state().clock())) {
            throw new PpiofsException(
                    ErrorKind.NOT_PERMITTED,
                    ADOPT,
                    head.toString(),
                    "it is of " + HybridLogicalClock.instantOf(head.state().clock())
                            + ", which is in the future here; set the clock of this machine, or of the writer's");
        }
    }

    /** True: it holds more, or the same with a manifest; false: it holds no more. A head that would lose something throws. */
    @GuardedBy("this")
    private boolean isNewer(Head head, Head last) {
        VersionVector theirs = head.state().versions();
        VersionVector ours = last.state().versions();
        if (theirs.equals(ours)) {
            // a state of no change has no stamp: only the sequence tells
            boolean sameWriter = head.clear()
                    .certificate()
                    .writer()
                    .equals(last.clear().certificate().writer());
            long ahead = head.clear().sequence() - last.clear().sequence();
            Cid manifest = head.clear().manifestRoot();
            return sameWriter
                    && (ahead > 0
                            || ahead == 0
                                    && manifest != null
                                    && !manifest.equals(last.clear().manifestRoot()));
        }
        if (ours.covers(theirs)) {
            return false;
        }
        if (!theirs.covers(ours) || seen.isBehind(head)) {
            throw new PpiofsException(
                    ErrorKind.NOT_PERMITTED,
                    ADOPT,
                    head.toString(),
                    "it lacks changes that this machine has seen: two machines wrote at the same time; keep the one that"
                            + " counts and copy the other's files into it");
        }
        return true;
    }

    private synchronized void requireNoChangesOfOurs() {
        if (writer != null && (seen.sequenceOf(writer.slot()) > 0 || hasJournal())) {
            throw new PpiofsException(
                    ErrorKind.NOT_PERMITTED,
                    ADOPT,
                    "volume " + keys.volumeId(),
                    "this machine has written to the volume itself; mount it on one machine at a time");
        }
    }

    private boolean hasJournal() {
        Path journal = directory.resolve(VolumeDirectory.JOURNAL);
        if (!Files.isDirectory(journal)) {
            return false;
        }
        try (Stream<Path> files = Files.list(journal)) {
            return files.findAny().isPresent();
        } catch (IOException e) {
            throw DurableFile.failure(ADOPT, journal, e);
        }
    }

    /** The first head of a new volume. */
    synchronized Head create(HeadState state) {
        WriterIdentity w = requireWriter();
        return publish(
                Head.sign(new HeadClear(w.certificate(), 1, List.of(), null, keys.currentEpoch()), state, w, keys));
    }

    /** True if the head claims to be from more than 5 minutes ahead of {@code clock}'s wall time: it has to wait. */
    public static boolean isQuarantined(Head head, HybridLogicalClock clock) {
        return clock.isQuarantined(head.state().clock());
    }

    @GuardedBy("this")
    private Head publish(Head head) {
        if (head.envelope().length > Head.MAX_LENGTH) {
            throw new IllegalArgumentException("head of " + head.envelope().length + " bytes");
        }
        SeenHeads next = seen.with(head);
        current = null; // after a failure the disk says which head there is
        try {
            Path file = directory.resolve(HEAD);
            probe.reached(Step.BEGUN);
            Path newHead = DurableFile.writeBeside(file, head.envelope());
            probe.reached(Step.HEAD_WRITTEN);
            Path newSeen = DurableFile.writeBeside(directory.resolve(SEEN), next.encode(keys));
            probe.reached(Step.SEEN_WRITTEN);
            keepPrevious(file);
            probe.reached(Step.PREVIOUS_KEPT);
            DurableFile.rename(newHead, file);
            probe.reached(Step.HEAD_RENAMED);
            DurableFile.syncDirectory(directory);
            probe.reached(Step.DIRECTORY_SYNCED);
            DurableFile.rename(newSeen, directory.resolve(SEEN));
        } catch (IOException e) {
            throw DurableFile.failure(WRITE, directory.resolve(HEAD), e);
        }
        seen = next;
        current = head;
        return head;
    }

    private void keepPrevious(Path file) throws IOException {
        if (Files.exists(file)) {
            Path previous = directory.resolve(PREVIOUS);
            Files.deleteIfExists(previous);
            Files.createLink(previous, file);
        }
    }

    @GuardedBy("this")
    private Head readFromDisk() {
        Path file = directory.resolve(HEAD);
        byte[] bytes = DurableFile.read(file, Head.MAX_LENGTH, READ);
        if (bytes == null) {
            throw new PpiofsException(
                    ErrorKind.CORRUPT,
                    READ,
                    file.toString(),
                    "the file is missing; restore it from a backup, or copy " + PREVIOUS + " to it and delete " + SEEN
                            + " to go back by one checkpoint");
        }
        Head head = Head.open(bytes, keys, file.toString());
        Path memory = directory.resolve(SEEN);
        byte[] seenBytes = DurableFile.read(memory, SeenHeads.MAX_LENGTH, "read memory of heads");
        SeenHeads remembered = seenBytes == null ? SeenHeads.NONE : SeenHeads.decode(seenBytes, keys, memory);
        if (remembered.isBehind(head)) {
            throw new PpiofsException(
                    ErrorKind.CORRUPT,
                    READ,
                    file.toString(),
                    "it went back: it is of "
                            + HybridLogicalClock.instantOf(head.state().clock())
                            + " (" + head + "), but this machine has seen one that holds more, up to "
                            + HybridLogicalClock.instantOf(remembered.versions().latest())
                            + "; restore the newest copy, or delete " + memory
                            + " to accept this one and lose what came after it");
        }
        seen = remembered.with(head);
        keys.advanceTo(head.clear().epoch());
        return head;
    }

    private WriterIdentity requireWriter() {
        if (writer == null) {
            throw new PpiofsException(
                    ErrorKind.READ_ONLY,
                    WRITE,
                    "volume " + keys.volumeId(),
                    "this machine holds a read-only capability; ask the owner for a writer certificate");
        }
        Instant end = writer.certificate().expires();
        if (end != null && writer.certificate().isExpiredAt(wall.instant())) {
            throw new PpiofsException(
                    ErrorKind.NOT_PERMITTED,
                    WRITE,
                    "volume " + keys.volumeId(),
                    "this machine's writer certificate ended at " + end + "; ask the owner for a new one");
        }
        return writer;
    }

    /** A state that loses something is a defect of the caller, not a thing to sign. */
    private static void requireForward(Head last, HeadState state, WriterIdentity writer) {
        HeadState before = last.state();
        boolean ownHead = last.clear().certificate().slot() == writer.slot();
        if (!state.versions().covers(before.versions())
                || state.clock() < before.clock()
                || (ownHead && (state.journalLsn() < before.journalLsn() || state.nextInode() < before.nextInode()))) {
            throw new IllegalArgumentException("the new head state holds less than the current head");
        }
    }
}
