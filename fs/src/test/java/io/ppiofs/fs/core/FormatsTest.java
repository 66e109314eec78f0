package io.ppiofs.fs.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.blockstore.BlockKey;
import io.ppiofs.blockstore.BlockRef;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.journal.Journal;
import io.ppiofs.fs.journal.JournalOptions;
import io.ppiofs.fs.testing.InMemoryBlocks;
import io.ppiofs.fs.tree.SipHash;
import io.ppiofs.fs.volume.HybridLogicalClock;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The bytes of version 1 of namespace entries and journal payloads. A change here is a change of the format: it needs a
 * new version, not new golden files.
 */
class FormatsTest {
    private static final HexFormat HEX = HexFormat.of();
    private static final long INO = 3L << 36 | 77;
    private static final long DOT = 0x0192_3456_789a_0007L;
    private static final Instant NOW = Instant.ofEpochSecond(1_700_000_000, 123_456_789);

    @TempDir
    Path directory;

    // ---- keys and values
    // ----------------------------------------------------------------------------------------------

    @Test
    void namespaceEntriesHaveTheseBytes() throws IOException {
        Map<String, String> golden = golden("entries-v1.txt");
        Map<String, String> now = new LinkedHashMap<>();
        entries().forEach((name, bytes) -> now.put(name, HEX.formatHex(bytes)));
        assertThat(now).isEqualTo(golden);
    }

    private static Map<String, byte[]> entries() {
        Map<String, byte[]> e = new LinkedHashMap<>();
        e.put("key.meta", Keys.meta("inodes"));
        e.put("key.dirent", Keys.dirent(INO, Keys.MAX_HASH, 1));
        e.put("key.inode", Keys.inode(INO));
        e.put("key.link", Keys.link(INO, 1, 0x0123_4567_89ab_cdefL, 1));
        e.put("key.xattr", Keys.xattr(INO, ascii("user.a")));
        e.put("key.symlink", Keys.symlink(INO));
        e.put("key.extent", Keys.extent(INO, 5L << 20));
        e.put("key.inline", Keys.inline(INO));
        e.put("key.orphan", Keys.orphan(INO));
        e.put("value.inode", inode().encode());
        e.put("value.dirent", dirent().encode());
        e.put("value.extent", extent().encode());
        e.put("value.short", StoredValue.inMap(ascii("value")));
        e.put("value.long", StoredValue.inBlock(ref(3000)));
        return e;
    }

    private static InodeRecord inode() {
        InodeRecord r = new InodeRecord();
        r.mode = FileType.REGULAR.bits() | 0640;
        r.uid = -2;
        r.gid = 1000;
        r.rdev = 0x0801;
        r.nlink = 2;
        r.flags = InodeRecord.FLAG_INLINE;
        r.size = 5_000_000_000L;
        r.held = 4096;
        r.parent = 1;
        r.nameHash = 0x0123_4567_89ab_cdefL;
        r.nameOrdinal = 1;
        r.mtime(new Timestamp(-1, 999_999_999));
        r.ctime(new Timestamp(1_700_000_000, 0));
        r.atime(new Timestamp(1_600_000_000, 5));
        r.stampOwner(DOT, 3);
        r.stampContent(DOT + 1, 4);
        r.stampTimes(DOT - 70_000, 1_000_000);
        return r;
    }

    private static DirEntry dirent() {
        return new DirEntry(FileName.of("naïve.txt"), INO, FileType.REGULAR, DOT, 3);
    }

    private static Extent extent() {
        return new Extent(5L << 20, 300_000, ref(), 16_384);
    }

    private static BlockRef ref() {
        return ref(1 << 20);
    }

    private static BlockRef ref(int length) {
        byte[] digest = new byte[Cid.DIGEST_LENGTH];
        Arrays.fill(digest, (byte) 0xd1);
        byte[] key = new byte[BlockKey.LENGTH];
        Arrays.fill(key, (byte) 0x6e);
        return new BlockRef(Cid.ofDigest(digest), BlockKey.of(key), length, 9, 0);
    }

    @Test
    void aRecordThatKnowsWhenItsInodeWasMadeIsReadBackAsItWas() {
        InodeRecord r = inode();
        assertThat(InodeRecord.decode(r.encode()).born).isNull();
        r.born = new Timestamp(1_650_000_000, 7);
        r.allocated = Allocated.NONE.with(0, 8192);
        InodeRecord back = InodeRecord.decode(r.encode());
        assertThat(back.born).isEqualTo(r.born);
        assertThat(back.encode()).isEqualTo(r.encode());
    }

