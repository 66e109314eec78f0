package io.ppiofs.fs.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.ppiofs.fs.fuse.FuseDriver;
import io.ppiofs.fs.fuse.FuseMount;
import io.ppiofs.fs.fuse.JnrFuseDriver;
import io.ppiofs.fs.fuse.MountOptions;
import io.ppiofs.fs.fuse.kernel.KernelFuseDriver;
import io.ppiofs.fs.tree.SipHash;
import java.io.IOException;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A following mount on both drivers: the kernel forgets in time what another machine changed. */
class FollowingMountTest {
    private static final Duration LONG = Duration.ofSeconds(30);

    @TempDir
    Path dir;

    static Stream<FuseDriver> drivers() {
        return Stream.of(new JnrFuseDriver(), new KernelFuseDriver());
    }

    private static void put(CoreFixture writer, String name, String text) {
        FileName n = FileName.of(name);
        OpenFile f = writer.fs
                .create(Caller.ROOT, Ino.ROOT, n, 0644, OpenFlags.ofLinux(2))
                .file();
        writer.write(f, 0, text.getBytes(java.nio.charset.StandardCharsets.US_ASCII));
        writer.fs.release(f);
    }

    private static void advance(CoreFixture writer, TreeFileSystem follower) {
        writer.fs.checkpoint();
        CheckpointStore.Checkpoint at = writer.checkpoints.load();
        follower.advance(at.root(), at.files());
    }

    @ParameterizedTest
    @MethodSource("drivers")
    void showsWhatTheWriterCheckpointed(FuseDriver driver) throws IOException {
        assumeTrue(Files.isReadable(Path.of("/dev/fuse")), "/dev/fuse cannot be opened here");
        CoreFixture writer = new CoreFixture(dir);
        put(writer, "changed", "before");
        put(writer, "removed", "to be removed");
        writer.fs.checkpoint();
        CheckpointStore.Checkpoint at = writer.checkpoints.load();
        TreeFileSystem follower = TreeFileSystem.open(
                "test",
                writer.blocks,
                new SipHash(new byte[16]),
                new SipHash(new byte[] {1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}),
                at.root(),
                at.files(),
                Map.of(),
                CoreOptions.defaults());
        Path mnt = Files.createDirectory(dir.resolve("mnt"));
        FuseMount mount = driver.mount(follower, mnt, new MountOptions("ppiofs:test", false, List.of(), 2));
        try (SeekableByteChannel open = Files.newByteChannel(mnt.resolve("removed"))) {
            assertThat(mnt.resolve("changed")).hasContent("before");
            assertThat(Files.exists(mnt.resolve("new"))).isFalse();
            assertThatThrownBy(() -> Files.writeString(mnt.resolve("changed"), "x"))
                    .isInstanceOf(FileSystemException.class)
                    .hasMessageContaining("Read-only");
            assertThatThrownBy(() -> Files.delete(mnt.resolve("changed")))
                    .isInstanceOf(FileSystemException.class)
                    .hasMessageContaining("Read-only");

            OpenFile w = writer.open("changed");
            writer.write(w, 0, "AFTER!!".getBytes(java.nio.charset.StandardCharsets.US_ASCII));
            writer.fs.release(w);
            put(writer, "new", "is new");
            writer.fs.unlink(Caller.ROOT, Ino.ROOT, FileName.of("removed"));
            advance(writer, follower);

            await().atMost(LONG).untilAsserted(() -> {
                assertThat(Files.readString(mnt.resolve("changed"))).isEqualTo("AFTER!!");
                assertThat(Files.readString(mnt.resolve("new"))).isEqualTo("is new");
                assertThat(Files.exists(mnt.resolve("removed"))).isFalse();
            });
            java.nio.ByteBuffer got = java.nio.ByteBuffer.allocate(100);
            assertThat(open.read(got)).isEqualTo("to be removed".length());
        } finally {
            mount.close();
            follower.close();
            writer.fs.close();
        }
    }
}
