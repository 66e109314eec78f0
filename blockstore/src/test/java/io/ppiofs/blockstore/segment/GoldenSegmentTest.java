package io.ppiofs.blockstore.segment;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.blockstore.BlockStore.StoredBlock;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.index.Location;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A segment of version 1 as it was first written, footer and all. */
class GoldenSegmentTest {
    @TempDir
    Path temp;

    /** Two blocks, a flush mark, a deletion record for the first block, a footer. */
    static byte[] written(Path directory) throws Exception {
        SecureRandom fixed = new SecureRandom() {
            @Override
            public void nextBytes(byte[] bytes) {
                Arrays.fill(bytes, (byte) 0x5a);
            }
        };
        List<StoredBlock> blocks = blocks();
        SegmentFile segment = SegmentFile.create(directory, 1, fixed);
        ByteBuffer out = ByteBuffer.allocate(4096);
        List<FooterEntry> entries = new ArrayList<>();
        for (StoredBlock block : blocks) {
            int at = RecordFormat.SEGMENT_HEADER + out.position();
            int length = block.bytes().remaining();
            RecordFormat.writeHeader(
                    out, segment.salt(), new RecordFormat.Header(RecordFormat.KIND_BLOCK, length, 0, block.cid()));
            out.put(block.bytes().duplicate());
            out.position(RecordFormat.align(out.position()));
            entries.add(new FooterEntry(block.cid(), 1, at, length));
        }
        long mark = RecordFormat.SEGMENT_HEADER + out.position();
        RecordFormat.writeHeader(
                out,
                segment.salt(),
                new RecordFormat.Header(RecordFormat.KIND_SYNCED, 0, 0, Cid.ofWords(mark, 0, 0, 0)));
        ByteBuffer kill = ByteBuffer.allocate(RecordFormat.KILL_LENGTH);
        blocks.get(0).cid().writeDigest(kill);
        kill.putInt(1).putInt(RecordFormat.SEGMENT_HEADER).flip();
        int crc = RecordFormat.crc(segment.salt(), kill, 0, RecordFormat.KILL_LENGTH);
        RecordFormat.writeHeader(
                out,
                segment.salt(),
                new RecordFormat.Header(
                        RecordFormat.KIND_KILL, RecordFormat.KILL_LENGTH, crc, Cid.ofWords(0, 0, 0, 0)));
        out.put(kill);
        entries.add(FooterEntry.dead(blocks.get(0).cid(), new Location(1, RecordFormat.SEGMENT_HEADER, 0, 0)));
        int end = RecordFormat.SEGMENT_HEADER + out.position();
        segment.file().write(out.flip(), RecordFormat.SEGMENT_HEADER);
        segment.seal(entries, end);
        segment.close();
        return Files.readAllBytes(directory.resolve(SegmentFile.nameOf(1)));
    }

    static List<StoredBlock> blocks() {
        Random random = new Random(2);
        return List.of(StoreFixture.block(random, 100), StoreFixture.block(random, 333));
    }

    private static byte[] golden() throws Exception {
        try (InputStream in = GoldenSegmentTest.class.getResourceAsStream("/golden/segment-v1.bin")) {
            return Objects.requireNonNull(in).readAllBytes();
        }
    }

    @Test
    void isStillWrittenSo() throws Exception {
        assertThat(written(temp)).isEqualTo(golden());
    }

    @Test
    void isReadWithAndWithoutItsFooter() throws Exception {
        byte[] golden = golden();
        int footer = 3 * RecordFormat.FOOTER_ENTRY + RecordFormat.TRAILER;
        for (int length : new int[] {golden.length, golden.length - footer}) {
            Path home = temp.resolve("store-" + length);
            Path segments = Files.createDirectories(home.resolve("segments"));
            Files.write(segments.resolve(SegmentFile.nameOf(1)), Arrays.copyOf(golden, length));
            try (SegmentBlockStore store = StoreFixture.open(home)) {
                StoreFixture.assertHolds(store, blocks().subList(1, 2));
                assertThat(store.has(List.of(blocks().get(0).cid())).isEmpty()).isTrue();
            }
        }
    }
}