    @Test
    void entriesAreReadBackAsTheyWere() throws IOException {
        Map<String, String> golden = golden("entries-v1.txt");
        InodeRecord r = InodeRecord.decode(bytes(golden, "value.inode"));
        assertThat(r.encode()).isEqualTo(inode().encode());
        assertThat(List.of(r.mode, r.uid, r.gid, r.rdev, r.nlink))
                .isEqualTo(List.of(FileType.REGULAR.bits() | 0640, -2, 1000, 0x0801, 2));
        assertThat(List.of(r.size, r.held, r.timesDot)).isEqualTo(List.of(5_000_000_000L, 4096L, DOT - 70_000));
        assertThat(List.of(r.mtime(), r.ctime(), r.atime()))
                .isEqualTo(List.of(inode().mtime(), inode().ctime(), inode().atime()));
        assertThat(DirEntry.decode(bytes(golden, "value.dirent"))).isEqualTo(dirent());
        assertThat(Extent.decode(5L << 20, bytes(golden, "value.extent"))).isEqualTo(extent());
        assertThat(StoredValue.decode(bytes(golden, "value.short")).bytes()).isEqualTo(ascii("value"));
        assertThat(StoredValue.decode(bytes(golden, "value.long")).ref()).isEqualTo(ref(3000));
        assertThat(Keys.ino(bytes(golden, "key.extent"))).isEqualTo(INO);
        assertThat(Keys.extentOffset(bytes(golden, "key.extent"))).isEqualTo(5L << 20);
        assertThat(Keys.direntHash(bytes(golden, "key.dirent"))).isEqualTo(Keys.MAX_HASH);
        assertThat(Keys.direntOrdinal(bytes(golden, "key.dirent"))).isEqualTo(1);
        assertThat(Keys.cookie(bytes(golden, "key.dirent"))).isPositive();
        assertThat(Keys.linkParent(bytes(golden, "key.link"))).isEqualTo(1);
        assertThat(Keys.linkHash(bytes(golden, "key.link"))).isEqualTo(0x0123_4567_89ab_cdefL);
        assertThat(Keys.linkOrdinal(bytes(golden, "key.link"))).isEqualTo(1);
    }

    @Test
    void anUnknownVersionIsRefused() {
        refuses(inode().encode(), InodeRecord::decode);
        refuses(dirent().encode(), DirEntry::decode);
        refuses(extent().encode(), b -> Extent.decode(0, b));
        refuses(StoredValue.inBlock(ref(3000)), StoredValue::decode);
    }

    private static void refuses(byte[] value, Consumer<byte[]> decoder) {
        value[0] = 2;
        fails(ErrorKind.UNSUPPORTED_FORMAT, () -> decoder.accept(value));
    }

    @Test
    void aValueThatEndsTooEarlyIsCorrupt() {
        corruptWhenCut(inode().encode(), inode().encode().length, InodeRecord::decode);
        corruptWhenCut(extent().encode(), extent().encode().length, b -> Extent.decode(0, b));
        corruptWhenCut(StoredValue.inBlock(ref(3000)), 1 + BlockRef.ENCODED_LENGTH, StoredValue::decode);
        // the name reaches to the end of the value, whose length the tree node keeps: at least one byte must be there
        byte[] entry = dirent().encode();
        corruptWhenCut(entry, entry.length - dirent().name().bytes().length + 1, DirEntry::decode);
        fails(ErrorKind.CORRUPT, () -> StoredValue.decode(new byte[0]));
    }

    private static void corruptWhenCut(byte[] value, int whole, Consumer<byte[]> decoder) {
        for (int n = 0; n < whole; n++) {
            byte[] cut = Arrays.copyOf(value, n);
            fails(ErrorKind.CORRUPT, () -> decoder.accept(cut));
        }
    }

    @Test
    void whatFollowsOrLiesOutOfRangeIsCorrupt() {
        fails(ErrorKind.CORRUPT, () -> InodeRecord.decode(longer(inode().encode())));
        fails(ErrorKind.CORRUPT, () -> Extent.decode(0, longer(extent().encode())));
        fails(ErrorKind.CORRUPT, () -> Extent.decode(Long.MAX_VALUE, extent().encode()));
        fails(ErrorKind.CORRUPT, () -> StoredValue.decode(longer(StoredValue.inBlock(ref(3000)))));
        fails(ErrorKind.CORRUPT, () -> StoredValue.decode(StoredValue.inBlock(ref(1 << 20))));
        byte[] negativeLength = extent().encode();
        negativeLength[negativeLength.length - 8] = -1;
        fails(ErrorKind.CORRUPT, () -> Extent.decode(0, negativeLength));
        byte[] noType = dirent().encode();
        noType[1] = 15;
        fails(ErrorKind.CORRUPT, () -> DirEntry.decode(noType));
        byte[] tooLong = Arrays.copyOf(dirent().encode(), 300);
        fails(ErrorKind.CORRUPT, () -> DirEntry.decode(tooLong));
    }

