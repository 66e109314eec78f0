package io.ppiofs.blockstore.segment;

import io.ppiofs.blockstore.BlockStore;
import io.ppiofs.blockstore.BlockStoreContractTest;
import io.ppiofs.blockstore.space.SpaceBudget;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

class SegmentBlockStoreContractTest extends BlockStoreContractTest {
    @TempDir
    Path directory;

    @Override
    protected BlockStore newStore() {
        return SegmentBlockStore.open(
                directory.resolve("blocks"),
                SegmentOptions.defaults()
                        .withSegmentBytes(SegmentOptions.SMALLEST_SEGMENT)
                        .withIndexEntriesPerShard(2048),
                SpaceBudget.open(directory, Long.MAX_VALUE));
    }
}
