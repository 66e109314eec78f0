package io.ppiofs.blockstore.segment;

import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.gc.LiveSet;
import io.ppiofs.blockstore.gc.SweepResult;
import io.ppiofs.blockstore.index.Location;
import io.ppiofs.blockstore.space.NativeFiles;
import io.ppiofs.blockstore.space.SpaceBudget;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

/**
 * One sweep, segment by segment. For each: dead blocks leave the index; if nothing is live the file goes; else
 * deletion records are written and flushed, the insides of dead records are given back to the filesystem, and a file
 * with little live data left is compacted. Order inside a segment makes it safe to die anywhere: copies are on disk
 * before the original goes, deletion records before bytes are punched.
 */
final class SegmentSweeper {
    private static final int PAGE = 4096;

    /** Dead bytes in the open segment for which it is sealed early. */
    private static final int WORTH_SEALING = 1 << 20;

    private final SegmentLog log;
    private final Locator locator;
    private final SpaceBudget budget;
    private final ReentrantLock[] stripes;
    private final double compactBelowLive;
    private final LiveSet live;
    private final long markEpoch;

    private long blocks;
    private long bytes;
    private int deleted;
    private int compacted;
    private long punched;
    private boolean canPunch = true;
    private int newest; // behind the newest segment seen

    SegmentSweeper(
            SegmentLog log,
            Locator locator,
            SpaceBudget budget,
            ReentrantLock[] stripes,
            double compactBelowLive,
            LiveSet live,
            long markEpoch) {
        this.log = log;
        this.locator = locator;
        this.budget = budget;
        this.stripes = stripes;
        this.compactBelowLive = compactBelowLive;
        this.live = live;
        this.markEpoch = markEpoch;
    }

    SweepResult run() throws IOException {
        List<SegmentFile> refused = sweepAll(sealed());
        sweepOpen();
        List<SegmentFile> again = sealed();
        again.removeIf(segment -> segment.id() < newest && !refused.contains(segment));
        if (!sweepAll(again).isEmpty()) {
            throw new PpiofsException(
                    ErrorKind.NO_SPACE,
                    "collect garbage in",
                    "the block store",
                    "the disk has no room for the deletion records; make a little room elsewhere on it");
        }
        return new SweepResult(blocks, bytes, deleted, compacted, punched);
    }

    private List<SegmentFile> sealed() {
        List<SegmentFile> sealed = new ArrayList<>(log.segments());
        sealed.removeIf(segment -> !segment.sealed());
        return sealed;
    }

    /** @return segments for whose deletion records there was no room; others may have freed some meanwhile */
    private List<SegmentFile> sweepAll(List<SegmentFile> segments) throws IOException {
        List<SegmentFile> refused = new ArrayList<>();
        for (SegmentFile segment : segments) {
            newest = Math.max(newest, segment.id() + 1);
            try {
                sweep(segment);
            } catch (PpiofsException e) {
                if (e.kind() != ErrorKind.NO_SPACE) {
                    throw e;
                }
                refused.add(segment);
            }
        }
        return refused;
    }

    /** The open segment cannot give bytes back; it is sealed for that if enough in it is dead. */
    private void sweepOpen() {
        List<FooterEntry> killed = new ArrayList<>();
        long dead = 0;
        for (FooterEntry entry : log.openEntries()) {
            long droppedBefore = blocks;
            if (entry.kills() || survives(entry)) {
                continue;
            }
            dead += RecordFormat.recordLength(entry.length());
            if (blocks > droppedBefore) { // else: its deletion record is there already
                killed.add(FooterEntry.dead(entry.cid(), entry.location(0)));
            }
        }
        log.appendKills(killed);
        if (dead >= WORTH_SEALING) {
            log.sealOpenSegment();
        }
    }

    private void sweep(SegmentFile segment) throws IOException {
        List<FooterEntry> entries = Locator.entriesOf(segment);
        List<FooterEntry> kept = new ArrayList<>();
        List<FooterEntry> unburied = new ArrayList<>();
        long liveBytes = 0;
        BitSet newGraves = new BitSet();
        for (int i = 0; i < entries.size(); i++) {
            FooterEntry entry = entries.get(i);
            if (entry.kills()) {
                continue;
            }
            if (survives(entry)) {
                kept.add(entry);
                liveBytes += RecordFormat.recordLength(entry.length());
            } else if (!segment.buried().get(i)) {
                unburied.add(FooterEntry.dead(entry.cid(), entry.location(0)));
                newGraves.set(i);
            }
        }
        List<FooterEntry> graves = stillNeeded(entries);
        if (kept.isEmpty()) {
            remove(segment, graves);
            deleted++;
            return;
        }
        if (unburied.isEmpty()) {
            return;
        }
        // every dead record, whatever it died of: a rebuilt index must never find a record whose bytes are gone
        log.appendKills(unburied);
        log.sync();
        segment.buried().or(newGraves);
        punch(segment, kept);
        long held = segment.length() - segment.punched().get();
        if (liveBytes < compactBelowLive * held && budget.available() > 2 * liveBytes) {
            compact(segment, kept, graves);
        }
    }