    @Test
    void aKeyThatEndsTooEarlyIsCorrupt() {
        byte[] link = Keys.link(INO, 1, 2, 1);
        for (int n = 1; n < link.length; n++) {
            byte[] cut = Arrays.copyOf(link, n);
            fails(ErrorKind.CORRUPT, () -> Keys.linkOrdinal(cut));
        }
        fails(ErrorKind.CORRUPT, () -> Keys.ino(new byte[8]));
        fails(ErrorKind.CORRUPT, () -> Keys.sub(new byte[9]));
        fails(ErrorKind.CORRUPT, () -> Keys.extentOffset(new byte[16]));
        fails(ErrorKind.CORRUPT, () -> Keys.direntHash(new byte[17]));
        fails(ErrorKind.CORRUPT, () -> Keys.cookie(new byte[17]));
    }

    @Test
    void theListingBehindAContentIdHasTheseLines() {
        Cid cid = ref().cid();
        ContentId.Content parts = new ContentId.Content(
                3_000_000,
                List.of(new ContentId.Part(0, 1 << 20, cid, 0), new ContentId.Part(2_000_000, 10, cid, 7)),
                null);
        assertThat(ContentId.listing(parts))
                .isEqualTo("ppiofs-file 1\nsize 3000000\n0 1048576 " + cid + " 0\n2000000 10 " + cid + " 7\n");
        assertThat(ContentId.of(parts).toString())
                .isEqualTo(
                        Cid.of(ByteBuffer.wrap(ascii(ContentId.listing(parts)))).toString());
        ContentId.Content inline = new ContentId.Content(1, List.of(), ascii("x"));
        assertThat(ContentId.listing(inline))
                .isEqualTo("ppiofs-file 1\nsize 1\ninline " + Cid.of(ByteBuffer.wrap(ascii("x"))) + "\n");
        ContentId.Content oneBlock =
                new ContentId.Content(1 << 20, List.of(new ContentId.Part(0, 1 << 20, cid, 0)), null);
        assertThat(ContentId.of(oneBlock)).isEqualTo(cid);
    }

    // ---- journal payloads
    // ---------------------------------------------------------------------------------------------

    @Test
    void journalPayloadsHaveTheseBytes() throws IOException {
        VolumeFileSystem fs = open(directory);
        try {
            OpenFile f = fs.create(Caller.ROOT, Ino.ROOT, FileName.of("f"), 0644, OpenFlags.ofLinux(2))
                    .file();
            fs.write(f, 0, ByteBuffer.wrap(content()));
            fs.fsync(f, false);
        } finally {
            fs.engine().abandon();
        }
        assertThat(payloads(directory))
                .usingElementComparator(Arrays::compare)
                .isEqualTo(goldenPayloads("payloads-v1-birth.txt"));
    }

    @Test
    void journalPayloadsAreReplayedToWhatTheySay() throws IOException {
        append(directory, goldenPayloads());
        VolumeFileSystem fs = open(directory);
        try {
            Attr attr = fs.lookup(Ino.ROOT, FileName.of("f"));
            assertThat(attr.size()).isEqualTo(content().length);
            assertThat(attr.mode()).isEqualTo(FileType.REGULAR.bits() | 0644);
            assertThat(attr.btime()).isNull();
            assertThat(attr.mtime()).isEqualTo(Timestamp.of(NOW));
            OpenFile f = fs.open(Caller.ROOT, attr.ino(), OpenFlags.ofLinux(0));
            ByteBuffer read = ByteBuffer.allocate(2 * content().length);
            assertThat(fs.read(f, 0, read)).isEqualTo(content().length);
            assertThat(Arrays.copyOf(read.array(), content().length)).isEqualTo(content());
            fs.release(f);
        } finally {
            fs.engine().abandon();
        }
    }

