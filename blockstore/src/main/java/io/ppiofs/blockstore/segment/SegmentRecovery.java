package io.ppiofs.blockstore.segment;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.ConcurrentSkipListMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings the segment files of a directory into a state the log can go on from: every segment sealed, except perhaps the
 * last one, which is continued if it is short and sound. A segment without a footer is scanned, cut behind its last good
 * record and sealed. Each step can be repeated, so being killed here costs nothing.
 */
final class SegmentRecovery {
    private static final Logger LOG = LoggerFactory.getLogger(SegmentRecovery.class);
    private static final int NAME_LENGTH = SegmentFile.nameOf(0).length();

    private final Path directory;
    private final ConcurrentSkipListMap<Integer, SegmentFile> segments = new ConcurrentSkipListMap<>();
    private final List<FooterEntry> continuedEntries = new ArrayList<>();
    private @Nullable SegmentFile continued;
    private int nextId = 1;
    private int scanned;
    private int lastId;
    private long lastLength;

    private SegmentRecovery(Path directory) {
        this.directory = directory;
    }

    static SegmentRecovery run(Path directory, int segmentBytes) throws IOException {
        SegmentRecovery recovery = new SegmentRecovery(directory);
        boolean lastIsSound = true;
        for (Path path : recovery.files()) {
            int id = Integer.parseUnsignedInt(path.getFileName().toString(), 0, 8, 16);
            recovery.nextId = id + 1;
            SegmentFile segment = SegmentFile.open(path, id);
            if (segment == null) {
                recovery.setAside(path);
                continue;
            }
            lastIsSound = segment.sealed() || recovery.salvage(segment);
            recovery.segments.put(id, segment);
        }
        recovery.noteLast();
        if (lastIsSound) {
            recovery.continueLast(segmentBytes);
        }
        return recovery;
    }

    private void noteLast() {
        if (!segments.isEmpty()) {
            lastId = segments.lastEntry().getValue().id();
            lastLength = segments.lastEntry().getValue().length();
        }
    }

    private List<Path> files() throws IOException {
        List<Path> files = new ArrayList<>();
        try (DirectoryStream<Path> all = Files.newDirectoryStream(directory, "*.seg")) {
            for (Path path : all) {
                String name = path.getFileName().toString();
                if (name.length() == NAME_LENGTH && name.matches("[0-7][0-9a-f]{7}\\.seg")) {
                    files.add(path);
                }
            }
        }
        files.sort(Comparator.naturalOrder());
        return files;
    }

    private void setAside(Path path) throws IOException {
        if (Files.size(path) <= RecordFormat.SEGMENT_HEADER) {
            Files.delete(path); // killed between making the file and writing its header
            return;
        }
        Path aside = path.resolveSibling(path.getFileName() + ".damaged");
        Files.move(path, aside);
        LOG.warn("segment {} has neither a readable start nor end; kept as {}", path, aside);
    }

    /** @return whether nothing in it was damaged but the tail */
    private boolean salvage(SegmentFile segment) throws IOException {
        scanned++;
        SegmentScanner.Scan scan = new SegmentScanner(segment).scan();
        if (scan.damage() > 0) {
            LOG.warn(
                    "segment {} has {} damaged places; what is behind them was kept",
                    segment.file().path(),
                    scan.damage());
        }
        List<FooterEntry> entries = scan.entries();
        if (entries.size() > SegmentFile.MOST_ENTRIES) {
            throw new IOException(segment.file().path() + " holds more entries than a segment can");
        }
        segment.seal(entries, scan.end());
        segment.file().force();
        return scan.damage() == 0;
    }

    private void continueLast(int segmentBytes) throws IOException {
        if (segments.isEmpty()) {
            return;
        }
        SegmentFile last = segments.lastEntry().getValue();
        if (last.id() + 1 != nextId || last.recordsEnd() > segmentBytes / 8 * 7) {
            return;
        }
        List<FooterEntry> entries = last.footer();
        if (entries == null || entries.size() > SegmentFile.MOST_ENTRIES / 8 * 7) {
            return;
        }
        continuedEntries.addAll(entries);
        last.reopen();
        continued = last;
    }

    ConcurrentSkipListMap<Integer, SegmentFile> segments() {
        return segments;
    }

    /** The segment that the log goes on writing, open, or null. */
    @Nullable
    SegmentFile continued() {
        return continued;
    }

    /** What its records say; sorted by CID, in the order of the records inside one CID. */
    List<FooterEntry> continuedEntries() {
        return continuedEntries;
    }

    /** The smallest id no file has used. */
    int nextId() {
        return nextId;
    }

    /** Whether the segments are as they were when the marker was written. */
    boolean isAt(CleanMarker marker) {
        return lastId == marker.lastSegment() && lastLength == marker.lastLength();
    }

    /** Segments that had to be read record by record. */
    int scanned() {
        return scanned;
    }
}
