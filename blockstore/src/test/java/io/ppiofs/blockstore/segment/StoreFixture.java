package io.ppiofs.blockstore.segment;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.blockstore.BlockStore.StoredBlock;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.space.SpaceBudget;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;

/** Small stores and random blocks for the tests of this package. */
final class StoreFixture {
    static final SegmentOptions SMALL = SegmentOptions.defaults()
            .withSegmentBytes(SegmentOptions.SMALLEST_SEGMENT)
            .withIndexEntriesPerShard(2048);

    private StoreFixture() {}

    static SegmentBlockStore open(Path directory) {
        return SegmentBlockStore.open(directory, SMALL, SpaceBudget.open(directory, Long.MAX_VALUE));
    }

    static StoredBlock block(Random random, int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return new StoredBlock(Cid.of(ByteBuffer.wrap(bytes)), ByteBuffer.wrap(bytes));
    }

    /** Blocks of at least 32 bytes: no two are equal. */
    static List<StoredBlock> blocks(Random random, int count, int longest) {
        List<StoredBlock> blocks = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            blocks.add(block(random, 32 + random.nextInt(longest)));
        }
        return blocks;
    }

    static void assertHolds(SegmentBlockStore store, List<StoredBlock> blocks) {
        for (StoredBlock block : blocks) {
            ByteBuffer found = store.get(List.of(block.cid())).get(0);
            assertThat(found).as("%s", block.cid()).isEqualTo(block.bytes());
        }
    }

    static List<Path> segmentsIn(Path store) throws IOException {
        try (Stream<Path> files = Files.list(store.resolve("segments"))) {
            return files.filter(p -> p.toString().endsWith(".seg")).sorted().toList();
        }
    }

    /**
     * What kill -9 would leave: the files as they are now, without lock and without close. An index file that the
     * running store replaces meanwhile is not in the copy; segments never vanish here.
     */
    static Path copyOf(Path store, Path target) throws IOException {
        Files.walkFileTree(store, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path directory, BasicFileAttributes a) throws IOException {
                Files.createDirectories(
                        target.resolve(store.relativize(directory).toString()));
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes a) throws IOException {
                if (!file.endsWith("lock")) {
                    try {
                        Files.copy(file, target.resolve(store.relativize(file).toString()));
                    } catch (NoSuchFileException gone) {
                        return visitFileFailed(file, gone);
                    }
                }
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException failure) throws IOException {
                if (failure instanceof NoSuchFileException && file.startsWith(store.resolve("index"))) {
                    return FileVisitResult.CONTINUE;
                }
                throw failure;
            }
        });
        return target;
    }
}