    @Test
    void aDamagedPayloadIsRefused() throws IOException {
        List<byte[]> good = goldenPayloads();
        byte[] create = good.get(2);
        byte[] write = good.get(3);
        for (int n = 0; n < write.length; n += n < 48 ? 1 : 500) {
            refusesPayload(ErrorKind.CORRUPT, good, 3, Arrays.copyOf(write, n));
        }
        refusesPayload(ErrorKind.CORRUPT, good, 3, longer(write));
        // kind and clock, then an op byte: every cut inside the first change
        for (int n = 0; n < 30; n++) {
            if (n != 9) { // behind the clock ends a transaction that changes nothing
                refusesPayload(ErrorKind.CORRUPT, good, 2, Arrays.copyOf(create, n));
            }
        }
        byte[] unknownKind = create.clone();
        unknownKind[0] = 3;
        refusesPayload(ErrorKind.UNSUPPORTED_FORMAT, good, 2, unknownKind);
        byte[] unknownChange = create.clone();
        unknownChange[9] = 3;
        refusesPayload(ErrorKind.CORRUPT, good, 2, unknownChange);
    }

    private int damaged;

    private void refusesPayload(ErrorKind kind, List<byte[]> good, int at, byte[] payload) {
        List<byte[]> records = new ArrayList<>(good);
        records.set(at, payload);
        Path dir = directory.resolve("damaged-" + damaged++);
        append(dir, records);
        fails(kind, () -> open(dir).engine().abandon());
    }

    /** One byte too long to be inline, so that fsync makes a write record of it. */
    private static byte[] content() {
        byte[] content = new byte[FileContents.INLINE_MAX + 1];
        Arrays.fill(content, (byte) 'x');
        return content;
    }

    private static VolumeFileSystem open(Path dir) {
        Clock clock = Clock.fixed(NOW, ZoneOffset.UTC);
        return VolumeFileSystem.open(
                new CoreVolume(
                        "formats",
                        new InMemoryBlocks(),
                        new SipHash(new byte[16]),
                        new SipHash(new byte[16]),
                        dir.resolve("journal"),
                        new byte[32],
                        new CoreFixture.MemoryCheckpoints(),
                        new HybridLogicalClock(clock, 0),
                        5,
                        new CoreFixture.Space()),
                CoreOptions.defaults().withIntervals(Duration.ofHours(1), Duration.ofHours(1)),
                Map.of(),
                clock);
    }

    private static void append(Path dir, List<byte[]> records) {
        try (Journal journal = journal(dir, new ArrayList<>())) {
            records.forEach(r -> journal.append(r, 0, r.length));
            journal.commit(journal.lastLsn());
        }
    }

    private static List<byte[]> payloads(Path dir) {
        List<byte[]> found = new ArrayList<>();
        journal(dir, found).close();
        return found;
    }

    private static Journal journal(Path dir, List<byte[]> found) {
        return Journal.open(
                dir.resolve("journal"),
                new byte[32],
                0,
                () -> {},
                (lsn, payload) -> {
                    byte[] bytes = new byte[payload.remaining()];
                    payload.get(bytes);
                    found.add(bytes);
                },
                JournalOptions.defaults());
    }

    // ---- helpers
    // ------------------------------------------------------------------------------------------------------

    private static void fails(ErrorKind kind, org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        PpiofsException.class,
                        e -> assertThat(e.kind())
                                .as(String.valueOf(e.getMessage()))
                                .isEqualTo(kind));
    }

    private static byte[] longer(byte[] value) {
        return Arrays.copyOf(value, value.length + 1);
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    private static byte[] bytes(Map<String, String> golden, String name) {
        return HEX.parseHex(golden.getOrDefault(name, "no " + name));
    }

    /** As they were before inodes had birth times. */
    private static List<byte[]> goldenPayloads() throws IOException {
        return goldenPayloads("payloads-v1.txt");
    }

    private static List<byte[]> goldenPayloads(String file) throws IOException {
        List<byte[]> payloads = new ArrayList<>();
        golden(file).values().forEach(hex -> payloads.add(HEX.parseHex(hex)));
        return payloads;
    }

    /** Lines of a name and hexadecimal bytes. */
    private static Map<String, String> golden(String file) throws IOException {
        try (InputStream in = FormatsTest.class.getResourceAsStream(file)) {
            assertThat(in).as(file).isNotNull();
            Map<String, String> lines = new LinkedHashMap<>();
            new String(in.readAllBytes(), StandardCharsets.US_ASCII)
                    .lines()
                    .map(line -> line.split(" ", 2))
                    .forEach(pair -> lines.put(pair[0], pair[1]));
            return lines;
        }
    }
}
