package io.ppiofs.fs.core;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.fs.testing.InMemoryBlocks;
import io.ppiofs.fs.tree.SipHash;
import io.ppiofs.fs.volume.Head;
import io.ppiofs.fs.volume.HybridLogicalClock;
import io.ppiofs.fs.volume.Protection;
import io.ppiofs.fs.volume.UnlockedVolume;
import io.ppiofs.fs.volume.Unlocker;
import io.ppiofs.fs.volume.VolumeDirectory;
import io.ppiofs.fs.volume.VolumeParameters;
import io.ppiofs.fs.volume.WriterIdentity;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The home of a volume is lost; the capability, the last head and the blocks bring it back on another one. */
class RestoredWriterTest {
    private static final Protection OPEN = new Protection.Unprotected();
    private static final CoreOptions BY_HAND =
            CoreOptions.defaults().withIntervals(Duration.ofHours(1), Duration.ofHours(1));

    @TempDir
    Path home;

    private final InMemoryBlocks blocks = new InMemoryBlocks();

    private VolumeFileSystem open(UnlockedVolume v) {
        WriterIdentity writer = v.writer();
        assertThat(writer).isNotNull();
        HybridLogicalClock clock = new HybridLogicalClock(InstantSource.system(), 0);
        return VolumeFileSystem.open(
                new CoreVolume(
                        v.config().name(),
                        blocks,
                        new SipHash(v.keys().nameKey()),
                        new SipHash(v.keys().levelKey()),
                        v.journalDirectory(),
                        v.keys().journalKey(),
                        new HeadCheckpoints(v.heads(), clock, writer.slot()),
                        clock,
                        writer.slot(),
                        new CoreFixture.Space()),
                BY_HAND,
                Map.of());
    }

    private static TreeFileSystem follow(UnlockedVolume v, InMemoryBlocks blocks) {
        Head head = v.heads().read();
        return TreeFileSystem.open(
                v.config().name(),
                blocks,
                new SipHash(v.keys().nameKey()),
                new SipHash(v.keys().levelKey()),
                head.state().treeRoot(),
                HeadCheckpoints.files(head.state()),
                Map.of(),
                BY_HAND);
    }

    private static Ino put(VolumeFileSystem fs, String name) {
        FileSystemCore.Created c = fs.create(Caller.ROOT, Ino.ROOT, FileName.of(name), 0644, OpenFlags.ofLinux(2));
        fs.write(c.file(), 0, ByteBuffer.wrap(name.repeat(1000).getBytes(StandardCharsets.US_ASCII)));
        fs.fsync(c.file(), false);
        fs.release(c.file());
        return c.attr().ino();
    }

    private static String content(FileSystemCore fs, String name) {
        OpenFile f = fs.open(Caller.ROOT, fs.lookup(Ino.ROOT, FileName.of(name)).ino(), OpenFlags.ofLinux(0));
        try {
            ByteBuffer out = ByteBuffer.allocate(100_000);
            int n = fs.read(f, 0, out);
            return new String(out.array(), 0, n, StandardCharsets.US_ASCII);
        } finally {
            fs.release(f);
        }
    }

    @Test
    void aRestoredVolumeGoesOnWithACleanJournalAndFreshInodes() {
        Path lost = home.resolve("lost");
        UnlockedVolume first = VolumeDirectory.create(lost, VolumeParameters.defaults("v"), OPEN);
        byte[] config =
                VolumeDirectory.of(lost.resolve(first.config().id().toString())).configEnvelope();
        VolumeFileSystem before = open(first);
        Ino one = put(before, "one");
        put(before, "two");
        before.close();
        byte[] head = first.heads().read().envelope();
        assertThat(first.heads().read().state().journalLsn()).isPositive();

        Path found = home.resolve("found");
        UnlockedVolume restored = VolumeDirectory.importVolume(found, first.capability(), config, head, OPEN);
        VolumeFileSystem fs = open(restored);
        assertThat(content(fs, "one")).isEqualTo("one".repeat(1000));
        assertThat(fs.lookup(Ino.ROOT, FileName.of("one")).ino()).isEqualTo(one);
        Ino three = put(fs, "three");
        assertThat(three.value() >>> InodeNumbers.COUNTER_BITS)
                .isEqualTo(restored.writer().slot());
        fs.engine().abandon(); // killed before its first checkpoint: the journal alone has the file

        UnlockedVolume again =
                VolumeDirectory.open(found.resolve(first.config().id().toString()), Unlocker.of(OPEN));
        VolumeFileSystem replayed = open(again);
        assertThat(content(replayed, "three")).isEqualTo("three".repeat(1000));
        replayed.close();
        Head own = again.heads().read();
        assertThat(own.clear().sequence()).isPositive();
        assertThat(own.clear().certificate().slot()).isEqualTo(restored.writer().slot());

        UnlockedVolume reader = VolumeDirectory.importVolume(
                home.resolve("reader"),
                ((io.ppiofs.fs.volume.Capability.ReadWrite) first.capability()).readOnly(0),
                config,
                head,
                OPEN);
        TreeFileSystem follower = follow(reader, blocks);
        assertThat(follower.files()).isEqualTo(3);
        assertThat(content(follower, "two")).isEqualTo("two".repeat(1000));
        Head newest = reader.heads().adopt(own.envelope());
        follower.advance(newest.state().treeRoot(), HeadCheckpoints.files(newest.state()));
        assertThat(content(follower, "three")).isEqualTo("three".repeat(1000));
        assertThat(follower.files()).isEqualTo(4);
        follower.close();
    }
}