    /** Takes the block out of the index if nobody reaches it; under the lock that a put of the same block takes. */
    private boolean survives(FooterEntry entry) {
        Cid cid = entry.cid();
        boolean reached = live.contains(cid); // may be slow: outside the lock
        ReentrantLock stripe = stripes[SegmentBlockStore.stripeOf(cid, stripes.length)];
        stripe.lock();
        try {
            Location now = locator.get(cid);
            if (now == null || !now.samePlace(entry.location(0))) {
                return false; // this record was dead before
            }
            if (reached || now.epoch() >= markEpoch) {
                return true;
            }
            locator.remove(cid, now);
            blocks++;
            bytes += now.length();
            return false;
        } finally {
            stripe.unlock();
        }
    }

    /** Deletion records whose victim is still in some file; the others have done their work. */
    private List<FooterEntry> stillNeeded(List<FooterEntry> entries) {
        List<FooterEntry> needed = new ArrayList<>();
        for (FooterEntry entry : entries) {
            if (entry.kills() && log.segment(entry.segment()) != null) {
                needed.add(entry);
            }
        }
        return needed;
    }

    private void remove(SegmentFile segment, List<FooterEntry> graves) throws IOException {
        List<FooterEntry> elsewhere =
                graves.stream().filter(grave -> grave.segment() != segment.id()).toList();
        if (!elsewhere.isEmpty()) {
            log.appendKills(elsewhere);
        }
        log.sync(); // the copies and the deletion records must outlive the file
        log.drop(segment);
    }

    private void compact(SegmentFile segment, List<FooterEntry> kept, List<FooterEntry> graves) throws IOException {
        List<FooterEntry> inOrder = new ArrayList<>(kept);
        inOrder.sort(Comparator.comparingInt(FooterEntry::offset)); // keeps what was written together together
        for (FooterEntry entry : inOrder) {
            move(entry);
        }
        remove(segment, graves);
        compacted++;
    }

    private void move(FooterEntry entry) throws IOException {
        ReentrantLock stripe = stripes[SegmentBlockStore.stripeOf(entry.cid(), stripes.length)];
        stripe.lock();
        try {
            Location now = locator.get(entry.cid());
            if (now == null || !now.samePlace(entry.location(0))) {
                return;
            }
            ByteBuffer payload = ByteBuffer.allocate(entry.length());
            if (log.read(now, 0, payload) != entry.length()) {
                throw new IOException("segment " + SegmentFile.nameOf(entry.segment()) + " ends inside a record");
            }
            locator.replace(entry.cid(), log.append(entry.cid(), payload.flip(), now.epoch(), true));
        } finally {
            stripe.unlock();
        }
    }

    /** Gives back the pages between the live records. Kill records need not stay: the footer has them too. */
    private void punch(SegmentFile segment, List<FooterEntry> kept) {
        if (!canPunch) {
            return;
        }
        List<FooterEntry> inOrder = new ArrayList<>(kept);
        inOrder.sort(Comparator.comparingInt(FooterEntry::offset));
        long given = 0;
        long from = RecordFormat.SEGMENT_HEADER;
        for (int i = 0; i <= inOrder.size() && canPunch; i++) {
            long to = i < inOrder.size() ? inOrder.get(i).offset() : segment.recordsEnd();
            long first = (from + PAGE - 1) / PAGE * PAGE;
            long behind = to / PAGE * PAGE;
            if (behind > first) {
                canPunch = NativeFiles.punch(segment.file().path(), first, behind - first);
                given += canPunch ? behind - first : 0;
            }
            if (i < inOrder.size()) {
                from = (long) inOrder.get(i).offset()
                        + RecordFormat.recordLength(inOrder.get(i).length());
            }
        }
        long before = segment.punched().getAndSet(given);
        punched += Math.max(0, given - before);
    }
}
